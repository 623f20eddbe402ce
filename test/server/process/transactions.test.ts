/**
 * Transactions on one node as a process, with requests that the test builds itself: what read_committed and read_uncommitted
 * readers see, and which requests are refused.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFailed, test } from 'vitest';
import { defined } from '../../../src/base/assert.ts';
import type { KafkaClient } from '../../../src/client/kafka-client.ts';
import { errorOf } from '../../../src/protocol/errors.ts';
import { ProduceRequest, ProduceResponse } from '../../../src/protocol/messages/records/00-produce.ts';
import { FetchRequest, FetchResponse } from '../../../src/protocol/messages/records/01-fetch.ts';
import {
  ListOffsetsRequest,
  ListOffsetsResponse,
} from '../../../src/protocol/messages/records/02-list-offsets.ts';
import {
  InitProducerIdRequest,
  InitProducerIdResponse,
} from '../../../src/protocol/messages/transactions/22-init-producer-id.ts';
import {
  AddPartitionsToTxnRequest,
  AddPartitionsToTxnResponse,
} from '../../../src/protocol/messages/transactions/24-add-partitions-to-txn.ts';
import {
  AddOffsetsToTxnRequest,
  AddOffsetsToTxnResponse,
} from '../../../src/protocol/messages/transactions/25-add-offsets-to-txn.ts';
import { EndTxnRequest, EndTxnResponse } from '../../../src/protocol/messages/transactions/26-end-txn.ts';
import {
  WriteTxnMarkersRequest,
  WriteTxnMarkersResponse,
} from '../../../src/protocol/messages/transactions/27-write-txn-markers.ts';
import { buildBatch } from '../../../src/protocol/records/builder.ts';
import { createTopic, textOf, type Tool, until, Workshop } from './harness.ts';
import { batches } from '../../../src/protocol/records/batch.ts';
import { decodeRecords } from '../../../src/protocol/records/record.ts';

const workshop = new Workshop();
let server: Tool;
let client: KafkaClient;
/** A second client for fetches, because a waiting fetch blocks all later requests on its connection. */
let reader: KafkaClient;
let count = 0;
const startMs = 1_700_000_000_000;

interface Who {
  readonly transactionalId: string;
  readonly producerId: number;
  readonly producerEpoch: number;
}

beforeAll(async () => {
  const nodes = await workshop.nodes(1, {
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'transaction.state.log.num.partitions': 1,
    'offsets.topic.num.partitions': 1,
  });
  await workshop.format(nodes);
  [server] = (await workshop.startAll(nodes)) as [Tool];
  client = workshop.client(...nodes);
  reader = workshop.client(...nodes);
});

afterAll(async () => {
  expect(server.output).not.toContain(' ERROR ');
  await workshop.close();
});

const name = ({ errorCode }: { readonly errorCode: number }): string => errorOf(errorCode).name;

beforeEach(() => {
  onTestFailed(() => console.log(workshop.story()));
});

async function init(transactionalId: string, change: { transactionTimeoutMs?: number } = {}) {
  const body = { transactionalId, transactionTimeoutMs: 60_000, ...change };
  return client.request(InitProducerIdRequest, InitProducerIdResponse, body);
}

/** Makes a new transactional id and initialises its producer id. */
async function producer(): Promise<Who> {
  const transactionalId = `id-${count++}`;
  const { producerId, producerEpoch } = await until('a coordinator', async () => {
    // The first FindCoordinator request creates the topic __transaction_state.
    await client.coordinator(transactionalId, 'transaction');
    const answer = await init(transactionalId);
    return answer.errorCode === 0 ? answer : null;
  });
  return { transactionalId, producerId, producerEpoch };
}

async function newTopic(): Promise<string> {
  const topic = `topic-${count++}`;
  await createTopic(client, topic, 1, 1);
  return topic;
}

interface Sent {
  readonly sequence?: number;
  readonly atMs?: number;
  readonly version?: number;
  readonly value?: string;
}

async function produce(who: Who | null, topic: string, sent: Sent = {}): Promise<string> {
  const { sequence = 0, atMs = 0, version = 12, value = 'v' } = sent;
  const connection = await client.any();
  const records = buildBatch({
    records: [{ key: null, value: new TextEncoder().encode(value), timestamp: startMs + atMs }],
    producerId: who?.producerId ?? -1,
    producerEpoch: who?.producerEpoch ?? -1,
    baseSequence: who === null ? -1 : sequence,
    isTransactional: who !== null,
  });
  const answer = await connection.request(
    ProduceRequest,
    ProduceResponse,
    {
      transactionalId: who?.transactionalId ?? null,
      acks: -1,
      timeoutMs: 5_000,
      topicData: [{ name: topic, partitionData: [{ index: 0, records }] }],
    },
    { version },
  );
  return name(defined(answer.responses[0]?.partitionResponses[0]));
}

