import { describe, expect, test } from 'vitest';
import { type MetadataRecord, record } from '../../../src/metadata/records.ts';
import { FetchRequest, FetchResponse } from '../../../src/protocol/messages/records/01-fetch.ts';
import { MetadataRequest, MetadataResponse } from '../../../src/protocol/messages/cluster/03-metadata.ts';
import { ProduceRequest, ProduceResponse } from '../../../src/protocol/messages/records/00-produce.ts';
import { frameStallMs, sweepIntervalMs } from '../../../src/broker/limits.ts';
import { batchOf, frame, idA, type MemoryConnection, readResponse, settle, TestBroker } from '../harness.ts';

function quota(entity: Record<string, string | null>, key: string, value: number): MetadataRecord {
  const parts = Object.entries(entity).map(([entityType, entityName]) => ({ entityType, entityName }));
  return record('ClientQuotaRecord', { entity: parts, key, value, remove: false });
}

function brokerWith(...quotas: MetadataRecord[]): TestBroker {
  const broker = new TestBroker();
  broker.apply(quotas);
  return broker;
}

/** Number of bytes of a Produce request, without its size. */
const produceBytes = (): number => produce().length - 4;

function produce(correlationId = 1, acks = 1, clientId = 'app'): Uint8Array {
  const partitionData = [{ index: 0, records: batchOf(1, 1000) }];
  const topicData = [{ name: 'a', partitionData }];
  const body = { transactionalId: null, acks, timeoutMs: 1000, topicData };
  return frame(ProduceRequest, 9, body, correlationId, clientId);
}

function throttleTimes(connection: MemoryConnection): number[] {
  return connection.frames().map((bytes) => readResponse(ProduceResponse, 9, bytes).body.throttleTimeMs);
}

function fetch(options: { sessionId?: number; sessionEpoch?: number; maxWaitMs?: number } = {}): Uint8Array {
  const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1 << 20 }];
  const body = {
    maxWaitMs: 0,
    minBytes: 1,
    maxBytes: 1 << 20,
    isolationLevel: 0,
    sessionId: 0,
    sessionEpoch: -1,
    topics: [{ topic: 'a', topicId: idA, partitions }],
    forgottenTopicsData: [],
    ...options,
  };
  return frame(FetchRequest, 12, body, 1, 'app');
}

const metadata = (): Uint8Array => frame(MetadataRequest, 9, { topics: [] }, 9, 'app');

describe('the quota producer_byte_rate', () => {
  test('answers at once with the throttle time, and mutes the connection for that time', async () => {
    // A request may fill the window of ten seconds; the second one exceeds it by its whole size.
    const bytes = produceBytes();
    const broker = brokerWith(quota({ 'client-id': 'app' }, 'producer_byte_rate', bytes / 10));
    const connection = broker.connect();
    connection.feed(produce(1), produce(2), produce(3), metadata());
    await settle();
    expect(throttleTimes(connection)).toEqual([0, 10_000]);
    expect(connection.paused).toBe(true);
    await broker.time.advance(9_999);
    expect(connection.frames()).toHaveLength(2);
    await broker.time.advance(1);
    expect(connection.frames().length).toBeGreaterThan(2);
  });

  test('mutes the connection also after a request with acks=0, which has no response', async () => {
    const broker = brokerWith(quota({ 'client-id': 'app' }, 'producer_byte_rate', produceBytes() / 20));
    const connection = broker.connect();
    connection.feed(produce(1, 0), metadata());
    await settle();
    expect(connection.frames()).toEqual([]);
    await broker.time.advance(10_000);
    expect(connection.frames()).toHaveLength(1);
  });

  test('does not throttle other clients and other connections; a user is the name of the principal', async () => {
    const broker = brokerWith(quota({ user: 'ANONYMOUS', 'client-id': 'app' }, 'producer_byte_rate', 1));
    const [app, other, sibling] = [broker.connect(), broker.connect(), broker.connect()];
    app.feed(produce());
    other.feed(produce(1, 1, 'other'));
    sibling.feed(metadata());
    await settle();
    expect([app, other, sibling].map((connection) => connection.paused)).toEqual([true, false, false]);
    expect(throttleTimes(other)).toEqual([0]);
    expect(sibling.frames()).toHaveLength(1);
  });

  test('can change while connections are open; without quotas nothing is recorded', async () => {
    const broker = brokerWith(quota({ 'client-id': null }, 'producer_byte_rate', 1));
    broker.apply([
      record('ClientQuotaRecord', {
        entity: [{ entityType: 'client-id', entityName: null }],
        key: 'producer_byte_rate',
        value: 0,
        remove: true,
      }),
    ]);
    const connection = broker.connect();
    connection.feed(produce(1), produce(2));
    await settle();
    expect(throttleTimes(connection)).toEqual([0, 0]);
    expect(broker.quotas.produce.size).toBe(0);
    broker.apply([quota({ 'client-id': null }, 'producer_byte_rate', 1)]);
    connection.feed(produce(3));
    await settle();
    expect(throttleTimes(connection)[2]).toBeGreaterThan(0);
  });

  test('does not keep an idle connection open while it is muted', async () => {
    const broker = new TestBroker({ properties: 'connections.max.idle.ms=5000\n' });
    broker.apply([quota({ 'client-id': 'app' }, 'producer_byte_rate', 1)]);
    const connection = broker.connect();
    connection.feed(produce());
    await settle();
    expect(queueSize(broker)).toBe(1);
    await broker.time.advance(20_000);
    expect([connection.closed, queueSize(broker)]).toEqual([true, 0]);
  });

  test('does not close a connection for half a frame behind a throttled request', async () => {
    const broker = brokerWith(quota({ 'client-id': 'app' }, 'producer_byte_rate', produceBytes() / 40));
    const connection = broker.connect();
    const next = metadata();
    connection.feed(produce(), next.subarray(0, 7));
    await broker.time.advance(29_000);
    expect([connection.closed, connection.frames().length]).toEqual([false, 1]);
    await broker.time.advance(2000);
    connection.feed(next.subarray(7));
    await settle();
    expect(connection.frames()).toHaveLength(2);
  });
});

