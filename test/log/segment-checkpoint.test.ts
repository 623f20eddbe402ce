/** The file `segment-checkpoint`: which segments it lists, and that it never lists one which a crash can remove. */
import { describe, expect, test } from 'vitest';
import type { LogConfig } from '../../src/log/log-config.ts';
import type { PartitionLog } from '../../src/log/partition-log.ts';
import { compact, cleanableRange } from '../../src/log/compaction/compaction.ts';
import {
  decodeSegmentCheckpoint,
  encodeSegmentCheckpoint,
  type ListedSegment,
} from '../../src/log/segment-checkpoint.ts';
import { endTransactionBatch } from '../../src/protocol/records/control.ts';
import { FilePool } from '../../src/log/segment/file-pool.ts';
import type { FileSystem } from '../../src/base/file-system.ts';
import { SeededRandom } from '../../src/simulation/random.ts';
import { batchOf, Bench, client, endProcess } from './harness.ts';

const path = '/data/t-0/segment-checkpoint';
const coordinator = { origin: 'coordinator', requestVersion: 12 } as const;
const unverified = { ...client, verification: 'off' } as const;

async function listed(bench: Bench): Promise<readonly ListedSegment[] | null> {
  if ((await bench.fs.stat(path)) === null) return null;
  return decodeSegmentCheckpoint(new TextDecoder().decode(await bench.fs.readFile(path)))?.segments ?? null;
}

