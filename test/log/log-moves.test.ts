/** Moves of replicas between log directories: no record is lost or duplicated, whatever happens to the log during the move. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Scheduler } from '../../src/base/clock.ts';
import { NodeConfig } from '../../src/config/node-config.ts';
import { defaultLogConfig } from '../../src/log/log-config.ts';
import { LogManager } from '../../src/log/manager/log-manager.ts';
import type { LogManagerOptions } from '../../src/log/manager/log-manager-options.ts';
import { defaultLogManagerSettings, logManagerSettings } from '../../src/log/manager/log-settings.ts';
import type { PartitionLog } from '../../src/log/partition-log.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import { batchOf, Bench, client, endProcess, readAll as readPairs, settle } from './harness.ts';

const idA = 'sIwPhf7eRmGKij2_-IkFVg';
const idB = 'IMsRZd3lSUK8fqfTgo2UDg';
const topicId = 'tHwPhf7eRmGKij2_-IkFVg';
const config = { ...defaultLogConfig, segmentBytes: 600 };
const moveRate = 'replica.alter.log.dirs.io.max.bytes.per.second';
const node =
  'process.roles=broker\nnode.id=1\ncontroller.quorum.voters=2@n2:1\nlisteners=PLAINTEXT://n1:1\ncontroller.listener.names=C\nlistener.security.protocol.map=C:PLAINTEXT,PLAINTEXT:PLAINTEXT\nlog.dirs=/a,/b';

async function open(bench: Bench, more: Partial<LogManagerOptions> = {}): Promise<LogManager> {
  if ((await bench.fs.stat('/a')) === null) {
    for (const path of ['/a', '/b']) await bench.fs.makeDirectory(path);
    await bench.fs.syncDirectory('/');
  }
  const made = new LogManager({
    fs: bench.fs,
    clock: bench.clock,
    scheduler: bench.clock,
    random: bench.random,
    logger: silentLogger,
    directories: [
      { path: '/a', id: idA },
      { path: '/b', id: idB },
    ],
    settings: { ...defaultLogManagerSettings, locksDirectories: false },
    configOf: () => config,
    onDirectoryFailure: (_directory, error) => bench.failures.push(error),
    ...more,
  });
  await made.start();
  return made;
}

const make = (logs: LogManager): Promise<PartitionLog> =>
  logs.getOrCreate('t', 0, topicId, config, idA, true);

async function append(log: PartitionLog, from: number, to: number, epoch = 0): Promise<void> {
  for (let i = from; i < to; i++) {
    await log.appendAsLeader(batchOf([`record ${i}`]), epoch, client).written;
    log.setHighWatermark(log.logEndOffset);
  }
}

const readAll = async (log: PartitionLog): Promise<string[]> =>
  (await readPairs(log)).map(([, value]) => value);

const values = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, i) => `record ${from + i}`);

async function until(bench: Bench, condition: () => boolean): Promise<void> {
  for (let i = 0; !condition(); i++) {
    if (i === 500) throw new Error('waited in vain');
    await bench.clock.advance(20);
    await settle();
  }
}

/** A scheduler for one incarnation of the broker: once `isAlive` is false, its timers do nothing. */
function lifeOf(bench: Bench): Scheduler & { isAlive: boolean } {
  const life = {
    isAlive: true,
    after: (delayMs: number, callback: () => void) =>
      bench.clock.after(delayMs, () => {
        if (life.isAlive) callback();
      }),
    soon: (callback: () => void) => void life.after(0, callback),
  };
  return life;
}

/** Advances the time until `promise` has settled. */
async function passing(bench: Bench, promise: Promise<void>): Promise<void> {
  let isOver = false;
  const over = promise.finally(() => {
    isOver = true;
  });
  over.catch(() => undefined);
  await until(bench, () => isOver);
  await over;
}

const moved = (log: PartitionLog) => (): boolean => log.directory.startsWith('/b/');

