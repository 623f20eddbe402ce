/**
 * kafka-verifiable-consumer: reads as a member of a group, and prints rebalances, records and commits as JSON, one event a
 * line.
 */
import type { ConsumedRecord } from '../../client/fetcher.ts';
import { type AssignedPartition, GroupConsumer } from '../../client/group-consumer.ts';
import { KafkaError } from '../../protocol/errors.ts';
import { parseFlat, type FlatParser, type Parsed } from '../arguments/argparse.ts';
import { fetchOptionsOf, groupOptionsOf } from '../cluster/client-options.ts';
import { connectClient } from '../cluster/connect.ts';
import { type CliIo, ToolError } from '../tool.ts';
import { connectionSection, event, toolSettings, withHelpFirst } from './verifiable.ts';

const parser: FlatParser = {
  prog: 'verifiable-consumer',
  description:
    'This tool consumes messages from a specific topic and emits consumer events (e.g. group rebalances, received messages, and offsets committed) as JSON objects to STDOUT.',
  sectionNotes: connectionSection.notes,
  arguments: [
    { flags: ['--topic'], isRequired: true, help: 'Consumes messages from this topic.' },
    {
      flags: ['--group-protocol'],
      metavar: 'GROUP-PROTOCOL',
      default: 'classic',
      help: 'Group protocol (must be one of CLASSIC, CONSUMER)',
    },
    {
      flags: ['--group-remote-assignor'],
      metavar: 'GROUP-REMOTE-ASSIGNOR',
      help: 'Group remote assignor; only used if the group protocol is CONSUMER',
    },
    {
      flags: ['--group-id'],
      metavar: 'GROUP-ID',
      isRequired: true,
      help: 'The group id of the consumer group',
    },
    {
      flags: ['--group-instance-id'],
      metavar: 'GROUP-INSTANCE-ID',
      help: 'A unique identifier of the consumer instance',
    },
    {
      flags: ['--max-messages'],
      metavar: 'MAX-MESSAGES',
      integer: 'Integer',
      default: '-1',
      help: 'Consume this many messages. If -1 (the default), the consumer will consume until the process is killed externally',
    },
    {
      flags: ['--session-timeout'],
      metavar: 'TIMEOUT-MS',
      integer: 'Integer',
      help: "Set the consumer's session timeout, note that this configuration is not supported when group protocol is consumer",
    },
    {
      flags: ['--verbose'],
      kind: 'flag',
      default: 'false',
      help: 'Enable to log individual consumed records',
    },
    {
      flags: ['--enable-autocommit'],
      kind: 'flag',
      default: 'false',
      help: 'Enable offset auto-commit on consumer',
    },
    {
      flags: ['--reset-policy'],
      metavar: 'RESET-POLICY',
      default: 'earliest',
      help: "Set reset policy (must be either 'earliest', 'latest', or 'none')",
    },
    {
      flags: ['--assignment-strategy'],
      metavar: 'ASSIGNMENT-STRATEGY',
      default: 'org.apache.kafka.clients.consumer.RangeAssignor',
      help: 'Set assignment strategy (e.g. org.apache.kafka.clients.consumer.RoundRobinAssignor); only used if the group protocol is CLASSIC',
    },
    {
      flags: ['--consumer.config'],
      metavar: 'CONFIG-FILE',
      help: '(DEPRECATED) Consumer config properties file. This option will be removed in a future version. Use --command-config instead',
    },
    {
      flags: ['--command-config'],
      metavar: 'CONFIG-FILE',
      help: 'Config properties file (config options shared with command line parameters will be overridden).',
    },
    {
      ...connectionSection.bootstrapServer,
      help: 'The server(s) to connect to. Comma-separated list of Kafka brokers in the form HOST1:PORT1,HOST2:PORT2,...',
    },
  ],
};

