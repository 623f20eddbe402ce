import { fetchBudgetBytes, waitMsMax } from '../../../src/broker/limits.ts';
import { describe, expect, test } from 'vitest';
import { record } from '../../../src/metadata/records.ts';
import { Errors, KafkaError } from '../../../src/protocol/errors.ts';
import { FetchRequest, FetchResponse } from '../../../src/protocol/messages/records/01-fetch.ts';
import { batches } from '../../../src/protocol/records/batch.ts';
import type { Init } from '../../../src/protocol/schema/fields.ts';
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

type Body = Init<typeof FetchRequest>;

interface Asked {
  topic?: string;
  topicId?: string;
  index?: number;
  offset?: number;
  maxBytes?: number;
  epoch?: number;
}

function fetch(asked: readonly Asked[], options: Partial<Body> = {}): Body {
  return {
    maxWaitMs: 0,
    minBytes: 1,
    topics: asked.map(
      ({
        topic = 'a',
        topicId = topic === 'b' ? idB : idA,
        index = 0,
        offset = 0,
        maxBytes = 1 << 20,
        epoch = -1,
      }) => ({
        topic,
        topicId,
        partitions: [
          { partition: index, fetchOffset: offset, partitionMaxBytes: maxBytes, currentLeaderEpoch: epoch },
        ],
      }),
    ),
    forgottenTopicsData: [],
    ...options,
  };
}

async function partitions(broker: TestBroker, body: Body, version = 12) {
  const response = await broker.inject(FetchRequest, FetchResponse, version, body);
  return response.responses.flatMap((topic) => topic.partitions);
}

function fill(broker: TestBroker, index: number, count: number, sizeBytes = 100, topicId = idA): void {
  for (let i = 0; i < count; i++) broker.replica(topicId, index).appendAsLeader(batchOf(1, sizeBytes), 1);
}

const bytesOf = (records: Uint8Array | null): number => records?.length ?? -1;