describe('a move', () => {
  test('copies the log, tells the controller, replaces the log by the copy, and removes the old files', async () => {
    const bench = new Bench();
    const told: string[] = [];
    const logs = await open(bench, {
      assign: async (_log, directory) => told.push(directory) > 0,
    });
    const log = await make(logs);
    await append(log, 0, 40);
    await logs.move('t', 0, '/b');
    expect(logs.directoryIdOf('t', 0)).toBe(idA);
    await until(bench, moved(log));
    expect(told).toEqual([idB]);
    expect(log.directory).toBe('/b/t-0');
    expect(logs.directoryIdOf('t', 0)).toBe(idB);
    expect(logs.get('t', 0)).toBe(log);
    await append(log, 40, 60);
    expect(await readAll(log)).toEqual(values(0, 60));
    log.state.assertInvariants();
    await bench.clock.advance(60_000);
    expect((await bench.fs.list('/a')).filter((name) => name.startsWith('t-'))).toEqual([]);
    await logs.shutdown(1);
    bench.disk.powerCut();
    const again = await open(bench);
    expect(await readAll(await make(again))).toEqual(values(0, 60));
    expect(again.directoryIdOf('t', 0)).toBe(idB);
    expect(bench.failures).toEqual([]);
  });

  test('copies new records while it waits for the controller', async () => {
    const bench = new Bench();
    let record: () => void = () => undefined;
    const logs = await open(bench, {
      assign: () =>
        new Promise<boolean>((resolve) => {
          record = () => resolve(true);
        }),
    });
    const log = await make(logs);
    await append(log, 0, 10);
    await logs.move('t', 0, '/b');
    await until(bench, () => logs.directoryIdOf('t', 0) === idB);
    await append(log, 10, 20);
    for (let i = 0; i < 10; i++) await bench.clock.advance(100);
    expect(log.directory).toBe('/a/t-0');
    const [moving] = [...logs.movingCopies()];
    expect(moving?.copy.logEndOffset).toBe(20);
    record();
    await until(bench, moved(log));
    expect(await readAll(log)).toEqual(values(0, 20));
  });

  test('tells the controller again when that has not recorded the directory, and waits for it', async () => {
    const bench = new Bench();
    const answers = [false, true];
    let told = 0;
    const logs = await open(bench, {
      assign: async () => {
        told += 1;
        return answers.shift() === true;
      },
    });
    const log = await make(logs);
    await append(log, 0, 10);
    await logs.move('t', 0, '/b');
    for (let i = 0; i < 9; i++) await bench.clock.advance(100);
    expect([told, log.directory]).toEqual([1, '/a/t-0']);
    await until(bench, moved(log));
    expect([told, await readAll(log)]).toEqual([2, values(0, 10)]);
  });

  test('is limited by replica.alter.log.dirs.io.max.bytes.per.second', async () => {
    const bench = new Bench();
    const rate = 200;
    const properties = NodeConfig.parse(node);
    const setRate = (bytes: number): void => {
      properties.applyDynamic(new Map(), new Map([[moveRate, String(bytes)]]));
    };
    setRate(rate);
    const logs = await open(bench, { moveRate: () => properties.rate(moveRate) });
    const log = await make(logs);
    await append(log, 0, 40);
    const bytes = log.sizeBytes;
    await logs.move('t', 0, '/b');
    await bench.clock.advance(0);
    await settle();
    // The mover has copied all bytes in one read. Before the copy replaces the log, it must wait as long as the throttle
    // demands for them.
    await append(log, 40, 41);
    for (let i = 0; i < ((bytes / rate) * 1000) / 250 - 8; i++) await bench.clock.advance(250);
    expect(log.directory).toBe('/a/t-0');
    setRate(Number.MAX_SAFE_INTEGER);
    await bench.clock.advance(1_000);
    await until(bench, moved(log));
    expect(await readAll(log)).toEqual(values(0, 41));
  });

  test('ends when the replica is moved back or the partition is deleted', async () => {
    const bench = new Bench();
    const logs = await open(bench, { assign: () => new Promise(() => undefined) });
    const log = await make(logs);
    await append(log, 0, 10);
    await logs.move('t', 0, '/b');
    await until(bench, () => logs.directoryIdOf('t', 0) === idB);
    await passing(bench, logs.move('t', 0, '/a'));
    expect(logs.directoryIdOf('t', 0)).toBe(idA);
    expect(await bench.fs.list('/b')).toEqual(expect.not.arrayContaining([expect.stringMatching(/^t-0/)]));
    await logs.move('t', 0, '/b');
    await until(bench, () => logs.directoryIdOf('t', 0) === idB);
    await passing(bench, logs.delete('t', 0));
    await bench.clock.advance(60_000);
    for (const path of ['/a', '/b'])
      expect((await bench.fs.list(path)).filter((name) => name.startsWith('t-'))).toEqual([]);
  });

  test('ends when the target directory fails, and the controller gets the old directory', async () => {
    const bench = new Bench();
    const told: string[] = [];
    const logs = await open(bench, {
      assign: (_log, directory) => {
        told.push(directory);
        return directory === idB ? new Promise(() => undefined) : Promise.resolve(true);
      },
    });
    const log = await make(logs);
    await append(log, 0, 10);
    await logs.move('t', 0, '/b');
    await until(bench, () => told.length === 1);
    bench.disk.fault = (_operation, path) => (path.startsWith('/b') ? 'EIO' : null);
    await append(log, 10, 20);
    await until(bench, () => logs.directories()[1]?.isOffline === true);
    await until(bench, () => told.length === 2);
    expect(told).toEqual([idB, idA]);
    expect(log.isOffline).toBe(false);
    expect(await readAll(log)).toEqual(values(0, 20));
    await expect(logs.move('t', 0, '/b')).rejects.toMatchObject({ error: { name: 'KAFKA_STORAGE_ERROR' } });
  });

  test('copies at most num.replica.alter.log.dirs.threads replicas at a time', async () => {
    const bench = new Bench();
    const logs = await open(bench, {
      assign: () => new Promise(() => undefined),
      settings: logManagerSettings(NodeConfig.parse(`${node}\nnum.replica.alter.log.dirs.threads=2`), false),
    });
    for (let partition = 0; partition < 5; partition++) {
      await append(await logs.getOrCreate('t', partition, topicId, config, idA, true), 0, 3);
      await logs.move('t', partition, '/b');
    }
    for (let i = 0; i < 20; i++) await bench.clock.advance(50);
    expect([...logs.movingCopies()].length).toBe(2);
  });

  test('is refused for an unknown or cordoned directory; without a replica the directory is remembered', async () => {
    const bench = new Bench();
    const logs = await open(bench);
    await expect(logs.move('t', 0, '/c')).rejects.toMatchObject({ error: { name: 'LOG_DIR_NOT_FOUND' } });
    await expect(logs.move('t', 0, '/b')).rejects.toMatchObject({ error: { name: 'REPLICA_NOT_AVAILABLE' } });
    // The log manager remembers the requested directory and uses it when the replica is created.
    expect((await logs.getOrCreate('t', 0, topicId, config, null, true)).directory).toBe('/b/t-0');
    logs.setCordoned(['/a']);
    await expect(logs.move('t', 0, '/a')).rejects.toMatchObject({
      error: { name: 'INVALID_REPLICA_ASSIGNMENT' },
    });
  });

  test('applies after a restart a truncation that the copy had not applied before the shutdown', async () => {
    const bench = new Bench();
    let life = lifeOf(bench);
    let rate = 100;
    const boot = (): Promise<LogManager> => open(bench, { moveRate: () => rate, scheduler: life });
    let logs = await boot();
    const first = await make(logs);
    first.beginEpoch(1);
    for (let i = 0; i < 20; i++)
      await first.appendAsLeader(batchOf([`epoch 1 offset ${i}`]), 1, client).written;
    await logs.move('t', 0, '/b');
    await until(bench, () => [...logs.movingCopies()].some(({ copy }) => copy.logEndOffset > 5));
    await first.truncateTo(3);
    first.beginEpoch(2);
    for (let i = 3; i < 30; i++)
      await first.appendAsLeader(batchOf([`epoch 2 offset ${i}`]), 2, client).written;
    await passing(bench, logs.shutdown(1));
    life.isAlive = false;
    life = lifeOf(bench);
    rate = Number.MAX_SAFE_INTEGER;
    logs = await boot();
    const log = logs.get('t', 0) as PartitionLog;
    logs.resumeMoves();
    await until(bench, moved(log));
    expect(await readAll(log)).toEqual(
      Array.from({ length: 30 }, (_, i) => `epoch ${i < 3 ? 1 : 2} offset ${i}`),
    );
  });

  test('has the log start offset of the log, and follows its deletions', async () => {
    const bench = new Bench();
    const logs = await open(bench);
    const log = await make(logs);
    await append(log, 0, 60);
    await log.deleteRecordsTo(33);
    await log.applyRetention();
    await logs.move('t', 0, '/b');
    await until(bench, moved(log));
    expect([log.logStartOffset, log.logEndOffset]).toEqual([33, 60]);
    await append(log, 60, 62);
    await log.deleteRecordsTo(62);
    await logs.shutdown(1);
    const again = await open(bench);
    const found = await make(again);
    expect([found.logStartOffset, found.logEndOffset]).toEqual([62, 62]);
    // A log without records can be moved as well.
    await again.move('t', 0, '/a');
    await until(bench, () => found.directory === '/a/t-0');
    expect([found.logStartOffset, found.logEndOffset]).toEqual([62, 62]);
    await append(found, 62, 63);
    expect(await readAll(found)).toEqual(['record 62']);
  });
});

