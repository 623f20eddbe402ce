import { expect, test } from 'vitest';
import { startKafka } from '../../../src/testing/kafka/index.ts';
import { kafkaJs } from './kafkajs.ts';

test('advance(7d) deletes records by retention, and the members and offsets of a silent group', async () => {
  await using kafka = await startKafka({
    where: 'here',
    clock: 'manual',
    topics: { orders: { configs: { 'retention.ms': '3600000', 'segment.ms': '600000' } } },
    properties: { 'offsets.retention.minutes': '60' },
  });
  await kafka.produce('orders', ['old']);
  const consumer = kafkaJs(kafka).consumer({ groupId: 'sleepers', maxWaitTimeInMs: 100 });
  await consumer.connect();
  await consumer.subscribe({ topic: 'orders', fromBeginning: true });
  await new Promise<void>((resolve, reject) => {
    consumer.run({ eachMessage: async () => resolve() }).catch(reject);
  });
  await kafka.wait.group('sleepers', { members: 1, topic: 'orders', lag: 0 });

  const before = kafka.clock.now();
  await kafka.clock.advance('10s');
  expect(kafka.clock.now() - before).toBeGreaterThanOrEqual(10_000);
  await kafka.wait.group('sleepers', { members: 1 });
  kafka.on('Heartbeat', () => 'ignore');
  kafka.on('JoinGroup', () => 'ignore');
  kafka.on('Fetch', () => 'ignore');
  kafka.network.disconnectClients();
  await kafka.clock.advance('1m');
  await kafka.wait.group('sleepers', { members: 0, state: 'Empty' });

  await kafka.clock.advance('7d');
  const { start, end } = (await kafka.offsets('orders')).get(0) as { start: number; end: number };
  expect([start, end]).toEqual([1, 1]);
  await kafka.wait.group('sleepers', { state: 'Dead' });
  await kafka.close();
  await consumer.disconnect().catch(() => {});
});

test('a manual clock stands still until the test moves it, and only forwards', async () => {
  await using kafka = await startKafka({ where: 'here', clock: 'manual' });
  const now = kafka.clock.now();
  await new Promise((resolve) => setTimeout(resolve, 60));
  expect(kafka.clock.now() - now).toBeLessThan(30);
  await expect(kafka.clock.set(now - 1000)).rejects.toThrow(/does not go back/);
  await kafka.clock.set(now + 60_000);
  expect(kafka.clock.now()).toBe(now + 60_000);
  await expect(kafka.clock.advance('soon' as never)).rejects.toThrow(/is not a duration/);
  await using real = await startKafka({ where: 'here' });
  await expect(real.clock.advance('1s')).rejects.toThrow(/clock: 'manual'/);
});

test('three nodes keep their leaders over a long advance', async () => {
  await using kafka = await startKafka({ where: 'here', nodes: 3, clock: 'manual', topics: { orders: 3 } });
  const leaders = await Promise.all([0, 1, 2].map((partition) => kafka.wait.leader('orders', partition)));
  const controller = await kafka.controller();
  await kafka.clock.advance('1d');
  await kafka.wait.inSync('orders');
  expect(await Promise.all([0, 1, 2].map((partition) => kafka.wait.leader('orders', partition)))).toEqual(
    leaders,
  );
  expect((await kafka.controller()).id).toBe(controller.id);
  await kafka.produce('orders', ['one']);
});
