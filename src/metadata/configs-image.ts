/** Dynamic configurations: the values that were set through AlterConfigs, by resource. Static properties are not here. */
import { PersistentMap } from '../base/persistent-map.ts';

/** Kafka's resource types. */
export const resourceType = {
  topic: 2,
  broker: 4,
  brokerLogger: 8,
  clientMetrics: 16,
  group: 32,
} as const;

export interface ConfigResource {
  readonly type: number;
  /** A topic, the id of a broker, or '' for the cluster-wide broker default. */
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

  /** The dynamic values of this broker only. */
  broker(id: number): ReadonlyMap<string, string> {
    return this.get(resourceType.broker, String(id));
  }

  /** The dynamic values for all brokers. */
  brokerDefault(): ReadonlyMap<string, string> {
    return this.get(resourceType.broker, '');
  }

  /** In undefined order; only resources with values. */
  all(): IterableIterator<ResourceConfigImage> {
    return this.#resources.values();
  }

  update(changes: ReadonlyMap<string, ResourceConfigImage | null>): ConfigsImage {
    return new ConfigsImage(this.#resources.update(changes));
  }
}
