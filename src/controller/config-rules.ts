/** What the controller has to know about configuration keys. `table-rules.ts` has it from the property tables. */

export interface EffectiveConfig {
  readonly name: string;
  readonly value: string | null;
  readonly readOnly: boolean;
  /** Kafka's number of where the value comes from. */
  readonly configSource: number;
  readonly isSensitive: boolean;
}

/** The checks throw a `KafkaError` with Kafka's code (INVALID_CONFIG, or INVALID_REQUEST for brokers) and text. */
export interface ConfigRules {
  /** Checks all overrides that a topic would have. */
  checkTopic(values: ReadonlyMap<string, string>): void;
  /** Checks the dynamic values that a broker, or all of them (''), would have. */
  checkBroker(name: string, values: ReadonlyMap<string, string>): void;
  /** Checks values of a group or of client metrics. */
  checkOther(type: number, name: string, values: ReadonlyMap<string, string>): void;
  /** A list value after APPEND or SUBTRACT. */
  alterList(
    type: number,
    key: string,
    current: string,
    operation: 'APPEND' | 'SUBTRACT',
    text: string,
  ): string;
  /** Value of a key when nothing is set; '' when it has none. */
  defaultOf(type: number, key: string): string;
  /** The whole configuration of a topic, as CreateTopics tells it. */
  effectiveTopic(values: ReadonlyMap<string, string>): readonly EffectiveConfig[];
}
