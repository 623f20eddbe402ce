/**
 * transactional-message-copier: copies a partition to another topic in transactions. Each transaction also commits the offsets
 * of the records that it copies. Kafka's system tests use it; here it checks exactly-once semantics.
 */
import { systemClock } from '../../adapters/clock.ts';
import { createSystemRandom } from '../../adapters/random.ts';
import type { Random } from '../../base/random.ts';
import { type ConsumedRecord, Fetcher, offsetEarliest, offsetLatest } from '../../client/fetcher.ts';
import { type CommitOffset, GroupCoordinator } from '../../client/group-coordinator.ts';
import { GroupConsumer } from '../../client/group-consumer.ts';
import type { KafkaClient } from '../../client/kafka-client.ts';
import { groupDefaults } from '../../client/group-membership.ts';
import { Producer } from '../../client/producer.ts';
import { Transaction, type TransactionGroup } from '../../client/transaction.ts';
import { type FlatParser, parseFlat, type Parsed } from '../arguments/argparse.ts';
import { connectClient } from '../cluster/connect.ts';
import type { CliIo } from '../tool.ts';
import { withHelpFirst } from './verifiable.ts';

const parser: FlatParser = {
  prog: 'transactional-message-copier',
  description:
    'This tool copies messages transactionally from an input partition to an output topic, committing the consumed offsets along with the output messages',
  arguments: [
    {
      flags: ['--input-topic'],
      metavar: 'INPUT-TOPIC',
      isRequired: true,
      help: 'Consume messages from this topic',
    },
    {
      flags: ['--input-partition'],
      metavar: 'INPUT-PARTITION',
      isRequired: true,
      integer: 'Integer',
      help: 'Consume messages from this partition of the input topic.',
    },
    {
      flags: ['--output-topic'],
      metavar: 'OUTPUT-TOPIC',
      isRequired: true,
      help: 'Produce messages to this topic',
    },
    {
      flags: ['--broker-list'],
      isRequired: true,
      metavar: 'HOST1:PORT1[,HOST2:PORT2[...]]',
      help: 'Comma-separated list of Kafka brokers in the form HOST1:PORT1,HOST2:PORT2,...',
    },
    {
      flags: ['--max-messages'],
      metavar: 'MAX-MESSAGES',
      integer: 'Integer',
      default: '-1',
      help: 'Process these many messages upto the end offset at the time this program was launched. If set to -1 we will just read to the end offset of the input partition (as of the time the program was launched).',
    },
    {
      flags: ['--consumer-group'],
      metavar: 'CONSUMER-GROUP',
      default: '-1',
      help: 'The consumer group id to use for storing the consumer offsets.',
    },
    {
      flags: ['--transaction-size'],
      metavar: 'TRANSACTION-SIZE',
      integer: 'Integer',
      default: '200',
      help: 'The number of messages to put in each transaction. Default is 200.',
    },
    {
      flags: ['--transaction-timeout'],
      metavar: 'TRANSACTION-TIMEOUT',
      integer: 'Integer',
      default: '60000',
      help: 'The transaction timeout in milliseconds. Default is 60000(1 minute).',
    },
    {
      flags: ['--transactional-id'],
      metavar: 'TRANSACTIONAL-ID',
      isRequired: true,
      help: 'The transactionalId to assign to the producer',
    },
    {
      flags: ['--enable-random-aborts'],
      kind: 'flag',
      default: 'false',
      help: 'Whether or not to enable random transaction aborts (for system testing)',
    },
    {
      flags: ['--group-mode'],
      kind: 'flag',
      default: 'false',
      help: 'Whether to let consumer subscribe to the input topic or do manual assign. If we do subscription based consumption, the input partition shall be ignored',
    },
    {
      flags: ['--use-group-metadata'],
      kind: 'flag',
      default: 'false',
      help: 'Whether to use the new transactional commit API with group metadata',
    },
  ],
};

const pollMs = 200;
const stepTimeoutMs = 60_000;
/** With --enable-random-aborts, on average one in this number of transactions is aborted. */
const abortsOneOf = 3;

export function main(args: readonly string[], io: CliIo): Promise<number> {
  return withHelpFirst(args, io, (words) => run(parseFlat(parser, words), io));
}

async function run(options: Parsed, io: CliIo): Promise<number> {
  const client = connectClient({
    bootstrap: options.text('broker-list') as string,
    clientId: 'transactional-message-copier',
  });
  const random = createSystemRandom();
  const copier = new Copier(client, options, random, io);
  const unlisten = io.onSignal(() => {
    copier.isStopped = true;
  });
  try {
    await copier.copy();
    return 0;
  } finally {
    unlisten();
    client.close();
  }
}

/** Where records are read from: a given partition, or the partitions that a group assigns. */
interface Source {
  poll(recordsMax: number): Promise<ConsumedRecord[]>;
  positions(): { topic: string; partition: number; offset: number }[];
  /** Goes back to the committed offsets. */
  reset(): Promise<void>;
  group(): TransactionGroup;
  close(): Promise<void>;
}

class Copier {
  isStopped = false;
  readonly #client: KafkaClient;
  readonly #options: Parsed;
  readonly #random: Random;
  readonly #io: CliIo;
  readonly #groupId: string;
  #remaining = 0;
  #sinceRebalance = 0;
  #total = 0;

