/**
 * Transactional batches in Produce: the coordinator verifies them before the append, and each client gets errors that it knows.
 */
import { describe, expect, test } from 'vitest';
import { Errors, KafkaError } from '../../../src/protocol/errors.ts';
import { ProduceRequest, ProduceResponse } from '../../../src/protocol/messages/records/00-produce.ts';
import {
  AddPartitionsToTxnRequest,
  AddPartitionsToTxnResponse,
} from '../../../src/protocol/messages/transactions/24-add-partitions-to-txn.ts';
import {
  WriteTxnMarkersRequest,
  WriteTxnMarkersResponse,
} from '../../../src/protocol/messages/transactions/27-write-txn-markers.ts';
import {
  batchOf,
  brokerRecord,
  frame,
  idA,
  idB,
  readResponse,
  settle,
  TestBroker,
  topicRecords,
} from '../harness.ts';

const stateId = 'AAAAAAAAAAAAAAAAAAAFew';
const producer = { producerId: 7, producerEpoch: 2, baseSequence: 0, isTransactional: true };

/** A broker whose metadata names broker 2 as the coordinator of all transactions. */
function newBroker(properties = ''): TestBroker {
  const records = [
    brokerRecord(1),
    brokerRecord(2),
    ...topicRecords('a', idA, 3),
    ...topicRecords('b', idB, 1),
    ...topicRecords('__transaction_state', stateId, 1, 2),
  ];
  return new TestBroker({ records, properties });
}

/** Sets the coordinator's errors for every partition, one for each request; the last one is repeated for ever. */
function coordinatorSays(broker: TestBroker, ...errors: { readonly code: number }[]): void {
  let asked = 0;
  broker.brokers.on(AddPartitionsToTxnRequest, AddPartitionsToTxnResponse, ({ transactions }) => {
    const { code } = errors[Math.min(asked++, errors.length - 1)] as { code: number };
    return {
      resultsByTransaction: transactions.map(({ transactionalId, topics }) => ({
        transactionalId,
        topicResults: topics.map(({ name, partitions }) => ({
          name,
          resultsByPartition: partitions.map((partitionIndex) => ({
            partitionIndex,
            partitionErrorCode: code,
          })),
        })),
      })),
    };
  });
}

function request(
  partitions: readonly number[],
  batches: readonly Uint8Array[],
  transactionalId: string | null = 'id',
) {
  return {
    transactionalId,
    acks: -1,
    timeoutMs: 1_000,
    topicData: [
      {
        name: 'a',
        topicId: idA,
        partitionData: partitions.map((index, at) => ({
          index,
          records: batches[at % batches.length] as Uint8Array,
        })),
      },
    ],
  };
}

async function errorsOf(
  broker: TestBroker,
  version: number,
  body: ReturnType<typeof request>,
): Promise<number[]> {
  const response = await broker.inject(ProduceRequest, ProduceResponse, version, body);
  return response.responses.flatMap(({ partitionResponses }) =>
    partitionResponses.map(({ errorCode }) => errorCode),
  );
}

