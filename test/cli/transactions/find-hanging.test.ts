import { expect, test } from 'vitest';
import { findHanging } from '../../../src/cli/transactions/find-hanging.ts';
import { main } from '../../../src/cli/transactions/kafka-transactions.ts';
import type { CliIo } from '../../../src/cli/tool.ts';
import type { KafkaClient } from '../../../src/client/kafka-client.ts';
import { connectTcp } from '../../../src/adapters/tcp-network.ts';
import { systemClock, systemScheduler } from '../../../src/adapters/clock.ts';

const nowMs = 1_000_000;
const producer = (producerId: number, startOffset: number, lastTimestamp: number) => ({
  producerId,
  producerEpoch: 1,
  lastSequence: 5,
  lastTimestamp,
  coordinatorEpoch: 0,
  currentTxnStartOffset: startOffset,
});

/** Two brokers, topic `t` with partitions 0 (of broker 1) and 1 (of broker 2), and what their producers have open. */
function fakeClient(asked: string[]): KafkaClient {
  const partitions = [0, 1].map((index) => ({ index, leader: index + 1, replicas: [index + 1] }));
  const metadata = {
    brokers: new Map([
      [1, {}],
      [2, {}],
    ]),
    topics: new Map([['t', { name: 't', partitions }]]),
  };
  const producers: Record<number, object[]> = {
    // Old and unknown; old and known with this partition; young; old without an open transaction.
    0: [producer(7, 3, 0), producer(8, 4, 0), producer(9, 5, nowMs - 10), producer(6, -1, 0)],
    // Old, and known, but with another partition.
    1: [producer(8, 9, 0)],
  };
  const answers: Record<string, (init: never) => object> = {
    DescribeProducersRequest: ({ topics }: { topics: { partitionIndexes: number[] }[] }) => ({
      topics: topics.map(({ partitionIndexes }) => ({
        name: 't',
        partitions: partitionIndexes.map((partitionIndex) => ({
          partitionIndex,
          errorCode: 0,
          errorMessage: null,
          activeProducers: producers[partitionIndex],
        })),
      })),
    }),
    ListTransactionsRequest: () => ({
      errorCode: 0,
      transactionStates: [
        { transactionalId: 'eight', producerId: 8, transactionState: 'Ongoing' },
        { transactionalId: 'gone', producerId: 7, transactionState: 'Ongoing' },
      ],
    }),
    DescribeTransactionsRequest: ({ transactionalIds }: { transactionalIds: string[] }) => ({
      transactionStates: [
        transactionalIds[0] === 'gone'
          ? { errorCode: 105, topics: [] }
          : { errorCode: 0, topics: [{ topic: 't', partitions: [0] }] },
      ],
    }),
  } as never;
  const ask = async (request: { name: string }, _response: unknown, init: never): Promise<object> => {
    asked.push(request.name);
    return (answers[request.name] as (init: never) => object)(init);
  };
  return {
    ports: { clock: systemClock, scheduler: systemScheduler, network: { connect: connectTcp } },
    metadata: async () => metadata,
    coordinator: async () => 1,
    broker: async () => ({ versionOf: () => 2, request: ask }),
    requestTo: (_id: number, ...rest: Parameters<typeof ask>) => ask(...rest),
  } as unknown as KafkaClient;
}

const search = { brokerId: null, topic: 't', partition: null, olderThanMs: 1000, nowMs };

test('a transaction hangs when it is old and no coordinator has it with that partition', async () => {
  const found = await findHanging(fakeClient([]), search);
  expect(found.map((one) => [one.partition, one.producer.producerId])).toEqual([
    [0, 7],
    [1, 8],
  ]);
});

test('a broker limits the search to its replicas; without candidates no coordinator gets a request', async () => {
  const found = await findHanging(fakeClient([]), { ...search, topic: null, brokerId: 2 });
  expect(found.map(({ partition }) => partition)).toEqual([1]);
  const asked: string[] = [];
  expect(await findHanging(fakeClient(asked), { ...search, olderThanMs: nowMs * 2 })).toEqual([]);
  expect(asked).not.toContain('ListTransactionsRequest');
});

test.each([
  ['find-hanging', 'requires either --topic or --broker-id'],
  ['find-hanging --partition 1 --broker-id 1', 'requires --topic'],
  ['abort --topic t --partition 0 --producer-id 1', 'must be identified either with --start-offset'],
  ['abort --topic t --partition zero', "could not convert 'zero' to Integer"],
  ['describe', 'argument --transactional-id is required'],
])('%s is refused', async (line, message) => {
  const words = ['--bootstrap-server', 'localhost:1', ...line.split(' ')];
  const failure = main(words, {} as CliIo).catch((error: Error) => error.message.replace(/\s+/g, ' '));
  expect(await failure).toContain(message);
});
