import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { Level as Database } from 'level';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemFileSystem } from '../../../src/adapters/file-system.ts';
import type { LevelRaftStore } from '../../../src/adapters/leveldb/raft-store.ts';
import { newestSnapshot } from '../../../src/adapters/leveldb/snapshot-files.ts';
import { crc32c } from '../../../src/base/crc32c.ts';
import { applyWrites, type DiskImage, emptyDisk } from '../../../src/raft/memory-store.ts';
import { DamagedStoreError, type WriteOp } from '../../../src/raft/store.ts';
import type { Entry, SnapshotMeta } from '../../../src/raft/types.ts';
import { entry, hard, imageOf, storeAt, write } from './fixture.ts';

let root: string;
let directory: string;
let store: LevelRaftStore;

beforeEach(async () => {
  root = await mkdtemp(`${tmpdir()}/bendemann-store-`);
  directory = `${root}/raft`;
  store = storeAt(root);
});

afterEach(async () => {
  await store.close().catch(() => {});
  await rm(root, { recursive: true, force: true });
});

function image(): Promise<DiskImage> {
  return imageOf(store);
}

/** What the next start finds, as a disk image. */
async function reopened(): Promise<DiskImage> {
  await store.close();
  store = storeAt(root);
  return await image();
}

/** Comparing megabytes element by element takes vitest seconds. */
function tag(one: Entry): string {
  return `${one.offset} ${one.epoch} ${one.payload.length} ${crc32c(one.payload)}`;
}

test('raft store: is empty at first, and finds its content again when it is reopened', async () => {
  expect(await image()).toEqual(emptyDisk);
  await store.write([write({ hardState: hard(3, 1), entries: [entry(0, 1), entry(1, 3)] })]);
  const found = await reopened();
  expect(found.hardState).toEqual(hard(3, 1));
  expect(found.entries).toEqual([entry(0, 1), entry(1, 3)]);
});

test('raft store: a truncation inside a frame keeps the entries before it', async () => {
  await image();
  await store.write([write({ entries: [entry(0, 1), entry(1, 1), entry(2, 1), entry(3, 1)] })]);
  await store.write([write({ hardState: hard(2), entries: [entry(2, 2)] })]);
  expect((await reopened()).entries).toEqual([entry(0, 1), entry(1, 1), entry(2, 2)]);
  expect(await store.read(1, 3, 1000)).toHaveLength(2);
});

test('raft store: after random writes it has the same content as the memory store', async () => {
  const step = fc.record({
    count: fc.nat(5),
    back: fc.nat(4),
    sizeBytes: fc.constantFrom(5, 50, 400_000),
    together: fc.boolean(),
    install: fc.boolean(),
    compact: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
      await store.close().catch(() => {});
      await rm(root, { recursive: true, force: true });
      store = storeAt(root);
      let model = await image();
      let epoch = 1;
      let ops: WriteOp[] = [];
      const meta = (endOffset: number): SnapshotMeta => ({ endOffset, epoch, voters: [] });
      for (const one of steps) {
        const shadow = applyWrites(model, ops);
        const end = shadow.startOffset + shadow.entries.length;
        epoch += 1;
        if (one.install && one.count === 0) {
          ops.push(
            write({ hardState: hard(epoch), install: { meta: meta(end + 3), bytes: Uint8Array.of(1, 2) } }),
          );
        } else if (one.count > 0) {
          const from = Math.max(shadow.startOffset, end - one.back);
          const entries = Array.from({ length: one.count }, (_, index) =>
            entry(from + index, epoch, one.sizeBytes),
          );
          ops.push(write({ hardState: hard(epoch), entries }));
        }
        if (one.together || ops.length === 0) continue;
        await store.write(ops);
        model = applyWrites(model, ops);
        ops = [];
      }
      const found = await reopened();
      expect(found.entries.map(tag)).toEqual(model.entries.map(tag));
      expect([found.startOffset, found.startEpoch]).toEqual([model.startOffset, model.startEpoch]);
    }),
    { numRuns: 25 },
  );
}, 60_000);

test('raft store: compaction removes whole frames below a durable snapshot, and reads below the log start are refused', async () => {
  await image();
  for (let offset = 0; offset < 10; offset++) await store.write([write({ entries: [entry(offset, 1)] })]);
  await store.saveSnapshot({ endOffset: 8, epoch: 1, voters: [] }, Uint8Array.of(9));
  await store.write([write({ compactTo: 6 })]);
  expect(await store.read(5, 10, 1000)).toBe(null);
  expect((await store.read(6, 10, 1000))?.map((one) => one.offset)).toEqual([6, 7, 8, 9]);
  const found = await reopened();
  expect([found.startOffset, found.startEpoch, found.entries.length]).toEqual([6, 1, 4]);
  expect(found.snapshot?.meta.endOffset).toBe(8);
});

test('raft store: installing a snapshot empties the log in the same write', async () => {
  await image();
  await store.write([write({ entries: [entry(0, 1), entry(1, 1)] })]);
  const meta = { endOffset: 100, epoch: 4, voters: [] };
  await store.write([write({ hardState: hard(4, 100), install: { meta, bytes: Uint8Array.of(7, 7) } })]);
  await store.write([write({ hardState: hard(4, 100), entries: [entry(100, 4)] })]);
  const found = await reopened();
  expect([found.startOffset, found.startEpoch]).toEqual([100, 4]);
  expect(found.entries).toEqual([entry(100, 4)]);
  expect(found.snapshot?.bytes).toEqual(Buffer.from([7, 7]));
});

test('raft store: a snapshot that was saved but not installed before a crash is ignored', async () => {
  await image();
  await store.write([write({ entries: [entry(0, 1)] })]);
  await store.saveSnapshot({ endOffset: 50, epoch: 1, voters: [] }, Uint8Array.of(1));
  expect((await reopened()).snapshot).toBe(null);
});

