/** How often the log syncs its files under the topic's `flush.messages` and `flush.ms` and the broker's `log.flush.*`. */
import { describe, expect, test } from 'vitest';
import { NodeConfig } from '../../src/config/node-config.ts';
import { topicConfig } from '../../src/config/topic.ts';
import { defaultLogConfig, type LogConfig } from '../../src/log/log-config.ts';
import type { LogManagerSettings } from '../../src/log/manager/log-settings.ts';
import type { PartitionLog } from '../../src/log/partition-log.ts';
import { batchOf, Bench, client, endProcess, openManager, settle, topicId as id } from './harness.ts';

/** A disk that counts the syncs of record files. */
class CountingBench extends Bench {
  syncs = 0;

  constructor() {
    super();
    this.disk.fault = (operation, path) => {
      if (operation === 'sync' && path.endsWith('.log')) this.syncs += 1;
      return null;
    };
  }
}

const append = (log: PartitionLog, records = 1): Promise<void> =>
  log.appendAsLeader(batchOf(Array.from({ length: records }, () => 'x')), 0, client).written;

async function open(
  bench: Bench,
  config: Partial<LogConfig>,
  settings: Partial<LogManagerSettings> = {},
): Promise<PartitionLog> {
  const logs = await openManager(bench, defaultLogConfig, settings);
  return logs.getOrCreate('t', 0, id, { ...defaultLogConfig, ...config }, null, true);
}

async function pass(bench: Bench, ms: number): Promise<void> {
  for (let i = 0; i < ms / 100; i++) {
    await bench.clock.advance(100);
    await settle();
  }
}

describe('flush.messages', () => {
  test.each([
    ['no limit', Number.MAX_SAFE_INTEGER, [1, 1, 1, 1, 1, 1], 0, 0],
    ['1: before each acknowledgement', 1, [1, 1, 1, 1], 4, 4],
    ['3, in batches of one', 3, [1, 1, 1, 1, 1, 1, 1], 2, 6],
    ['5: records are counted, not batches', 5, [2, 2, 2, 2, 2], 1, 6],
    ['3, in one batch of four', 3, [4], 1, 4],
  ])('%s', async (_name, flushMessages, batches, syncs, survivors) => {
    const bench = new CountingBench();
    const log = await bench.create({ flushMessages });
    for (const records of batches) await append(log, records);
    expect(bench.syncs).toBe(syncs);
    // The recovery point does not move yet, because the indexes are not synced either.
    expect(log.recoveryPoint).toBe(0);
    endProcess(log);
    bench.disk.powerCut();
    if (survivors > 0) expect((await bench.reopen({}, { isClean: false })).logEndOffset).toBe(survivors);
  });

  test('the log end offset does not move before the sync', async () => {
    const bench = new CountingBench();
    const log = await bench.create({ flushMessages: 2 });
    const ends: number[] = [];
    const { fault } = bench.disk;
    bench.disk.fault = (operation, path) => {
      if (operation === 'sync' && path.endsWith('.log')) ends.push(log.logEndOffset);
      return fault(operation, path);
    };
    for (let i = 0; i < 4; i++) await append(log);
    expect(ends).toEqual([1, 3]);
    expect(log.logEndOffset).toBe(4);
  });

  test('can be changed while the log is open', async () => {
    const bench = new CountingBench();
    const log = await bench.create({});
    await append(log);
    log.updateConfig({ ...defaultLogConfig, flushMessages: 1 });
    await append(log);
    expect(bench.syncs).toBe(1);
  });
});

describe('flush.ms', () => {
  test('records are synced once when it has passed, and later records again', async () => {
    const bench = new CountingBench();
    const log = await open(bench, { flushMs: 5000 });
    await append(log);
    await pass(bench, 4900);
    expect([bench.syncs, log.recoveryPoint]).toEqual([0, 0]);
    await pass(bench, 2100);
    expect([bench.syncs, log.recoveryPoint]).toEqual([1, 1]);
    await pass(bench, 20_000);
    expect(bench.syncs).toBe(1);
    await append(log);
    await pass(bench, 7000);
    expect([bench.syncs, log.recoveryPoint]).toEqual([2, 2]);
    bench.disk.powerCut();
    expect(bench.failures).toEqual([]);
  });

  test('without it nothing is synced by time', async () => {
    const bench = new CountingBench();
    const log = await open(bench, {});
    await append(log);
    await pass(bench, 60_000);
    expect([bench.syncs, log.recoveryPoint]).toEqual([0, 0]);
  });

  test('when it is set later, it also counts for records written before', async () => {
    const bench = new CountingBench();
    const log = await open(bench, { flushMs: 3_600_000 });
    await append(log);
    await pass(bench, 10_000);
    log.updateConfig({ ...defaultLogConfig, flushMs: 1000 });
    await pass(bench, 3000);
    expect([bench.syncs, log.recoveryPoint]).toEqual([1, 1]);
  });

  test('log.flush.scheduler.interval.ms sets how often it is checked', async () => {
    const bench = new CountingBench();
    const log = await open(bench, { flushMs: 300 }, { flushCheckIntervalMs: 100 });
    await append(log);
    await pass(bench, 500);
    expect([bench.syncs, log.recoveryPoint]).toEqual([1, 1]);
  });
});

