import { afterAll, beforeAll, expect, test } from 'vitest';
import { startKafka, type TestKafka } from '../../../src/testing/kafka/index.ts';
import { kafkaJs } from './kafkajs.ts';

let kafka: TestKafka;

beforeAll(async () => {
  kafka = await startKafka({
    where: 'here',
    nodes: 3,
    topics: { orders: 1 },
    properties: {
      'min.insync.replicas': '2',
      'replica.lag.time.max.ms': '1000',
      'broker.session.timeout.ms': '2000',
      'broker.heartbeat.interval.ms': '500',
    },
    log: 'silent',
  });
});

afterAll(() => kafka.close());

test('after the kill of a leader another one leads with all records, and the node returns into the ISR', async () => {
  const producer = kafkaJs(kafka).producer();
  await producer.connect();
  await producer.send({ topic: 'orders', messages: [{ value: 'before' }] });
  const leader = await kafka.leader('orders');
  await leader.kill();
  expect(leader.state).toBe('down');
  await producer.send({ topic: 'orders', messages: [{ value: 'after' }] });
  expect(await kafka.wait.leader('orders', 0, { not: leader.id })).not.toBe(leader.id);
  await leader.start();
  await kafka.wait.inSync('orders');
  expect((await kafka.read('orders')).map(({ value }) => value)).toEqual(['before', 'after']);
  await producer.disconnect();
});

test('moveLeader() moves a leadership, and stop() the active controller', async () => {
  const old = await kafka.leader('orders');
  const next = (old.id % 3) + 1;
  await kafka.moveLeader('orders', 0, next);
  expect((await kafka.leader('orders')).id).toBe(next);
  const controller = await kafka.controller();
  await controller.stop();
  expect((await kafka.controller()).id).not.toBe(controller.id);
  await controller.start();
  await kafka.wait.inSync();
  await expect(kafka.moveLeader('orders', 0, 9)).rejects.toThrow('There is no node 9; nodes are 1 to 3.');
});

test('a paused node is in the ISR again after resume()', async () => {
  const { id } = await kafka.leader('orders');
  const bystander = kafka.node((id % 3) + 1);
  bystander.pause();
  expect(bystander.state).toBe('paused');
  await kafka.produce('orders', ['while it stands still']).catch(() => {});
  bystander.resume();
  await kafka.wait.inSync('orders');
  expect(bystander.state).toBe('running');
});

test('a follower that is cut off leaves the ISR, and returns when the network heals', async () => {
  const leader = await kafka.leader('orders');
  const other = kafka.nodes.map(({ id }) => id).filter((id) => id !== leader.id);
  const alone = other.find((id) => id !== leader.id) as number;
  kafka.network.latency('1ms');
  await kafka.produce('orders', ['slow']);
  kafka.network.heal();
  kafka.network.cut(
    [alone],
    kafka.nodes.map(({ id }) => id).filter((id) => id !== alone),
  );
  await kafka.wait.until(
    () =>
      kafka.nodes.some(
        (node) => node.id !== alone && isrOf(node.image?.topics.byName('orders')).length === 2,
      ),
    { timeout: '40s', what: 'the ISR shrinks' },
  );
  kafka.network.heal();
  await kafka.wait.inSync('orders', { timeout: '30s' });
  expect(() => kafka.network.cutOneWay(1, 7)).toThrow('There is no node 7');
}, 60_000);

test('a node with a full disk loses its leadership to another replica', async () => {
  await kafka.createTopic('fragile', { partitions: 1, replicas: 3 });
  const leader = await kafka.leader('fragile');
  kafka.disk(leader.id).full();
  const producer = kafkaJs(kafka).producer();
  await producer.connect();
  await producer.send({ topic: 'fragile', messages: [{ value: 'kept' }] });
  expect(await kafka.wait.leader('fragile', 0, { not: leader.id })).not.toBe(leader.id);
  await producer.disconnect();
  kafka.disk(leader.id).mend();
});

function isrOf(topic: { partitions: readonly { isr: readonly number[] }[] } | undefined): readonly number[] {
  return topic?.partitions[0]?.isr ?? [];
}
