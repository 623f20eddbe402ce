/**
 * A node's configuration: the checked values of its properties file, and above them the dynamic values from the metadata. A
 * dynamic value of the broker itself takes precedence over one of the cluster. `get` returns the value in force now; code that
 * must react to a change uses `bind`. The values of the file never change.
 */
import { sameElements } from '../base/collections.ts';
import type { NodeId } from '../base/ids.ts';
import { nodeId } from '../base/ids.ts';
import type { Address } from '../base/network.ts';
import type { BrokerKey, BrokerValues } from './broker-properties.ts';
import { brokerProperties, isBrokerKey, dynamicOnlyProperties, type RateKey } from './broker-properties.ts';
import type { Property, PropertyValue } from './define.ts';
import { ConfigError, invalidDynamic, parseValue } from './define.ts';
import type { ListenerConfig, SecurityProtocol, VoterConfig } from './listeners.ts';
import { parseAddresses, parseVoters } from './listeners.ts';
import { directoriesOf, isForZooKeeper, parseValues, withIdSynonyms, zooKeeperText } from './parse-values.ts';
import { parseProperties } from './properties-file.ts';
import { checkTogether, type ListenerSetup, RequirementError, warningsOf } from './validate.ts';

/** A configuration value that may change while the node runs. */
export interface Binding<T> {
  readonly value: T;
  /** Calls `listener` with the new value after each change. Returns a function that ends this. */
  onChange(listener: (value: T) => void): () => void;
}

export type DynamicValues = ReadonlyMap<string, string>;
const noValues: DynamicValues = new Map();

export class NodeConfig {
  /** The keys of the file and of the command line. When only one of node.id and broker.id is given, the other has its value. */
  readonly originals: ReadonlyMap<string, string>;
  readonly warnings: readonly string[];
  readonly nodeId: NodeId;
  readonly isBroker: boolean;
  readonly isController: boolean;
  /** The voters of controller.quorum.voters. Empty when the quorum is dynamic, because then the metadata log has the voters. */
  readonly voters: readonly VoterConfig[];
  /** The addresses of controller.quorum.bootstrap.servers. */
  readonly bootstrapServers: readonly Address[];
  readonly logDirs: readonly string[];
  readonly metadataLogDir: string;
  /** The values of the file, without dynamic ones. */
  private readonly fileValues: BrokerValues;
  private setup: ListenerSetup;
  private current: BrokerValues;
  private clusterValues: DynamicValues = noValues;
  private brokerValues: DynamicValues = noValues;
  private readonly rates = new Map<RateKey, number>();
  private readonly listenersOf = new Map<BrokerKey, Set<(value: never) => void>>();

  /** Throws `ConfigError` when a value is invalid, or when the values are not valid together. */
  constructor(originals: ReadonlyMap<string, string>) {
    if (isForZooKeeper(originals)) throw new ConfigError(zooKeeperText);
    this.originals = withIdSynonyms(originals);
    const values = parseValues(this.originals, (error) => {
      throw error;
    });
    this.fileValues = values;
    this.current = values;
    this.voters = parseVoters(values['controller.quorum.voters']);
    this.bootstrapServers = parseAddresses(values['controller.quorum.bootstrap.servers']);
    this.setup = checkTogether(values, (key) => originals.has(key), this.voters);
    this.warnings = warningsOf(originals, values);
    this.nodeId = nodeId(values['node.id']);
    this.isBroker = values['process.roles'].includes('broker');
    this.isController = values['process.roles'].includes('controller');
    const { logDirs, metadataLogDir } = directoriesOf(values);
    this.logDirs = logDirs;
    this.metadataLogDir = metadataLogDir;
  }

  /** Makes a configuration from the text of a properties file; `overrides` replace values of the file. */
  static parse(text: string, overrides: ReadonlyMap<string, string> = new Map()): NodeConfig {
    return new NodeConfig(new Map([...parseProperties(text), ...overrides]));
  }

  /** Returns the value that is in force now. */
  get<K extends BrokerKey>(key: K): BrokerValues[K] {
    return this.current[key];
  }

  bind<K extends BrokerKey>(key: K): Binding<BrokerValues[K]> {
    const config = this;
    return {
      get value() {
        return config.get(key);
      },
      onChange: (listener) => {
        let all = config.listenersOf.get(key);
        if (all === undefined) config.listenersOf.set(key, (all = new Set()));
        all.add(listener as (value: never) => void);
        return () => all.delete(listener as (value: never) => void);
      },
    };
  }

