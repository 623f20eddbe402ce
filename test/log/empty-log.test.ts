/**
 * A log that has lost all its records keeps its log end offset, however the records were removed: no offset is assigned twice.
 */
import { expect, test } from 'vitest';
import { defaultLogConfig } from '../../src/log/log-config.ts';
import type { LogManager } from '../../src/log/manager/log-manager.ts';
import type { PartitionLog } from '../../src/log/partition-log.ts';
import { batchOf, Bench, client, endProcess, openManager, readAll, topicId as id } from './harness.ts';

const config = { ...defaultLogConfig, retentionMs: 1000 };

const open = (bench: Bench): Promise<LogManager> => openManager(bench, config);

async function fill(log: PartitionLog): Promise<void> {
  for (let i = 0; i < 6; i++) await log.appendAsLeader(batchOf(['x']), 0, client).written;
  log.setHighWatermark(6);
  // Synced here, because these tests are not about the loss of unsynced records in a power cut.
  await log.flush();
}

const ways: Record<string, (log: PartitionLog, logs: LogManager, bench: Bench) => Promise<unknown>> = {
  retention: async (log, logs, bench) => {
    await fill(log);
    bench.clock.nowMs += 10_000;
    await logs.applyRetention();
  },
  DeleteRecords: async (log) => {
    await fill(log);
    await log.deleteRecordsTo(6);
  },
  'a truncation to nothing': async (log) => {
    await fill(log);
    await log.truncateFullyAndStartAt(6);
  },
  'a new follower, whose leader has deleted what it had': (log) => log.truncateFullyAndStartAt(6),
};

const ends: Record<string, (logs: LogManager, log: PartitionLog, bench: Bench) => Promise<void>> = {
  'a clean stop': (logs) => logs.shutdown(1),
  'a power cut': async (_logs, log, bench) => {
    endProcess(log);
    bench.disk.powerCut();
  },
  'a power cut a minute later': async (_logs, log, bench) => {
    await log.flush();
    await bench.clock.advance(61_000);
    endProcess(log);
    bench.disk.powerCut();
  },
};

const cases = Object.keys(ways).flatMap((way) => Object.keys(ends).map((end) => [way, end] as const));

test.each(cases)('a log emptied by %s keeps its log end offset after %s', async (way, end) => {
  const bench = new Bench();
  const logs = await open(bench);
  const log = await logs.getOrCreate('t', 0, id, config, null, true);
  await log.materialise();
  await log.flush();
  await ways[way]?.(log, logs, bench);
  expect([log.logStartOffset, log.logEndOffset]).toEqual([6, 6]);
  await ends[end]?.(logs, log, bench);
  const found = await (await open(bench)).getOrCreate('t', 0, id, config, null, true);
  expect(found.logEndOffset).toBe(6);
  // A power cut may bring back records that were deleted just before it.
  if (end !== 'a power cut') expect(found.logStartOffset).toBe(6);
  await found.appendAsLeader(batchOf(['next']), 1, client).written;
  expect((await readAll(found)).at(-1)).toEqual([6, 'next']);
  expect(bench.failures).toEqual([]);
});

test('a power cut at any step of the removal leaves the log end offset', async () => {
  for (let cutAt = 0, isWhole = false; !isWhole; cutAt++) {
    for (let seed = 1; seed <= 4; seed++) {
      const bench = new Bench(undefined, seed * 100 + cutAt);
      const logs = await open(bench);
      const log = await logs.getOrCreate('t', 0, id, config, null, true);
      await fill(log);
      bench.clock.nowMs += 10_000;
      let operations = 0;
      bench.disk.fault = () => (operations++ >= cutAt ? 'EIO' : null);
      await logs.applyRetention().catch(() => undefined);
      isWhole = operations <= cutAt;
      endProcess(log);
      bench.disk.fault = () => null;
      bench.disk.powerCut();
      const found = await (await open(bench)).getOrCreate('t', 0, id, config, null, true);
      expect(found.logEndOffset, `operation ${cutAt}, seed ${seed}`).toBe(6);
    }
  }
});
