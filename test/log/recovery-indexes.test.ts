/** After a crash the log trusts its indexes below the recovery point, so they must be as durable as the records. */
import { describe, expect, test } from 'vitest';
import type { PartitionLog } from '../../src/log/partition-log.ts';
import { readPartitionMetadata } from '../../src/log/directories/checkpoints.ts';
import { batchOf, Bench, client, endProcess, topicId } from './harness.ts';

const file = '/data/t-0/00000000000000000000.log';
const size = batchOf(['value 0']).length;

describe('after a power cut the time indexes are complete', () => {
  // The last batch of a segment gets its entry in the time index only when the segment is sealed.
  const config = { segmentBytes: 4 * size, indexIntervalBytes: 90 };
  const timestampOf = (i: number): number => 1_600_000_000_000 + 7 * i;
  const append = async (log: PartitionLog, ...numbers: number[]): Promise<void> => {
    for (const i of numbers)
      await log.appendAsLeader(batchOf([`value ${i}`], { timestamp: timestampOf(i) }), 0, client).written;
  };

  async function reopened(bench: Bench, log: PartitionLog, end: 'kill' | 'power'): Promise<PartitionLog> {
    const { recoveryPoint } = log;
    endProcess(log);
    if (end === 'kill') bench.disk.processKilled();
    else bench.disk.powerCut();
    const again = await bench.reopen(config, { isClean: false, recoveryPoint });
    for (let i = 0; i < again.logEndOffset; i++)
      expect((await again.offsetForTimestamp(timestampOf(i)))?.offset).toBe(i);
    return again;
  }

  test('with flush.messages=1, because the recovery point waits for them', async () => {
    const bench = new Bench();
    const log = await bench.create({ ...config, flushMessages: 1 });
    await append(log, 0, 1, 2, 3, 4);
    expect(log.state.segments).toHaveLength(2);
    expect((await reopened(bench, log, 'power')).logEndOffset).toBe(5);
  });

  test('when a segment is sealed after a flush, because the next flush syncs its index', async () => {
    const bench = new Bench();
    const log = await bench.create(config);
    await append(log, 0, 1, 2, 3);
    await log.flush();
    await append(log, 4);
    await log.flush();
    expect((await reopened(bench, log, 'power')).logEndOffset).toBe(5);
  });

  test('when the start before it rebuilt their last entries', async () => {
    const bench = new Bench();
    const log = await bench.create(config);
    await append(log, 0, 1, 2, 3);
    await log.flush();
    await append(log, 4);
    const again = await reopened(bench, log, 'kill');
    expect((await reopened(bench, again, 'power')).logEndOffset).toBe(5);
  });

  test('when they had been rebuilt, because that syncs them', async () => {
    const bench = new Bench();
    const log = await bench.create(config);
    await append(log, 0, 1, 2, 3, 4);
    await log.flush();
    await log.close();
    bench.disk.damage(file.replace('.log', '.timeindex'), (bytes) => bytes.fill(255));
    const again = await bench.reopen(config);
    expect((await again.offsetForTimestamp(timestampOf(2)))?.offset).toBe(2);
    await reopened(bench, again, 'power');
  });
});

test('after a clean stop, records are appended to a segment whose missing index was rebuilt', async () => {
  const bench = new Bench();
  const log = await bench.create();
  const large = 'x'.repeat(70_000);
  await log.appendAsLeader(batchOf([large]), 0, client).written;
  await log.close();
  await bench.fs.remove(file.replace('.log', '.index'));
  const again = await bench.reopen({}, { recoveryPoint: 1 });
  await again.appendAsLeader(batchOf(['more']), 0, client).written;
  expect([again.logEndOffset, bench.failures]).toEqual([2, []]);
  expect(bench.logged).toEqual([['warn', 'an index is rebuilt']]);
});

test.each([true, false])('a start opens the file of each segment once, clean %s', async (isClean) => {
  const bench = new Bench();
  const config = { segmentBytes: 2 * size };
  const log = await bench.create(config);
  for (let i = 0; i < 5; i++) await log.appendAsLeader(batchOf([`value ${i}`]), 0, client).written;
  await log.close();
  const opened: string[] = [];
  bench.disk.fault = (operation, path) => {
    if (operation === 'open' && path.endsWith('.log')) opened.push(path);
    return null;
  };
  const again = await bench.reopen(config, { isClean, recoveryPoint: 5 });
  expect(opened).toEqual(again.state.segments.map(({ path }) => path));
  await again.appendAsLeader(batchOf(['value 5']), 0, client).written;
  expect(opened).toHaveLength(3);
});

test('after a kill, a start writes nothing to a log that was synced as a whole', async () => {
  const bench = new Bench();
  const log = await bench.create();
  for (const epoch of [0, 0, 1]) await log.appendAsLeader(batchOf(['value']), epoch, client).written;
  await log.flush();
  endProcess(log);
  bench.disk.processKilled();
  bench.disk.counts.clear();
  const again = await bench.reopen({}, { isClean: false, recoveryPoint: 3, ownerSyncsParent: true });
  expect([again.logEndOffset, again.state.epochs.entries.length]).toEqual([3, 2]);
  const counted = (['write', 'sync', 'rename', 'remove', 'syncDirectory'] as const).map((operation) =>
    bench.disk.counts.get(operation),
  );
  expect(counted).toEqual([undefined, undefined, undefined, undefined, 1]);
});

test('partition.metadata is durable when an empty log has a recovery point', async () => {
  const bench = new Bench();
  const log = await bench.create();
  await log.truncateFullyAndStartAt(5);
  expect(log.recoveryPoint).toBe(5);
  endProcess(log);
  bench.disk.powerCut();
  expect(await readPartitionMetadata(bench.fs, '/data/t-0')).toBe(topicId);
});
