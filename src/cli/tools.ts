/**
 * The table of all tools: their names, which are Kafka's except for `bendemann` and `docker-entrypoint`, and their modules.
 * `scripts/make-launchers.mjs` makes `bin/` from it, and `entry.ts` loads the module of the tool that was called.
 */

export interface Tool {
  readonly name: string;
  /** The path of the module under `src/cli/`, without `.ts`. The module exports `main: ToolMain`. */
  readonly module: string;
}

/** The folders of `src/cli/` that contain tools, and the tools in each. A tool's module has the name of the tool. */
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

/** Kafka's old tools for ZooKeeper. Here they print what to use instead. */
const zooKeeper = ['zookeeper-server-start', 'zookeeper-server-stop', 'zookeeper-shell'];

/** Kafka's tools that run Java programs. Here they print what to do instead. */
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
