/** The marker sender with fake brokers: the test decides when they respond, and what. */
import { beforeEach, expect, test } from 'vitest';
import { MarkerSender } from '../../../src/broker/txn/marker-sender.ts';
import { record } from '../../../src/metadata/records.ts';
import { type ErrorRow, Errors } from '../../../src/protocol/errors.ts';
import {
  type WriteTxnMarkersRequest,
  WriteTxnMarkersResponse,
} from '../../../src/protocol/messages/transactions/27-write-txn-markers.ts';
import type { Infer, Init } from '../../../src/protocol/schema/fields.ts';
import { namesOf, parts } from '../../txn/harness.ts';
import { brokerRecord, idA, ManualTime, settle, TestBroker, topicRecords } from '../harness.ts';

type Request = Init<typeof WriteTxnMarkersRequest>;

interface Sent {
  readonly brokerId: number;
  readonly request: Request;
  answer(error?: ErrorRow): Promise<void>;
  fail(): Promise<void>;
}

const topicB = 'AAAAAAAAAAAAAAAAAAABCg';

let broker: TestBroker;
let time: ManualTime;
let sent: Sent[];
let sender: MarkerSender;
let marked: string[];
let wanted: boolean;

beforeEach(() => {
  broker = new TestBroker({ records: [brokerRecord(1), brokerRecord(2), ...topicRecords('a', idA, 3)] });
  broker.apply(topicRecords('b', topicB, 2));
  lead('b', 1, 2);
  time = broker.time;
  sent = [];
  marked = [];
  wanted = true;
  sender = new MarkerSender({
    metadata: () => broker.image,
    scheduler: time,
    logger: broker.logger,
    writeMarkers: (brokerId, request) =>
      new Promise((resolve, reject) => {
        sent.push({
          brokerId,
          request,
          answer: (error = Errors.NONE) => (resolve(answerOf(request, error)), settle()),
          fail: () => (reject(new Error('gone')), settle()),
        });
      }),
  });
});

function answerOf(request: Request, { code: errorCode }: ErrorRow): Infer<typeof WriteTxnMarkersResponse> {
  return {
    markers: request.markers.map(({ producerId, topics }) => ({
      producerId,
      topics: topics.map(({ name, partitionIndexes }) => ({
        name,
        partitions: partitionIndexes.map((partitionIndex) => ({ partitionIndex, errorCode })),
      })),
    })),
  };
}

function lead(topic: string, partitionId: number, leader: number): void {
  const topicId = topic === 'a' ? idA : topicB;
  broker.apply([record('PartitionChangeRecord', { topicId, partitionId, leader })]);
}

function add(producerId: number, ...names: string[]): void {
  sender.add({
    round: {
      round: 1,
      transactionalId: `t${producerId}`,
      producerId,
      producerEpoch: 3,
      commit: true,
      clientVersion: 2,
      coordinatorEpoch: 9,
      partitions: parts(...names),
    },
    isWanted: () => wanted,
    marked: (partitions) => marked.push(...namesOf(partitions).map((name) => `${producerId}:${name}`)),
  });
}

/** The markers that a request contains, as `producer:topic-partition`. */
function asked({ request }: Sent): string[] {
  return request.markers.flatMap(({ producerId, topics }) =>
    topics.flatMap(({ name, partitionIndexes }) =>
      partitionIndexes.map((one) => `${producerId}:${name}-${one}`),
    ),
  );
}

test('transactions that end together share a request to each broker', async () => {
  add(1, 'a-0', 'a-2', 'b-1');
  add(2, 'a-0');
  await settle();
  expect(sent.map((one) => [one.brokerId, asked(one)])).toEqual([
    [1, ['1:a-0', '1:a-2', '2:a-0']],
    [2, ['1:b-1']],
  ]);
  expect(sent[0]?.request.markers[0]).toMatchObject({
    producerEpoch: 3,
    transactionResult: true,
    coordinatorEpoch: 9,
    transactionVersion: 2,
  });
  await sent[0]?.answer();
  expect(marked).toEqual(['1:a-0', '1:a-2', '2:a-0']);
  await sent[1]?.answer();
  expect(marked).toEqual(['1:a-0', '1:a-2', '2:a-0', '1:b-1']);
});