// Bound: unsyncedBytesMax.
test('a log with 16 MiB behind its recovery point is synced, and its checkpoint written, in the background', async () => {
  const bench = new CountingBench();
  const log = await open(bench, {});
  const batch = (): Uint8Array => batchOf(['x'.repeat(1024 * 1024 - 200)]);
  for (let i = 0; i < 15; i++) await log.appendAsLeader(batch(), 0, client).written;
  await pass(bench, 2100);
  expect([bench.syncs, log.recoveryPoint]).toEqual([0, 0]);
  for (let i = 0; i < 2; i++) await log.appendAsLeader(batch(), 0, client).written;
  await pass(bench, 2100);
  expect([bench.syncs, log.recoveryPoint]).toEqual([1, 17]);
  const checkpoint = await bench.fs.readFile('/a/recovery-point-offset-checkpoint');
  expect(new TextDecoder().decode(checkpoint)).toBe('0\n1\nt 0 17\n');
});

describe('a sync', () => {
  /** More segments than files that the pool keeps open, not synced yet; `remove` is called when the first of them is synced. */
  async function flushWhile(remove: (log: PartitionLog) => Promise<unknown>): Promise<Bench> {
    const bench = new Bench();
    const log = await open(bench, { segmentBytes: 200, fileDeleteDelayMs: 0 });
    // Without this the background would sync each segment when it is rolled.
    bench.clock.soon = () => undefined;
    for (let i = 0; i < 12; i++) await append(log);
    log.setHighWatermark(log.logEndOffset);
    let removed: Promise<unknown> | null = null;
    bench.disk.fault = (operation, path) => {
      if (operation === 'sync' && path.endsWith('.log')) removed ??= remove(log);
      return null;
    };
    await log.flush();
    expect(removed).not.toBeNull();
    await removed;
    await pass(bench, 1000);
    return bench;
  }

  test('of segments that truncateFullyAndStartAt removes is not a disk error', async () => {
    const bench = await flushWhile((log) => log.truncateFullyAndStartAt(20));
    expect(bench.failures).toEqual([]);
  });

  test('that fails while the partition is being deleted is a disk error', async () => {
    const bench = new Bench();
    const log = await open(bench, {});
    await append(log);
    let leaving: Promise<unknown> | null = null;
    bench.disk.fault = (operation, path) => {
      if (operation !== 'sync' || !path.endsWith('.log')) return null;
      leaving ??= log.leave('t-0.deleted-delete');
      return 'EIO';
    };
    await expect(log.flush()).rejects.toThrow();
    await leaving;
    expect(bench.failures).toHaveLength(1);
  });

  test('of a sealed segment that fails while the partition is being deleted is a disk error', async () => {
    const bench = new Bench();
    const log = await open(bench, { segmentBytes: 200 });
    let leaving: Promise<unknown> | null = null;
    bench.disk.fault = (operation, path) => {
      if (operation !== 'sync' || !path.endsWith('.log')) return null;
      leaving ??= log.leave('t-0.deleted-delete');
      return 'EIO';
    };
    for (let i = 0; i < 4; i++) await append(log);
    // Only the sync of the sealed segment, without the timers of the manager.
    await bench.clock.advance(0);
    await settle();
    expect(leaving).not.toBeNull();
    await leaving;
    expect(bench.failures).toHaveLength(1);
  });

  test('of a partition that is being deleted is not a disk error', async () => {
    const bench = await flushWhile((log) => log.leave('t-0.deleted-delete'));
    expect(bench.failures).toEqual([]);
  });

  // The copy of a move is removed without a rename.
  test('of a copy whose files are removed after it was closed is not a disk error', async () => {
    const bench = await flushWhile(async (log) => {
      await log.abandon();
      await log.state.resources.fs.remove(log.directory);
    });
    expect(bench.failures).toEqual([]);
  });
});

test.each<[string[], Record<string, string>, Partial<LogConfig>]>([
  [[], {}, { flushMessages: Number.MAX_SAFE_INTEGER, flushMs: Number.MAX_SAFE_INTEGER }],
  [['log.flush.interval.messages=7', 'log.flush.interval.ms=8'], {}, { flushMessages: 7, flushMs: 8 }],
  [['log.flush.scheduler.interval.ms=9'], {}, { flushMs: 9 }],
  [['log.flush.scheduler.interval.ms=9', 'log.flush.interval.ms=8'], {}, { flushMs: 8 }],
  [['log.flush.interval.ms=8'], { 'flush.ms': '6', 'flush.messages': '5' }, { flushMessages: 5, flushMs: 6 }],
])('properties %j, topic %j', (properties, topic, expected) => {
  const node = NodeConfig.parse(
    [
      'process.roles=broker,controller',
      'node.id=1',
      'listeners=PLAINTEXT://:9092,CONTROLLER://:9093',
      'controller.listener.names=CONTROLLER',
      'controller.quorum.bootstrap.servers=localhost:9093',
      'log.dirs=/data',
      ...properties,
    ].join('\n'),
  );
  expect(topicConfig(new Map(Object.entries(topic)), node)).toMatchObject(expected);
});
