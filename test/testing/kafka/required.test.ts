/** `bendemann/testing` as CommonJS, which jest gets. It must export the same as the ES module, and its clusters must work. */
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import type * as testing from '../../../src/testing/kafka/index.ts';
import packageJson from '../../../package.json' with { type: 'json' };

const root = new URL('../../../', import.meta.url);
const { import: esm, require: commonJs } = packageJson.exports['./testing'];
const load = (): typeof testing =>
  createRequire(root)(fileURLToPath(new URL(commonJs.default, root))) as typeof testing;

test('the CommonJS form has the exports of the ES module', async () => {
  const exported = (await import(new URL(esm.default, root).href)) as typeof testing;
  expect(Object.keys(load()).sort()).toEqual(Object.keys(exported).sort());
});

test.each(['thread', 'process'] as const)('a cluster of the CommonJS form runs in a %s', async (where) => {
  const { startKafka, WaitTimeoutError } = load();
  const kafka = await startKafka({ where, topics: { orders: 1 } });
  try {
    const fault = kafka.fault({ api: 'Produce', error: 'REQUEST_TIMED_OUT', after: true });
    expect(fault.hits).toBe(0);
    await kafka.produce('orders', ['tea']);
    expect((await kafka.read('orders')).map(({ value }) => value)).toEqual(['tea']);
    await expect(kafka.wait.offsets('orders', 9, { timeout: 1 })).rejects.toThrow(WaitTimeoutError);
  } finally {
    await kafka.close();
  }
});