test('a marker that was refused or lost is sent again to the leader at that time', async () => {
  add(1, 'a-0');
  await settle();
  await sent[0]?.answer(Errors.NOT_LEADER_OR_FOLLOWER);
  expect(marked).toEqual([]);
  lead('a', 0, 2);
  await time.advance(50);
  expect(sent[1]?.brokerId).toBe(2);
  await sent[1]?.fail();
  await time.advance(50);
  await sent[2]?.answer();
  expect(marked).toEqual(['1:a-0']);
  await time.advance(1_000);
  expect(sent).toHaveLength(3);
});

test('a marker for a partition without a leader waits for one', async () => {
  lead('a', 0, -1);
  add(1, 'a-0');
  await time.advance(500);
  expect(sent).toEqual([]);
  lead('a', 0, 1);
  await time.advance(50);
  expect(sent).toHaveLength(1);
});

test('a deleted partition counts as marked', async () => {
  add(1, 'a-0', 'nowhere-0');
  await settle();
  expect(marked).toEqual(['1:nowhere-0']);
  await sent[0]?.answer(Errors.UNKNOWN_TOPIC_OR_PARTITION);
  broker.apply([record('RemoveTopicRecord', { topicId: idA })]);
  await time.advance(50);
  expect(marked).toEqual(['1:nowhere-0', '1:a-0']);
});

test.each([
  ['NONE', 'done'],
  ['INVALID_PRODUCER_EPOCH', 'done'],
  ['UNSUPPORTED_FOR_MESSAGE_FORMAT', 'done'],
  ['TRANSACTION_COORDINATOR_FENCED', 'refused'],
  ['NOT_ENOUGH_REPLICAS', 'again'],
  ['NOT_ENOUGH_REPLICAS_AFTER_APPEND', 'again'],
  ['REQUEST_TIMED_OUT', 'again'],
  ['COORDINATOR_LOAD_IN_PROGRESS', 'again'],
  ['KAFKA_STORAGE_ERROR', 'again'],
  ['UNKNOWN_SERVER_ERROR', 'again'],
] as const)('the answer %s to a marker: %s', async (name, outcome) => {
  add(1, 'a-0');
  await settle();
  await sent[0]?.answer(Errors[name]);
  await time.advance(50);
  expect(marked).toEqual(outcome === 'done' ? ['1:a-0'] : []);
  expect(sent).toHaveLength(outcome === 'again' ? 2 : 1);
});

test('a marker that is missing in the response is sent again', async () => {
  add(1, 'a-0', 'a-1');
  await settle();
  await sent[0]?.answer();
  add(2, 'a-0');
  await settle();
  const [, second] = sent;
  (second?.request.markers as unknown[]).length = 0;
  await second?.answer();
  await time.advance(50);
  expect(asked(sent[2] as Sent)).toEqual(['2:a-0']);
});

test('nothing is sent or completed when another broker has become the coordinator', async () => {
  add(1, 'a-0');
  await settle();
  wanted = false;
  await sent[0]?.answer();
  add(2, 'a-0');
  await time.advance(100);
  expect(sent).toHaveLength(1);
  expect(marked).toEqual([]);
});

test('no request has more than markersPerRequestMax markers', async () => {
  for (let producerId = 1; producerId <= 2_500; producerId++) add(producerId, 'a-0');
  await settle();
  expect(sent.map((one) => asked(one).length)).toEqual([1_000, 1_000, 500]);
});

test('up to requestsPerBrokerMax requests are in flight to a broker; further markers gather in one request', async () => {
  for (let producerId = 1; producerId <= 12; producerId++) {
    add(producerId, 'a-0');
    await settle();
  }
  expect(sent).toHaveLength(8);
  await sent[3]?.answer();
  expect(asked(sent[8] as Sent)).toEqual(['9:a-0', '10:a-0', '11:a-0', '12:a-0']);
  expect(marked).toEqual(['4:a-0']);
});