const pollMaxMs = 100;
const autoCommitIntervalMs = 5_000;
/** Settings that must not be given with the consumer protocol, because the coordinator decides them. */
const classicSettings = [
  'session.timeout.ms',
  'heartbeat.interval.ms',
  'partition.assignment.strategy',
] as const;
type Signal = 'SIGINT' | 'SIGTERM';
/** The exit status that Java has after each signal. */
const signalStatus: Record<Signal, number> = { SIGINT: 130, SIGTERM: 143 };
const rangeAssignor = /^(org\.apache\.kafka\.clients\.consumer\.)?RangeAssignor$/;

export function main(args: readonly string[], io: CliIo): Promise<number> {
  return withHelpFirst(args, io, (words) => run(parseFlat(parser, words), io));
}

function settingsOf(options: Parsed, io: CliIo): Map<string, string> {
  const settings = toolSettings(options, 'consumer.config', io);
  const protocol = (options.text('group-protocol') as string).toUpperCase();
  if (protocol !== 'CLASSIC' && protocol !== 'CONSUMER') {
    throw new ToolError(
      `Exception in thread "main" java.lang.IllegalArgumentException: No enum constant org.apache.kafka.clients.consumer.GroupProtocol.${protocol}`,
    );
  }
  settings.set('group.protocol', protocol);
  settings.set('group.id', options.text('group-id') as string);
  settings.set('auto.offset.reset', options.text('reset-policy') as string);
  const instanceId = options.text('group-instance-id');
  if (instanceId !== null) settings.set('group.instance.id', instanceId);
  const sessionTimeoutMs = options.text('session-timeout');
  if (sessionTimeoutMs !== null) settings.set('session.timeout.ms', sessionTimeoutMs);
  if (protocol === 'CONSUMER') setConsumerProtocol(settings, options);
  else if (!rangeAssignor.test(options.text('assignment-strategy') as string))
    throw new ToolError("This tool's consumer has the RangeAssignor only. Leave --assignment-strategy out.");
  return settings;
}

function setConsumerProtocol(settings: Map<string, string>, options: Parsed): void {
  const refused = classicSettings.find((key) => settings.has(key));
  if (refused !== undefined) {
    throw new ToolError(
      `Exception in thread "main" org.apache.kafka.common.config.ConfigException: ${refused} cannot be set when group.protocol=CONSUMER`,
    );
  }
  const assignor = options.text('group-remote-assignor');
  if (assignor !== null) settings.set('group.remote.assignor', assignor);
}

async function run(options: Parsed, io: CliIo): Promise<number> {
  const settings = settingsOf(options, io);
  const client = connectClient({
    bootstrap: options.text('bootstrap-server') as string,
    settings,
    clientId: 'verifiable-consumer',
  });
  let signal: Signal | null = null;
  const unlisten = io.onSignal((received) => {
    if (signal === null) io.stdout(event('shutdown_requested', {}));
    signal = received;
  });
  const rebalances = new Rebalances(options.text('group-protocol')?.toUpperCase() === 'CONSUMER', io);
  const consumer = new GroupConsumer(client, [options.text('topic') as string], {
    group: groupOptionsOf(settings),
    fetch: fetchOptionsOf(settings),
    autoCommitIntervalMs: options.has('enable-autocommit') ? autoCommitIntervalMs : null,
    onRebalance: (revoked) => rebalances.revoked(revoked),
    onAssigned: (assigned) => rebalances.assigned(assigned),
  });
  const isSignalled = (): boolean => signal !== null;
  try {
    io.stdout(event('startup_complete', {}));
    await consume(consumer, options, io, isSignalled);
    rebalances.closed();
    await consumer.close();
    io.stdout(event('shutdown_complete', {}));
    if (signal !== null) return signalStatus[signal];
    io.stdout(event('shutdown_requested', {}));
    return 0;
  } finally {
    unlisten();
    client.close();
  }
}

/**
 * Reads until there are enough records, a signal arrives, or a poll fails with a Kafka error, for example because the group has
 * fenced this consumer. As in Kafka's tool, such an error is printed and is a normal end.
 */