describe('Fetch', () => {
  test.each([4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18])(
    'v%i returns the records',
    async (version) => {
      const broker = new TestBroker();
      fill(broker, 0, 3);
      const [partition] = await partitions(broker, fetch([{ offset: 1 }]), version);
      expect(partition).toMatchObject({
        errorCode: 0,
        highWatermark: 3,
        lastStableOffset: 3,
        abortedTransactions: null,
      });
      expect(batches(partition?.records as Uint8Array).headers.map(({ baseOffset }) => baseOffset)).toEqual([
        1, 2,
      ]);
    },
  );

  test('a response without records has the watermarks; one with an error has -1 instead', async () => {
    const broker = new TestBroker();
    fill(broker, 0, 2);
    const [empty] = await partitions(broker, fetch([{ offset: 2 }]));
    const [outside, unknown] = await partitions(broker, fetch([{ offset: 9 }, { index: 7 }]));
    expect(empty).toMatchObject({ errorCode: 0, highWatermark: 2, lastStableOffset: 2, logStartOffset: 0 });
    expect(bytesOf(empty?.records ?? null)).toBe(0);
    expect(outside).toMatchObject({
      errorCode: 1,
      highWatermark: -1,
      lastStableOffset: -1,
      logStartOffset: -1,
    });
    expect(unknown).toMatchObject({ errorCode: 3 });
  });

  test('an error of the whole request is at the top of the response from v7 on, in each partition before', async () => {
    const broker = new TestBroker();
    const follower = fetch([{}], { replicaId: 2 });
    expect(await broker.inject(FetchRequest, FetchResponse, 12, follower)).toMatchObject({
      errorCode: 31,
      responses: [],
    });
    expect(await partitions(broker, follower, 6)).toMatchObject([{ errorCode: 31 }]);
    expect(
      await broker.inject(FetchRequest, FetchResponse, 12, fetch([{}], { isolationLevel: 7 })),
    ).toMatchObject({ errorCode: 42 });
  });

  test('unknown topics are refused, by name and by id', async () => {
    const broker = new TestBroker();
    expect(await partitions(broker, fetch([{ topic: 'nope' }]))).toMatchObject([{ errorCode: 3 }]);
    expect(await partitions(broker, fetch([{ topicId: 'ZZZZAAAAAAAAAAAAAAAAAA' }]), 13)).toMatchObject([
      { errorCode: 100 },
    ]);
  });

  test('an old leader epoch and another leader are refused; from v16 on the response names the leader', async () => {
    const broker = new TestBroker({
      records: [
        brokerRecord(1),
        brokerRecord(2),
        ...topicRecords('a', idA, 1),
        ...topicRecords('b', idB, 1, 2),
      ],
    });
    expect(await partitions(broker, fetch([{ epoch: 4 }]), 12)).toMatchObject([
      { errorCode: 74, currentLeader: { leaderId: -1 } },
    ]);
    expect(await partitions(broker, fetch([{ epoch: 4 }]), 16)).toMatchObject([
      { errorCode: 74, currentLeader: { leaderId: 1, leaderEpoch: 5 } },
    ]);
    const response = await broker.inject(FetchRequest, FetchResponse, 16, fetch([{ topic: 'b' }]));
    expect(response.responses[0]?.partitions[0]).toMatchObject({
      errorCode: 6,
      currentLeader: { leaderId: 2, leaderEpoch: 5 },
    });
    expect(response.nodeEndpoints).toEqual([{ nodeId: 2, host: 'host2', port: 9092, rack: null }]);
  });

  test.each([false, true])(
    'the first batch is returned complete, then no more than maxBytes and partitionMaxBytes (slow reads: %s)',
    async (slow) => {
      const broker = new TestBroker();
      for (const index of [0, 1, 2]) {
        fill(broker, index, 4, 1000);
        broker.replica(idA, index).slow = slow;
      }
      const size = batchOf(1, 1000).length;
      const ask = (maxBytes: number, each: number) =>
        partitions(
          broker,
          fetch(
            [
              { index: 0, maxBytes: each },
              { index: 1, maxBytes: each },
              { index: 2, maxBytes: each },
            ],
            { maxBytes },
          ),
        );
      expect((await ask(1, 1)).map(({ records }) => bytesOf(records))).toEqual([size, 0, 0]);
      expect((await ask(1 << 20, 1)).map(({ records }) => bytesOf(records))).toEqual([size, 0, 0]);
      expect((await ask(3 * size, 2 * size)).map(({ records }) => bytesOf(records))).toEqual([
        2 * size,
        size,
        0,
      ]);
      expect((await ask(1 << 20, 2 * size)).map(({ records }) => bytesOf(records))).toEqual([
        2 * size,
        2 * size,
        2 * size,
      ]);
    },
  );

  test('a batch larger than maxBytes is returned though empty partitions come before it', async () => {
    const broker = new TestBroker();
    fill(broker, 1, 1, 5000);
    broker.replica(idA, 1).slow = true;
    const found = await partitions(
      broker,
      fetch([
        { index: 0, maxBytes: 10 },
        { index: 1, maxBytes: 10 },
        { index: 2, maxBytes: 10 },
      ]),
    );
    expect(found.map(({ records }) => bytesOf(records))).toEqual([0, batchOf(1, 5000).length, 0]);
  });

  test('a read_committed fetch reads up to the last stable offset', async () => {
    const broker = new TestBroker();
    fill(broker, 0, 3);
    broker.replica(idA, 0).lastStableOffset = 1;
    const [partition] = await partitions(broker, fetch([{}], { isolationLevel: 1 }));
    expect(partition).toMatchObject({ highWatermark: 3, lastStableOffset: 1, abortedTransactions: [] });
    expect(batches(partition?.records as Uint8Array).headers.length).toBe(1);
  });

  test.each([12, 18])(
    'v%i: a debugging consumer reads up to the log end offset, from any replica',
    async (version) => {
      const broker = new TestBroker();
      const { fetches } = broker.replica(idA, 0);
      await partitions(broker, fetch([{}]), version);
      expect(fetches.at(-1)).toMatchObject({ isolation: 'high_watermark', allowFollower: version >= 11 });
      const asked = version < 15 ? { replicaId: -2 } : { replicaState: { replicaId: -2, replicaEpoch: -1 } };
      await partitions(broker, fetch([{}], asked), version);
      expect(fetches.at(-1)).toMatchObject({ isolation: 'log_end', allowFollower: true });
    },
  );

  test('batches in zstd are refused to clients before v10', async () => {
    const broker = new TestBroker();
    broker.replica(idA, 0).appendAsLeader(batchOf(1, 10, { compression: 'zstd' }), 1);
    expect(await partitions(broker, fetch([{}]), 9)).toMatchObject([{ errorCode: 76 }]);
    expect(await partitions(broker, fetch([{}]), 10)).toMatchObject([{ errorCode: 0 }]);
  });

  test('a storage error is NOT_LEADER_OR_FOLLOWER before v6', async () => {
    const broker = new TestBroker();
    broker.replica(idA, 0).error = new KafkaError(Errors.KAFKA_STORAGE_ERROR);
    expect(await partitions(broker, fetch([{}]), 5)).toMatchObject([{ errorCode: 6 }]);
    expect(await partitions(broker, fetch([{}]), 6)).toMatchObject([{ errorCode: 56 }]);
  });
});

