/**
 * The store is compared with its model (`raft/memory-store.ts`). Both carry out the same script of writes, which ends at any
 * operation on a file, at any byte of LevelDB's log, or by kill -9 of the process. The next start must find a state that the
 * model had: the state after the last complete write, or after the write in progress.
 */
import { spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rolldown } from 'rolldown';
import { afterAll, beforeAll, expect, onTestFailed, test } from 'vitest';
import { systemFileSystem } from '../../../src/adapters/file-system.ts';
import type { LevelRaftStore } from '../../../src/adapters/leveldb/raft-store.ts';
import type { FileHandle, FileSystem } from '../../../src/base/file-system.ts';
import { type DiskImage, MemoryStore } from '../../../src/raft/memory-store.ts';
import { DamagedStoreError, type RaftStore } from '../../../src/raft/store.ts';
import { entry, hard, imageOf, storeAt, write } from './fixture.ts';
import { perform, type Step, stepsOf } from './steps.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bendemann-crash-'));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** The power goes at the point with this number; nothing after it happens. */
class Crash extends Error {}

class FailingDisk implements FileSystem {
  count = 0;
  readonly #crashAt: number;
  readonly volume = systemFileSystem.volume;
  readonly lock = systemFileSystem.lock;
  readonly stat = systemFileSystem.stat;
  readonly list = systemFileSystem.list;
  readonly readFile = systemFileSystem.readFile;

  constructor(crashAt: number) {
    this.#crashAt = crashAt;
  }

  async open(path: string, mode: 'read' | 'write'): Promise<FileHandle> {
    const file = await this.#point(() => systemFileSystem.open(path, mode));
    return {
      read: (...args) => file.read(...args),
      write: (...args) => this.#point(() => file.write(...args)),
      sync: () => this.#point(() => file.sync()),
      truncate: (sizeBytes) => this.#point(() => file.truncate(sizeBytes)),
      close: () => file.close(),
    };
  }

  makeDirectory(path: string): Promise<void> {
    return this.#point(() => systemFileSystem.makeDirectory(path));
  }

  rename(from: string, to: string): Promise<void> {
    return this.#point(() => systemFileSystem.rename(from, to));
  }

  remove(path: string): Promise<void> {
    return this.#point(() => systemFileSystem.remove(path));
  }

  syncDirectory(path: string): Promise<void> {
    return this.#point(() => systemFileSystem.syncDirectory(path));
  }

  async #point<T>(call: () => Promise<T>): Promise<T> {
    if (this.count++ >= this.#crashAt) throw new Crash();
    return call();
  }
}

/** Where the log begins is a matter of whole frames: only what the model has too is compared. */
function comparable(image: DiskImage, startOffset: number): unknown {
  const { hardState, snapshot, entries } = image;
  return {
    hardState,
    snapshot: snapshot === null ? null : { meta: snapshot.meta, bytes: Array.from(snapshot.bytes) },
    endOffset: image.startOffset + entries.length,
    entries: entries
      .filter(({ offset }) => offset >= startOffset)
      .map((one) => ({ ...one, payload: Array.from(one.payload) })),
  };
}

/** `found` is one of `allowed`. */
function expectOneOf(found: DiskImage, allowed: readonly DiskImage[], what: string): void {
  const isAllowed = allowed.some((model) => {
    const [left, right] = [comparable(found, model.startOffset), comparable(model, model.startOffset)];
    return found.startOffset <= model.startOffset && JSON.stringify(left) === JSON.stringify(right);
  });
  if (!isAllowed) expect.fail(`${what}: found ${JSON.stringify(comparable(found, 0))}`);
}

/** The model's state before the first step and after each. */
async function statesOf(steps: readonly Step[]): Promise<DiskImage[]> {
  const model = new MemoryStore();
  const states = [model.durable];
  for (const step of steps) {
    await perform(model, step);
    states.push(model.durable);
  }
  return states;
}

/** Both sides of the step that was under way; all of them when a snapshot was saved beside it. */
const around = (states: readonly DiskImage[], done: number): DiskImage[] => states.slice(done, done + 2);

/** Runs the script until it ends or the disk crashes; returns how many steps were done. */
async function run(store: RaftStore, steps: readonly Step[]): Promise<number> {
  let done = 0;
  try {
    await imageOf(store);
    for (const step of steps) {
      await perform(store, step);
      done += 1;
    }
  } catch (error) {
    if (!(error instanceof Crash)) throw error;
  }
  return done;
}

test.each([1, 2, 3])(
  'a crash at any point of script %i leaves the state of the last write that ended, or of the one under way',
  async (seed) => {
    const steps = stepsOf(seed, 12);
    const states = await statesOf(steps);
    let pointCount = 0;
    for (let crashAt = 0; ; crashAt++) {
      const path = join(folder, `points-${seed}-${crashAt}`);
      const disk = new FailingDisk(crashAt);
      const store = storeAt(path, disk);
      const done = await run(store, steps);
      await store.close();
      const next = storeAt(path);
      expectOneOf(await imageOf(next), around(states, done), `seed ${seed}, crash at point ${crashAt}`);
      await next.close();
      await rm(path, { recursive: true });
      pointCount = disk.count;
      if (done === steps.length) break;
    }
    expect(pointCount).toBeGreaterThan(30);
  },
);

