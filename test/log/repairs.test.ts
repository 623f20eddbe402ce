/** Files that a start rebuilds from other files: each rebuild is logged, and the content is as before. */
import { describe, expect, test } from 'vitest';
import { cleanableRange, compact } from '../../src/log/compaction/compaction.ts';
import { defaultLogConfig } from '../../src/log/log-config.ts';
import type { PartitionLog } from '../../src/log/partition-log.ts';
import { batchOf, Bench, client, openManager, readAll, topicId } from './harness.ts';

const startMs = 1_600_000_000_000;
const recordsCount = 400;
const config = { segmentBytes: 40_000, indexIntervalBytes: 1_000 };
const value = 'x'.repeat(200);

/** The first record of the second segment has its largest timestamp, so the tail of the segment does not show it. */
async function filled(bench: Bench): Promise<PartitionLog> {
  const log = await bench.create(config);
  for (let i = 0; i < recordsCount; i++) {
    const isPeak = log.state.segments.length === 2 && log.state.active.sizeBytes === 0;
    const timestamp = startMs + (isPeak ? 1_000_000 : i * 1_000);
    await log.appendAsLeader(batchOf([value], { timestamp }), i < 100 ? 1 : 2, client).written;
  }
  return log;
}

async function lookups(log: PartitionLog): Promise<(number | null)[]> {
  const found: (number | null)[] = [];
  for (let i = 0; i < 1_000; i += 7)
    found.push((await log.offsetForTimestamp(startMs + i * 1_000))?.offset ?? null);
  return found;
}

describe.each([1, 2, -1])('a time index (of segment %i) is rebuilt when it was', (at) => {
  test.each<[string, (bytes: Uint8Array) => Uint8Array]>([
    ['emptied', (bytes) => bytes.subarray(0, 0)],
    ['zeroed', (bytes) => bytes.fill(0)],
    ['filled with random bytes', (bytes) => bytes.map((_byte, i) => (i * 37) & 255)],
  ])('%s', async (_what, damage) => {
    const bench = new Bench();
    const log = await filled(bench);
    const before = await lookups(log);
    const segment = log.state.segments.at(at);
    await log.roll();
    await log.appendAsLeader(batchOf(['last'], { timestamp: startMs }), 2, client).written;
    await log.close();
    bench.disk.damage(segment?.pathOf('timeindex') ?? '', damage);
    const again = await bench.reopen(config, { recoveryPoint: log.logEndOffset });
    expect(await lookups(again)).toEqual(before);
    expect(bench.logged).toEqual([['warn', 'an index is rebuilt']]);
  });
});

test('a time index truncated between two entries is rebuilt', async () => {
  const bench = new Bench();
  const log = await filled(bench);
  const before = await lookups(log);
  await log.close();
  const segment = log.state.segments[0];
  bench.disk.damage(segment?.pathOf('timeindex') ?? '', (bytes) => bytes.subarray(0, 24));
  const again = await bench.reopen(config, { recoveryPoint: log.logEndOffset });
  expect(await lookups(again)).toEqual(before);
  expect(bench.logged).toEqual([['warn', 'an index is rebuilt']]);
});

test.each<[string, ((bytes: Uint8Array) => Uint8Array) | null]>([
  ['missing', null],
  ['emptied', (bytes) => bytes.subarray(0, 0)],
  ['filled with zeros', (bytes) => bytes.fill(0)],
])('leader epochs are collected from the log when their checkpoint is %s', async (_what, damage) => {
  const bench = new Bench();
  const log = await filled(bench);
  const before = log.state.epochs.entries;
  expect(before).toHaveLength(2);
  await log.close();
  const path = '/data/t-0/leader-epoch-checkpoint';
  if (damage === null) await bench.fs.remove(path);
  else bench.disk.damage(path, damage);
  const again = await bench.reopen(config, { recoveryPoint: log.logEndOffset });
  expect(again.state.epochs.entries).toEqual(before);
  expect(bench.logged).toEqual([
    ['warn', 'leader epochs are missing or damaged and are collected from the log'],
  ]);
  await again.close();
  bench.logged.length = 0;
  await bench.reopen(config, { recoveryPoint: log.logEndOffset });
  expect(bench.logged).toEqual([]);
});

test('leader epochs are collected from a compacted log, whose gaps are no damage', async () => {
  const bench = new Bench();
  const compacted = { segmentBytes: 400, cleanupPolicy: { delete: false, compact: true } };
  const log = await bench.create(compacted);
  for (let i = 0; i < 30; i++)
    await log.appendAsLeader(batchOf([`v${i}`], { key: `k${i % 3}` }), 1, client).written;
  await log.roll();
  log.setHighWatermark(30);
  const range = await cleanableRange(log, 0);
  if (range !== null) await compact(log, range);
  const before = await readAll(log);
  expect(before.length).toBeLessThan(10);
  await log.close();
  await bench.fs.remove('/data/t-0/leader-epoch-checkpoint');
  const again = await bench.reopen(compacted, { recoveryPoint: 30 });
  expect(await readAll(again)).toEqual(before);
  expect([again.logEndOffset, again.missingFrom]).toEqual([30, null]);
  expect(bench.logged.map(([level]) => level)).toEqual(['warn']);
});

test('a damaged partition.metadata is written again', async () => {
  const bench = new Bench();
  const logs = await openManager(bench);
  const log = await logs.getOrCreate('t', 0, topicId, defaultLogConfig, null, true);
  await log.appendAsLeader(batchOf(['a']), 0, client).written;
  await logs.shutdown(1);
  bench.disk.damage('/a/t-0/partition.metadata', (bytes) => bytes.subarray(0, 0));
  const again = await openManager(bench);
  expect((await again.getOrCreate('t', 0, topicId, defaultLogConfig, null, true)).logEndOffset).toBe(1);
  expect(bench.logged).toEqual([['warn', 'partition.metadata is missing or damaged and is written again']]);
});
