/** kafka-transactions: lists and describes transactions and producers, finds hanging transactions and aborts them. */
import { systemClock } from '../../adapters/clock.ts';
import type { KafkaClient } from '../../client/kafka-client.ts';
import { HelpRequest, type Parsed, parseArguments } from '../arguments/argparse.ts';
import { clientSettings, connectClient } from '../cluster/connect.ts';
import { partitionKey } from '../cluster/list-offsets.ts';
import { tabbedTable } from '../text/text-table.ts';
import { type CliIo, ToolError } from '../tool.ts';
import { kafkaVersionWithCommit } from '../version.ts';
import { findHanging } from './find-hanging.ts';
import { transactionsParser } from './kafka-transactions-arguments.ts';
import {
  abortTransaction,
  describeProducers,
  describeTransaction,
  fenceProducer,
  listTransactions,
} from './transaction-requests.ts';

function numberOf(parsed: Parsed, name: string): number | null {
  const text = parsed.text(name);
  return text === null ? null : Number(text);
}

/** Runs `body`. When it fails, the error message begins with `what`. */
async function withFailureText<T>(what: string, body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (error) {
    if (error instanceof ToolError) throw error;
    throw new ToolError(`${what}: ${(error as Error).message}. Enable debug logging for additional detail.`);
  }
}

async function list(client: KafkaClient, parsed: Parsed, io: CliIo): Promise<void> {
  const filter = {
    durationMs: numberOf(parsed, 'duration-filter') ?? -1,
    pattern: parsed.text('transactional-id-pattern'),
  };
  const all = await withFailureText('Failed to list transactions', () => listTransactions(client, filter));
  io.stdout(
    tabbedTable(
      ['TransactionalId', 'Coordinator', 'ProducerId', 'TransactionState'],
      all.map((one) => [one.transactionalId, one.coordinator, one.producerId, one.state]),
    ),
  );
}

async function describe(client: KafkaClient, parsed: Parsed, io: CliIo): Promise<void> {
  const id = parsed.text('transactional-id') as string;
  const { coordinator, state } = await withFailureText(
    `Failed to describe transaction state of transactional-id \`${id}\``,
    () => describeTransaction(client, id),
  );
  const startMs = state.transactionStartTimeMs;
  const partitions = state.topics.flatMap(({ topic, partitions: indexes }) =>
    indexes.map((partition) => partitionKey({ topic, partition })),
  );
  io.stdout(
    tabbedTable(
      [
        'CoordinatorId',
        'TransactionalId',
        'ProducerId',
        'ProducerEpoch',
        'TransactionState',
        'TransactionTimeoutMs',
        'CurrentTransactionStartTimeMs',
        'TransactionDurationMs',
        'TopicPartitions',
      ],
      [
        [
          coordinator,
          id,
          state.producerId,
          state.producerEpoch,
          state.transactionState,
          state.transactionTimeoutMs,
          startMs < 0 ? 'None' : startMs,
          startMs < 0 ? 'None' : systemClock.wallMs() - startMs,
          partitions.join(','),
        ],
      ],
    ),
  );
}

async function describeActiveProducers(client: KafkaClient, parsed: Parsed, io: CliIo): Promise<void> {
  const partition = { topic: parsed.text('topic') as string, partition: Number(parsed.text('partition')) };
  const brokerId = numberOf(parsed, 'broker-id');
  const where = brokerId === null ? 'leader' : `broker ${brokerId}`;
  const described = await withFailureText(
    `Failed to describe producers for partition ${partitionKey(partition)} on ${where}`,
    () => describeProducers(client, [partition], brokerId),
  );
  io.stdout(
    tabbedTable(
      [
        'ProducerId',
        'ProducerEpoch',
        'LatestCoordinatorEpoch',
        'LastSequence',
        'LastTimestamp',
        'CurrentTransactionStartOffset',
      ],
      described
        .flatMap(({ producers }) => producers)
        .map((producer) => [
          producer.producerId,
          producer.producerEpoch,
          producer.coordinatorEpoch,
          producer.lastSequence,
          producer.lastTimestamp,
          producer.currentTxnStartOffset < 0 ? 'None' : producer.currentTxnStartOffset,
        ]),
    ),
  );
}

