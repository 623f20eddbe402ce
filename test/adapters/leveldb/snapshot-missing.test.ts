import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import { DamagedStoreError } from '../../../src/raft/store.ts';
import { entry, imageOf, storeAt, write } from './fixture.ts';

test('raft store: a log whose beginning was removed does not open without the snapshot of that beginning', async () => {
  const directory = await mkdtemp(`${tmpdir()}/bendemann-store-`);
  try {
    const store = storeAt(directory);
    await imageOf(store);
    await store.write([write({ entries: [entry(0, 1), entry(1, 1)] })]);
    await store.write([write({ entries: [entry(2, 1)] })]);
    await store.saveSnapshot({ endOffset: 2, epoch: 1, voters: [] }, new Uint8Array(3));
    await store.write([write({ compactTo: 2 })]);
    await store.close();
    const again = storeAt(directory);
    expect((await imageOf(again)).startOffset).toBe(2);
    await again.close();
    const files = (await readdir(`${directory}/raft`)).filter((name) => name.endsWith('.checkpoint'));
    for (const name of files) await rm(`${directory}/raft/${name}`);
    const without = storeAt(directory);
    await expect(imageOf(without)).rejects.toThrow(DamagedStoreError);
    await without.close();
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});
