/**
 * Damage of every kind to the files of a store: either the start refuses it, or it is harmless and nothing is lost. Wrong data
 * is never read. Each kind of damage has a test; a further test flips bits and cuts files at many more places.
 */
import { cp, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFailed, test } from 'vitest';
import type { DiskImage } from '../../../src/raft/memory-store.ts';
import { DamagedStoreError } from '../../../src/raft/store.ts';
import { directoryId, entry, hard, imageOf, storeAt, write } from './fixture.ts';

let folder: string;
/** As a node leaves it after some lives: tables and a log in LevelDB, two snapshots, a log that begins after 0. */
let healthy: string;
/** The same a moment earlier. */
let earlier: string;
let whole: DiskImage;
/** Sizes of LevelDB's log after each of its last writes. */
const logSizes: number[] = [];
let copyCount = 0;

const db = (path: string): string => join(path, 'raft', 'raft-log');

async function fileOf(path: string, pattern: RegExp): Promise<string> {
  const names = (await readdir(path)).filter((name) => pattern.test(name)).sort();
  const name = names.at(-1);
  if (name === undefined) throw new Error(`no ${pattern} in ${path}`);
  return join(path, name);
}

const walOf = (path: string): Promise<string> => fileOf(db(path), /\.log$/);

async function flip(file: string, at: number, bits = 1): Promise<void> {
  const content = await readFile(file);
  const index = at < 0 ? content.length + at : at;
  content[index] = (content[index] as number) ^ bits;
  await writeFile(file, content);
}

async function copyOf(path: string): Promise<string> {
  const copy = join(folder, `copy-${copyCount++}`);
  await cp(path, copy, { recursive: true });
  return copy;
}

/** What a start makes of a copy with this damage. */
async function start(damage: (path: string) => Promise<unknown>, id = directoryId): Promise<DiskImage> {
  const path = await copyOf(healthy);
  await damage(path);
  const store = storeAt(path, undefined, id);
  try {
    return await imageOf(store);
  } finally {
    await store.close();
    await rm(path, { recursive: true });
  }
}

const refused = async (
  damage: (path: string) => Promise<unknown>,
  says: RegExp,
  id = directoryId,
): Promise<void> => {
  const outcome = start(damage, id);
  await expect(outcome).rejects.toThrow(DamagedStoreError);
  await expect(outcome).rejects.toThrow(says);
};

const harmless = async (damage: (path: string) => Promise<unknown>): Promise<void> =>
  expect(await start(damage)).toEqual(whole);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bendemann-damage-'));
  healthy = join(folder, 'healthy');
  earlier = join(folder, 'earlier');
  let offset = 0;
  for (let life = 0; life < 4; life++) {
    const store = storeAt(healthy);
    await imageOf(store);
    for (let i = 0; i < 5; i++) {
      await store.write([write({ hardState: hard(life + 1, offset), entries: [entry(offset, life + 1)] })]);
      offset += 1;
      if (life === 3) logSizes.push((await stat(await walOf(healthy))).size);
      if (life === 3 && i === 2) await cp(healthy, earlier, { recursive: true });
    }
    if (life === 1 || life === 2) {
      await store.saveSnapshot(
        { endOffset: offset - 1, epoch: life + 1, voters: [] },
        new Uint8Array(50).fill(life),
      );
      await store.write([write({ hardState: hard(life + 1, offset - 1), compactTo: 7 })]);
    }
    await store.close();
  }
  whole = await start(async () => {});
  expect([whole.startOffset, whole.snapshot?.meta.endOffset, whole.entries.length]).toEqual([7, 14, 13]);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

