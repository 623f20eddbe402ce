import { startKafka } from 'bendemann/testing';
import { Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';

let kafka;

beforeAll(async () => {
  kafka = await startKafka({ topics: { payments: 1 } });
});
beforeEach(() => kafka.reset());
afterAll(() => kafka.close());

/** The broker has stored the record, and says that it failed: the client must send it again. */
async function payWith(options) {
  const client = new Kafka({
    brokers: kafka.brokers,
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 10 },
  });
  const producer = client.producer(options);
  await producer.connect();
  const fault = kafka.fault({ api: 'Produce', error: 'NOT_ENOUGH_REPLICAS_AFTER_APPEND', after: true });
  await producer.send({ topic: 'payments', messages: [{ value: '10 EUR' }] });
  await producer.disconnect();
  expect(fault.hits).toBe(1);
  return (await kafka.read('payments')).map(({ value }) => value);
}

test('an idempotent producer pays once', async () => {
  expect(await payWith({ idempotent: true, maxInFlightRequests: 1 })).toEqual(['10 EUR']);
});

test('any other pays twice, which is why the first test is worth having', async () => {
  expect(await payWith({})).toEqual(['10 EUR', '10 EUR']);
});
