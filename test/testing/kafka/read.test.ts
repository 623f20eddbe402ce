/**
 * `kafka.read` ends at the end of the topic, even when compacted gaps or transaction markers lie between the records. It
 * returns what a read_committed consumer sees.
 */
import { Partitioners, type Producer } from 'kafkajs';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { startKafka, type TestKafka } from '../../../src/testing/kafka/index.ts';
import { kafkaJs } from './kafkajs.ts';

let kafka: TestKafka;

beforeAll(async () => {
  kafka = await startKafka({ where: 'here', topics: { orders: 1, pairs: 2 }, log: 'silent' });
});

afterEach(() => kafka.reset());

afterAll(() => kafka.close());

async function transactional(): Promise<Producer> {
  const producer = kafkaJs(kafka, 'tx').producer({
    transactionalId: 'tx',
    idempotent: true,
    maxInFlightRequests: 1,
    createPartitioner: Partitioners.DefaultPartitioner,
  });
  await producer.connect();
  return producer;
}

const valuesOf = async (...args: Parameters<TestKafka['read']>): Promise<(string | null)[]> =>
  (await kafka.read(...args)).map(({ value }) => value);

describe('reading a topic', () => {
  test('returns no markers, and no records of aborted transactions', async () => {
    const producer = await transactional();
    for (const end of ['commit', 'abort', 'commit'] as const) {
      const transaction = await producer.transaction();
      await transaction.send({ topic: 'orders', messages: [{ value: end }] });
      await transaction[end]();
    }
    expect(await valuesOf('orders')).toEqual(['commit', 'commit']);
    expect(await valuesOf('orders', { isolationLevel: 'read_uncommitted' })).toEqual([
      'commit',
      'abort',
      'commit',
    ]);
    await producer.disconnect();
  });

  test('returns the records before an open transaction', async () => {
    await kafka.produce('orders', ['before']);
    const producer = await transactional();
    const transaction = await producer.transaction();
    await transaction.send({ topic: 'orders', messages: [{ value: 'open' }] });
    await kafka.produce('orders', ['behind']);
    expect(await valuesOf('orders')).toEqual(['before']);
    expect(await valuesOf('orders', { isolationLevel: 'read_uncommitted' })).toEqual([
      'before',
      'open',
      'behind',
    ]);
    await transaction.commit();
    expect(await valuesOf('orders', { count: 3 })).toEqual(['before', 'open', 'behind']);
    await producer.disconnect();
  });

  test('waits for lag 0 of a group, not counting a marker at the end', async () => {
    const producer = await transactional();
    const consumer = kafkaJs(kafka, 'reader').consumer({ groupId: 'readers', maxWaitTimeInMs: 50 });
    await consumer.connect();
    await consumer.subscribe({ topic: 'orders', fromBeginning: true });
    await consumer.run({ eachMessage: async () => {} });
    for (const end of ['commit', 'abort'] as const) {
      const transaction = await producer.transaction();
      await transaction.send({ topic: 'orders', messages: [{ value: end }] });
      await transaction[end]();
    }
    await kafka.wait.group('readers', { topic: 'orders', lag: 0, timeout: '10s' });
    await consumer.stop();
    await kafka.produce('orders', ['more']);
    await expect(kafka.wait.group('readers', { topic: 'orders', lag: 0, timeout: 300 })).rejects.toThrow(
      /Not within/,
    );
    await consumer.disconnect();
    await producer.disconnect();
  });

  test('ends when the last records are of an aborted transaction', async () => {
    const producer = await transactional();
    const transaction = await producer.transaction();
    await transaction.send({ topic: 'orders', messages: [{ value: 'never' }] });
    await transaction.abort();
    expect(await valuesOf('orders')).toEqual([]);
    await producer.disconnect();
  });

  test('begins at an offset, and returns at most as many records as requested', async () => {
    await kafka.produce('orders', ['0', '1', '2', '3']);
    expect(await valuesOf('orders', { from: 2 })).toEqual(['2', '3']);
    expect(await valuesOf('orders', { from: 1, count: 2 })).toEqual(['1', '2']);
    expect(await valuesOf('orders', { from: 9 })).toEqual([]);
    expect(await valuesOf('orders', { count: 1 })).toEqual(['0']);
  });

  test('waits for an offset that is not written yet', async () => {
    await kafka.produce('orders', ['0']);
    const reading = valuesOf('orders', { from: 2, count: 1 });
    await kafka.produce('orders', ['1', '2']);
    expect(await reading).toEqual(['2']);
  });

  test('returns records when another partition is empty', async () => {
    await kafka.produce('pairs', [{ value: 'right', partition: 1 }]);
    expect(await valuesOf('pairs')).toEqual(['right']);
  });

  test.each([
    [{ isolationLevel: 'read_commited' as never }, /isolationLevel must be/],
    [{ from: -1 }, /from must be an offset/],
  ])('refuses %j', async (options, message) => {
    await expect(kafka.read('orders', options)).rejects.toThrow(message);
  });
});

test('clients get advertisedHost, and the requests of the kit do not need it', async () => {
  await using far = await startKafka({
    where: 'here',
    nodes: 3,
    host: '0.0.0.0',
    advertisedHost: 'kafka.invalid',
    topics: { orders: { records: ['one'] } },
    log: 'silent',
  });
  expect(far.brokers[0]).toMatch(/^kafka\.invalid:\d+$/);
  expect((await far.read('orders')).map(({ value }) => value)).toEqual(['one']);
  await expect(startKafka({ where: 'here', host: '0.0.0.0' })).rejects.toThrow(/advertisedHost/);
});
