/**
 * A node whose files were deleted or shortened while it was down: it comes in sync only with all committed records, and then
 * leads.
 */
import { mkdtemp, readdir, readFile, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startKafka, type TestKafka } from '../../../src/testing/kafka/index.ts';

const victimId = 2;
const values = Array.from({ length: 48 }, (_, i) => `${i} ${'x'.repeat(100_000)}`);
let kafka: TestKafka;
let storage: string;

beforeAll(async () => {
  storage = await mkdtemp(join(tmpdir(), 'lost-records-'));
  const configs = { 'segment.bytes': '1048576', 'min.insync.replicas': '2' };
  kafka = await startKafka({
    where: 'here',
    nodes: 3,
    storage,
    topics: { orders: { partitions: 1, configs } },
    properties: { 'replica.lag.time.max.ms': '2000' },
    log: 'silent',
  });
  for (const value of values) await kafka.produce('orders', [value]);
});

afterAll(async () => {
  await kafka.close();
  await rm(storage, { recursive: true });
});

function folder(node: number): string {
  return join(storage, `node-${node}`, 'orders-0');
}

async function logs(node: number): Promise<string[]> {
  return (await readdir(folder(node))).filter((name) => name.endsWith('.log')).sort();
}

async function segment(index: number): Promise<string> {
  const name = (await logs(victimId)).at(index);
  return join(folder(victimId), name ?? 'none');
}

test.each<[string, () => Promise<void>]>([
  ['an inner segment is deleted', async () => rm(await segment(1))],
  ['the first segment is deleted', async () => rm(await segment(0))],
  ['an inner segment is emptied', async () => truncate(await segment(2), 0)],
  ['the last segment is emptied', async () => truncate(await segment(-1), 0)],
  ['the last segment is shortened', async () => truncate(await segment(-1), 150_000)],
  ['the directory is deleted', () => rm(folder(victimId), { recursive: true })],
])('%s', { timeout: 60_000 }, async (_what, damage) => {
  if ((await kafka.leader('orders')).id === victimId) await kafka.moveLeader('orders', 0, 1);
  const victim = kafka.node(victimId);
  await victim.stop();
  await damage();
  await victim.start();
  await kafka.wait.inSync('orders');
  await kafka.moveLeader('orders', 0, victimId);
  const read = (await kafka.read('orders')).map(({ value }) => value);
  expect(read.map((value) => value?.slice(0, 5))).toEqual(values.map((value) => value.slice(0, 5)));
  const [ours, others] = [await logs(victimId), await logs(1)];
  expect(ours).toEqual(others);
  for (const name of ours)
    expect((await readFile(join(folder(victimId), name))).equals(await readFile(join(folder(1), name)))).toBe(
      true,
    );
});
