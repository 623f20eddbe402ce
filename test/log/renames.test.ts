/** Reads and syncs while the files of a log, or its directory, are renamed: one waits for the other instead of failing. */
import { expect, test } from 'vitest';
import { cleanableRange, compact } from '../../src/log/compaction/compaction.ts';
import { defaultLogConfig, type LogConfig } from '../../src/log/log-config.ts';
import type { LogManager } from '../../src/log/manager/log-manager.ts';
import type { PartitionLog } from '../../src/log/partition-log.ts';
import { batchOf, Bench, client, idA, openManagerOfTwo, settle } from './harness.ts';

const records = 24;
const smallSegments = { ...defaultLogConfig, segmentBytes: 400 };

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

test.each(moments)('reads %s the renames of a compaction succeed', async (when) => {
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

interface Movable {
  readonly bench: Bench;
  readonly logs: LogManager;
  /** In the first of two log directories. */
  readonly log: PartitionLog;
}

async function movable(config: LogConfig = smallSegments): Promise<Movable> {
  const bench = new Bench();
  const logs = await openManagerOfTwo(bench, config, { tailCacheBytesMax: 0 });
  const log = await logs.getOrCreate('t', 0, 'tHwPhf7eRmGKij2_-IkFVg', config, idA, true);
  await fill(log);
  return { bench, logs, log };
}

/** Lets the move of the log to `/b` go on until it is done, or cannot go on. */
async function finishMove({ bench, log }: Movable): Promise<void> {
  for (let i = 0; i < 100 && log.directory !== '/b/t-0'; i++) {
    await bench.clock.advance(20);
    await settle();
  }
}

test.each(moments)('reads %s the renames of a move to another log directory succeed', async (when) => {
  const moved = await movable();
  const { bench, logs, log } = moved;
  const reads = readAtRenames(bench, log, when);
  await logs.move('t', 0, '/b');
  await finishMove(moved);
  expect(log.directory).toBe('/b/t-0');
  expect(reads.length).toBeGreaterThan(0);
  await Promise.all(reads);
  expect(bench.failures).toEqual([]);
});

/**
 * Calls `meanwhile` when the disk gets operation `number` on a path below `/a/t-0`, and carries out the operation afterwards,
 * with the path that it had. Returns whether there was such an operation.
 */
function delayOperation(bench: Bench, number: number, meanwhile: () => Promise<void>): () => boolean {
  let count = 0;
  const { fs } = bench;
  for (const operation of ['open', 'readFile', 'rename', 'remove', 'syncDirectory'] as const) {
    const carryOut = fs[operation].bind(fs) as (path: string, other: never) => Promise<unknown>;
    Object.assign(fs, {
      [operation]: async (path: string, other: never) => {
        if (path.startsWith('/a/t-0') && count++ === number) await meanwhile();
        return carryOut(path, other);
      },
    });
  }
  return () => count > number;
}

type Leave = (moved: Movable) => Promise<void>;
const leaves: [string, Leave][] = [
  ['moves to another log directory', finishMove],
  [
    'is deleted',
    async ({ bench, logs, log }) => {
      void logs.delete('t', 0);
      await bench.clock.advance(log.state.config.fileDeleteDelayMs);
      await settle();
    },
  ],
];

test.each(leaves)(
  'a flush goes on while the partition %s, whichever operation of it is slow',
  async (_, leave) => {
    let isReached = true;
    for (let number = 0; isReached; number++) {
      const moved = await movable();
      const { bench, logs, log } = moved;
      await logs.move('t', 0, '/b');
      const wasReached = delayOperation(bench, number, () => leave(moved));
      await log.flush();
      isReached = wasReached();
      await leave(moved);
      expect(bench.failures, `operation ${number}`).toEqual([]);
      if (!isReached) expect(number).toBeGreaterThan(10);
    }
  },
);

test('a segment checkpoint that is written during the move does not replace the one of the new directory', async () => {
  // With one segment both files would be equal but for the missing records.
  const moved = await movable(defaultLogConfig);
  const { bench, logs, log } = moved;
  Object.assign(log.state, { missing: [{ from: 3, to: 5 }] });
  const flushes: Promise<void>[] = [];
  const rename = bench.fs.rename.bind(bench.fs);
  bench.fs.rename = async (from, to) => {
    // Between the renames of the move the log still has its old directory.
    if (to === '/b/t-0') {
      flushes.push(log.flush());
      await settle();
    }
    if (from.endsWith('segment-checkpoint.tmp') && flushes.length > 0)
      while (log.directory !== '/b/t-0') await settle();
    await rename(from, to);
  };
  await logs.move('t', 0, '/b');
  await finishMove(moved);
  await Promise.all(flushes);
  expect(flushes).toHaveLength(1);
  await log.close();
  const content = await bench.fs.readFile('/b/t-0/segment-checkpoint');
  expect(new TextDecoder().decode(content)).toContain('missing 3 5');
});
