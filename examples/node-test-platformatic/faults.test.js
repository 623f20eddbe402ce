import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { Producer, stringSerializers } from '@platformatic/kafka';
import { startKafka } from 'bendemann/testing';

let kafka;

before(async () => {
  kafka = await startKafka({ topics: { orders: 2, other: 1 } });
});
beforeEach(() => kafka.reset());
after(() => kafka.close());

async function send({ topic = 'orders', partition = 0, clientId = 'shop', ...settings } = {}) {
  const producer = new Producer({
    clientId,
    bootstrapBrokers: kafka.brokers,
    serializers: stringSerializers,
    retries: 3,
    retryDelay: 10,
    ...settings,
  });
  try {
    await producer.send({ messages: [{ topic, partition, value: 'tea' }] });
  } finally {
    await producer.close();
  }
}

const written = async () => (await kafka.read('orders')).length;

/** What happens to a Produce, and how many records are in the topic afterwards. */
const effects = {
  'an error before the work': [{ error: 'NOT_LEADER_OR_FOLLOWER' }, 1],
  'an error after the work, twice written': [{ error: 'REQUEST_TIMED_OUT', after: true }, 2],
  'a connection closed before the work': [{ disconnect: true }, 1],
  'a connection closed after the work': [{ disconnect: true, after: true }, 2],
  'a late answer': [{ delay: '30ms', throttleMs: 5 }, 1],
  'nothing but a look': [{ observe: true }, 1],
};

for (const [name, [effect, count]] of Object.entries(effects))
  test(name, async () => {
    const fault = kafka.fault({ api: 'Produce', ...effect });
    await send();
    assert.equal(fault.hits, 1);
    assert.equal(await written(), count);
  });

test('no answer: the client gives up', async () => {
  const fault = kafka.fault({ api: 'Produce', drop: true, times: Number.POSITIVE_INFINITY });
  await assert.rejects(send({ retries: 0, requestTimeout: 300 }));
  assert.equal(fault.hits, 1);
});

/** A filter, and a record that it does not mean. */
const filters = {
  topic: [{ topic: 'orders' }, { topic: 'other' }],
  partition: [{ partition: 0 }, { partition: 1 }],
  'client id': [{ clientId: 'shop' }, { clientId: 'bank' }],
  predicate: [{ where: ({ clientId }) => clientId === 'shop' }, { clientId: 'bank' }],
};

for (const [name, [filter, notMeant]] of Object.entries(filters))
  test(`a filter by ${name}`, async () => {
    const fault = kafka.fault({ api: 'Produce', error: 'NOT_LEADER_OR_FOLLOWER', ...filter });
    await send(notMeant);
    assert.equal(fault.hits, 0);
    await send();
    assert.equal(fault.hits, 1);
  });

test('a request is held until the test lets go', async () => {
  const gate = Promise.withResolvers();
  kafka.on('Produce', async (_request, next) => {
    await gate.promise;
    return next();
  });
  const sending = send();
  await kafka.wait.until(() => kafka.requests.count({ api: 'Produce' }) === 1);
  assert.equal(await written(), 0);
  gate.resolve();
  await sending;
  assert.equal(await written(), 1);
});