describe('verification of a transactional produce', () => {
  test('asks the coordinator once for all partitions, and appends the batches with their guards', async () => {
    const broker = newBroker();
    coordinatorSays(broker, Errors.NONE);
    expect(await errorsOf(broker, 9, request([0, 2], [batchOf(1, 1, producer)]))).toEqual([0, 0]);
    expect(broker.brokers.requests).toMatchObject([
      {
        broker: 2,
        apiKey: 24,
        body: {
          transactions: [
            {
              transactionalId: 'id',
              producerId: 7,
              producerEpoch: 2,
              verifyOnly: true,
              topics: [{ name: 'a', partitions: [0, 2] }],
            },
          ],
        },
      },
    ]);
    expect(broker.replica(idA, 2).appends).toMatchObject([{ verification: { producerId: 7 } }]);
  });

  test.each([
    [10, true, false],
    [11, true, false],
    [12, false, true],
    [13, false, true],
  ])(
    'Produce v%i sends AddPartitionsToTxn with verifyOnly=%s',
    async (version, verifyOnly, supportsEpochBump) => {
      const broker = newBroker();
      coordinatorSays(broker, Errors.NONE);
      await errorsOf(broker, version, request([0], [batchOf(1, 1, producer)]));
      expect(broker.brokers.requests).toMatchObject([{ body: { transactions: [{ verifyOnly }] } }]);
      expect(broker.replica(idA, 0).verifications).toMatchObject([{ supportsEpochBump, sequence: 0 }]);
    },
  );

  test('does not ask about a transaction that has already begun in the partition', async () => {
    const broker = newBroker();
    broker.replica(idA, 0).hasBegun = true;
    expect(await errorsOf(broker, 12, request([0], [batchOf(1, 1, producer)]))).toEqual([0]);
    expect(broker.brokers.requests).toEqual([]);
  });

  test.each([
    [10, true, 0],
    [12, true, 1],
    [10, false, 1],
  ])('Produce v%i with verification off=%s asks the coordinator %i times', async (version, isOff, count) => {
    const broker = newBroker(isOff ? 'transaction.partition.verification.enable=false\n' : '');
    coordinatorSays(broker, Errors.NONE);
    expect(await errorsOf(broker, version, request([0], [batchOf(1, 1, producer)]))).toEqual([0]);
    expect(broker.brokers.requests).toHaveLength(count);
    if (isOff) expect(broker.replica(idA, 0).appends).toMatchObject([{ verification: 'off' }]);
  });

  test.each([
    [10, Errors.INVALID_TXN_STATE, Errors.INVALID_TXN_STATE],
    [10, Errors.TRANSACTION_ABORTABLE, Errors.INVALID_TXN_STATE],
    [11, Errors.TRANSACTION_ABORTABLE, Errors.TRANSACTION_ABORTABLE],
    [10, Errors.PRODUCER_FENCED, Errors.INVALID_PRODUCER_EPOCH],
    [12, Errors.PRODUCER_FENCED, Errors.INVALID_PRODUCER_EPOCH],
    [10, Errors.INVALID_PRODUCER_ID_MAPPING, Errors.INVALID_PRODUCER_ID_MAPPING],
    [10, Errors.CONCURRENT_TRANSACTIONS, Errors.NOT_ENOUGH_REPLICAS],
    [10, Errors.NOT_COORDINATOR, Errors.NOT_ENOUGH_REPLICAS],
    [12, Errors.COORDINATOR_LOAD_IN_PROGRESS, Errors.NOT_ENOUGH_REPLICAS],
    [12, Errors.COORDINATOR_NOT_AVAILABLE, Errors.NOT_ENOUGH_REPLICAS],
  ])("Produce v%i: the coordinator's $name becomes $name in the response", async (version, said, heard) => {
    const broker = newBroker();
    coordinatorSays(broker, said);
    expect(await errorsOf(broker, version, request([0], [batchOf(1, 1, producer)]))).toEqual([heard.code]);
    expect(broker.replica(idA, 0).logEndOffset).toBe(0);
  });

  test('refuses a partition that this broker began to lead while the coordinator was asked about the others', async () => {
    const broker = newBroker();
    const key = `${idA}/1`;
    const late = broker.replica(idA, 1);
    broker.replicas.delete(key);
    broker.brokers.on(AddPartitionsToTxnRequest, AddPartitionsToTxnResponse, ({ transactions }) => {
      broker.replicas.set(key, late);
      return {
        resultsByTransaction: transactions.map(({ transactionalId }) => ({
          transactionalId,
          topicResults: [],
        })),
      };
    });
    expect(await errorsOf(broker, 12, request([0, 1], [batchOf(1, 1, producer)]))).toEqual([
      0,
      Errors.NOT_LEADER_OR_FOLLOWER.code,
    ]);
    expect([broker.replica(idA, 0).logEndOffset, late.logEndOffset]).toEqual([1, 0]);
  });

  test('answers NOT_ENOUGH_REPLICAS when there is no coordinator or it does not answer, so that the client retries', async () => {
    const broker = newBroker();
    expect(await errorsOf(broker, 10, request([0], [batchOf(1, 1, producer)]))).toEqual([
      Errors.NOT_ENOUGH_REPLICAS.code,
    ]);
    const other = new TestBroker();
    expect(await errorsOf(other, 10, request([0], [batchOf(1, 1, producer)]))).toEqual([
      Errors.NOT_ENOUGH_REPLICAS.code,
    ]);
  });

  test('retries for a short time while the previous transaction of the producer is not complete (transactions version 2)', async () => {
    const broker = newBroker();
    coordinatorSays(broker, Errors.CONCURRENT_TRANSACTIONS, Errors.CONCURRENT_TRANSACTIONS, Errors.NONE);
    const connection = broker.connect();
    connection.feed(frame(ProduceRequest, 12, request([0], [batchOf(1, 1, producer)]), 1));
    await settle();
    expect(connection.frames()).toEqual([]);
    await broker.time.advance(40);
    const [bytes] = connection.frames();
    const { body } = readResponse(ProduceResponse, 12, bytes as Uint8Array);
    expect(body.responses[0]?.partitionResponses[0]?.errorCode).toBe(0);
    expect(broker.brokers.requests).toHaveLength(3);
  });

  test('gives up after 100 ms when the previous transaction is still not complete', async () => {
    const broker = newBroker();
    coordinatorSays(broker, Errors.CONCURRENT_TRANSACTIONS);
    const connection = broker.connect();
    connection.feed(frame(ProduceRequest, 12, request([0], [batchOf(1, 1, producer)]), 1));
    await settle();
    await broker.time.advance(100);
    expect(connection.frames()).toHaveLength(1);
    expect(broker.brokers.requests.length).toBeLessThanOrEqual(6);
  });

  test('appends the next request of the connection after the one that is being verified', async () => {
    const broker = newBroker();
    let answer: () => void = () => {};
    const gate = new Promise<void>((resolve) => {
      answer = resolve;
    });
    broker.brokers.on(AddPartitionsToTxnRequest, AddPartitionsToTxnResponse, async () => {
      await gate;
      return {};
    });
    const connection = broker.connect();
    connection.feed(frame(ProduceRequest, 12, request([0], [batchOf(1, 1, producer)]), 1));
    connection.feed(frame(ProduceRequest, 12, request([1], [batchOf(1)], null), 2));
    await settle();
    expect(broker.replica(idA, 1).logEndOffset).toBe(0);
    answer();
    await settle();
    expect(broker.replica(idA, 1).logEndOffset).toBe(1);
    expect(connection.frames()).toHaveLength(2);
  });
});