describe('a segment checkpoint', () => {
  const segments = [
    {
      baseOffset: 0,
      sizeBytes: 1048,
      largestTimestamp: 1_700_000_000_000,
      aborted: { count: 2, crc: 77 },
      firstBatchCrc: 0xffff_fff0,
    },
    {
      baseOffset: 2 ** 40,
      sizeBytes: 0,
      largestTimestamp: -1,
      aborted: { count: 1, crc: 0xffff_ffff },
      firstBatchCrc: -1,
    },
  ];

  test('is decoded as it was encoded', () => {
    const checkpoint = { segments, missing: [{ from: 3, to: 99 }] };
    expect(decodeSegmentCheckpoint(encodeSegmentCheckpoint(checkpoint))).toEqual(checkpoint);
    const nothing = { segments: [], missing: [] };
    expect(decodeSegmentCheckpoint(encodeSegmentCheckpoint(nothing))).toEqual(nothing);
  });

  test('with any changed or missing byte is refused', () => {
    const bytes = new TextEncoder().encode(
      encodeSegmentCheckpoint({ segments, missing: [{ from: 3, to: 99 }] }),
    );
    for (let i = 0; i < bytes.length; i++) {
      const other = bytes.with(i, (bytes[i] ?? 0) ^ 1) as Uint8Array;
      expect(decodeSegmentCheckpoint(new TextDecoder().decode(other)), `byte ${i}`).toBe(null);
      expect(decodeSegmentCheckpoint(new TextDecoder().decode(bytes.slice(0, i))), `${i} bytes`).toBe(null);
    }
  });

  test('when damaged is ignored with a warning, and written again', async () => {
    const bench = new Bench();
    const log = await bench.create({ segmentBytes: 300 });
    for (let i = 0; i < 10; i++) await log.appendAsLeader(batchOf([`${i}`]), 0, client).written;
    await log.close();
    const before = await listed(bench);
    expect(before?.length).toBeGreaterThan(1);
    bench.disk.damage(path, (bytes) => bytes.fill(0));
    const again = await bench.reopen({ segmentBytes: 300 }, { recoveryPoint: 10 });
    expect(bench.logged).toEqual([['warn', 'a checkpoint is damaged and is ignored']]);
    await again.close();
    expect(await listed(bench)).toMatchObject(
      before?.map(({ baseOffset, sizeBytes }) => ({ baseOffset, sizeBytes })) ?? [],
    );
  });

  test.each([true, false])(
    'when damaged causes a warning at one start only (clean shutdown before it: %s)',
    async (isClean) => {
      const bench = new Bench();
      const log = await bench.create({ segmentBytes: 300 });
      for (let i = 0; i < 10; i++) await log.appendAsLeader(batchOf([`${i}`]), 0, client).written;
      await log.close();
      bench.disk.damage(path, (bytes) => bytes.fill(0));
      const again = await bench.reopen({ segmentBytes: 300 }, { isClean, recoveryPoint: 10 });
      expect(bench.logged).toEqual([['warn', 'a checkpoint is damaged and is ignored']]);
      endProcess(again);
      bench.disk.powerCut();
      await bench.reopen({ segmentBytes: 300 }, { isClean: false, recoveryPoint: 10 });
      // A power cut may also take producer snapshots, which are made again.
      expect(bench.logged.filter(([, message]) => /a checkpoint/.test(message))).toHaveLength(1);
    },
  );

  test('lists the segments below the recovery point after a flush, a kill and a clean shutdown', async () => {
    const bench = new Bench();
    const log = await bench.create();
    const transactional = { producerId: 1, producerEpoch: 0, baseSequence: 0, isTransactional: true };
    await log.appendAsLeader(batchOf(['x'], transactional), 0, unverified).written;
    const producer = { producerId: 1, producerEpoch: 0, timestamp: 1 };
    const abort = endTransactionBatch({ type: 'abort', coordinatorEpoch: 0, ...producer });
    await log.appendAsLeader(abort, 0, coordinator).written;
    await log.flush();
    expect(await listed(bench)).toMatchObject([{ aborted: { count: 1 } }]);
    endProcess(log);
    bench.disk.processKilled();
    const again = await bench.reopen({}, { isClean: false, recoveryPoint: 2 });
    expect(await listed(bench)).toMatchObject([{ aborted: { count: 1 } }]);
    await again.writeBehind();
    await again.close();
    expect(await listed(bench)).toMatchObject([{ aborted: { count: 1 } }]);
  });

  /** Appends a transaction of one record and its abort marker. */
  async function appendAborted(log: PartitionLog, baseSequence: number): Promise<void> {
    const producer = { producerId: 1, producerEpoch: 0 };
    const begun = batchOf(['x'], { ...producer, baseSequence, isTransactional: true });
    await log.appendAsLeader(begun, 0, unverified).written;
    const marker = endTransactionBatch({ type: 'abort', coordinatorEpoch: 0, timestamp: 1, ...producer });
    await log.appendAsLeader(marker, 0, coordinator).written;
  }

  test('a start after a kill writes no transaction index that is on disk already', async () => {
    const bench = new Bench();
    const log = await bench.create();
    await appendAborted(log, 0);
    await log.flush();
    await appendAborted(log, 1);
    await log.writeBehind();
    endProcess(log);
    bench.disk.processKilled();
    const changes: string[] = [];
    bench.disk.fault = (operation, file) => {
      if (file.endsWith('.txnindex')) changes.push(operation);
      return null;
    };
    const again = await bench.reopen({}, { isClean: false, recoveryPoint: 2 });
    expect(await again.abortedTransactions(0, 4)).toHaveLength(2);
    // The second entry was written, but perhaps not durably.
    expect(changes.filter((operation) => operation !== 'read' && operation !== 'open')).toEqual(['sync']);
    expect(await listed(bench)).toMatchObject([{ aborted: { count: 2 } }]);
    bench.disk.powerCut();
    bench.disk.fault = () => null;
    const last = await bench.reopen({}, { isClean: false, recoveryPoint: 4 });
    expect(await last.abortedTransactions(0, 4)).toHaveLength(2);
    expect(bench.logged).toEqual([]);
  });

  test('the entries that a truncation removes do not come back, and are not missed', async () => {
    const bench = new Bench();
    const log = await bench.create();
    await appendAborted(log, 0);
    await appendAborted(log, 1);
    await log.flush();
    const synced: string[] = [];
    bench.disk.fault = (operation, file) => {
      if (operation === 'sync') synced.push(file.slice(-8));
      return null;
    };
    await log.truncateTo(3);
    expect(synced).toContain('txnindex');
    await log.writeBehind();
    await log.close();
    bench.disk.powerCut();
    const again = await bench.reopen({}, { recoveryPoint: 3 });
    expect(await again.abortedTransactions(0, 4)).toHaveLength(1);
    expect(bench.logged).toEqual([]);
  });

  test('is not written for a log of one segment without aborted transactions', async () => {
    const bench = new Bench();
    const log = await bench.create();
    await log.appendAsLeader(batchOf(['only']), 0, client).written;
    await log.close();
    expect(await bench.fs.list('/data/t-0')).not.toContain('segment-checkpoint');
  });
});

/**
 * Each history appends, aborts, rolls, flushes, truncates, deletes by retention and compacts at random, and ends with a crash
 * at a random moment.
 */
