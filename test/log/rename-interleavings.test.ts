/**
 * A log that is flushed, read and appended to while it is moved or deleted, on a disk whose operations interleave by chance:
 * whatever operations the rename comes between, nothing takes a missing file for a failed disk. `SEED=n` repeats one run,
 * `RUNS=n` makes more.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type FileSystem, StorageError } from '../../src/base/file-system.ts';
import { cleanableRange, compact } from '../../src/log/compaction/compaction.ts';
import { defaultLogConfig } from '../../src/log/log-config.ts';
import type { LogManager } from '../../src/log/manager/log-manager.ts';
import { defaultLogManagerSettings } from '../../src/log/manager/log-settings.ts';
import type { PartitionLog } from '../../src/log/partition-log.ts';
import { SimulatedDisk } from '../../src/simulation/disk.ts';
import { SeededRandom } from '../../src/simulation/random.ts';
import { WindowsDisk } from '../../src/simulation/windows-disk.ts';
import { batchOf, Bench, client, idA, idB, openManagerOfTwo, readAll } from './harness.ts';

const config = { ...defaultLogConfig, segmentBytes: 400 };

/**
 * Each operation begins and ends some turns of the event loop later, so that any two that run at the same time can interleave.
 */
function interleaved<T extends object>(target: T, random: SeededRandom): T {
  const pause = async (): Promise<void> => {
    for (let turns = random.u32() % 6; turns > 0; turns--)
      await new Promise((resolve) => setImmediate(resolve));
  };
  return new Proxy(target, {
    get: (_target, name) => {
      const method: unknown = Reflect.get(target, name, target);
      if (typeof method !== 'function') return method;
      return async (...args: unknown[]): Promise<unknown> => {
        await pause();
        const result: unknown = await Reflect.apply(method, target, args);
        await pause();
        return name === 'open' ? interleaved(result as object, random) : result;
      };
    },
  });
}

/** Removes a directory as operating systems do: file by file, and it fails when a file was created meanwhile. */
function removedInSteps(disk: FileSystem): FileSystem {
  const remove = async (path: string): Promise<void> => {
    const stat = await disk.stat(path);
    if (stat?.isDirectory !== true) return disk.remove(path);
    for (const name of await disk.list(path)) {
      await new Promise((resolve) => setImmediate(resolve));
      await remove(`${path}/${name}`);
    }
    await new Promise((resolve) => setImmediate(resolve));
    if ((await disk.list(path)).length > 0) throw new StorageError('ENOTEMPTY', `ENOTEMPTY: ${path}`);
    await disk.remove(path);
  };
  return new Proxy(disk, {
    get: (_target, name) => {
      const value: unknown = name === 'remove' ? remove : Reflect.get(disk, name, disk);
      return typeof value === 'function' ? value.bind(disk) : value;
    },
  });
}

const topicIds = ['tHwPhf7eRmGKij2_-IkFVg', 'uHwPhf7eRmGKij2_-IkFVg'] as const;

/**
 * A log that is flushed all the time while it is moved, compacted or deleted; the operations on its files interleave by chance.
 */
class Turmoil {
  readonly bench: Bench;
  readonly random: SeededRandom;
  readonly written: string[] = [];
  readonly running = new Set<Promise<unknown>>();
  epoch = 0;

  constructor(seed: number) {
    this.random = new SeededRandom(seed);
    const disk = new SimulatedDisk({ random: new SeededRandom(seed + 1) });
    const rules = process.env['DISK'] === 'windows' ? new WindowsDisk(disk) : disk;
    this.bench = new Bench(interleaved(removedInSteps(rules), this.random));
    this.disk = disk;
  }

  readonly disk: SimulatedDisk;

  open(): Promise<LogManager> {
    // The test compacts by itself.
    const settings = { ...defaultLogManagerSettings, locksDirectories: false, cleanerEnabled: false };
    return openManagerOfTwo(this.bench, config, { tailCacheBytesMax: 0, settings });
  }

  /** Lets `work` run beside what follows; `settled` waits for it. */
  beside(work: Promise<unknown>): void {
    const mine = work.finally(() => this.running.delete(mine));
    mine.catch(() => undefined);
    this.running.add(mine);
  }