  /** Returns the value for one listener: that of `listener.name.<name>.<key>` if it is set, otherwise that of `key`. */
  listenerValue<K extends BrokerKey>(listener: string, key: K): BrokerValues[K] {
    const name = `listener.name.${listener.toLowerCase()}.${key}`;
    const text = this.brokerValues.get(name) ?? this.clusterValues.get(name) ?? this.originals.get(name);
    if (text === undefined) return this.get(key);
    return parseValue(name, brokerProperties[key] as Property, text) as BrokerValues[K];
  }

  /** All listeners of this node, in the order of the property `listeners`. */
  get listeners(): readonly ListenerConfig[] {
    return this.setup.listeners;
  }

  /** The listeners for clients and other brokers. */
  get brokerListeners(): readonly ListenerConfig[] {
    return this.setup.listeners.filter((listener) => !this.controllerListenerNames.includes(listener.name));
  }

  get controllerListeners(): readonly ListenerConfig[] {
    return this.setup.listeners.filter((listener) => this.controllerListenerNames.includes(listener.name));
  }

  /**
   * The listeners that the broker registers, so that clients and brokers learn its addresses: those of advertised.listeners,
   * otherwise those of listeners. The host may be empty; `server/` then fills it in.
   */
  get advertisedListeners(): readonly ListenerConfig[] {
    return this.setup.advertised.filter((listener) => !this.controllerListenerNames.includes(listener.name));
  }

  /** The addresses at which other nodes reach this controller. */
  get advertisedControllerListeners(): readonly ListenerConfig[] {
    const advertised = this.setup.advertised.filter((listener) =>
      this.controllerListenerNames.includes(listener.name),
    );
    return advertised.length > 0 ? advertised : this.controllerListeners;
  }

  /** When false, each client is told the address to which it connected. */
  get advertisesExplicitly(): boolean {
    return this.originals.has('advertised.listeners');
  }

  get controllerListenerNames(): readonly string[] {
    return this.setup.controllerNames;
  }

  /** Empty on a node that is only a controller. */
  get interBrokerListenerName(): string {
    return this.setup.interBrokerName;
  }

  /**
   * Returns the security protocol that listener.security.protocol.map gives to a name; null when the name is not in it. When
   * that key is not set, the names of controller listeners have PLAINTEXT.
   */
  securityProtocolOf(listener: string): SecurityProtocol | null {
    return this.setup.protocols.get(listener.toUpperCase()) ?? null;
  }

  /** Returns the text that each of the three places sets for a key; undefined where it is not set. */
  layersOf(key: string): {
    broker: string | undefined;
    cluster: string | undefined;
    file: string | undefined;
  } {
    return {
      broker: this.brokerValues.get(key),
      cluster: this.clusterValues.get(key),
      file: this.originals.get(key),
    };
  }

  get dynamicCluster(): DynamicValues {
    return this.clusterValues;
  }

  get dynamicBroker(): DynamicValues {
    return this.brokerValues;
  }

  /**
   * Returns the rate of a key of `dynamicOnlyProperties` in bytes per second. `Number.MAX_SAFE_INTEGER` means no limit.
   */
  rate(key: RateKey): number {
    return this.rates.get(key) ?? Number.MAX_SAFE_INTEGER;
  }

  /**
   * Applies the dynamic configuration of the metadata image, and calls the listeners of each binding whose value changed.
   * Returns the keys of values that it left out because they are invalid or must not change at run time. This is rare: the
   * controller refuses such values, but one of another release may have accepted them.
   */
  applyDynamic(cluster: DynamicValues, broker: DynamicValues): string[] {
    this.clusterValues = cluster;
    this.brokerValues = broker;
    const { values: next, refused } = this.layered(cluster, broker);
    for (const key of Object.keys(dynamicOnlyProperties) as RateKey[]) {
      const value = tryParse(key, dynamicOnlyProperties[key], broker.get(key) ?? cluster.get(key) ?? '');
      if (typeof value === 'number') this.rates.set(key, value);
      else this.rates.delete(key);
    }
    const before = this.current;
    this.current = next;
    if (!sameListeners(before, next)) this.setup = this.setupOf(next, refused);
    for (const [key, listeners] of this.listenersOf) {
      const value = this.current[key];
      if (sameValue(before[key], value)) continue;
      for (const listener of [...listeners]) listener(value as never);
    }
    return refused;
  }