async function consume(
  consumer: GroupConsumer,
  options: Parsed,
  io: CliIo,
  isSignalled: () => boolean,
): Promise<void> {
  const limit = Number(options.text('max-messages'));
  try {
    for (let count = 0; !isSignalled() && (limit < 0 || count < limit); ) {
      const rest = limit < 0 ? undefined : limit - count;
      const records = await consumer.poll(pollMaxMs, rest);
      count += records.length;
      if (records.length === 0) continue;
      printRecords(records, options.has('verbose'), io);
      if (!options.has('enable-autocommit')) await commit(consumer, records, io);
    }
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    io.stderr(`Error during processing, terminating consumer process: ${error.message}\n`);
  }
}

/**
 * Prints rebalances as Java's consumers report them. With the classic protocol, all partitions are revoked and then assigned
 * again; with the consumer protocol, only those that change.
 */
class Rebalances {
  readonly #isIncremental: boolean;
  readonly #io: CliIo;
  #owned: readonly AssignedPartition[] = [];

  constructor(isIncremental: boolean, io: CliIo) {
    this.#isIncremental = isIncremental;
    this.#io = io;
  }

  revoked(partitions: readonly AssignedPartition[]): void {
    if (!this.#isIncremental) this.#tell('partitions_revoked', partitions);
  }

  assigned(partitions: readonly AssignedPartition[]): void {
    const before = this.#owned;
    this.#owned = partitions;
    if (!this.#isIncremental) return this.#tell('partitions_assigned', partitions, true);
    this.#tell('partitions_revoked', without(before, partitions));
    this.#tell('partitions_assigned', without(partitions, before), true);
  }

  closed(): void {
    this.#tell('partitions_revoked', this.#owned);
  }

  #tell(name: string, partitions: readonly AssignedPartition[], isAlways = false): void {
    if (partitions.length === 0 && !isAlways) return;
    const shown = partitions.map(({ topic, partition }) => ({ topic, partition }));
    this.#io.stdout(event(name, { partitions: shown }));
  }
}

function without(
  all: readonly AssignedPartition[],
  some: readonly AssignedPartition[],
): readonly AssignedPartition[] {
  return all.filter(
    (one) => !some.some((other) => other.topic === one.topic && other.partition === one.partition),
  );
}

interface PartitionSummary extends AssignedPartition {
  count: number;
  readonly minOffset: number;
  maxOffset: number;
}

/** Returns for each partition the number of records, and their first and last offset. */
function summaries(records: readonly ConsumedRecord[]): PartitionSummary[] {
  const byPartition = new Map<string, PartitionSummary>();
  for (const { topic, partition, offset } of records) {
    const key = `${topic}-${partition}`;
    const known = byPartition.get(key);
    if (known === undefined) {
      byPartition.set(key, { topic, partition, count: 1, minOffset: offset, maxOffset: offset });
    } else {
      known.count++;
      known.maxOffset = offset;
    }
  }
  return [...byPartition.values()];
}

function printRecords(records: readonly ConsumedRecord[], isVerbose: boolean, io: CliIo): void {
  if (isVerbose) {
    const text = (bytes: Uint8Array | null) => (bytes === null ? null : Buffer.from(bytes).toString());
    for (const { key, value, topic, partition, offset } of records) {
      io.stdout(event('record_data', { key: text(key), value: text(value), topic, partition, offset }));
    }
  }
  io.stdout(event('records_consumed', { count: records.length, partitions: summaries(records) }));
}

async function commit(consumer: GroupConsumer, records: readonly ConsumedRecord[], io: CliIo): Promise<void> {
  const offsets = summaries(records).map(({ topic, partition, maxOffset }) => ({
    topic,
    partition,
    offset: maxOffset + 1,
  }));
  try {
    await consumer.commit();
    io.stdout(event('offsets_committed', { offsets, success: true }));
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    io.stdout(event('offsets_committed', { offsets, error: error.message, success: false }));
  }
}