type Step = { readonly do: string; readonly count: number };

const step = (weight: number, ...kinds: string[]) => ({
  weight,
  arbitrary: fc.record({ do: fc.constantFrom(...kinds), count: fc.nat(12) }),
});

/** A log that is moved again and again, with a model of the records that it must hold. */
class MovingLog {
  readonly bench: Bench;
  expected: string[] = [];
  start = 0;
  log!: PartitionLog;
  logs!: LogManager;
  /** Throttle of the moves in bytes per second. */
  rate: number;
  private readonly seed: number;
  private epoch = 0;
  private life = { isAlive: true };

  constructor(seed: number, rate: number) {
    this.seed = seed;
    this.rate = rate;
    this.bench = new Bench(undefined, seed);
  }

  async boot(): Promise<void> {
    this.life.isAlive = false;
    const life = lifeOf(this.bench);
    this.life = life;
    this.logs = await open(this.bench, { moveRate: () => this.rate, scheduler: life });
    this.log = this.logs.get('t', 0) ?? (await make(this.logs));
    this.log.beginEpoch(++this.epoch);
    this.logs.resumeMoves();
  }

  async take({ do: kind, count }: Step): Promise<void> {
    const { bench, log, logs } = this;
    if (kind === 'append') await this.append(count);
    else if (kind === 'truncate') await this.truncate(count);
    else if (kind === 'delete') {
      log.setHighWatermark(Math.max(log.highWatermark, log.logEndOffset - 5));
      this.start = await log.deleteRecordsTo(Math.max(this.start, Math.min(3 * count, log.highWatermark)));
    } else if (kind === 'move') await passing(bench, logs.move('t', 0, count % 2 === 0 ? '/a' : '/b'));
    else if (kind === 'pass') {
      await bench.clock.advance(count * 20);
      await settle();
    } else if (kind === 'restart') {
      await passing(bench, logs.shutdown(1));
      await this.boot();
    } else await this.powerCut();
    this.log.state.assertInvariants();
    expect(this.log.logEndOffset).toBe(this.expected.length);
  }

