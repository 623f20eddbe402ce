import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { startKafka } from 'bendemann/testing';
import { Kafka, logLevel } from 'kafkajs';

let kafka;

beforeAll(async () => {
  kafka = await startKafka({ topics: { orders: 1 } });
});
beforeEach(() => kafka.reset());
afterAll(() => kafka.close());

test('a record arrives', async () => {
  const producer = new Kafka({ brokers: kafka.brokers, logLevel: logLevel.NOTHING }).producer();
  await producer.connect();
  await producer.send({ topic: 'orders', messages: [{ value: 'tea' }] });
  await producer.disconnect();
  const [record] = await kafka.read('orders', { count: 1 });
  expect(record.value).toBe('tea');
});

test('the next test begins with an empty topic', async () => {
  expect(await kafka.read('orders')).toEqual([]);
});