/** Sends EndTxn. From version 5 on, the answer has the producer's next epoch, which `next` contains. */
async function end(who: Who, committed: boolean, version = 5): Promise<{ error: string; next: Who }> {
  const connection = await client.any();
  const answer = await connection.request(EndTxnRequest, EndTxnResponse, { ...who, committed }, { version });
  const { producerId, producerEpoch } = answer;
  return { error: name(answer), next: version < 5 ? who : { ...who, producerId, producerEpoch } };
}

async function fetch(topic: string, fetchOffset: number, maxWaitMs: number) {
  const connection = await reader.any();
  const answer = await connection.request(
    FetchRequest,
    FetchResponse,
    {
      maxWaitMs,
      minBytes: 1,
      isolationLevel: 1,
      topics: [{ topic, partitions: [{ partition: 0, fetchOffset, partitionMaxBytes: 1 << 20 }] }],
      forgottenTopicsData: [],
    },
    { version: 12, timeoutMs: maxWaitMs + 5_000 },
  );
  const partition = defined(answer.responses[0]?.partitions[0]);
  const { headers } = batches(partition.records ?? new Uint8Array());
  const data = headers.filter(({ isControl }) => !isControl);
  return {
    values: data.flatMap((batch) => decodeRecords(batch).map(({ value }) => textOf(value))),
    stable: partition.lastStableOffset,
    aborted: partition.abortedTransactions?.map(({ firstOffset }) => firstOffset) ?? null,
  };
}

test.each([
  { committed: true, aborted: [] },
  { committed: false, aborted: [0] },
])(
  'a pending read_committed fetch is answered when the transaction ends (commit: $committed)',
  async ({ committed, aborted }) => {
    const topic = await newTopic();
    const who = await producer();
    expect(await produce(who, topic)).toBe('NONE');
    let isAnswered = false;
    const waiting = fetch(topic, 0, 60_000).finally(() => {
      isAnswered = true;
    });
    // Another record of the open transaction raises the high watermark but not the last stable offset.
    expect(await produce(who, topic, { sequence: 1, value: 'w' })).toBe('NONE');
    expect(await fetchSize(topic)).toEqual({ high: 2, stable: 0 });
    expect(isAnswered).toBe(false);
    expect((await end(who, committed)).error).toBe('NONE');
    expect(await waiting).toEqual({ values: ['v', 'w'], stable: 3, aborted });
  },
);

/** The end of the partition for readers of each isolation level, asked with the client `reader`. */
async function fetchSize(topic: string): Promise<{ high: number; stable: number }> {
  const [high, stable] = [await offsetAt(topic, -1, 0), await offsetAt(topic, -1, 1)];
  return { high, stable };
}

async function offsetAt(topic: string, timestamp: number, isolationLevel: number): Promise<number> {
  const answer = await client.request(ListOffsetsRequest, ListOffsetsResponse, {
    replicaId: -1,
    isolationLevel,
    topics: [{ name: topic, partitions: [{ partitionIndex: 0, timestamp }] }],
  });
  return answer.topics[0]?.partitions[0]?.offset ?? Number.NaN;
}

test('offsets by time: read_committed finds none from the first open transaction on', async () => {
  const topic = await newTopic();
  const [open, ended] = [await producer(), await producer()];
  await produce(null, topic, { atMs: 0 });
  await produce(ended, topic, { atMs: 100 });
  await produce(open, topic, { atMs: 200 });
  const { next } = await end(ended, true);
  await until('the marker', async () => (await fetchSize(topic)).high === 4);
  await produce(null, topic, { atMs: 300 });
  const at = async (isolation: number): Promise<number[]> => {
    const times = [0, 50, 100, 150, 200, 250, 300].map((ms) => startMs + ms);
    return Promise.all([...times, -1, -2, -3].map((time) => offsetAt(topic, time, isolation)));
  };
  // A transaction marker has the present time as its timestamp. So it is the first match for times after all records, which lie
  // in the past.
  expect(await at(0)).toEqual([0, 1, 1, 2, 2, 3, 3, 5, 0, 3]);
  expect(await at(1)).toEqual([0, 1, 1, -1, -1, -1, -1, 2, 0, -1]);
  await end(open, false);
  await until('the second marker', async () => (await fetchSize(topic)).stable === 6);
  expect((await at(1)).slice(0, 7)).toEqual([0, 1, 1, 2, 2, 3, 3]);
  expect(next.producerEpoch).toBe(1);
});