  private async append(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      const value = `epoch ${this.epoch} offset ${this.expected.length} of ${this.seed}`;
      await this.log.appendAsLeader(batchOf([value]), this.epoch, client).written;
      this.expected.push(value);
    }
  }

  private async truncate(count: number): Promise<void> {
    const { log } = this;
    const end = Math.max(this.start, log.highWatermark, this.expected.length - count);
    await log.truncateTo(end);
    this.expected = this.expected.slice(0, end);
    log.beginEpoch(++this.epoch);
  }

  /** Cuts the power. Everything is synced first, because this test is not about the loss of unsynced records. */
  private async powerCut(): Promise<void> {
    await this.log.flush();
    await this.bench.clock.advance(60_000);
    endProcess(this.log);
    this.bench.disk.powerCut();
    await this.boot();
  }
}

test('a copy that begins again while its segments are synced causes no disk error', async () => {
  const taken: Step[] = [
    { do: 'move', count: 7 },
    { do: 'pass', count: 1 },
    { do: 'append', count: 2 },
    { do: 'append', count: 5 },
    { do: 'append', count: 12 },
    { do: 'append', count: 8 },
    { do: 'pass', count: 0 },
    { do: 'move', count: 0 },
    { do: 'append', count: 3 },
    { do: 'delete', count: 9 },
    { do: 'pass', count: 5 },
  ];
  const moving = new MovingLog(0, 2000);
  await moving.boot();
  for (const one of taken) await moving.take(one);
  moving.rate = Number.MAX_SAFE_INTEGER;
  await until(moving.bench, () => [...moving.logs.movingCopies()].length === 0);
  expect(moving.bench.failures).toEqual([]);
});

test('random appends, truncations, deletions, stops and crashes during moves lose and change no record', async () => {
  const steps = fc.array(
    fc.oneof(
      step(6, 'append'),
      step(2, 'truncate'),
      step(1, 'delete'),
      step(3, 'move'),
      step(6, 'pass'),
      step(3, 'restart', 'restart', 'power'),
    ),
    // The histories are long, because in short ones a restart seldom falls within a move.
    { maxLength: 40, size: 'max' },
  );
  await fc.assert(
    // At these low rates the copy is behind its log most of the time, so that truncations and stops happen while it copies.
    fc.asyncProperty(steps, fc.integer(), fc.constantFrom(100, 2000), async (taken, seed, rate) => {
      const moving = new MovingLog(seed, rate);
      await moving.boot();
      for (const one of taken) await moving.take(one);
      moving.rate = Number.MAX_SAFE_INTEGER;
      await until(moving.bench, () => [...moving.logs.movingCopies()].length === 0);
      const { log, expected, start } = moving;
      expect(log.logStartOffset).toBe(start);
      const found = await readAll(log);
      // The first batch may begin below the log start, so there may be more records than expected.
      expect(found).toEqual(expected.slice(expected.length - found.length));
      expect(found.length).toBeGreaterThanOrEqual(expected.length - start);
      expect(moving.bench.failures).toEqual([]);
    }),
    { numRuns: 300 },
  );
});