describe('a pending fetch', () => {
  function park(broker: TestBroker, body: Body) {
    const connection = broker.connect();
    connection.feed(frame(FetchRequest, 12, body, 1));
    return connection;
  }
  const answer = (connection: ReturnType<typeof park>) =>
    connection
      .frames()
      .map((bytes) =>
        readResponse(FetchResponse, 12, bytes).body.responses.flatMap(({ partitions: all }) => all),
      );

  test('completes when the high watermark advances, not when records are appended', async () => {
    const broker = new TestBroker();
    const connection = park(broker, fetch([{}, { index: 1 }], { maxWaitMs: 30_000 }));
    await settle();
    expect(connection.frames()).toEqual([]);
    const replica = broker.replica(idA, 1);
    replica.holdAcks = true;
    replica.appendAsLeader(batchOf(), 1);
    replica.changed();
    await settle();
    expect(connection.frames()).toEqual([]);
    replica.commit();
    await settle();
    expect(answer(connection)[0]?.map(({ records }) => bytesOf(records) > 0)).toEqual([false, true]);
    expect(replica.watchers.size).toBe(0);
    expect(broker.replica(idA, 0).watchers.size).toBe(0);
  });

  test('waits no longer than maxWaitMs', async () => {
    const broker = new TestBroker();
    const connection = park(broker, fetch([{}], { maxWaitMs: 500 }));
    await broker.time.advance(499);
    expect(connection.frames()).toEqual([]);
    await broker.time.advance(1);
    expect(answer(connection)[0]).toMatchObject([{ errorCode: 0, highWatermark: 0 }]);
  });

  test('waits no longer than waitMsMax, even when maxWaitMs is larger', async () => {
    const broker = new TestBroker();
    const connection = park(broker, fetch([{}], { maxWaitMs: 2 ** 31 - 1 }));
    await broker.time.advance(waitMsMax - 1);
    expect(connection.frames()).toEqual([]);
    await broker.time.advance(1);
    expect(answer(connection)[0]).toMatchObject([{ errorCode: 0 }]);
  });

  test('unread responses hold no more than fetchBudgetBytes; further responses get firstReadBytesMin', async () => {
    const firstReadBytesMin = 65_536;
    const sizeBytes = 30_000;
    const broker = new TestBroker();
    const large = batchOf(1, 1 << 20);
    for (const index of [0, 1, 2]) {
      for (let i = 0; i < 20; i++) broker.replica(idA, index).appendAsLeader(large, 1);
      fill(broker, index, 10, sizeBytes);
    }
    const sizes: number[] = [];
    const stalled = async (body: Body): Promise<number> => {
      const connection = broker.connect();
      connection.writable = false;
      connection.feed(frame(FetchRequest, 12, body));
      await settle();
      // When the socket is full, the rest of the response waits; but its size is at the front already.
      return Buffer.from(connection.sent).readInt32BE(0);
    };
    const all = fetch(
      [0, 1, 2].map((index) => ({ index, maxBytes: 1 << 30 })),
      { maxBytes: 1 << 30 },
    );
    for (let i = 0; i < 3; i++) sizes.push(await stalled(all));
    const total = sizes.reduce((a, b) => a + b, 0);
    expect(total).toBeGreaterThan(fetchBudgetBytes - large.length);
    expect(total).toBeLessThan(fetchBudgetBytes + 3 * (large.length + firstReadBytesMin));
    const small = await stalled(fetch([{ offset: 20 }], { maxBytes: 1 << 30 }));
    expect(small).toBeGreaterThan(2 * sizeBytes);
    expect(small).toBeLessThan(firstReadBytesMin + sizeBytes);
  });

  test('completes when its partitions together have minBytes', async () => {
    const broker = new TestBroker();
    const size = batchOf(1, 100).length;
    const connection = park(broker, fetch([{}, { index: 1 }], { maxWaitMs: 30_000, minBytes: 3 * size }));
    fill(broker, 0, 1);
    await settle();
    fill(broker, 1, 1);
    await settle();
    expect(connection.frames()).toEqual([]);
    fill(broker, 0, 1);
    await settle();
    expect(answer(connection)[0]?.map(({ records }) => bytesOf(records))).toEqual([2 * size, size]);
  });

  test('completes when its partitions have minBytes, also when reads are slow', async () => {
    const broker = new TestBroker();
    const size = batchOf(1, 100).length;
    broker.replica(idA, 0).slow = true;
    const connection = park(broker, fetch([{}], { maxWaitMs: 30_000, minBytes: 3 * size }));
    for (let i = 0; i < 3; i++) {
      expect(connection.frames()).toEqual([]);
      fill(broker, 0, 1);
      await settle();
    }
    expect(answer(connection)[0]?.map(({ records }) => bytesOf(records))).toEqual([3 * size]);
  });

  test('completes when a partition fails or its topic is deleted', async () => {
    const broker = new TestBroker();
    const first = park(broker, fetch([{}], { maxWaitMs: 30_000 }));
    broker.replica(idA, 0).error = new KafkaError(Errors.NOT_LEADER_OR_FOLLOWER);
    broker.replica(idA, 0).changed();
    await settle();
    expect(answer(first)[0]).toMatchObject([{ errorCode: 6 }]);
    const second = park(broker, fetch([{ topic: 'b' }], { maxWaitMs: 30_000 }));
    const replica = broker.replica(idB, 0);
    broker.replicas.delete(`${idB}/0`);
    broker.apply([record('RemoveTopicRecord', { topicId: idB })]);
    replica.changed();
    await settle();
    expect(answer(second)[0]).toMatchObject([{ errorCode: 3 }]);
  });

  test('of a client that disconnects leaves no watcher and no timer', async () => {
    const broker = new TestBroker();
    const connection = park(broker, fetch([{}], { maxWaitMs: 30_000 }));
    await settle();
    expect(broker.replica(idA, 0).watchers.size).toBe(1);
    connection.destroy();
    expect(broker.replica(idA, 0).watchers.size).toBe(0);
    await broker.time.advance(5_000);
    expect(broker.time.timerCount).toBe(0);
  });
});