describe('a transactional produce is refused as a whole', () => {
  test('without a transactional id', async () => {
    const broker = newBroker();
    const body = request([0, 1], [batchOf(1, 1, producer), batchOf(1)], null);
    const { code } = Errors.TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
    expect(await errorsOf(broker, 9, body)).toEqual([code, code]);
    expect(broker.replica(idA, 1).logEndOffset).toBe(0);
  });

  test('with batches of two producers', async () => {
    const broker = newBroker();
    const batches = [batchOf(1, 1, producer), batchOf(1, 1, { ...producer, producerId: 8 })];
    const { code } = Errors.INVALID_PRODUCER_ID_MAPPING;
    expect(await errorsOf(broker, 9, request([0, 1], batches))).toEqual([code, code]);
  });
});

describe('WriteTxnMarkers', () => {
  async function write(broker: TestBroker, topics: { name: string; partitionIndexes: number[] }[]) {
    const marker = {
      producerId: 7,
      producerEpoch: 3,
      transactionResult: true,
      topics,
      coordinatorEpoch: 4,
      transactionVersion: 2,
    };
    const response = await broker.inject(WriteTxnMarkersRequest, WriteTxnMarkersResponse, 2, {
      markers: [marker],
    });
    return response.markers.flatMap((one) =>
      one.topics.flatMap(({ name, partitions }) =>
        partitions.map(({ partitionIndex, errorCode }) => [name, partitionIndex, errorCode]),
      ),
    );
  }

  test('is answered when all in-sync replicas have the marker; each partition fails on its own', async () => {
    const broker = newBroker();
    broker.replica(idA, 1).error = new KafkaError(Errors.NOT_LEADER_OR_FOLLOWER);
    const results = await write(broker, [
      { name: 'a', partitionIndexes: [0, 1, 9] },
      { name: 'unknown', partitionIndexes: [0] },
    ]);
    expect(results).toEqual([
      ['a', 0, 0],
      ['a', 1, Errors.NOT_LEADER_OR_FOLLOWER.code],
      ['a', 9, Errors.UNKNOWN_TOPIC_OR_PARTITION.code],
      ['unknown', 0, Errors.UNKNOWN_TOPIC_OR_PARTITION.code],
    ]);
    expect(broker.replica(idA, 0).appends).toMatchObject([{ origin: 'coordinator', transactionVersion: 2 }]);
  });

  test('answers a marker that is not acknowledged in time with an error, so that the coordinator sends it again', async () => {
    const broker = newBroker();
    broker.replica(idA, 0).holdAcks = true;
    const connection = broker.connect();
    const marker = {
      producerId: 7,
      producerEpoch: 3,
      transactionResult: false,
      topics: [{ name: 'a', partitionIndexes: [0] }],
      coordinatorEpoch: 4,
    };
    connection.feed(frame(WriteTxnMarkersRequest, 1, { markers: [marker] }, 1));
    await settle();
    expect(connection.frames()).toEqual([]);
    await broker.time.advance(30_000);
    const { body } = readResponse(WriteTxnMarkersResponse, 1, connection.frames()[0] as Uint8Array);
    expect(body.markers[0]?.topics[0]?.partitions[0]?.errorCode).toBe(Errors.REQUEST_TIMED_OUT.code);
  });
});
