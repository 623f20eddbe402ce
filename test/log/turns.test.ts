/**
 * Loops over all logs of a broker handle at most `logsPerTurnMax` logs in one turn of the event loop, so that other work can
 * run in between.
 */
import { expect, test } from 'vitest';
import type { Scheduler } from '../../src/base/clock.ts';
import type { FileSystem } from '../../src/base/file-system.ts';
import { defaultLogConfig } from '../../src/log/log-config.ts';
import { forEachInTurns, forEachLimited, logsPerTurnMax } from '../../src/log/manager/concurrency.ts';
import { LogManager } from '../../src/log/manager/log-manager.ts';
import { defaultLogManagerSettings } from '../../src/log/manager/log-settings.ts';
import { WriteBehind } from '../../src/log/manager/write-behind.ts';
import type { PartitionLog } from '../../src/log/partition-log.ts';
import { ProducerUpkeep } from '../../src/log/producers/producer-upkeep.ts';
import { batchOf, Bench, client } from './harness.ts';

const id = 'sIwPhf7eRmGKij2_-IkFVg';
const logsCount = 5 * logsPerTurnMax;

/** A scheduler on the bench's clock that counts turns of the event loop. */
class Turns implements Scheduler {
  /** How many turns were requested; `begun` counts those that have begun. */
  count = 0;
  begun = 0;
  readonly bench: Bench;

  constructor(bench: Bench) {
    this.bench = bench;
  }

  after(delayMs: number, callback: () => void): ReturnType<Scheduler['after']> {
    return this.bench.clock.after(delayMs, callback);
  }

  soon(callback: () => void): void {
    this.count += 1;
    this.bench.clock.soon(() => {
      this.begun += 1;
      callback();
    });
  }

  /** Runs `work` to its end and returns the number of turns that it took. */
  async of(work: () => Promise<unknown>): Promise<number> {
    const before = this.count;
    let isOver = false;
    const over = work().finally(() => {
      isOver = true;
    });
    over.catch(() => undefined);
    for (let i = 0; !isOver; i++) {
      if (i === 1000) throw new Error('waited in vain');
      await this.bench.clock.advance(0);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await over;
    return this.count - before;
  }
}

async function managerOf(bench: Bench, turns: Turns, fs: FileSystem = bench.fs): Promise<LogManager> {
  await bench.fs.makeDirectory('/a');
  await bench.fs.syncDirectory('/');
  const logs = new LogManager({
    fs,
    clock: bench.clock,
    scheduler: turns,
    random: bench.random,
    logger: bench.logger,
    directories: [{ path: '/a', id }],
    settings: { ...defaultLogManagerSettings, locksDirectories: false },
    configOf: () => defaultLogConfig,
    onDirectoryFailure: (_directory, error) => bench.failures.push(error),
  });
  await turns.of(() => logs.start());
  return logs;
}

test('every loop over all logs of a broker is divided into turns', async () => {
  const bench = new Bench();
  const turns = new Turns(bench);
  const logs = await managerOf(bench, turns);
  const made: PartitionLog[] = [];
  for (let i = 0; i < logsCount; i++)
    made.push(await logs.getOrCreate('t', i, id, defaultLogConfig, null, true));
  const written = made.map((log) => log.appendAsLeader(batchOf(['x']), 0, client).written);
  await turns.of(() => Promise.all(written));
  for (const log of made) log.setHighWatermark(1);

  const [directory] = logs.directories();
  if (directory === undefined) throw new Error('there is one');
  const least = logsCount / logsPerTurnMax - 1;
  const behind = new WriteBehind(turns);
  for (const log of made) behind.add(log);
  const upkeep = new ProducerUpkeep(defaultLogManagerSettings, turns);
  const loops: Record<string, () => Promise<unknown>> = {
    retention: () => logs.applyRetention(),
    producers: () => logs.expireProducers(),
    compaction: () => logs.cleanOnce(),
    highWatermark: () => logs.checkpointHighWatermarks(),
    description: () => logs.logsIn(directory),
    strays: () => logs.removeStrays(() => true),
    writeBehind: () => behind.run(async () => undefined),
    lateTransactions: () => upkeep.warnOfLate(made.map((log) => ({ log }))),
    stop: () => logs.shutdown(1),
  };
  for (const [name, loop] of Object.entries(loops))
    expect(await turns.of(loop), name).toBeGreaterThanOrEqual(least);

  const before = turns.count;
  const again = await managerOf(bench, turns);
  expect(turns.count - before, 'start').toBeGreaterThanOrEqual(least);
  expect(made.every((log) => again.get('t', log.partition)?.logEndOffset === 1)).toBe(true);
  expect(bench.failures).toEqual([]);
});

test.each([
  ['one after the other', forEachInTurns<number>],
  [
    'several at a time',
    (items: Iterable<number>, scheduler: Scheduler, body: (item: number) => void) =>
      forEachLimited(items, 32, scheduler, async (item) => body(item)),
  ],
])('at most logsPerTurnMax items are handled in a turn: %s', async (_name, loop) => {
  const turns = new Turns(new Bench());
  const items = Array.from({ length: 1050 }, (_, i) => i);
  const seen: number[] = [];
  const perTurn = new Map<number, number>();
  await turns.of(() =>
    loop(items, turns, (item) => {
      seen.push(item);
      perTurn.set(turns.begun, (perTurn.get(turns.begun) ?? 0) + 1);
    }),
  );
  expect(seen.sort((a, b) => a - b)).toEqual(items);
  expect(Math.max(...perTurn.values())).toBeLessThanOrEqual(logsPerTurnMax);
});

/** A file system on which every operation in a partition directory waits until `release` is called. */
function held(fs: FileSystem) {
  const partitions = new Set<string>();
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  const get = (target: FileSystem, name: keyof FileSystem): unknown => {
    const method = target[name] as (...args: unknown[]) => unknown;
    return async (...args: unknown[]): Promise<unknown> => {
      const [, partition] = /^\/a\/(t-\d+)/.exec(String(args[0])) ?? [];
      if (partition !== undefined) {
        partitions.add(partition);
        await released;
      }
      return method.apply(target, args);
    };
  };
  return { fs: new Proxy(fs, { get } as ProxyHandler<FileSystem>), partitions, release };
}

test('a start opens at most openingMax logs at a time', async () => {
  const openingMax = 32;
  const bench = new Bench();
  const turns = new Turns(bench);
  const logs = await managerOf(bench, turns);
  for (let i = 0; i < 100; i++) {
    const log = await logs.getOrCreate('t', i, id, defaultLogConfig, null, true);
    await turns.of(() => log.appendAsLeader(batchOf(['x']), 0, client).written);
  }
  await turns.of(() => logs.shutdown(1));
  const { fs, partitions, release } = held(bench.fs);
  const start = managerOf(bench, turns, fs);
  for (let i = 0; i < 100; i++) {
    await bench.clock.advance(0);
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(partitions.size).toBe(openingMax);
  release();
  await start;
  expect(partitions.size).toBe(100);
});