describe('random histories', () => {
  const config: Partial<LogConfig> = {
    segmentBytes: 700,
    retentionBytes: 2_000,
    retentionMs: -1,
    indexIntervalBytes: 200,
  };

  interface Run {
    readonly bench: Bench;
    readonly random: SeededRandom;
    recoveryPoint: number;
    log: PartitionLog;
    life: { isAlive: boolean };
  }

  async function step(run: Run): Promise<void> {
    const { log, random, bench } = run;
    const what = random.u32() % 12;
    if (what < 6) {
      const last = log.producers()[0]?.batches.at(-1)?.lastSequence ?? -1;
      const options = { producerId: 1, producerEpoch: 0, baseSequence: last + 1, isTransactional: true };
      await log.appendAsLeader(batchOf(['x'.repeat(random.u32() % 90)], options), 0, unverified).written;
    } else if (what < 8) {
      const type = what === 6 ? 'abort' : 'commit';
      const marker = endTransactionBatch({
        type,
        coordinatorEpoch: 0,
        producerId: 1,
        producerEpoch: 0,
        timestamp: 1,
      });
      await log.appendAsLeader(marker, 0, coordinator).written;
    } else if (what === 8) await bench.clock.advance(1);
    else if (what === 9) await (random.u32() % 2 === 0 ? log.flush() : log.writeBehind());
    else if (what === 10) {
      log.setHighWatermark(log.logEndOffset);
      if (random.u32() % 2 === 0) await log.applyRetention();
      else await cleanLog(log);
    } else if (random.u32() % 3 === 0) {
      const { logStartOffset, logEndOffset } = log;
      await log.truncateTo(logStartOffset + (random.u32() % (logEndOffset - logStartOffset + 1)));
    }
    run.recoveryPoint = log.recoveryPoint;
  }

  async function cleanLog(log: PartitionLog): Promise<void> {
    const range = await cleanableRange(log, log.logStartOffset);
    if (range !== null) await compact(log, range);
  }

  /** The file system as one life of the process sees it: after its death no call ends, and none has an effect. */
  function mortal(fs: FileSystem, life: { isAlive: boolean }): FileSystem {
    return new Proxy(fs, {
      get(target, name) {
        const method = Reflect.get(target, name) as (...args: unknown[]) => unknown;
        return (...args: unknown[]) =>
          life.isAlive ? method.apply(target, args) : new Promise<never>(() => {});
      },
    });
  }

  function options(run: Run): Parameters<Bench['reopen']>[1] {
    run.life = { isAlive: true };
    const resources = run.bench.resources();
    const fs = mortal(run.bench.fs, run.life);
    return {
      resources: { ...resources, fs, files: new FilePool(fs, 4) },
      recoveryPoint: run.recoveryPoint,
      callbacks: {
        ...run.bench.options().callbacks,
        persistRecoveryPoints: () => {
          run.recoveryPoint = run.log.recoveryPoint;
          return Promise.resolve();
        },
      },
    };
  }

  async function history(seed: number): Promise<void> {
    const bench = new Bench(undefined, seed);
    const random = new SeededRandom(seed);
    const run = { bench, random, recoveryPoint: 0 } as unknown as Run;
    run.log = await bench.create(config, options(run));
    for (let life = 0; life < 4; life++) {
      const steps = 5 + (random.u32() % 30);
      for (let i = 0; i < steps; i++) await step(run);
      const how = random.u32() % 3;
      if (how === 0) {
        await run.log.close();
        const { segments } = run.log.state;
        const entries = ((await listed(bench)) ?? []).map(({ aborted }) => aborted.count);
        const expected = segments.reduce((sum, segment) => sum + segment.aborted.length, 0);
        expect(
          entries.reduce((sum, count) => sum + count, 0),
          `seed ${seed}`,
        ).toBe(expected);
      } else {
        const last = step(run).catch(() => undefined);
        for (let turns = random.u32() % 60; turns > 0; turns--) await Promise.resolve();
        endProcess(run.log);
        run.life.isAlive = false;
        if (how === 1) bench.disk.processKilled();
        else bench.disk.powerCut();
        // The step may go on in memory after the crash.
        const { recoveryPoint } = run;
        await Promise.race([last, bench.clock.advance(1)]);
        run.recoveryPoint = recoveryPoint;
      }
      if (how === 0) run.recoveryPoint = run.log.recoveryPoint;
      const recoveryPoint = run.recoveryPoint;
      // A power cut may come before the first record is written.
      const directoryExists = (await bench.fs.stat('/data/t-0')) !== null;
      run.log = await bench.reopen(config, {
        ...options(run),
        isClean: how === 0,
        recoveryPoint,
        directoryExists,
      });
      const said = bench.logged.filter(([, message]) =>
        /transaction index|a checkpoint|missing/.test(message),
      );
      expect(said, `seed ${seed}`).toEqual([]);
    }
  }

  const seed = process.env['SEED'];
  test.each(seed === undefined ? [1, 2, 3, 4] : [Number(seed)])('part %i', async (part) => {
    const seeds = seed === undefined ? Array.from({ length: 12 }, (_, i) => part * 1000 + i) : [part];
    for (const one of seeds) await history(one);
  });
});
