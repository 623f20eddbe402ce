import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Producer, type ProducerOptions } from '../../src/client/producer.ts';
import { decodeRecords } from '../../src/protocol/records/record.ts';
import { batches } from '../../src/protocol/records/batch.ts';
import { type Fate, ScriptedCluster } from './scripted-cluster.ts';
import { SeededRandom } from '../../src/simulation/random.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function producerOf(cluster: ScriptedCluster, options: Partial<ProducerOptions> = {}) {
  const client = cluster.client({ requestTimeoutMs: 1_000 });
  return new Producer(client, new SeededRandom(1), { requestTimeoutMs: 500, ...options });
}

/** The values of a partition's records, in log order. */
function stored(cluster: ScriptedCluster, partition = 0): string[] {
  return (cluster.partitions[partition]?.batches ?? []).flatMap(({ bytes: batch }) =>
    batches(batch).headers.flatMap((header) =>
      decodeRecords(header).map(({ value }) => new TextDecoder().decode(value ?? new Uint8Array(0))),
    ),
  );
}

const send = (producer: Producer, value: string, partition = 0) =>
  producer.send({ topic: 't', partition, value: bytes(value) });

/** Failures of a request after which the producer sends it again and succeeds. */
const troubles: readonly Fate[] = [
  'served',
  'closed',
  'lost',
  'silence',
  'NOT_LEADER_OR_FOLLOWER',
  'NOT_ENOUGH_REPLICAS',
  'REQUEST_TIMED_OUT',
];