describe('memory of requests behind a throttled one', () => {
  const properties = 'queued.max.request.bytes=40000\nsocket.request.max.bytes=40000\n';

  /**
   * A connection whose fetch waits while a further request of 30,000 bytes arrives, in part or in full; the fetch is throttled.
   */
  async function mutedWith(broker: TestBroker, frameBytes: number): Promise<MemoryConnection> {
    const connection = broker.connect();
    const large = metadataOf('x'.repeat(30_000));
    connection.feed(fetch({ maxWaitMs: 500 }), large.subarray(0, Math.min(frameBytes, large.length)));
    await settle();
    broker.replica(idA, 0).appendAsLeader(batchOf(1, 1000), 1);
    await settle();
    expect(connection.frames()).toHaveLength(1);
    return connection;
  }

  const metadataOf = (name: string): Uint8Array =>
    frame(MetadataRequest, 9, { topics: [{ name }] }, 9, 'other');

  test.each([
    ['in part', 20_000],
    ['in full', 99_999],
  ])('is kept during the throttle time, but given to others that wait: read %s', async (_, frameBytes) => {
    const broker = new TestBroker({ properties });
    broker.apply([quota({ 'client-id': 'app' }, 'consumer_byte_rate', 1)]);
    const muted = await mutedWith(broker, frameBytes);
    await broker.time.advance(6 * frameStallMs);
    expect(muted.closed).toBe(false);
    const other = broker.connect();
    other.feed(metadataOf('y'.repeat(20_000)));
    await broker.time.advance(2 * sweepIntervalMs);
    expect([muted.closed, other.frames().length]).toEqual([true, 1]);
  });
});

function queueSize(broker: TestBroker): number {
  let size = 0;
  broker.quotas.collect((metric, value, labels) => {
    if (metric === 'kafka_server_quota_queue_size' && labels?.[0] === 'Produce') size = value;
  });
  return size;
}

describe('the quota consumer_byte_rate', () => {
  async function answer(broker: TestBroker, request: Uint8Array, connection = broker.connect()) {
    connection.feed(request);
    await settle();
    const { body } = readResponse(FetchResponse, 12, connection.frames().at(-1) as Uint8Array);
    const partition = body.responses[0]?.partitions[0];
    return { ...body, records: partition?.records?.length ?? -1 };
  }

  function filled(): TestBroker {
    const broker = brokerWith(quota({ 'client-id': 'app' }, 'consumer_byte_rate', 120));
    broker.replica(idA, 0).appendAsLeader(batchOf(1, 900), 1);
    return broker;
  }

  test('empties a response above the quota, gives its throttle time, and does not count it', async () => {
    const broker = filled();
    const first = await answer(broker, fetch());
    expect([first.throttleTimeMs, first.records > 900]).toEqual([0, true]);
    const second = await answer(broker, fetch());
    expect([second.errorCode, second.records, second.responses]).toEqual([0, -1, []]);
    expect(second.throttleTimeMs).toBeGreaterThan(5000);
    await broker.time.advance(11_000);
    const third = await answer(broker, fetch());
    expect(third.records).toBe(first.records);
  });

  test('leaves a fetch session unchanged by a throttled fetch, and creates none', async () => {
    const broker = filled();
    const made = await answer(broker, fetch({ sessionId: 0, sessionEpoch: 0 }));
    expect(made.sessionId).not.toBe(0);
    const next = await answer(broker, fetch({ sessionId: made.sessionId, sessionEpoch: 1 }));
    expect([next.sessionId, next.responses]).toEqual([made.sessionId, []]);
    const refused = await answer(broker, fetch({ sessionId: 0, sessionEpoch: 0 }));
    expect([refused.sessionId, refused.throttleTimeMs > 0]).toEqual([0, true]);
    await broker.time.advance(11_000);
    const after = await answer(broker, fetch({ sessionId: made.sessionId, sessionEpoch: 2 }));
    expect([after.sessionId, after.records]).toEqual([made.sessionId, made.records]);
  });
});