  constructor(client: KafkaClient, options: Parsed, random: Random, io: CliIo) {
    this.#client = client;
    this.#options = options;
    this.#random = random;
    this.#io = io;
    this.#groupId = options.text('consumer-group') as string;
    const most = Number(options.text('max-messages'));
    this.#remaining = most === -1 ? Number.MAX_SAFE_INTEGER : most;
  }

  async copy(): Promise<void> {
    const options = this.#options;
    const source = options.has('group-mode') ? this.#groupSource() : await this.#partitionSource();
    const transaction = new Transaction(this.#client, {
      transactionalId: options.text('transactional-id') as string,
      timeoutMs: Number(options.text('transaction-timeout')),
      maxBlockMs: stepTimeoutMs,
    });
    const producer = new Producer(this.#client, this.#random, { transaction, batchBytes: 512 });
    await transaction.initialize();
    while (!this.isStopped && this.#remaining > 0) {
      this.#status('ProcessLoop');
      const records = await source.poll(Number(options.text('transaction-size')));
      if (records.length > 0) await this.#copyOne(records, source, producer, transaction);
    }
    await source.close();
    this.#status('ShutdownComplete');
  }

  async #copyOne(
    records: readonly ConsumedRecord[],
    source: Source,
    producer: Producer,
    transaction: Transaction,
  ): Promise<void> {
    const topic = this.#options.text('output-topic') as string;
    await Promise.all(
      records.map(({ partition, key, value }) => producer.send({ topic, partition, key, value })),
    );
    await transaction.commitOffsets(source.group(), source.positions());
    if (this.#options.has('enable-random-aborts') && this.#random.u32() % abortsOneOf === 0) {
      await transaction.end(false);
      await source.reset();
      return;
    }
    await transaction.end(true);
    this.#remaining -= records.length;
    this.#sinceRebalance += records.length;
    this.#total += records.length;
  }

  #status(stage: string): void {
    const time = new Date(systemClock.wallMs())
      .toISOString()
      .replace('T', ' ')
      .replace('.', ':')
      .slice(0, -1);
    const status = {
      transactionalId: this.#options.text('transactional-id'),
      stage,
      time,
      totalProcessed: this.#total,
      consumed: this.#sinceRebalance,
      remaining: this.#remaining,
    };
    this.#io.stdout(`${JSON.stringify(status)}\n`);
  }

  async #partitionSource(): Promise<Source> {
    const topic = this.#options.text('input-topic') as string;
    const partition = Number(this.#options.text('input-partition'));
    const fetcher = new Fetcher(this.#client, { isReadCommitted: true, reset: 'earliest' });
    const coordinator = new GroupCoordinator(this.#client, this.#groupId);
    const reset = async (): Promise<void> => {
      const committed = await coordinator.committed([{ topic, partitions: [partition] }]);
      const start = await fetcher.offsets([{ topic, partition, timestamp: offsetEarliest }]);
      const key = `${topic}-${partition}`;
      fetcher.assign(topic, partition, committed.get(key) ?? start.get(key)?.offset ?? 0);
    };
    await reset();
    await this.#limitTo(fetcher, fetcher.positions());
    return {
      poll: (recordsMax) => fetcher.poll(pollMs, recordsMax),
      positions: () => fetcher.positions(),
      reset,
      group: () => groupWithoutMember(this.#groupId),
      close: () => Promise.resolve(),
    };
  }

  #groupSource(): Source {
    const topic = this.#options.text('input-topic') as string;
    const fetcher = new Fetcher(this.#client, { isReadCommitted: true });
    const consumer = new GroupConsumer(this.#client, [topic], {
      group: {
        ...groupDefaults,
        groupId: this.#groupId,
        sessionTimeoutMs: 10_000,
        rebalanceTimeoutMs: 180_000,
      },
      fetch: { isReadCommitted: true, reset: 'earliest' },
      autoCommitIntervalMs: null,
      onRebalance: () => {
        this.#sinceRebalance = 0;
      },
    });
    let assigned = '';
    return {
      poll: async (recordsMax) => {
        const records = await consumer.poll(pollMs, recordsMax);
        const positions = consumer.positions();
        const now = positions.map(({ partition }) => partition).join();
        // After a rebalance the records in the new partitions are counted again, because they tell when the copy is complete.
        if (now !== assigned) {
          assigned = now;
          await this.#limitTo(fetcher, positions, records.length);
        }
        return records;
      },
      positions: () => consumer.positions(),
      reset: () => consumer.reset(),
      group: () => {
        if (!this.#options.has('use-group-metadata')) return groupWithoutMember(this.#groupId);
        return { groupId: this.#groupId, groupInstanceId: null, ...consumer.groupMetadata() };
      },
      close: () => consumer.close(),
    };
  }

  /** Stops the copy after the records that the partitions have now, or after --max-messages records. */
  async #limitTo(fetcher: Fetcher, positions: readonly CommitOffset[], alreadyRead = 0): Promise<void> {
    const ends = await fetcher.offsets(positions.map((one) => ({ ...one, timestamp: offsetLatest })));
    const left = positions.map(
      ({ topic, partition, offset }) => (ends.get(`${topic}-${partition}`)?.offset ?? offset) - offset,
    );
    const most = Number(this.#options.text('max-messages'));
    this.#remaining = Math.min(
      most === -1 ? Number.MAX_SAFE_INTEGER : most,
      left.reduce((sum, one) => sum + one, alreadyRead),
    );
  }
}

function groupWithoutMember(groupId: string): TransactionGroup {
  return { groupId, generationId: -1, memberId: '', groupInstanceId: null };
}
