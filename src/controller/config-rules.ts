/**
 * The interface through which the controller checks configuration values and looks up defaults. `table-rules.ts` implements it
 * from the tables in `config/`.
 */

export interface EffectiveConfig {
  readonly name: string;
  readonly value: string | null;
  readonly readOnly: boolean;
  /** Kafka's code for the source of the value (ConfigSource). */
  readonly configSource: number;
  readonly isSensitive: boolean;
}

/**
 * Rules for the configuration of each resource type. A failed check throws a `KafkaError` with Kafka's error code
 * (INVALID_CONFIG; INVALID_REQUEST for brokers and for some mistakes in client metrics) and message.
 */
export interface ConfigRules {
  /** Checks all overrides of a topic together. */
  checkTopic(values: ReadonlyMap<string, string>): void;
  /** Checks all dynamic values of a broker together; `name` is '' for the cluster-wide default. */
  checkBroker(name: string, values: ReadonlyMap<string, string>): void;
  /** Checks the values of a group or of a client metrics subscription. */
  checkOther(type: number, name: string, values: ReadonlyMap<string, string>): void;
  /** The new value of a list after APPEND or SUBTRACT of `text`; `current` is the value before. */
  alterList(
    type: number,
    key: string,
    current: string,
    operation: 'APPEND' | 'SUBTRACT',
    text: string,
  ): string;
  /** The default value of a key; '' when it has none. */
  defaultOf(type: number, key: string): string;
  /** The effective configuration of a topic, as the CreateTopics response lists it. */
  effectiveTopic(values: ReadonlyMap<string, string>): readonly EffectiveConfig[];
}
