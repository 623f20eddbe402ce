import { describe, expect, test } from 'vitest';
import { Errors, KafkaError } from '../../../src/protocol/errors.ts';
import { ProduceRequest, ProduceResponse } from '../../../src/protocol/messages/records/00-produce.ts';
import { ApiVersionsRequest } from '../../../src/protocol/messages/cluster/18-api-versions.ts';
import type { Init } from '../../../src/protocol/schema/fields.ts';
import {
  batchOf,
  brokerRecord,
  frame,
  idA,
  readResponse,
  settle,
  TestBroker,
  topicRecords,
} from '../harness.ts';

type Body = Init<typeof ProduceRequest>;

function produce(
  records: Uint8Array | null,
  options: Partial<Body> & { topic?: string; topicId?: string; index?: number } = {},
): Body {
  const { topic = 'a', topicId = idA, index = 0, ...rest } = options;
  return {
    acks: -1,
    timeoutMs: 1_000,
    topicData: [{ name: topic, topicId, partitionData: [{ index, records }] }],
    ...rest,
  };
}

async function one(broker: TestBroker, body: Body, version = 9) {
  const response = await broker.inject(ProduceRequest, ProduceResponse, version, body);
  return response.responses[0]?.partitionResponses[0];
}

describe('Produce', () => {
  test.each([3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13])(
    'v%i appends the batch and returns its base offset',
    async (version) => {
      const broker = new TestBroker();
      expect(await one(broker, produce(batchOf(3)), version)).toMatchObject({
        errorCode: 0,
        baseOffset: 0,
        index: 0,
      });
      expect(await one(broker, produce(batchOf(2)), version)).toMatchObject({ errorCode: 0, baseOffset: 3 });
      expect(broker.replica(idA, 0).logEndOffset).toBe(5);
    },
  );

  test('each partition of a request fails on its own', async () => {
    const broker = new TestBroker();
    broker.replica(idA, 1).error = new KafkaError(Errors.NOT_ENOUGH_REPLICAS);
    const response = await broker.inject(ProduceRequest, ProduceResponse, 9, {
      acks: -1,
      timeoutMs: 100,
      topicData: [
        { name: 'a', partitionData: [0, 1, 2, 9].map((index) => ({ index, records: batchOf() })) },
        { name: 'nope', partitionData: [{ index: 0, records: batchOf() }] },
      ],
    });
    const codes = response.responses.map(({ name, partitionResponses }) => [
      name,
      ...partitionResponses.map((p) => p.errorCode),
    ]);
    expect(codes).toEqual([
      ['a', 0, 19, 0, 3],
      ['nope', 3],
    ]);
    expect(response.responses[0]?.partitionResponses[1]).toMatchObject({
      baseOffset: -1,
      logStartOffset: -1,
    });
  });

  const flipped = (): Uint8Array => {
    const batch = Uint8Array.from(batchOf());
    batch[16] = 1;
    return batch;
  };
  test.each<[string, number, Uint8Array | null, number]>([
    ['no records', 9, null, 87],
    ['empty records', 9, new Uint8Array(0), 87],
    ['two batches', 9, Buffer.concat([batchOf(), batchOf()]), 87],
    ['magic 1', 9, flipped(), 87],
    ['a cut batch', 9, batchOf().subarray(0, 65), 87],
    ['less than a header', 9, batchOf().subarray(0, 40), 87],
    ['zstd before v7', 6, batchOf(1, 10, { compression: 'zstd' }), 76],
    [
      'a transactional batch without an id',
      9,
      batchOf(1, 10, { isTransactional: true, producerId: 1, producerEpoch: 0, baseSequence: 0 }),
      53,
    ],
  ])('records that are invalid (%s) are refused and not appended', async (_name, version, records, code) => {
    const broker = new TestBroker();
    expect(await one(broker, produce(records), version)).toMatchObject({ errorCode: code, baseOffset: -1 });
    expect(broker.replica(idA, 0).logEndOffset).toBe(0);
  });

  test('a request with unknown acks is refused', async () => {
    const broker = new TestBroker();
    expect(await one(broker, produce(batchOf(), { acks: 2 }))).toMatchObject({
      errorCode: 21,
      baseOffset: -1,
    });
  });

  test('only the admin client may produce to internal topics', async () => {
    const broker = new TestBroker({
      records: [brokerRecord(1), ...topicRecords('__consumer_offsets', idA, 1)],
    });
    const body = produce(batchOf(), { topic: '__consumer_offsets' });
    expect(await one(broker, body)).toMatchObject({ errorCode: 17 });
    const response = await broker.inject(ProduceRequest, ProduceResponse, 9, body, {
      clientId: '__admin_client',
    });
    expect(response.responses[0]?.partitionResponses[0]?.errorCode).toBe(0);
  });

  test('an unknown topic id is refused with UNKNOWN_TOPIC_ID', async () => {
    const broker = new TestBroker();
    expect(await one(broker, produce(batchOf(), { topicId: 'AAAAAAAAAAAAAAAAAAAAAA' }), 13)).toMatchObject({
      errorCode: 100,
    });
    expect(await one(broker, produce(batchOf(), { topicId: 'ZZZZAAAAAAAAAAAAAAAAAA' }), 13)).toMatchObject({
      errorCode: 100,
    });
  });

  test('NOT_LEADER_OR_FOLLOWER names the new leader from v10 on', async () => {
    const broker = new TestBroker({
      records: [brokerRecord(1), brokerRecord(2), ...topicRecords('a', idA, 1, 2)],
    });
    const old = await broker.inject(ProduceRequest, ProduceResponse, 9, produce(batchOf()));
    expect(old.responses[0]?.partitionResponses[0]).toMatchObject({
      errorCode: 6,
      currentLeader: { leaderId: -1 },
    });
    const response = await broker.inject(ProduceRequest, ProduceResponse, 10, produce(batchOf()));
    expect(response.responses[0]?.partitionResponses[0]).toMatchObject({
      errorCode: 6,
      currentLeader: { leaderId: 2, leaderEpoch: 5 },
    });
    expect(response.nodeEndpoints).toEqual([{ nodeId: 2, host: 'host2', port: 9092, rack: null }]);
  });

  test('with acks=all the response waits for the acknowledgement; after a time-out the records stay in the log', async () => {
    const broker = new TestBroker();
    const replica = broker.replica(idA, 0);
    replica.holdAcks = true;
    const connection = broker.connect();
    connection.feed(frame(ProduceRequest, 9, produce(batchOf()), 1));
    await settle();
    expect(connection.frames()).toEqual([]);
    replica.acknowledge();
    await settle();
    expect(connection.frames().length).toBe(1);
    connection.feed(frame(ProduceRequest, 9, produce(batchOf()), 2));
    await broker.time.advance(999);
    expect(connection.frames().length).toBe(1);
    await broker.time.advance(2);
    const { body } = readResponse(ProduceResponse, 9, connection.frames()[1] as Uint8Array);
    expect(body.responses[0]?.partitionResponses[0]).toMatchObject({ errorCode: 7, baseOffset: -1 });
    expect(replica.logEndOffset).toBe(2);
    replica.acknowledge();
    await settle();
    expect(connection.frames().length).toBe(2);
  });

  test('an acknowledgement that fails is answered with its error', async () => {
    const broker = new TestBroker();
    const replica = broker.replica(idA, 0);
    replica.holdAcks = true;
    const connection = broker.connect();
    connection.feed(frame(ProduceRequest, 9, produce(batchOf()), 1));
    await settle();
    replica.acknowledge(new KafkaError(Errors.NOT_LEADER_OR_FOLLOWER));
    await settle();
    const { body } = readResponse(ProduceResponse, 9, connection.frames()[0] as Uint8Array);
    expect(body.responses[0]?.partitionResponses[0]?.errorCode).toBe(6);
    expect(broker.time.timerCount).toBe(1);
  });

  test('pipelined requests are appended in order while the first one waits for its acknowledgement', async () => {
    const broker = new TestBroker();
    const replica = broker.replica(idA, 0);
    replica.holdAcks = true;
    const connection = broker.connect();
    connection.feed(Buffer.concat([1, 2, 3].map((id) => frame(ProduceRequest, 9, produce(batchOf(id)), id))));
    await settle();
    expect(replica.logEndOffset).toBe(6);
    replica.acknowledge();
    await settle();
    const offsets = connection
      .frames()
      .map(
        (bytes) =>
          readResponse(ProduceResponse, 9, bytes).body.responses[0]?.partitionResponses[0]?.baseOffset,
      );
    expect(offsets).toEqual([0, 1, 3]);
    expect(connection.writes.length).toBe(1);
  });

  // Bound: sliceMsMax.
  test('the batches of a request that takes long are appended in slices, before those of the next request', async () => {
    const broker = new TestBroker();
    const appended: string[] = [];
    for (const index of [0, 1, 2]) {
      const replica = broker.replica(idA, index);
      const append = replica.appendAsLeader.bind(replica);
      replica.appendAsLeader = (...args) => {
        broker.time.nowMs += 40;
        appended.push(`partition ${index}`);
        return append(...args);
      };
    }
    const soon = broker.time.soon.bind(broker.time);
    broker.time.soon = (callback) =>
      soon(() => {
        appended.push('turn');
        callback();
      });
    const connection = broker.connect();
    const partitionData = [0, 1, 2].map((index) => ({ index, records: batchOf(3) }));
    const first: Body = { acks: 1, timeoutMs: 100, topicData: [{ name: 'a', partitionData }] };
    const second = produce(batchOf(1), { index: 2, acks: 1 });
    connection.feed(Buffer.concat([first, second].map((body, i) => frame(ProduceRequest, 9, body, i))));
    for (let i = 0; i < 10; i++) {
      await settle();
      broker.time.advance(0);
    }
    expect(appended.join()).toMatch(
      /^partition 0,turn,partition 1,turn,partition 2,turn,(turn,)*partition 2/,
    );
    const responses = connection.frames().map((bytes) => readResponse(ProduceResponse, 9, bytes).body);
    expect(
      responses.map(({ responses: [topic] }) =>
        topic?.partitionResponses.map(({ baseOffset }) => baseOffset),
      ),
    ).toEqual([[0, 0, 0], [3]]);
  });

  test('a request with acks=0 gets no response; the next request gets its own', async () => {
    const broker = new TestBroker();
    const connection = broker.connect();
    connection.feed(
      frame(ProduceRequest, 9, produce(batchOf(), { acks: 0 }), 1),
      frame(ApiVersionsRequest, 0, {}, 2),
    );
    await settle();
    expect(connection.frames().map((bytes) => Buffer.from(bytes).readInt32BE(0))).toEqual([2]);
    expect(broker.replica(idA, 0).logEndOffset).toBe(1);
  });

  test.each([
    ['an unknown topic', produce(batchOf(), { acks: 0, topic: 'nope' })],
    ['no batch', produce(null, { acks: 0 })],
  ])('a request with acks=0 and %s closes the connection', async (_name, body) => {
    const broker = new TestBroker();
    const connection = broker.connect();
    connection.feed(frame(ProduceRequest, 9, body, 1));
    await settle();
    expect(connection.closed).toBe(true);
    expect(connection.writes).toEqual([]);
    expect(broker.logger.at('error')).toEqual([]);
  });

  test('a request with acks=0 whose write fails later closes the connection', async () => {
    const broker = new TestBroker();
    const replica = broker.replica(idA, 0);
    replica.holdAcks = true;
    const connection = broker.connect();
    connection.feed(frame(ProduceRequest, 9, produce(batchOf(), { acks: 0 }), 1));
    await settle();
    replica.acknowledge(new KafkaError(Errors.KAFKA_STORAGE_ERROR));
    await settle();
    expect(connection.closed).toBe(true);
  });

  test('a bug while appending fails only its partition, with UNKNOWN_SERVER_ERROR, and is logged', async () => {
    const broker = new TestBroker();
    broker.replica(idA, 0).error = new TypeError('bug') as unknown as KafkaError;
    expect(await one(broker, produce(batchOf()))).toMatchObject({ errorCode: -1 });
    expect(broker.logger.at('error').length).toBe(1);
  });

  test('a storage error is NOT_LEADER_OR_FOLLOWER before v4', async () => {
    const broker = new TestBroker();
    broker.replica(idA, 0).error = new KafkaError(Errors.KAFKA_STORAGE_ERROR);
    expect(await one(broker, produce(batchOf()), 3)).toMatchObject({ errorCode: 6 });
    expect(await one(broker, produce(batchOf()), 4)).toMatchObject({ errorCode: 56 });
  });
});
