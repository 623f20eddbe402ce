/**
 * The tools, each by its Kafka name and the module that is it. `scripts/make-launchers.mjs` makes `bin/` from this table;
 * the entry loads the one module that is asked for.
 */

export interface Tool {
  readonly name: string;
  /** File under `src/cli/`, without its ending; exports `main: ToolMain`. */
  readonly module: string;
}

const sameName = [
  'kafka-storage',
  'kafka-server-start',
  'kafka-server-stop',
  'kafka-topics',
  'kafka-console-producer',
  'kafka-console-consumer',
  'kafka-consumer-groups',
  'kafka-get-offsets',
  'kafka-configs',
  'kafka-metadata-quorum',
  'kafka-features',
  'kafka-leader-election',
  'kafka-reassign-partitions',
  'kafka-delete-records',
  'kafka-log-dirs',
  'kafka-broker-api-versions',
  'kafka-cluster',
];

/** Tools of ZooKeeper times, which say what to do now. */
const zooKeeper = ['zookeeper-server-start', 'zookeeper-server-stop', 'zookeeper-shell'];

export const tools: readonly Tool[] = [
  ...sameName.map((name) => ({ name, module: name })),
  ...zooKeeper.map((name) => ({ name, module: 'zookeeper' })),
];