  async settled(): Promise<void> {
    await Promise.all(this.running);
  }

  /** One thing that happens to a log in use. */
  async step(log: PartitionLog): Promise<void> {
    const choice = this.random.u32() % 10;
    if (choice < 4) {
      if (choice === 0) log.beginEpoch(++this.epoch);
      const value = `v${this.written.length}`;
      this.written.push(value);
      await log.appendAsLeader(batchOf([value]), this.epoch, client).written;
      log.setHighWatermark(log.logEndOffset);
    } else if (choice < 7) this.beside(log.flush());
    else if (choice === 7) this.beside(log.writeBehind());
    else if (choice === 8) this.beside(log.syncBehind());
    else if (log.logEndOffset > 0)
      this.beside(log.read(this.random.u32() % log.logEndOffset, 500, log.logEndOffset, true));
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function moveUnderFlushes(seed: number): Promise<void> {
  const turmoil = new Turmoil(seed);
  const { bench } = turmoil;
  const logs = await turmoil.open();
  const log = await logs.getOrCreate('t', 0, topicIds[0], config, idA, true);
  for (let i = 0; i < 30; i++) await turmoil.step(log);
  for (const target of ['/b', '/a', '/b']) {
    await logs.move('t', 0, target);
    for (let i = 0; i < 400 && log.directory !== `${target}/t-0`; i++) {
      await turmoil.step(log);
      if (i % 5 === 4) await bench.clock.advance(20);
    }
    expect([log.directory, bench.failures]).toEqual([`${target}/t-0`, []]);
  }
  await turmoil.settled();
  expect((await readAll(log)).map(([, value]) => value)).toEqual(turmoil.written);
  await logs.shutdown(1);
  turmoil.disk.powerCut();
  const again = await turmoil.open();
  const reopened = await again.getOrCreate('t', 0, topicIds[0], config, idB, true);
  expect((await readAll(reopened)).map(([, value]) => value)).toEqual(turmoil.written);
  await again.shutdown(2);
  expect([bench.failures, errorsOf(bench)]).toEqual([[], []]);
}

async function deleteUnderFlushes(seed: number): Promise<void> {
  const turmoil = new Turmoil(seed);
  const { bench } = turmoil;
  const logs = await turmoil.open();
  for (const round of [0, 1, 2]) {
    const log = await logs.getOrCreate('t', 0, topicIds[round % 2] as string, config, idA, true);
    turmoil.written.length = 0;
    turmoil.epoch = 0;
    for (let i = 0; i < 40; i++) await turmoil.step(log);
    if (round === 2) {
      await turmoil.settled();
      // Nothing of the logs that had the name before is in its directory.
      expect((await readAll(log)).map(([, value]) => value)).toEqual(turmoil.written);
      await logs.shutdown(1);
      turmoil.disk.powerCut();
      const again = await turmoil.open();
      const reopened = await again.getOrCreate('t', 0, topicIds[0], config, idA, true);
      expect((await readAll(reopened)).map(([, value]) => value)).toEqual(turmoil.written);
      expect(reopened.latestEpoch).toBe(log.latestEpoch);
      await again.shutdown(2);
    } else for (let i = 0; i < 3; i++) turmoil.beside(log.flush());
    if (round < 2) await logs.delete('t', 0);
  }
  await bench.clock.advance(60_000);
  await Promise.allSettled(turmoil.running);
  expect([bench.failures, errorsOf(bench)]).toEqual([[], []]);
}

/** The files of deleted partitions and of copies are removed at once, while their logs are still flushed. */
async function removeUnderFlushes(seed: number): Promise<void> {
  const turmoil = new Turmoil(seed);
  const { bench, random } = turmoil;
  const logs = await turmoil.open();
  const atOnce = { ...config, fileDeleteDelayMs: 0 };
  for (const round of [0, 1, 2, 3]) {
    const log = await logs.getOrCreate('t', 0, topicIds[round % 2] as string, atOnce, idA, true);
    turmoil.written.length = 0;
    turmoil.epoch = 0;
    for (let i = 0; i < 20; i++) await turmoil.step(log);
    // The deletion cancels the move, at any step of it; or the move has ended, and the old files are removed.
    if (round % 2 === 0) await logs.move('t', 0, '/b');
    for (let i = random.u32() % 60; i > 0; i--) {
      await turmoil.step(log);
      if (i % 5 === 4) await bench.clock.advance(20);
    }
    for (let i = 0; i < 3; i++) turmoil.beside(log.flush());
    turmoil.beside(logs.delete('t', 0));
    for (let i = random.u32() % 20; i > 0; i--) {
      turmoil.beside(log.flush());
      await bench.clock.advance(1);
    }
    while (turmoil.running.size > 0) await bench.clock.advance(20);
  }
  await bench.clock.advance(1000);
  for (let i = 0; i < 200; i++) await new Promise((resolve) => setImmediate(resolve));
  const left = [...(await turmoil.disk.list('/a')), ...(await turmoil.disk.list('/b'))];
  expect(left.filter((name) => name.startsWith('t-0'))).toEqual([]);
  expect([bench.failures, bench.logged]).toEqual([[], []]);
  await logs.shutdown(1);
}

/** Compaction replaces segments while the log is flushed, read and appended to. */
async function compactUnderFlushes(seed: number): Promise<void> {
  const turmoil = new Turmoil(seed);
  const { bench } = turmoil;
  const logs = await turmoil.open();
  const compacted = { ...config, cleanupPolicy: { delete: false, compact: true }, indexIntervalBytes: 90 };
  const log = await logs.getOrCreate('t', 0, topicIds[0], compacted, idA, true);
  let clean = 0;
  for (let round = 0; round < 4; round++) {
    for (let i = 0; i < 30; i++) await turmoil.step(log);
    const range = await cleanableRange(log, clean);
    if (range === null) continue;
    // Reads make these indexes again.
    for (const segment of log.state.segments.slice(0, -1))
      if (segment.dropIndexes()) await turmoil.disk.remove(segment.pathOf('index'));
    let isDone = false;
    const pass = compact(log, range).then((end) => {
      clean = end;
      isDone = true;
    });
    turmoil.beside(pass);
    while (!isDone) await turmoil.step(log);
    await bench.clock.advance(60_000);
  }
  await turmoil.settled();
  const values = await readAll(log);
  expect(values.at(-1)?.[1]).toBe(turmoil.written.at(-1));
  await logs.shutdown(1);
  turmoil.disk.powerCut();
  bench.logged.length = 0;
  const again = await turmoil.open();
  const reopened = await again.getOrCreate('t', 0, topicIds[0], compacted, idA, true);
  expect(await readAll(reopened)).toEqual(values);
  for (const segment of reopened.state.segments) await segment.index();
  await again.shutdown(2);
  // No file is missing, and no index had to be rebuilt.
  expect([bench.failures, bench.logged]).toEqual([[], []]);
}

/** A power cut may take a producer snapshot, which is a warning: it is made again. */
const errorsOf = ({ logged }: Bench): unknown[] => logged.filter(([level]) => level === 'error');

const runs = Number(process.env['RUNS'] ?? 10);

describe('during flushes, reads and appends', () => {
  const seed = process.env['SEED'] === undefined ? undefined : Number(process.env['SEED']);
  const seeds = fc.integer({ min: 1, max: 1_000_000 });
  const check = (body: (seed: number) => Promise<void>, known: readonly number[] = []): Promise<void> => {
    if (seed !== undefined) return body(seed);
    const examples = known.map((one): [number] => [one]);
    return fc.assert(fc.asyncProperty(seeds, body), { numRuns: runs, endOnFailure: true, examples });
  };

  test(
    'the files of a deleted partition and of a copy are removed',
    () => check(removeUnderFlushes, [451949]),
    120_000,
  );
  test('compaction replaces segments', () => check(compactUnderFlushes), 120_000);
  test('a partition can be moved between directories and back', () => check(moveUnderFlushes), 120_000);
  test('a partition can be deleted and created again at once', () => check(deleteUnderFlushes), 120_000);
});