describe('a start with a damaged log of LevelDB', () => {
  test('is refused: a flipped bit in the newest record', () =>
    refused(async (path) => flip(await walOf(path), -5), /newest write is number \d+, but number \d+/));
  test('is refused: a flipped bit in the first record', () =>
    refused(async (path) => flip(await walOf(path), 30), /is damaged/));
  test('is refused: truncated between two records', () =>
    refused(async (path) => truncate(await walOf(path), logSizes[3]), /newest write is number/));
  test('is refused: truncated inside a record', () =>
    refused(async (path) => truncate(await walOf(path), (logSizes[3] as number) + 20), /newest write is/));
  test('is refused: empty', () =>
    refused(async (path) => truncate(await walOf(path), 0), /newest write is number/));
  test('is refused: removed', () => refused(async (path) => rm(await walOf(path)), /newest write is number/));
  test('finds everything when two records were exchanged, since each carries its number', () =>
    // They carry numbers of their own, so LevelDB makes the same of them.
    harmless(async (path) => {
      const file = await walOf(path);
      const [a, b, c] = [logSizes[1], logSizes[2], logSizes[3]] as [number, number, number];
      expect(c - b).toBe(b - a);
      const content = await readFile(file);
      const swapped = [content.subarray(0, a), content.subarray(b, c), content.subarray(a, b)];
      await writeFile(file, Buffer.concat([...swapped, content.subarray(c)]));
    }));
});

describe('a start with other damaged files of LevelDB', () => {
  test('is refused without CURRENT, and creates no empty database', () =>
    refused((path) => rm(join(db(path), 'CURRENT')), /CURRENT is missing/));
  test('is refused: CURRENT is empty', () =>
    refused((path) => truncate(join(db(path), 'CURRENT'), 0), /CURRENT/));
  test('is refused: CURRENT names another file', () =>
    refused((path) => writeFile(join(db(path), 'CURRENT'), 'MANIFEST-999999\n'), /MANIFEST-999999/));
  test('is refused: MANIFEST is missing', () =>
    refused(async (path) => rm(await fileOf(db(path), /^MANIFEST/)), /MANIFEST.*No such file/));
  test('is refused: a flipped bit in MANIFEST', () =>
    refused(async (path) => flip(await fileOf(db(path), /^MANIFEST/), -5), /checksum mismatch/));
  test('is refused: MANIFEST is empty', () =>
    refused(async (path) => truncate(await fileOf(db(path), /^MANIFEST/), 0), /no meta-nextfile/));
  test('is refused: a table is missing', () =>
    refused(async (path) => rm(await fileOf(db(path), /\.ldb$/)), /missing files/));
  test('is refused: a table is truncated', () =>
    refused(async (path) => truncate(await fileOf(db(path), /\.ldb$/), 100), /is damaged/));
  test('is refused: a flipped bit in the footer of a table', () =>
    refused(async (path) => flip(await fileOf(db(path), /\.ldb$/), -3), /is damaged/));
});

describe('a start in a directory that was emptied or replaced', () => {
  test('is refused: the database is missing', () =>
    refused((path) => rm(db(path), { recursive: true }), /CURRENT is missing/));
  test('is refused: the database is empty', () =>
    refused(async (path) => {
      for (const name of await readdir(db(path))) await rm(join(db(path), name));
    }, /CURRENT is missing/));
  test('is refused: the database and the snapshots are missing', () =>
    refused((path) => rm(join(path, 'raft'), { recursive: true }), /CURRENT is missing/));
  test('is refused: the database is an older copy', () =>
    refused(async (path) => {
      await rm(db(path), { recursive: true });
      await cp(db(earlier), db(path), { recursive: true });
    }, /newest write is number/));
  const another = 'BBBBBBBBBBBBBBBBBBBBBA';
  test('begins with an empty log after the directory was formatted with a new directory id and the log removed', async () => {
    const empty = await start((path) => rm(join(path, 'raft'), { recursive: true }), another);
    expect(empty.entries).toEqual([]);
  });
  test('finds the log when the directory was formatted with a new directory id and the log left there', async () =>
    expect(await start(async () => {}, another)).toEqual(whole));
  test('is refused: formatted with a new directory id, and the log that was left there is damaged', () =>
    refused(async (path) => rm(await walOf(path)), /newest write is number/, another));
  test('does not notice that the whole directory is an older copy (a limit)', async () => {
    const found = await start(async (path) => {
      await rm(path, { recursive: true });
      await cp(earlier, path, { recursive: true });
    });
    expect(found.entries.length).toBe(whole.entries.length - 2);
  });
});