describe('a producer', () => {
  test('refuses a record larger than max.request.size without sending it, and goes on', async () => {
    const cluster = new ScriptedCluster(2);
    const producer = producerOf(cluster, { maxRequestBytes: 1000 });
    const value = (length: number) => ({ topic: 't', partition: 0, value: new Uint8Array(length) });
    // 61 of the batch, 21 of the record, 1 of the key, 2 + 915 of the value, 1 of the headers: as Apache Kafka computes it.
    const tooLarge = producer.send(value(915));
    await expect(cluster.until(tooLarge)).rejects.toThrow(
      'The message is 1001 bytes when serialized which is larger than 1000, which is the value of the max.request.size configuration.',
    );
    await cluster.until(producer.flush());
    await cluster.until(producer.send(value(914)));
    expect(stored(cluster)).toEqual(['\0'.repeat(914)]);
  });

  test('that is idempotent writes each record once and in order, through errors and leader changes', async () => {
    const fates = fc.array(fc.constantFrom(...troubles), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(fates, fc.integer({ min: 1, max: 12 }), fc.nat(3), async (list, count, movesAt) => {
        const cluster = new ScriptedCluster(2);
        const producer = producerOf(cluster, { batchBytes: 60 });
        const left = [...list];
        let produced = 0;
        cluster.script = ({ api }) => {
          if (api !== 'Produce') return 'served';
          if (++produced === movesAt) cluster.moveLeader(0);
          return left.shift() ?? 'served';
        };
        const values = Array.from({ length: count }, (_, at) => `${at}`);
        const sent = values.map((value, at) => send(producer, value, at % 2));
        const acknowledged = await cluster.until(Promise.all(sent));
        const places = values.map((value, at) => ({ value, partition: at % 2 }));
        for (const partition of [0, 1]) {
          const own = places.filter((place) => place.partition === partition).map(({ value }) => value);
          expect(stored(cluster, partition)).toEqual(own);
        }
        for (const [at, { partition, offset }] of acknowledged.entries())
          expect(stored(cluster, partition)[offset]).toBe(`${at}`);
        await cluster.until(producer.flush());
        expect(cluster.time.timerCount).toBe(0);
      }),
      { numRuns: 100 },
    );
  });

  test('that is not idempotent writes a record again after a lost response', async () => {
    const cluster = new ScriptedCluster();
    const producer = producerOf(cluster, { isIdempotent: false });
    const left: Fate[] = ['lost'];
    cluster.script = ({ api }) => (api === 'Produce' ? (left.shift() ?? 'served') : 'served');
    await cluster.until(send(producer, 'one'));
    expect(stored(cluster)).toEqual(['one', 'one']);
    expect(cluster.asked.some(({ api }) => api === 'InitProducerId')).toBe(false);
  });

  test('fails the records of a batch with a non-retriable error, and writes the next ones', async () => {
    const cluster = new ScriptedCluster();
    const producer = producerOf(cluster);
    const left: Fate[] = ['MESSAGE_TOO_LARGE'];
    cluster.script = ({ api }) => (api === 'Produce' ? (left.shift() ?? 'served') : 'served');
    await expect(cluster.until(send(producer, 'one'))).rejects.toThrow(/MESSAGE_TOO_LARGE|larger/i);
    await cluster.until(send(producer, 'two'));
    expect(stored(cluster)).toEqual(['two']);
    // The refused batch leaves a gap in the sequence numbers, so the producer asks for a new producer id.
    expect(cluster.asked.filter(({ api }) => api === 'InitProducerId')).toHaveLength(2);
  });

  test('fails a record that cannot be delivered within deliveryTimeoutMs; flush ends then', async () => {
    const cluster = new ScriptedCluster();
    const producer = producerOf(cluster, { deliveryTimeoutMs: 3_000 });
    cluster.script = ({ api }) => (api === 'Produce' ? 'NOT_LEADER_OR_FOLLOWER' : 'served');
    const sent = send(producer, 'one');
    const flushed = producer.flush();
    await expect(cluster.until(sent)).rejects.toThrow();
    await cluster.until(flushed);
    expect(cluster.time.nowMs).toBeLessThan(1_000_000 + 4_000);
    expect(stored(cluster)).toEqual([]);
  });

  /** Notes when promises settle, in virtual milliseconds since now. */
  const timesOf = (cluster: ScriptedCluster, promises: readonly Promise<unknown>[]): number[] => {
    const times: number[] = promises.map(() => Number.NaN);
    const startMs = cluster.time.nowMs;
    promises.forEach((promise, at) => {
      const note = (): void => {
        times[at] = cluster.time.nowMs - startMs;
      };
      promise.then(note, note);
    });
    return times;
  };

  test.each([
    ['in flight and behind it', 'Produce'],
    ['that waits for a producer id', 'InitProducerId'],
  ])('delivery.timeout.ms counts from the send of each record, also %s', async (_name, api) => {
    const cluster = new ScriptedCluster();
    const client = cluster.client({ requestTimeoutMs: 4_000 });
    const producer = new Producer(client, new SeededRandom(1), { deliveryTimeoutMs: 3_000 });
    cluster.script = (request) => (request.api === api ? 'silence' : 'served');
    const first = send(producer, 'one');
    for (let step = 0; step < 20; step++) await cluster.time.advance(50);
    const second = send(producer, 'two');
    const times = timesOf(cluster, [first, second]);
    await expect(cluster.until(first)).rejects.toThrow('Expiring 1 record(s) for t-0:3000 ms has passed');
    await expect(cluster.until(second)).rejects.toThrow('Expiring 1 record(s) for t-0:3000 ms has passed');
    expect(times[0]).toBeLessThan(2_200);
    expect(times[1]).toBeGreaterThan(2_900);
    expect(times[1]).toBeLessThan(3_200);
    // What comes after them is sent.
    cluster.script = () => 'served';
    await cluster.until(send(producer, 'three'));
    expect(stored(cluster)).toContain('three');
  });

  test('a batch that expires while its leader is looked up is not sent any more', async () => {
    const cluster = new ScriptedCluster();
    const client = cluster.client({ requestTimeoutMs: 4_000 });
    const producer = new Producer(client, new SeededRandom(1), { deliveryTimeoutMs: 3_000 });
    let metadata: Fate = 'served';
    cluster.script = ({ api }) => {
      if (api === 'Metadata') return metadata;
      if (api !== 'Produce' || metadata === 'silence') return 'served';
      metadata = 'silence';
      return 'NOT_LEADER_OR_FOLLOWER';
    };
    await expect(cluster.until(send(producer, 'one'))).rejects.toThrow('Expiring 1 record(s)');
    metadata = 'served';
    cluster.script = () => 'served';
    for (let step = 0; step < 200; step++) await cluster.time.advance(50);
    expect(cluster.asked.filter(({ api }) => api === 'Produce')).toHaveLength(1);
    expect(stored(cluster)).toEqual([]);
  });

  test('flush waits for the records sent before it, not for those sent after it', async () => {
    const cluster = new ScriptedCluster(2);
    const producer = producerOf(cluster, { deliveryTimeoutMs: 5_000 });
    await cluster.until(send(producer, 'zero'));
    cluster.script = ({ api, body }) =>
      api === 'Produce' && JSON.stringify(body).includes('"index":1') ? 'NOT_LEADER_OR_FOLLOWER' : 'served';
    const [before, flushed] = [send(producer, 'one', 0), producer.flush()];
    const [stuck, later] = [send(producer, 'two', 1), producer.flush()];
    const times = timesOf(cluster, [before, flushed, stuck, later, producer.flush()]);
    await cluster.until(Promise.allSettled([stuck, later]));
    expect(times[1]).toBeLessThan(1_000);
    expect(times[2]).toBeGreaterThan(4_000);
    expect(times[3]).toBe(times[2]);
    await cluster.until(producer.flush());
    expect(times[4]).toBe(times[2]);
  });

  test('waits maxBlockMs for a topic that does not exist, then names it in the error', async () => {
    const cluster = new ScriptedCluster();
    const producer = producerOf(cluster, { maxBlockMs: 1_000 });
    cluster.script = ({ api }) => (api === 'Metadata' ? 'UNKNOWN_TOPIC_OR_PARTITION' : 'served');
    await expect(cluster.until(send(producer, 'one'))).rejects.toThrow(
      'Topic t not present in metadata after 1000 ms.',
    );
    cluster.script = () => 'served';
    await cluster.until(send(producer, 'two'));
    expect(stored(cluster)).toEqual(['two']);
  });

  test('gathers records while a batch is in flight, and sends batches of at most batchBytes', async () => {
    const cluster = new ScriptedCluster();
    const producer = producerOf(cluster, { batchBytes: 100 });
    await cluster.until(Promise.all(Array.from({ length: 20 }, (_, at) => send(producer, `value ${at}`))));
    const sizes = cluster.partitions[0]?.batches.map(
      ({ bytes: batch }) => batches(batch).headers[0]?.recordsCount,
    );
    expect(Math.max(...(sizes as number[]))).toBeLessThanOrEqual(4);
    expect(sizes?.length).toBeLessThan(20);
  });

  test('with acks=0 waits for no response', async () => {
    const cluster = new ScriptedCluster();
    const producer = producerOf(cluster, { acks: 0, isIdempotent: false });
    cluster.script = ({ api }) => (api === 'Produce' ? 'silence' : 'served');
    expect(await cluster.until(send(producer, 'one'))).toEqual({ topic: 't', partition: 0, offset: -1 });
    await cluster.time.advance(10);
    expect(stored(cluster)).toEqual(['one']);
  });
});