  /**
   * Returns the listeners that `values` define. When these values are invalid together, returns the present listeners and adds
   * `listenerKeys` to `refused`.
   */
  private setupOf(values: BrokerValues, refused: string[]): ListenerSetup {
    const isSet = (key: string): boolean =>
      [this.originals, this.clusterValues, this.brokerValues].some((layer) => layer.has(key));
    try {
      return checkTogether(values, isSet, this.voters);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      refused.push(...listenerKeys);
      return this.setup;
    }
  }

  /**
   * Checks `layer`, the new dynamic values of this broker (`isOwn`) or of the cluster, together with all other values. Returns
   * Kafka's error message, or null when the values are valid together. A value that is invalid by itself is left out of the
   * check.
   */
  problemTogether(layer: DynamicValues, isOwn: boolean): string | null {
    const layers = [isOwn ? this.clusterValues : layer, isOwn ? layer : this.brokerValues] as const;
    const isSet = (key: string): boolean => this.originals.has(key) || layers.some((one) => one.has(key));
    try {
      const next = checkTogether(this.layered(...layers).values, isSet, this.voters);
      return this.isBroker ? listenerProblem(this.setup, next) : null;
    } catch (error) {
      if (error instanceof RequirementError) return `requirement failed: ${error.message}`;
      if (error instanceof ConfigError) return error.message;
      throw error;
    }
  }

  /**
   * Returns the values of the file with the dynamic ones above them, and the keys of dynamic values that are invalid or must
   * not change at run time.
   */
  private layered(
    cluster: DynamicValues,
    broker: DynamicValues,
  ): { values: BrokerValues; refused: string[] } {
    const refused: string[] = [];
    const values: Record<string, PropertyValue> = { ...this.fileValues };
    for (const [layer, own] of [
      [cluster, false],
      [broker, true],
    ] as const) {
      for (const [key, text] of layer) {
        if (!isBrokerKey(key)) continue;
        const property = brokerProperties[key] as Property;
        const may = property.update === 'cluster-wide' || (property.update === 'per-broker' && own);
        const value = may ? tryParse(key, property, text) : undefined;
        if (value === undefined) refused.push(key);
        else values[key] = value;
      }
    }
    return { values: values as unknown as BrokerValues, refused };
  }
}

/**
 * Returns Kafka's error message for a change of listeners that a running broker does not allow (Kafka's
 * `DynamicListenerConfig`); null when it is allowed.
 */
function listenerProblem(before: ListenerSetup, after: ListenerSetup): string | null {
  const namesOf = (listeners: readonly ListenerConfig[]): string[] => listeners.map(({ name }) => name);
  const names = namesOf(after.listeners);
  const advertised = namesOf(before.advertised).filter((name) => !before.controllerNames.includes(name));
  const shown = (list: readonly string[]): string =>
    `Set(${list.map((name) => `ListenerName(${name})`).join(', ')})`;
  if (!advertised.every((name) => names.includes(name)))
    return invalidDynamic(
      `Advertised listeners '${shown(advertised)}' must be a subset of listeners '${shown(names)}'`,
    );
  const changed = before.listeners.find(
    ({ name, securityProtocol }) => names.includes(name) && after.protocols.get(name) !== securityProtocol,
  );
  if (changed === undefined) return null;
  return invalidDynamic(
    `Security protocol cannot be updated for existing listener ListenerName(${changed.name})`,
  );
}

const listenerKeys = ['listeners', 'listener.security.protocol.map'] as const;

function sameListeners(a: BrokerValues, b: BrokerValues): boolean {
  return listenerKeys.every((key) => sameValue(a[key], b[key]));
}

function tryParse(key: string, property: Property, text: string): PropertyValue | undefined {
  try {
    return parseValue(key, property, text);
  } catch (error) {
    if (error instanceof ConfigError) return undefined;
    throw error;
  }
}

function sameValue(a: PropertyValue, b: PropertyValue): boolean {
  return a === b || (Array.isArray(a) && Array.isArray(b) && sameElements(a, b));
}
