/** Reads while the files of a log, or its directory, are renamed: they wait for the new name instead of failing. */
import { expect, test } from 'vitest';
import { cleanableRange, compact } from '../../src/log/compaction/compaction.ts';
import { defaultLogConfig } from '../../src/log/log-config.ts';
import { LogManager } from '../../src/log/manager/log-manager.ts';
import { defaultLogManagerSettings } from '../../src/log/manager/log-settings.ts';
import type { PartitionLog } from '../../src/log/partition-log.ts';
import { batchOf, Bench, client, settle } from './harness.ts';

const records = 24;
const config = { ...defaultLogConfig, segmentBytes: 400 };

async function fill(log: PartitionLog): Promise<void> {
  for (let i = 0; i < records; i++)
    await log.appendAsLeader(batchOf([`v${i}`], { key: `k${i % 3}` }), 0, client).written;
  log.setHighWatermark(records);
}

type When = 'just before' | 'just after';

/** Reads all segments of `log` at each rename, and lets the reads go on until nothing happens any more. */
function readAtRenames(bench: Bench, log: PartitionLog, when: When): Promise<unknown>[] {
  const reads: Promise<unknown>[] = [];
  const rename = bench.fs.rename.bind(bench.fs);
  const read = (): Promise<void> => {
    for (const { baseOffset } of log.state.segments)
      if (baseOffset < records) reads.push(log.read(baseOffset, 10_000, records, true));
    return settle();
  };
  bench.fs.rename = async (from, to) => {
    if (when === 'just before') await read();
    await rename(from, to);
    if (when === 'just after') await read();
  };
  return reads;
}

const moments: readonly When[] = ['just before', 'just after'];

test.each(moments)('%s those of a compaction', async (when) => {
  const bench = new Bench();
  const log = await bench.create(
    { cleanupPolicy: { delete: false, compact: true }, segmentBytes: 400 },
    { resources: bench.resources(0) },
  );
  await fill(log);
  await log.roll();
  const reads = readAtRenames(bench, log, when);
  const range = await cleanableRange(log, 0);
  if (range === null) throw new Error('there is something to compact');
  expect(await compact(log, range)).toBe(records);
  expect(reads.length).toBeGreaterThan(10);
  await Promise.all(reads);
  expect(bench.failures).toEqual([]);
});

test.each(moments)('%s those of a move to another log directory', async (when) => {
  const bench = new Bench();
  for (const path of ['/a', '/b']) await bench.fs.makeDirectory(path);
  await bench.fs.syncDirectory('/');
  const logs = new LogManager({
    fs: bench.fs,
    clock: bench.clock,
    scheduler: bench.clock,
    random: bench.random,
    logger: bench.logger,
    directories: [
      { path: '/a', id: 'sIwPhf7eRmGKij2_-IkFVg' },
      { path: '/b', id: 'IMsRZd3lSUK8fqfTgo2UDg' },
    ],
    settings: { ...defaultLogManagerSettings, locksDirectories: false },
    configOf: () => config,
    onDirectoryFailure: (_directory, error) => bench.failures.push(error),
    tailCacheBytesMax: 0,
  });
  await logs.start();
  const log = await logs.getOrCreate('t', 0, 'tHwPhf7eRmGKij2_-IkFVg', config, 'sIwPhf7eRmGKij2_-IkFVg');
  await fill(log);
  const reads = readAtRenames(bench, log, when);
  await logs.move('t', 0, '/b');
  for (let i = 0; i < 500 && log.directory !== '/b/t-0'; i++) {
    await bench.clock.advance(20);
    await settle();
  }
  expect(log.directory).toBe('/b/t-0');
  expect(reads.length).toBeGreaterThan(0);
  await Promise.all(reads);
  expect(bench.failures).toEqual([]);
});
