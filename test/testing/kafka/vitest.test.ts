import { describe, expect } from 'vitest';
import { kafkaGlobalSetup, kafkaTest } from '../../../src/testing/vitest/index.ts';
import { startKafka } from '../../../src/testing/kafka/index.ts';

const test = kafkaTest({ where: 'here', topics: { orders: 1 } });

describe('bendemann/vitest', () => {
  test('toHaveRecord, toHaveCommitted and toHaveLag pass when the condition holds, and fail with the log otherwise', async ({
    kafka,
  }) => {
    await kafka.produce('orders', [{ key: 'k', value: 'one' }]);
    await expect(kafka).toHaveRecord('orders', { key: 'k', value: 'one' });
    await expect(kafka).not.toHaveRecord('orders', { value: 'two' }, 30);
    const misspelled = { valeu: 'two' } as never;
    const asserting = async (): Promise<void> => {
      await expect(kafka).not.toHaveRecord('orders', misspelled, 30);
    };
    await expect(asserting()).rejects.toThrow(/toHaveRecord has no option 'valeu'/);
    await expect(kafka).not.toHaveCommitted('nobody', 'orders', 1, 0, 30);
    await expect(kafka).not.toHaveLag('nobody', 'orders', 0, 30);
    await expect(expect(kafka).toHaveRecord('orders', { value: 'two' }, 30)).rejects.toThrow(
      /Last log lines/,
    );
  });

  test('each test begins with empty topics', async ({ kafka }) => {
    expect(await kafka.read('orders')).toEqual([]);
  });

  test('a global setup provides a snapshot from which clusters start', async () => {
    let path = '';
    const setup = kafkaGlobalSetup({ where: 'here', topics: { seeded: 1 } }, (kafka) =>
      kafka.produce('seeded', ['one']),
    );
    const teardown = await setup({ provide: (_key, value) => (path = value) });
    await using kafka = await startKafka({ where: 'here', from: path });
    await teardown();
    expect((await kafka.read('seeded')).map(({ value }) => value)).toEqual(['one']);
  });
});
