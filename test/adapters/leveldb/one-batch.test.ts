import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { Level as Database } from 'level';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { entry, hard, imageOf, storeAt, write } from './fixture.ts';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(`${tmpdir()}/bendemann-store-`);
});

afterEach(async () => {
  vi.restoreAllMocks();
  await rm(directory, { recursive: true, force: true });
});

test('raft store: each write is one synced batch with its entries and its hard state', async () => {
  const batch = vi.spyOn(Database.prototype, 'batch');
  const store = storeAt(directory);
  await imageOf(store);
  const before = batch.mock.calls.length;
  await store.write([write({ hardState: hard(1), entries: [entry(0, 1), entry(1, 1)] })]);
  await store.write([
    write({ hardState: hard(2), entries: [entry(1, 2)] }),
    write({ hardState: hard(2, 2), entries: [entry(2, 2)] }),
  ]);
  await store.write([write({ hardState: hard(3, 2) })]);
  await store.close();
  const calls = batch.mock.calls.slice(before) as unknown as [{ key: Uint8Array }[], { sync?: boolean }][];
  const keys = calls.map(([operations]) => operations.map(({ key }) => String.fromCharCode(key[0] ?? 0)));
  expect(keys.map((names) => names.sort().join(''))).toEqual(['hl', 'hll', 'h']);
  expect(calls.map(([, options]) => options?.sync)).toEqual([true, true, true]);
});
