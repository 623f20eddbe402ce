import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { Consumer, Producer, stringDeserializers, stringSerializers } from '@platformatic/kafka';
import { startKafka } from 'bendemann/testing';

let kafka;

before(async () => {
  kafka = await startKafka({ topics: { orders: 1 } });
});
beforeEach(() => kafka.reset());
after(() => kafka.close());

test('what is produced is consumed', async () => {
  const producer = new Producer({
    clientId: 'shop',
    bootstrapBrokers: kafka.brokers,
    serializers: stringSerializers,
  });
  const fault = kafka.fault({ api: 'Produce', clientId: 'shop', error: 'NOT_LEADER_OR_FOLLOWER' });
  await producer.send({ messages: [{ topic: 'orders', key: '7', value: 'tea' }] });
  assert.equal(fault.hits, 1);
  await producer.close();

  const consumer = new Consumer({
    groupId: 'kitchen',
    clientId: 'kitchen',
    bootstrapBrokers: kafka.brokers,
    deserializers: stringDeserializers,
    maxWaitTime: 50,
  });
  const stream = await consumer.consume({ topics: ['orders'], mode: 'earliest', autocommit: true });
  for await (const message of stream) {
    assert.deepEqual([message.key, message.value], ['7', 'tea']);
    break;
  }
  await consumer.close(true);
});