async function abort(client: KafkaClient, parsed: Parsed): Promise<void> {
  const partition = { topic: parsed.text('topic') as string, partition: Number(parsed.text('partition')) };
  const startOffset = numberOf(parsed, 'start-offset');
  const old = ['producer-id', 'producer-epoch', 'coordinator-epoch'].map((name) => numberOf(parsed, name));
  if (startOffset === null && old.some((value) => value === null)) {
    throw new ToolError(
      'The transaction to abort must be identified either with --start-offset (for brokers on 3.0 or above) or with --producer-id, --producer-epoch, and --coordinator-epoch (for older brokers)',
    );
  }
  let [producerId, producerEpoch, coordinatorEpoch] = old as [number, number, number];
  const key = partitionKey(partition);
  if (startOffset !== null) {
    const described = await withFailureText(`Failed to validate producer state for partition ${key}`, () =>
      describeProducers(client, [partition], null),
    );
    const found = described
      .flatMap(({ producers }) => producers)
      .find(({ currentTxnStartOffset }) => currentTxnStartOffset === startOffset);
    if (found === undefined) {
      throw new ToolError(
        `Could not find any open transactions starting at offset ${startOffset} on partition ${key}`,
      );
    }
    ({ producerId, producerEpoch } = found);
    // The epoch is -1 when no transaction of this producer has ended in the partition yet. A marker must not have a negative
    // epoch.
    coordinatorEpoch = Math.max(found.coordinatorEpoch, 0);
  }
  const shown = `TransactionSpec(topicPartition=${key}, producerId=${producerId}, producerEpoch=${producerEpoch}, coordinatorEpoch=${coordinatorEpoch})`;
  await withFailureText(`Failed to abort transaction ${shown}`, () =>
    abortTransaction(client, { ...partition, producerId, producerEpoch, coordinatorEpoch }),
  );
}

async function hanging(client: KafkaClient, parsed: Parsed, io: CliIo): Promise<void> {
  const [brokerId, partition] = [numberOf(parsed, 'broker-id'), numberOf(parsed, 'partition')];
  const topic = parsed.text('topic');
  if (topic === null && partition !== null)
    throw new ToolError('The --partition argument requires --topic to be provided');
  if (topic === null && brokerId === null) {
    throw new ToolError(
      'The `find-hanging` command requires either --topic or --broker-id to limit the scope of the search',
    );
  }
  const timeoutMinutes = numberOf(parsed, 'max-transaction-timeout') ?? 15;
  const nowMs = systemClock.wallMs();
  const search = { brokerId, topic, partition, olderThanMs: timeoutMinutes * 60_000, nowMs };
  const found = await withFailureText('Failed to find hanging transactions', () =>
    findHanging(client, search),
  );
  io.stdout(
    tabbedTable(
      [
        'Topic',
        'Partition',
        'ProducerId',
        'ProducerEpoch',
        'CoordinatorEpoch',
        'StartOffset',
        'LastTimestamp',
        'Duration(min)',
      ],
      found.map(({ topic: name, partition: index, producer }) => [
        name,
        index,
        producer.producerId,
        producer.producerEpoch,
        producer.coordinatorEpoch,
        producer.currentTxnStartOffset,
        producer.lastTimestamp,
        Math.floor((nowMs - producer.lastTimestamp) / 60_000),
      ]),
    ),
  );
}

async function forceTerminate(client: KafkaClient, parsed: Parsed): Promise<void> {
  const id = parsed.text('transactionalId') as string;
  await withFailureText(`Failed to force terminate transactionalId \`${id}\``, () =>
    fenceProducer(client, id),
  );
}

const commands: Readonly<Record<string, (client: KafkaClient, parsed: Parsed, io: CliIo) => Promise<void>>> =
  {
    list,
    describe,
    'describe-producers': describeActiveProducers,
    abort,
    'find-hanging': hanging,
    forceTerminateTransaction: forceTerminate,
  };

/** Parses the command line. After --help the exit status is 1, as in Kafka. */
function parse(args: readonly string[]): Parsed {
  try {
    return parseArguments(transactionsParser, args);
  } catch (error) {
    if (error instanceof HelpRequest) throw new ToolError(error.message, { stream: 'stdout' });
    throw error;
  }
}

export async function main(args: readonly string[], io: CliIo): Promise<number> {
  const command = args.findIndex((word) => Object.hasOwn(commands, word));
  const own = command < 0 ? args : args.slice(0, command);
  if (own.some((word) => word === '--version' || word === '-v')) {
    io.stdout(`${kafkaVersionWithCommit}\n`);
    return 0;
  }
  const parsed = parse(args);
  const client = connectClient({
    bootstrap: parsed.text('bootstrap-server') as string,
    settings: clientSettings(parsed.text('command-config')),
  });
  try {
    await commands[parsed.command]?.(client, parsed, io);
    return 0;
  } finally {
    client.close();
  }
}
