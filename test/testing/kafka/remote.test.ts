/**
 * A cluster in a thread or process of its own must give the same answers to the same calls as one in the test's thread. These
 * tests run the built package, because a thread starts from dist/.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import type * as Testing from '../../../src/testing/kafka/index.ts';
import { kafkaJs } from './kafkajs.ts';

const built = new URL('../../../dist/testing/kafka/index.js', import.meta.url).href;
const { startKafka, Snapshot } = (await import(/* @vite-ignore */ built)) as typeof Testing;

const blockMs = 1_500;

function blockThisThread(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

describe.each(['thread', 'process'] as const)('where: %s', (where) => {
  test('a stock client works, and nodes, faults, requests and records look as in the thread of the test', async () => {
    await using kafka = await startKafka({ where, nodes: 2, topics: { orders: { records: ['zero'] } } });
    expect(kafka.nodes.map(({ id, state }) => [id, state])).toEqual([
      [1, 'running'],
      [2, 'running'],
    ]);
    expect(kafka.bootstrapServers).toBe(kafka.brokers.join());
    expect(kafka.node(1)).toBe(kafka.node(1));
    const fault = kafka.fault({ api: 'Produce', error: 'NOT_LEADER_OR_FOLLOWER', times: 2 });
    const producer = kafkaJs(kafka).producer();
    await producer.connect();
    await producer.send({ topic: 'orders', messages: [{ value: 'one' }] });
    await producer.disconnect();
    expect(fault.hits).toBe(2);
    expect(fault.requests[0]?.api).toBe('Produce');
    expect(kafka.requests.count({ api: 'Produce' })).toBe(3);
    expect(String(kafka.requests)).toContain('NOT_LEADER_OR_FOLLOWER');
    const records = await kafka.read('orders', { until: (seen) => seen.length === 2 });
    expect(records.map(({ value }) => value)).toEqual(['zero', 'one']);
    expect(records[1]?.rawValue).toEqual(new TextEncoder().encode('one'));
  });

  test('functions of the test are called for faults, requests, log lines and conditions', async () => {
    const lines: string[] = [];
    await using kafka = await startKafka({ where, log: (line) => lines.push(line), topics: { orders: 1 } });
    const asked: string[] = [];
    const remove = kafka.on('Produce', async (request, next) => {
      asked.push(request.clientId);
      return next();
    });
    const seen = kafka.fault({
      where: ({ clientId }) => clientId === 'mine',
      observe: true,
      times: Number.POSITIVE_INFINITY,
    });
    const producer = kafkaJs(kafka, 'mine').producer();
    await producer.connect();
    await producer.send({ topic: 'orders', messages: [{ value: 'one' }] });
    remove();
    await producer.send({ topic: 'orders', messages: [{ value: 'two' }] });
    await producer.disconnect();
    expect(asked).toEqual(['mine']);
    expect(seen.hits).toBeGreaterThan(2);
    let looks = 0;
    const marker = { looks: () => looks };
    expect(await kafka.wait.until(() => (++looks > 2 ? marker : null))).toBe(marker);
    await kafka.node(1).kill();
    expect(kafka.node(1).state).toBe('down');
    expect(lines.some((line) => line.startsWith('node 1 '))).toBe(true);
  });

  test('errors have the same messages and classes as in the thread of the test', async () => {
    await using kafka = await startKafka({ where });
    expect(() => kafka.node(9)).toThrow(new RangeError('There is no node 9; nodes are 1 to 1.'));
    expect(() => kafka.fault({ error: 'NONSENSE' as never })).toThrow(TypeError);
    const late = kafka.wait.group('nobody', { members: 3, timeout: 50 });
    await expect(late).rejects.toMatchObject({ name: 'WaitTimeoutError' });
    await expect(kafka.clock.advance('1s')).rejects.toThrow("{ clock: 'manual' }");
    await expect(startKafka({ where, nodes: 0 })).rejects.toThrow('nodes must be a whole number');
  });

  test('a snapshot can be used by a cluster in another place', async () => {
    await using kafka = await startKafka({ where, topics: { orders: 1 } });
    await kafka.produce('orders', ['one']);
    const snapshot = await kafka.snapshot();
    await kafka.produce('orders', ['two']);
    await using fork = await kafka.fork();
    await kafka.restore(snapshot);
    expect((await kafka.read('orders')).map(({ value }) => value)).toEqual(['one']);
    expect((await fork.read('orders')).map(({ value }) => value)).toEqual(['one', 'two']);
    expect(snapshot.clusterId).toBe(kafka.clusterId);
    for (const from of [snapshot, new Snapshot(snapshot.clusterId, snapshot.nodes)]) {
      for (const place of ['here', where] as const) {
        await using copy = await startKafka({ where: place, from });
        expect((await copy.read('orders')).map(({ value }) => value)).toEqual(['one']);
      }
    }
    await kafka.reset();
    expect(await kafka.read('orders')).toEqual([]);
  });

  test('a manual clock works, and a cluster keeps running while the test blocks its thread', async () => {
    await using manual = await startKafka({ where, clock: 'manual' });
    const before = manual.clock.now();
    await manual.clock.advance('7d');
    expect(manual.clock.now() - before).toBeGreaterThanOrEqual(7 * 86_400_000);

    await using kafka = await startKafka({ where, nodes: 3, topics: { orders: 1 } });
    const leader = await kafka.leader('orders');
    blockThisThread(blockMs);
    expect((await kafka.leader('orders')).id).toBe(leader.id);
  });
});

test.each(['thread', 'process'])(
  'where: %s: a program ends when it has closed its clusters',
  async (where) => {
    const script = `
    const { startKafka } = await import(${JSON.stringify(built)});
    for (let i = 0; i < 2; i++) { const kafka = await startKafka({ where: '${where}' }); await kafka.close(); }
    console.log('closed');`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [output, code] = await Promise.all([
      text(child.stdout),
      once(child, 'exit').then(([status]) => status as number),
    ]);
    expect([output, code]).toEqual(['closed\n', 0]);
  },
);

test('an unknown value of where is refused', async () => {
  await expect(startKafka({ where: 'there' as never })).rejects.toThrow(
    "where must be 'here', 'thread' or 'process'",
  );
});
