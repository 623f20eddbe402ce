/**
 * The tools, by Kafka's names, with their modules. `scripts/make-launchers.mjs` makes `bin/` from this table; `entry.ts` loads the
 * one module that is needed.
 */

export interface Tool {
  readonly name: string;
  /** File under `src/cli/`, without its ending; exports `main: ToolMain`. */
  readonly module: string;
}

/** The folders of `src/cli/` with tools, and the tools in each; a module has the name of its tool. */
const byFolder: Readonly<Record<string, readonly string[]>> = {
  bendemann: ['bendemann'],
  storage: ['kafka-storage'],
  node: ['kafka-server-start', 'kafka-server-stop'],
  container: ['docker-entrypoint'],
  topics: [
    'kafka-topics',
    'kafka-get-offsets',
    'kafka-leader-election',
    'kafka-delete-records',
    'kafka-log-dirs',
  ],
  console: ['kafka-console-producer', 'kafka-console-consumer'],
  groups: ['kafka-consumer-groups', 'kafka-groups'],
  transactions: ['kafka-transactions'],
  streams: ['kafka-streams-application-reset'],
  configs: ['kafka-configs', 'kafka-client-metrics'],
  security: ['kafka-acls', 'kafka-delegation-tokens'],
  quorum: ['kafka-metadata-quorum', 'kafka-features', 'kafka-broker-api-versions', 'kafka-cluster'],
  reassign: ['kafka-reassign-partitions'],
  'share-groups': [
    'kafka-share-groups',
    'kafka-streams-groups',
    'kafka-console-share-consumer',
    'kafka-share-consumer-perf-test',
    'kafka-verifiable-share-consumer',
  ],
  replicas: ['kafka-replica-verification'],
  'metadata-shell': ['kafka-metadata-shell'],
  'dump-log': ['kafka-dump-log'],
  perf: [
    'kafka-producer-perf-test',
    'kafka-consumer-perf-test',
    'kafka-e2e-latency',
    'kafka-verifiable-producer',
    'kafka-verifiable-consumer',
    'transactional-message-copier',
  ],
};

/** Tools for ZooKeeper, which print what to do instead. */
const zooKeeper = ['zookeeper-server-start', 'zookeeper-server-stop', 'zookeeper-shell'];

/** Java programs, which print where to run them. */
const java = [
  'connect-standalone',
  'connect-distributed',
  'connect-mirror-maker',
  'connect-plugin-path',
  'kafka-run-class',
  'kafka-jmx',
];

export const tools: readonly Tool[] = [
  ...Object.entries(byFolder).flatMap(([folder, names]) =>
    names.map((name) => ({ name, module: `${folder}/${name}` })),
  ),
  ...zooKeeper.map((name) => ({ name, module: 'node/zookeeper' })),
  ...java.map((name) => ({ name, module: 'node/elsewhere' })),
];
