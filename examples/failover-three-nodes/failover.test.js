import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startKafka } from 'bendemann/testing';
import { Kafka, logLevel } from 'kafkajs';

test('a producer goes on when the leader dies, and nothing acknowledged is lost', async () => {
  const kafka = await startKafka({
    nodes: 3,
    topics: { orders: { replicas: 3, configs: { 'min.insync.replicas': '2' } } },
    log: 'silent',
  });
  const client = new Kafka({
    brokers: kafka.brokers,
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 20 },
  });
  const producer = client.producer();
  await producer.connect();
  const send = (value) => producer.send({ topic: 'orders', acks: -1, messages: [{ value }] });
  await send('before');
  const leader = await kafka.leader('orders');
  await leader.kill();
  await send('after');
  assert.notEqual(await kafka.wait.leader('orders', 0, { not: leader.id }), leader.id);
  await leader.start();
  await kafka.wait.inSync('orders');
  assert.deepEqual(
    (await kafka.read('orders')).map(({ value }) => value),
    ['before', 'after'],
  );
  await producer.disconnect();
  await kafka.close();
});