describe('invalid input gets the errors of Apache Kafka 4.3.1', () => {
  const strangers = [
    ['unknown id', { transactionalId: 'nobody' }, 'INVALID_PRODUCER_ID_MAPPING'],
    ['another producer', { producerId: 987_654 }, 'INVALID_PRODUCER_ID_MAPPING'],
    ['wrong epoch', { producerEpoch: 9 }, 'PRODUCER_FENCED'],
    ['empty id', { transactionalId: '' }, 'INVALID_REQUEST'],
  ] as const;

  async function add(who: Who, topic: string, version = 3): Promise<string> {
    const { transactionalId, producerId, producerEpoch } = who;
    const connection = await client.any();
    const body = {
      v3AndBelowTransactionalId: transactionalId,
      v3AndBelowProducerId: producerId,
      v3AndBelowProducerEpoch: producerEpoch,
      v3AndBelowTopics: [{ name: topic, partitions: [0] }],
    };
    const messages = [AddPartitionsToTxnRequest, AddPartitionsToTxnResponse] as const;
    const answer = await connection.request(...messages, body, { version });
    const [first] = answer.resultsByTopicV3AndBelow;
    return errorOf(first?.resultsByPartition[0]?.partitionErrorCode ?? -1).name;
  }

  test.each(strangers)('%s', async (_what, change, expected) => {
    const [topic, who] = [await newTopic(), { ...(await producer()), ...change }];
    const offsets = { ...who, groupId: 'g' };
    expect({
      addPartitions: await add(who, topic),
      addOffsets: name(await client.request(AddOffsetsToTxnRequest, AddOffsetsToTxnResponse, offsets)),
      end: (await end(who, true)).error,
      endBefore: (await end(who, true, 4)).error,
    }).toEqual({ addPartitions: expected, addOffsets: expected, end: expected, endBefore: expected });
    // Clients that send old versions do not know the error PRODUCER_FENCED and get INVALID_PRODUCER_EPOCH instead.
    if (expected === 'PRODUCER_FENCED') expect(await add(who, topic, 1)).toBe('INVALID_PRODUCER_EPOCH');
  });

  test('an empty id, and timeouts of 0, -1 and above transaction.max.timeout.ms', async () => {
    const timeouts = [0, -1, 900_001].map((transactionTimeoutMs) => init('x', { transactionTimeoutMs }));
    expect([name(await init('')), ...(await Promise.all(timeouts)).map(name)]).toEqual([
      'INVALID_REQUEST',
      'INVALID_TRANSACTION_TIMEOUT',
      'INVALID_TRANSACTION_TIMEOUT',
      'INVALID_TRANSACTION_TIMEOUT',
    ]);
  });

  test('an end without a transaction, records outside of one, partitions after its end', async () => {
    const [topic, who] = [await newTopic(), await producer()];
    expect([(await end(who, true)).error, (await end(who, true, 4)).error]).toEqual([
      'INVALID_TXN_STATE',
      'INVALID_TXN_STATE',
    ]);
    // Before Produce version 12, the partition must have been added to the transaction. From version 12 on, the broker adds it
    // itself.
    expect([
      await produce(who, topic, { version: 10 }),
      await produce(who, topic, { version: 11 }),
      await produce({ ...who, producerId: 987_654 }, topic),
    ]).toEqual(['INVALID_TXN_STATE', 'TRANSACTION_ABORTABLE', 'INVALID_PRODUCER_ID_MAPPING']);
    expect([await add(who, topic), await produce(who, topic, { version: 11 })]).toEqual(['NONE', 'NONE']);
    expect((await end(who, true, 4)).error).toBe('NONE');
    // The next transaction of the same epoch can begin once the markers are written; until then the client gets a retriable
    // error.
    await until('the next transaction', async () => {
      const error = await add(who, topic);
      expect(['NONE', 'CONCURRENT_TRANSACTIONS']).toContain(error);
      return error === 'NONE';
    });
    const { next } = await end(who, true, 5);
    expect([await add(who, topic), await add(next, topic)]).toEqual(['PRODUCER_FENCED', 'NONE']);
  });
});

test('markers with an old coordinator epoch are refused', async () => {
  const topic = await newTopic();
  const who = await producer();
  expect(await produce(who, topic)).toBe('NONE');
  const write = async (coordinatorEpoch: number, producerEpoch: number): Promise<string> => {
    const marker = {
      producerId: who.producerId,
      producerEpoch,
      transactionResult: false,
      topics: [{ name: topic, partitionIndexes: [0] }],
      coordinatorEpoch,
      transactionVersion: 2,
    };
    const answer = await client.request(WriteTxnMarkersRequest, WriteTxnMarkersResponse, {
      markers: [marker],
    });
    return name(defined(answer.markers[0]?.topics[0]?.partitions[0]));
  };
  expect(await write(7, who.producerEpoch + 1)).toBe('NONE');
  expect(await write(6, who.producerEpoch + 2)).toBe('TRANSACTION_COORDINATOR_FENCED');
  expect(await write(7, who.producerEpoch)).toBe('INVALID_PRODUCER_EPOCH');
  const nothing = { markers: [{ ...who, transactionResult: true, topics: [], coordinatorEpoch: 7 }] };
  expect((await client.request(WriteTxnMarkersRequest, WriteTxnMarkersResponse, nothing)).markers).toEqual(
    [],
  );
});
