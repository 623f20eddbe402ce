const { startKafka, WaitTimeoutError } = require('bendemann/testing');
const { Kafka, logLevel } = require('kafkajs');

let kafka;

beforeAll(async () => {
  kafka = await startKafka({ topics: { orders: 1 } });
});
beforeEach(() => kafka.reset());
afterAll(() => kafka.close());

test('a record is written once, though the broker said that it failed', async () => {
  const fault = kafka.fault({ api: 'Produce', error: 'NOT_ENOUGH_REPLICAS_AFTER_APPEND', after: true });
  const client = new Kafka({ brokers: kafka.brokers, logLevel: logLevel.NOTHING });
  const producer = client.producer({ idempotent: true });
  await producer.connect();
  await producer.send({ topic: 'orders', messages: [{ value: 'tea' }] });
  await producer.disconnect();
  expect(fault.hits).toBe(1);
  expect((await kafka.read('orders')).map(({ value }) => value)).toEqual(['tea']);
});

test('the next test begins with an empty topic, and a wait that fails says so', async () => {
  expect(await kafka.read('orders')).toEqual([]);
  await expect(kafka.wait.offsets('orders', 1, { timeout: '50ms' })).rejects.toThrow(WaitTimeoutError);
});