test("when LevelDB's log is truncated at any byte, the store has all writes that the witness counts, or refuses to open", async () => {
  const path = join(folder, 'cut');
  const copy = join(folder, 'cut-copy');
  const witness = join(path, 'witness');
  const store = storeAt(path);
  const states = [await imageOf(store)];
  const witnesses = [await systemFileSystem.readFile(witness)];
  const sizes = [0];
  const names = await readdir(join(path, 'raft', 'raft-log'));
  const wal = join('raft', 'raft-log', names.find((name) => name.endsWith('.log')) as string);
  for (let i = 0; i < 2; i++) {
    await store.write([write({ hardState: hard(i + 1, i), entries: [entry(i, i + 1, 3)] })]);
    witnesses.push(await systemFileSystem.readFile(witness));
    sizes.push((await stat(join(path, wal))).size);
    const twin = { hardState: hard(i + 1, i), entries: [...(states[i]?.entries ?? []), entry(i, i + 1, 3)] };
    states.push({ snapshot: null, startOffset: 0, startEpoch: 0, ...twin });
  }
  await store.close();
  for (let size = 0; size <= (sizes[2] as number); size++) {
    const recordCount = sizes.filter((end) => end <= size).length - 1;
    for (const witnessed of [recordCount, recordCount + 1]) {
      if (witnesses[witnessed] === undefined) continue;
      // One that is missed is missed at every byte of it: some will do.
      if (witnessed > recordCount && size % 9 > 0) continue;
      await cp(path, copy, { recursive: true });
      await truncate(join(copy, wal), size);
      await writeFile(join(copy, 'witness'), witnesses[witnessed]);
      const next = storeAt(copy);
      const found = await imageOf(next).catch((error: unknown) => error);
      await next.close();
      await rm(copy, { recursive: true });
      const what = `${size} bytes, ${recordCount} whole records, witness of ${witnessed}`;
      if (witnessed > recordCount) expect(found, what).toBeInstanceOf(DamagedStoreError);
      else expectOneOf(found as DiskImage, [states[recordCount] as DiskImage], what);
    }
  }
}, 60_000);

test('the raft store and its in-memory model refuse a second write while one is under way', async () => {
  const store = storeAt(join(folder, 'flight'));
  await imageOf(store);
  for (const one of [store, new MemoryStore()] as const) {
    const first = one.write([write({ entries: [entry(0, 1)] })]);
    await expect(one.write([write({ entries: [entry(1, 1)] })])).rejects.toThrow('one write at a time');
    await first;
    await one.write([write({ entries: [entry(1, 1)] })]);
  }
  expect((await reopened(store, 'flight')).entries.map(({ offset }) => offset)).toEqual([0, 1]);
});

async function reopened(store: LevelRaftStore, name: string): Promise<DiskImage> {
  await store.close();
  const next = storeAt(join(folder, name));
  const found = await imageOf(next);
  await next.close();
  return found;
}

/** The child in plain JavaScript: its modules in one file, its package where it is installed. */
async function bundleChild(): Promise<string> {
  const file = join(folder, 'child', 'crash-child.mjs');
  const level = createRequire(import.meta.url).resolve('level');
  const bundle = await rolldown({
    input: join(import.meta.dirname, 'crash-child.ts'),
    platform: 'node',
    external: [/^node:/, 'level'],
  });
  await mkdir(join(folder, 'child'));
  await bundle.write({ file, format: 'esm', codeSplitting: false, paths: { level: level } });
  await bundle.close();
  return file;
}

/** Runs the child from step `from` on and kills it after `afterLines` lines; returns the number of the last step it did. */
function runAndKill(
  child: string,
  path: string,
  seed: number,
  from: number,
  afterLines: number,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const process_ = spawn(process.execPath, [child, path, String(seed), String(from)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let text = '';
    process_.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (text.split('\n').length > afterLines) process_.kill('SIGKILL');
    });
    process_.once('close', (status) => {
      if (status !== null && status !== 0) reject(new Error(`the child ended with status ${status}`));
      else resolve(Number(text.trimEnd().split('\n').at(-1)));
    });
  });
}

test('after repeated kill -9 the store has every write that had ended', async () => {
  const seed = Number(process.env.SEED ?? Math.floor(performance.now() * 1e6) % 2 ** 31);
  onTestFailed(() =>
    console.log(
      `SEED=${seed} npx vitest run --config scripts/check/vitest.config.mjs ${import.meta.filename}`,
    ),
  );
  const steps = stepsOf(seed, 600);
  const states = await statesOf(steps);
  const child = await bundleChild();
  const path = join(folder, 'killed');
  let done = 0;
  for (let life = 0; life < 12 && done < steps.length; life++) {
    done = Math.max(done, await runAndKill(child, path, seed, done, 2 + ((seed + life * 7) % 40)));
    const store = storeAt(path);
    const found = await imageOf(store);
    await store.close();
    // What it said last may be behind what it did: it was killed before the line was read.
    const ahead = states.slice(done, done + 50);
    const index = ahead.findIndex(
      (state) =>
        JSON.stringify(comparable(found, state.startOffset)) ===
        JSON.stringify(comparable(state, state.startOffset)),
    );
    expect(index, `life ${life}: after step ${done}`).toBeGreaterThanOrEqual(0);
    done += index;
  }
  expect(done).toBeGreaterThan(20);
}, 60_000);
