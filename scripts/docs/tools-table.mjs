/**
 * All scripts in bin/ of Apache Kafka 4.3.1, and what this package has for each. docs/tools.md is made from this table by
 * `tools.mjs`; test/cli/tools-of-kafka.test.ts compares the options of each tool with those of Kafka's.
 *
 * `is` says what the tool here does: `same` has Kafka's options, texts and exit status. `none here` has Kafka's options and
 * help, but our brokers have no groups of that kind. `explains` prints what to run instead. `absent` means that there is no
 * such tool.
 */
export const toolsOfKafka = {
  'connect-distributed': { is: 'explains', what: 'Kafka Connect, distributed' },
  'connect-mirror-maker': { is: 'explains', what: 'MirrorMaker 2' },
  'connect-plugin-path': { is: 'explains', what: 'plug-ins of Kafka Connect' },
  'connect-standalone': { is: 'explains', what: 'Kafka Connect, one process' },
  'kafka-acls': { is: 'same', what: 'access control lists', note: 'brokers of ours have no authorizer yet' },
  'kafka-broker-api-versions': { is: 'same', what: 'versions of each API that brokers serve' },
  'kafka-client-metrics': { is: 'same', what: 'which metrics clients push (KIP-714)' },
  'kafka-cluster': { is: 'same', what: 'cluster id, endpoints, unregistering of brokers' },
  'kafka-configs': {
    is: 'same',
    what: 'dynamic configuration, quotas, SCRAM users',
  },
  'kafka-console-consumer': {
    is: 'same',
    what: 'prints records of topics',
    note: 'without `--group` it joins no group (Kafka’s joins one of its own), and finds new partitions within 5 s',
  },
  'kafka-console-producer': {
    is: 'same',
    what: 'sends lines as records',
    note: '`--broker-list` is refused as in Kafka 4, but taken where the variables of an old image are set: see differences.md',
  },
  'kafka-console-share-consumer': { is: 'none here', what: 'prints records through a share group' },
  'kafka-consumer-groups': { is: 'same', what: 'groups, their lag, resets of their offsets' },
  'kafka-consumer-perf-test': { is: 'same', what: 'throughput of a consumer' },
  'kafka-delegation-tokens': { is: 'same', what: 'delegation tokens', note: 'brokers of ours have none yet' },
  'kafka-delete-records': { is: 'same', what: 'deletes records below an offset' },
  'kafka-dump-log': {
    is: 'same',
    what: 'content of segments, indexes, snapshots',
    note: 'also reads the metadata log of a node of ours, by its directory',
  },
  'kafka-e2e-latency': { is: 'same', what: 'time from a producer to a consumer' },
  'kafka-features': { is: 'same', what: 'feature levels of a cluster and of releases' },
  'kafka-get-offsets': { is: 'same', what: 'offsets of partitions, by time' },
  'kafka-groups': { is: 'same', what: 'groups of all types' },
  'kafka-jmx': { is: 'explains', what: 'numbers of a Java process' },
  'kafka-leader-election': { is: 'same', what: 'preferred and unclean elections' },
  'kafka-log-dirs': { is: 'same', what: 'what is on the disks of brokers' },
  'kafka-metadata-quorum': { is: 'same', what: 'state and members of the metadata quorum' },
  'kafka-metadata-shell': {
    is: 'same',
    what: 'walks through metadata as through files',
    note: 'also takes a directory, also that of a running node',
  },
  'kafka-producer-perf-test': { is: 'same', what: 'throughput of a producer' },
  'kafka-reassign-partitions': { is: 'same', what: 'moves replicas between brokers and disks' },
  'kafka-replica-verification': { is: 'same', what: 'compares the records of all replicas' },
  'kafka-run-class': { is: 'explains', what: 'any Java class of Kafka' },
  'kafka-server-start': { is: 'same', what: 'runs a node' },
  'kafka-server-stop': { is: 'same', what: 'ends the nodes of this machine' },
  'kafka-share-consumer-perf-test': { is: 'none here', what: 'throughput of share consumers' },
  'kafka-share-groups': { is: 'none here', what: 'share groups (KIP-932)' },
  'kafka-storage': { is: 'same', what: 'formats directories, makes ids' },
  'kafka-streams-application-reset': { is: 'same', what: 'starts a Streams application over' },
  'kafka-streams-groups': { is: 'none here', what: 'groups of Kafka Streams (KIP-1071)' },
  'kafka-topics': { is: 'same', what: 'topics and their partitions' },
  'kafka-transactions': { is: 'same', what: 'transactions, also hanging ones' },
  'kafka-verifiable-consumer': { is: 'same', what: 'a consumer that prints what it does as JSON' },
  'kafka-verifiable-producer': { is: 'same', what: 'a producer that prints what it does as JSON' },
  'kafka-verifiable-share-consumer': { is: 'none here', what: 'a share consumer that prints what it does' },
  'transactional-message-copier': {
    is: 'same',
    what: 'copies a partition in transactions',
    note: 'part of Kafka’s tests, not of its bin/',
  },
  trogdor: { is: 'absent', what: 'Kafka’s framework for test loads' },
};

const meaning = {
  same: 'options, texts and exit status are those of Apache Kafka 4.3.1',
  'none here':
    'options and help are Kafka’s; brokers of ours have no such groups, so that lists are empty and the rest says so',
  explains: 'the script of Kafka runs a Java program; ours prints what to run instead',
  absent: 'there is no such script here',
};

/** Returns the text of the page. `options` has the options of Kafka's tools, by command line. */
export function toolsPage(options) {
  const rows = Object.entries(toolsOfKafka).map(([name, { is, what, note }]) => {
    const commands = Object.keys(options).filter((line) => line === name || line.startsWith(`${name} `));
    const count = new Set(commands.flatMap((line) => options[line].split(' '))).size;
    return `| ${name} | ${what} | ${is} | ${commands.length === 0 ? '' : count} | ${note ?? ''} |`;
  });
  const kinds = Object.entries(meaning).map(([kind, text]) => `- **${kind}**: ${text}.`);
  return [
    '# Tools',
    '',
    'This page lists every script of bin/ of Apache Kafka 4.3.1, and what the script of that name does here. `node scripts/docs/tools.mjs`',
    'writes it. `test/cli/tools-of-kafka.test.ts` compares the options of each with those of Kafka’s script.',
    '',
    ...kinds,
    '',
    '| tool | what it does | ours | options | note |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
    '',
    'Options of all subcommands are counted together. Where Kafka 4.2 renamed options (KIP-1147: `--command-config`, `--command-property`,',
    '`--formatter-property`, `--reader-property`), the new and the old ones work, the old ones with Kafka’s warning.',
    'Regular expressions (`--include`, `--topic`) are those of Java, without possessive quantifiers, atomic groups, intersections of',
    'classes, and negated classes of Java between brackets; `--validate-regex` judges by RE2, as brokers do. The exit status of a failure is Kafka’s; of Java’s exceptions the name and',
    'the message are printed at most, never the stack.',
    'A tool has `--bootstrap-controller` when Kafka’s tool has it. Besides these scripts, bin/ contains `bendemann`, `docker-entrypoint`, and',
    'three tools of older releases for ZooKeeper (`zookeeper-*`), which print what to use instead.',
    '',
  ].join('\n');
}