describe('a start with a damaged witness', () => {
  test('is refused: the witness is missing', () =>
    refused((path) => rm(join(path, 'witness')), /its witness .* is missing/));
  test('is refused: a flipped bit in both copies', () =>
    refused(async (path) => {
      await flip(join(path, 'witness'), 20);
      await flip(join(path, 'witness'), 4096 + 20);
    }, /neither copy can be read/));
  test('is refused: the witness is empty', () =>
    refused((path) => truncate(join(path, 'witness'), 0), /neither copy can be read/));
  test.each([0, 1])('finds everything when only copy %i is damaged', (copy) =>
    harmless((path) => flip(join(path, 'witness'), copy * 4096 + 20)),
  );
});

describe('a start with damaged snapshots', () => {
  const newest = (path: string): Promise<string> => fileOf(join(path, 'raft'), /\.checkpoint$/);
  const all = async (path: string): Promise<string[]> =>
    (await readdir(join(path, 'raft')))
      .filter((name) => name.endsWith('.checkpoint'))
      .map((name) => join(path, 'raft', name));
  const needs = /the log begins at 7, but no snapshot reaches up to there/;

  test.each([
    ['flipped', (file: string) => flip(file, -10)],
    ['cut', (file: string) => truncate(file, 40)],
    ['removed', (file: string) => rm(file)],
  ] as const)(
    'finds everything when the newest is %s: the previous snapshot and the log have the same content',
    async (_, damage) => {
      const found = await start(async (path) => damage(await newest(path)));
      expect(found.snapshot?.meta.endOffset).toBe(9);
      expect({ ...found, snapshot: null }).toEqual({ ...whole, snapshot: null });
    },
  );
  test('is refused: a flipped bit in both', () =>
    refused(async (path) => {
      for (const file of await all(path)) await flip(file, -10);
    }, needs));
  test('is refused: both are missing', () =>
    refused(async (path) => {
      for (const file of await all(path)) await rm(file);
    }, needs));
  test('is refused: the content of the two was exchanged', () =>
    refused(async (path) => {
      const [one, two] = (await all(path)) as [string, string];
      const content = await readFile(one);
      await writeFile(one, await readFile(two));
      await writeFile(two, content);
    }, needs));
});

test('whichever byte is flipped and wherever a file is truncated, a start finds everything or is refused', async () => {
  const seed = Number(process.env.SEED ?? Math.floor(performance.now() * 1e6) % 2 ** 31);
  onTestFailed(() =>
    console.log(
      `SEED=${seed} npx vitest run --config scripts/check/vitest.config.mjs ${import.meta.filename}`,
    ),
  );
  let state = seed;
  const below = (bound: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return (state >>> 8) % bound;
  };
  const files = [
    ...(await readdir(db(healthy))).filter((name) => /^(MANIFEST|CURRENT)|\.(log|ldb)$/.test(name)),
    '../../witness',
  ];
  const outcomes = { refused: 0, harmless: 0 };
  for (let i = 0; i < 250; i++) {
    const name = files[below(files.length)] as string;
    const { size } = await stat(join(db(healthy), name));
    const at = below(size);
    const isCut = below(4) === 0;
    const bits = 1 << below(8);
    const what = isCut ? `${name} cut at ${at} of ${size}` : `${name}, byte ${at} of ${size} ^ ${bits}`;
    const damage = (path: string): Promise<void> =>
      isCut ? truncate(join(db(path), name), at) : flip(join(db(path), name), at, bits);
    const found = await start(damage).catch((error: unknown) => error);
    if (found instanceof Error) expect(found, what).toBeInstanceOf(DamagedStoreError);
    else expect(found, what).toEqual(whole);
    outcomes[found instanceof Error ? 'refused' : 'harmless'] += 1;
  }
  console.log(`${outcomes.refused} refused, ${outcomes.harmless} harmless`);
  expect(outcomes.refused).toBeGreaterThan(20);
}, 60_000);