describe('fetch sessions', () => {
  async function ask(broker: TestBroker, body: Body, version = 12) {
    const response = await broker.inject(FetchRequest, FetchResponse, version, body);
    return {
      errorCode: response.errorCode,
      sessionId: response.sessionId,
      told: response.responses.flatMap(({ topic, partitions: all }) =>
        all.map(({ partitionIndex }) => `${topic}${partitionIndex}`),
      ),
    };
  }

  test('the first response has all partitions, later ones those with records, errors or changes', async () => {
    const broker = new TestBroker();
    const first = await ask(broker, fetch([{}, { index: 1 }, { topic: 'b' }], { sessionEpoch: 0 }));
    expect(first.told).toEqual(['a0', 'a1', 'b0']);
    const { sessionId } = first;
    expect(sessionId).toBeGreaterThan(0);
    expect(await ask(broker, fetch([], { sessionId, sessionEpoch: 1 }))).toEqual({
      errorCode: 0,
      sessionId,
      told: [],
    });
    fill(broker, 1, 1);
    expect((await ask(broker, fetch([], { sessionId, sessionEpoch: 2 }))).told).toEqual(['a1']);
    expect(
      (await ask(broker, fetch([{ index: 1, offset: 1 }], { sessionId, sessionEpoch: 3 }))).told,
    ).toEqual([]);
    broker.replica(idA, 0).error = new KafkaError(Errors.NOT_LEADER_OR_FOLLOWER);
    expect((await ask(broker, fetch([], { sessionId, sessionEpoch: 4 }))).told).toEqual(['a0']);
    broker.replica(idA, 0).error = null;
    expect((await ask(broker, fetch([], { sessionId, sessionEpoch: 5 }))).told).toEqual(['a0']);
    expect((await ask(broker, fetch([], { sessionId, sessionEpoch: 6 }))).told).toEqual([]);
  });

  test('a request adds and forgets partitions; the session ends when none is left', async () => {
    const broker = new TestBroker();
    const { sessionId } = await ask(broker, fetch([{}], { sessionEpoch: 0 }));
    expect((await ask(broker, fetch([{ topic: 'b' }], { sessionId, sessionEpoch: 1 }))).told).toEqual(['b0']);
    const forget = (topic: string) => [{ topic, topicId: topic === 'b' ? idB : idA, partitions: [0] }];
    fill(broker, 0, 1, 10, idB);
    expect(
      (await ask(broker, fetch([], { sessionId, sessionEpoch: 2, forgottenTopicsData: forget('b') }))).told,
    ).toEqual([]);
    const last = await ask(
      broker,
      fetch([], { sessionId, sessionEpoch: 3, forgottenTopicsData: forget('a') }),
    );
    expect(last).toEqual({ errorCode: 0, sessionId: 0, told: [] });
    expect((await ask(broker, fetch([], { sessionId, sessionEpoch: 4 }))).errorCode).toBe(70);
  });

  test('an unknown session id, a wrong session epoch and a change to topic ids are refused', async () => {
    const broker = new TestBroker();
    const { sessionId } = await ask(broker, fetch([{}], { sessionEpoch: 0 }));
    expect(await ask(broker, fetch([], { sessionId, sessionEpoch: 2 }))).toMatchObject({
      errorCode: 71,
      sessionId: 0,
    });
    expect(await ask(broker, fetch([], { sessionId: sessionId + 1, sessionEpoch: 1 }))).toMatchObject({
      errorCode: 70,
    });
    expect(await ask(broker, fetch([], { sessionId, sessionEpoch: 1 }), 13)).toMatchObject({
      errorCode: 106,
    });
    expect(await ask(broker, fetch([{}], { sessionId, sessionEpoch: -1 }))).toMatchObject({
      errorCode: 0,
      sessionId: 0,
      told: ['a0'],
    });
    expect(await ask(broker, fetch([], { sessionId, sessionEpoch: 1 }))).toMatchObject({ errorCode: 70 });
  });

  test('a session by topic ids answers with topic ids', async () => {
    const broker = new TestBroker();
    const { sessionId } = await ask(broker, fetch([{}, { topic: 'b' }], { sessionEpoch: 0 }), 15);
    fill(broker, 0, 1, 10, idB);
    const response = await broker.inject(
      FetchRequest,
      FetchResponse,
      15,
      fetch([], { sessionId, sessionEpoch: 1 }),
    );
    expect(response.responses.map(({ topicId }) => topicId)).toEqual([idB]);
  });

  test('when the cache of sessions is full, a new client gets no session', async () => {
    const broker = new TestBroker({ properties: 'max.incremental.fetch.session.cache.slots=1' });
    expect((await ask(broker, fetch([{}], { sessionEpoch: 0 }))).sessionId).toBeGreaterThan(0);
    expect(await ask(broker, fetch([{}], { sessionEpoch: 0 }))).toEqual({
      errorCode: 0,
      sessionId: 0,
      told: ['a0'],
    });
  });

  test('a partition with much data does not keep other partitions from being read', async () => {
    const broker = new TestBroker();
    for (const index of [0, 1, 2]) fill(broker, index, 50, 1000);
    const size = batchOf(1, 1000).length;
    const read = new Map<number, number>();
    let { sessionId } = { sessionId: 0 };
    for (let epoch = 0; epoch < 12; epoch++) {
      const asked = epoch === 0 ? [{ index: 0 }, { index: 1 }, { index: 2 }] : [];
      const response = await broker.inject(
        FetchRequest,
        FetchResponse,
        12,
        fetch(asked, { sessionId, sessionEpoch: epoch, maxBytes: size }),
      );
      sessionId = response.sessionId;
      for (const { partitionIndex, records } of response.responses.flatMap((topic) => topic.partitions)) {
        if (bytesOf(records) > 0) read.set(partitionIndex, (read.get(partitionIndex) ?? 0) + 1);
      }
    }
    expect([...read.entries()].sort()).toEqual([
      [0, 4],
      [1, 4],
      [2, 4],
    ]);
  });
});