test('raft store: a saved snapshot whose end has another epoch in the log is ignored', async () => {
  await image();
  await store.write([
    write({ hardState: hard(2, 2), entries: [entry(0, 1), entry(1, 1), entry(2, 2), entry(3, 2)] }),
  ]);
  await store.saveSnapshot({ endOffset: 3, epoch: 1, voters: [] }, Uint8Array.of(1));
  const found = await reopened();
  expect([found.snapshot, found.entries.length]).toEqual([null, 4]);
});

test('raft store: the newest two snapshots are kept, and a damaged one is skipped', async () => {
  await image();
  for (const endOffset of [1, 2, 3])
    await store.saveSnapshot({ endOffset, epoch: 1, voters: [] }, Uint8Array.of(endOffset));
  const names = (await readdir(directory)).filter((name) => name.endsWith('.checkpoint'));
  expect(names.map((name) => Number(name.slice(0, 20)))).toEqual([2, 3]);
  const path = `${directory}/${names[1]}`;
  const content = await readFile(path);
  content[content.length - 5] = (content[content.length - 5] as number) ^ 1;
  await writeFile(path, content);
  const { snapshot, problems } = await newestSnapshot(systemFileSystem, directory, () => true);
  expect(snapshot?.meta.endOffset).toBe(2);
  expect(problems).toHaveLength(1);
});

type Level = Database<Uint8Array, Uint8Array>;

async function damaged(damage: (db: Level) => Promise<void>): Promise<void> {
  await image();
  for (let offset = 0; offset < 4; offset++) {
    await store.write([write({ hardState: hard(offset + 1, offset), entries: [entry(offset, offset + 1)] })]);
  }
  await store.close();
  const db: Level = new Database(`${directory}/raft-log`, {
    keyEncoding: 'view',
    valueEncoding: 'view',
  });
  await db.open();
  await damage(db);
  await db.close();
  await expect(image()).rejects.toThrow(DamagedStoreError);
  await expect(reopened()).rejects.toThrow(/is damaged: .*format again/);
}

const frameKey = (offset: number): Uint8Array => Uint8Array.of(0x6c, 0, 0, 0, 0, 0, 0, 0, offset);
const hardKey = Uint8Array.of(0x68);

async function flip(db: Level, key: Uint8Array, at: number): Promise<void> {
  const value = Uint8Array.from((await db.get(key)) as Uint8Array);
  value[at] = (value[at] as number) ^ 0x10;
  await db.put(key, value);
}

test('damage is found when the store opens: a flipped bit in a frame', () =>
  damaged((db) => flip(db, frameKey(1), 30)));
test('damage is found when the store opens: a flipped bit in the hard state', () =>
  damaged((db) => flip(db, hardKey, 20)));
test('damage is found when the store opens: a frame in the middle is missing', () =>
  damaged((db) => db.del(frameKey(2))));
test('damage is found when the store opens: the last frame is missing', () =>
  damaged((db) => db.del(frameKey(3))));
test('damage is found when the store opens: the first frame is missing', () =>
  damaged((db) => db.del(frameKey(0))));
test('damage is found when the store opens: the hard state is missing', () =>
  damaged((db) => db.del(hardKey)));
test('damage is found when the store opens: a frame has the key of another one', () =>
  damaged(async (db) => db.put(frameKey(2), (await db.get(frameKey(1))) as Uint8Array)));
test('damage is found when the store opens: the last frame was replaced by a valid one of another history', () =>
  damaged(async (db) => {
    const other = await mkdtemp(`${tmpdir()}/bendemann-other-`);
    const twin = storeAt(other);
    for await (const _ of (await twin.open()).entries);
    for (let offset = 0; offset < 4; offset++) {
      await twin.write([write({ hardState: hard(offset + 1), entries: [entry(offset, offset + 1, 21)] })]);
    }
    await twin.close();
    const twinDb: Level = new Database(`${other}/raft/raft-log`, {
      keyEncoding: 'view',
      valueEncoding: 'view',
    });
    await db.put(frameKey(3), (await twinDb.get(frameKey(3))) as Uint8Array);
    await twinDb.close();
    await rm(other, { recursive: true });
  }));
test('damage is found when the store opens: the hard state is older than the log, as when LevelDB skips a record of its log', async () => {
  await image();
  await store.write([write({ entries: [entry(0, 1)] })]);
  await store.close();
  const path = `${directory}/raft-log`;
  let db: Level = new Database(path, { keyEncoding: 'view', valueEncoding: 'view' });
  const earlier = Uint8Array.from((await db.get(hardKey)) as Uint8Array);
  await db.close();
  await reopened();
  await store.write([write({ entries: [entry(1, 1)] })]);
  await store.close();
  db = new Database(path, { keyEncoding: 'view', valueEncoding: 'view' });
  await db.put(hardKey, earlier);
  await db.close();
  await expect(reopened()).rejects.toThrow(DamagedStoreError);
});

test("damage is found when the store opens: a flipped byte in LevelDB's file that LevelDB itself ignores", async () => {
  await image();
  // Records of more than a block of its log, so that the damage is between good ones.
  for (let offset = 0; offset < 6; offset++)
    await store.write([write({ entries: [entry(offset, 1, 40_000)] })]);
  await store.close();
  const path = `${directory}/raft-log`;
  const name = (await readdir(path)).find((file) => file.endsWith('.log')) as string;
  const content = await readFile(`${path}/${name}`);
  content[100_000] = (content[100_000] as number) ^ 0xff;
  await writeFile(`${path}/${name}`, content);
  await expect(reopened()).rejects.toThrow(DamagedStoreError);
});
