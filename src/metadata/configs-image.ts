/**
 * Dynamic configurations: the values that clients have set, by resource. The properties of `server.properties` are not here.
 */
import { PersistentMap } from '../base/persistent-map.ts';

/** Kafka's codes of resource types. */
export const resourceType = {
  topic: 2,
  broker: 4,
  brokerLogger: 8,
  clientMetrics: 16,
  group: 32,
} as const;

export interface ConfigResource {
  readonly type: number;
  /** A topic, broker, group or client metrics subscription; '' with type broker: the default of all brokers. */
  readonly name: string;
}

export interface ResourceConfigImage extends ConfigResource {
  readonly values: ReadonlyMap<string, string>;
}

const noValues: ReadonlyMap<string, string> = new Map();

export function resourceKey(type: number, name: string): string {
  return `${type}:${name}`;
}

export class ConfigsImage {
  readonly #resources: PersistentMap<string, ResourceConfigImage>;

  constructor(resources: PersistentMap<string, ResourceConfigImage>) {
    this.#resources = resources;
  }

  static empty(): ConfigsImage {
    return new ConfigsImage(PersistentMap.empty());
  }

  get(type: number, name: string): ReadonlyMap<string, string> {
    return this.#resources.get(resourceKey(type, name))?.values ?? noValues;
  }

  topic(name: string): ReadonlyMap<string, string> {
    return this.get(resourceType.topic, name);
  }

  /** The dynamic values that are set for this broker only. */
  broker(id: number): ReadonlyMap<string, string> {
    return this.get(resourceType.broker, String(id));
  }

  /** The dynamic values that are set for all brokers. */
  brokerDefault(): ReadonlyMap<string, string> {
    return this.get(resourceType.broker, '');
  }

  /** All resources that have values, in undefined order. */
  all(): IterableIterator<ResourceConfigImage> {
    return this.#resources.values();
  }

  update(changes: ReadonlyMap<string, ResourceConfigImage | null>): ConfigsImage {
    return new ConfigsImage(this.#resources.update(changes));
  }
}
