import { kafkaTest } from 'bendemann/vitest';
import { Kafka, logLevel } from 'kafkajs';
import { expect } from 'vitest';
import { confirmOrders } from './orders.js';

const test = kafkaTest({ topics: { orders: 1, confirmations: 1 } });

test('an order is confirmed', async ({ kafka }) => {
  const stop = await confirmOrders(new Kafka({ brokers: kafka.brokers, logLevel: logLevel.NOTHING }));
  await kafka.produce('orders', [{ key: '7', value: 'tea' }]);
  await expect(kafka).toHaveRecord('confirmations', { key: '7', value: 'confirmed tea' });
  await expect(kafka).toHaveLag('confirmer', 'orders', 0, '10s');
  await stop();
});

test('the next test sees none of it', async ({ kafka }) => {
  expect(await kafka.read('confirmations')).toEqual([]);
});