describe('the quota request_percentage', () => {
  /** One percent: 100 ms in the window of ten seconds. */
  const onePercent = (): MetadataRecord => quota({ user: null }, 'request_percentage', 1);

  /** The time that a client has used, in milliseconds. */
  function usedMs(broker: TestBroker): number {
    const nowMs = broker.time.nowMs;
    const rate = broker.quotas.request.newest(1, nowMs)[0]?.rate;
    return rate === undefined ? 0 : Math.round(rate.measure(nowMs) * 100);
  }

  /** A broker whose replica takes `appendMs` of the event loop for an append. */
  function slowBroker(appendMs: number): TestBroker {
    const broker = brokerWith(onePercent());
    const replica = broker.replica(idA, 0);
    const append = replica.appendAsLeader.bind(replica);
    replica.appendAsLeader = (...args) => {
      broker.time.nowMs += appendMs;
      return append(...args);
    };
    return broker;
  }

  test('counts time of the event loop, for every API', async () => {
    const broker = brokerWith(onePercent());
    // Each reading of the clock takes 60 ms.
    broker.time.stepMs = 60;
    const times: number[] = [];
    for (let i = 0; i < 5; i++)
      times.push((await broker.inject(MetadataRequest, MetadataResponse, 9, { topics: [] })).throttleTimeMs);
    // At most one sample.
    expect(times.at(-1)).toBe(1000);
  });

  test('gives a response the throttle time that its own handling causes, and mutes the connection', async () => {
    const broker = slowBroker(101);
    const connection = broker.connect();
    connection.feed(produce());
    await settle();
    expect(throttleTimes(connection)).toEqual([100]);
    connection.feed(metadata());
    await broker.time.advance(99);
    expect(connection.frames()).toHaveLength(1);
    await broker.time.advance(1);
    expect(connection.frames()).toHaveLength(2);
  });

  test('counts appends in slices until the last one', async () => {
    const broker = slowBroker(8);
    const connection = broker.connect();
    const partitionData = Array.from({ length: 5 }, () => ({ index: 0, records: batchOf(1, 10) }));
    const body = {
      transactionalId: null,
      acks: 1,
      timeoutMs: 1000,
      topicData: [{ name: 'a', partitionData }],
    };
    connection.feed(frame(ProduceRequest, 9, body, 1, 'app'));
    await settle(60);
    expect(connection.frames()).toHaveLength(1);
    expect(usedMs(broker)).toBe(40);
  });

  test('charges the reads after a pending fetch to the consumer, not to the producer', async () => {
    const broker = brokerWith(quota({ 'client-id': 'app' }, 'request_percentage', 1));
    const replica = broker.replica(idA, 0);
    const read = replica.fetch.bind(replica);
    replica.fetch = (options) => {
      broker.time.nowMs += 30;
      return read(options);
    };
    const [consumer, producer] = [broker.connect(), broker.connect()];
    consumer.feed(fetch({ maxWaitMs: 500 }));
    await settle();
    expect(usedMs(broker)).toBe(0);
    producer.feed(produce(1, 1, 'other'));
    await settle();
    expect([consumer.frames().length, usedMs(broker)]).toEqual([1, 30]);
  });

  test('counts the bytes of unfinished requests and the write of a response', async () => {
    const broker = brokerWith(onePercent());
    const connection = broker.connect();
    connection.feed(metadata());
    await settle();
    const write = connection.write.bind(connection);
    connection.write = (buffers) => {
      broker.time.nowMs += 10;
      return write(buffers);
    };
    connection.feed(metadata());
    await settle();
    expect(usedMs(broker)).toBe(10);
  });

  test('serves one request at a time of a client above its quota', async () => {
    const broker = slowBroker(200);
    const replica = broker.replica(idA, 0);
    const connection = broker.connect();
    connection.feed(produce(1), produce(2), produce(3));
    await settle();
    expect(replica.logEndOffset).toBe(1);
    await broker.time.advance(1000);
    expect(replica.logEndOffset).toBe(2);
  });

  test('exempts a Produce without response', async () => {
    const broker = slowBroker(200);
    const connection = broker.connect();
    connection.feed(produce(1, 0), produce(2, 0));
    await settle();
    expect([usedMs(broker), connection.paused]).toEqual([0, false]);
  });
});
