/** Records that were durable and are gone at the next start: deleted and shortened files. */
import { describe, expect, test } from 'vitest';
import { defined } from '../../src/base/assert.ts';
import type { LogConfig } from '../../src/log/log-config.ts';
import { defaultLogConfig } from '../../src/log/log-config.ts';
import type { LogManager } from '../../src/log/manager/log-manager.ts';
import type { PartitionLog } from '../../src/log/partition-log.ts';
import { cleanableRange, compact } from '../../src/log/compaction/compaction.ts';
import { setBaseOffset } from '../../src/protocol/records/batch.ts';
import { endTransactionBatch } from '../../src/protocol/records/control.ts';
import { remedyFor } from '../../src/telemetry/remedies.ts';
import { batchOf, Bench, client, endProcess, openManager, readAll, topicId } from './harness.ts';

const size = batchOf(['value 00']).length;
/** Five records in a segment. */
const config: Partial<LogConfig> = { segmentBytes: 5 * size };
const missing = 'records of a partition are missing on this broker';

function file(baseOffset: number, extension = 'log'): string {
  return `/data/t-0/${String(baseOffset).padStart(20, '0')}.${extension}`;
}

async function fill(log: PartitionLog, from: number, to: number): Promise<void> {
  for (let i = from; i < to; i++)
    await log.appendAsLeader(batchOf([`value ${String(i).padStart(2, '0')}`]), 0, client).written;
}

/** A log of 22 records in five segments, which `damage` changes while it is closed. */
async function damaged(
  damage: (bench: Bench) => Promise<void> | void,
  more: { readonly isClean?: boolean; readonly logStartOffset?: number } = {},
): Promise<{ bench: Bench; log: PartitionLog }> {
  const bench = new Bench();
  const first = await bench.create(config);
  await fill(first, 0, 22);
  await first.close();
  await damage(bench);
  const options = { isClean: true, recoveryPoint: 22, highWatermark: 22, ...more };
  return { bench, log: await bench.reopen(config, options) };
}

function offsets(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

async function readable(log: PartitionLog): Promise<number[]> {
  return (await readAll(log)).map(([offset]) => offset);
}

const cut = (baseOffset: number, bytes: number) => (bench: Bench) =>
  bench.disk.damage(file(baseOffset), (content) => content.slice(0, bytes));
const remove = (baseOffset: number) => (bench: Bench) => bench.fs.remove(file(baseOffset));

describe.each([true, false])('clean start %s', (isClean) => {
  test.each<[string, (bench: Bench) => Promise<void> | void, [number, number], number[]]>([
    ['the first segment is gone', remove(0), [0, 4], offsets(5, 22)],
    ['an inner segment is gone', remove(10), [10, 14], [...offsets(0, 10), ...offsets(15, 22)]],
    ['an inner segment is empty', cut(10, 0), [10, 14], [...offsets(0, 10), ...offsets(15, 22)]],
    ['an inner segment ends early', cut(10, 2 * size), [12, 14], [...offsets(0, 12), ...offsets(15, 22)]],
    ['one ends within a batch', cut(10, 2 * size + 9), [12, 14], [...offsets(0, 12), ...offsets(15, 22)]],
    [
      'two neighbours are gone',
      async (bench) => {
        await remove(5)(bench);
        await remove(10)(bench);
      },
      [5, 14],
      [...offsets(0, 5), ...offsets(15, 22)],
    ],
  ])('%s: the records in between are missing', async (_what, damage, [firstOffset, lastOffset], left) => {
    const { bench, log } = await damaged(damage, { isClean });
    expect(bench.logged).toEqual([['error', missing]]);
    expect(bench.fields).toMatchObject([{ partition: 't-0', firstOffset, lastOffset }]);
    expect(await readable(log)).toEqual(left);
    expect([log.logStartOffset, log.logEndOffset]).toEqual([0, 22]);
    expect([log.missingFrom, log.state.hasLostRecords]).toEqual([firstOffset, true]);
    expect(log.highWatermark).toBe(firstOffset);
    await fill(log, 22, 24);
    expect(await readable(log)).toEqual([...left, 22, 23]);
  });

  test.each<[string, (bench: Bench) => Promise<void> | void, number]>([
    ['the last segment is gone', remove(20), 20],
    ['the last segment is empty', cut(20, 0), 20],
    ['the last segment ends early', cut(20, size), 21],
    ['the last segment ends within a batch', cut(20, size + 9), 21],
    [
      'all segments are gone',
      async (bench) => {
        for (const baseOffset of [0, 5, 10, 15, 20]) await remove(baseOffset)(bench);
      },
      0,
    ],
  ])('%s: the log is shorter', async (_what, damage, end) => {
    const { bench, log } = await damaged(damage, { isClean });
    expect(bench.logged.map(([level]) => level)).toEqual(['error']);
    expect(bench.fields).toMatchObject([{ partition: 't-0', firstOffset: end, lastOffset: 21 }]);
    expect(await readable(log)).toEqual(offsets(0, end));
    expect([log.logEndOffset, log.missingFrom, log.state.hasLostRecords]).toEqual([end, null, true]);
  });
});

test('the log messages have a remedy', () => {
  expect(remedyFor(missing)).toContain('backup');
  expect(remedyFor('the directory of a partition is missing')).toContain('backup');
});

describe('a gap of missing records', () => {
  test('is known until a truncation removes the records behind it', async () => {
    const { bench, log } = await damaged(remove(10));
    await log.close();
    const again = await bench.reopen(config, { recoveryPoint: 22, highWatermark: 10 });
    expect(bench.logged).toEqual([
      ['error', missing],
      ['error', missing],
    ]);
    expect(again.missingFrom).toBe(10);
    await again.truncateTo(10);
    expect([again.logEndOffset, again.missingFrom]).toEqual([10, null]);
    await fill(again, 10, 13);
    await again.close();
    const third = await bench.reopen(config, { recoveryPoint: 13 });
    expect(bench.logged).toHaveLength(2);
    expect(await readable(third)).toEqual(offsets(0, 13));
  });

  test('is known after a truncation to its end', async () => {
    const { log } = await damaged(remove(10));
    await log.truncateTo(15);
    expect([log.logEndOffset, log.missingFrom]).toEqual([15, 10]);
    await log.truncateTo(12);
    expect([log.logEndOffset, log.missingFrom]).toEqual([10, null]);
  });

  test('is known after a crash', async () => {
    const { bench, log } = await damaged(remove(10), { isClean: false });
    endProcess(log);
    bench.disk.powerCut();
    expect((await bench.reopen(config, { isClean: false, recoveryPoint: 22 })).missingFrom).toBe(10);
  });

  test.each([true, false])(
    'is known after a transaction index was restored, clean start %s',
    async (isClean) => {
      const { bench, log } = await damaged(
        async (one) => {
          await remove(10)(one);
          await one.fs.syncDirectory('/data/t-0');
          const index = await one.fs.open(file(15, 'txnindex'), 'write');
          await index.write([new Uint8Array(35)], 0);
          await index.sync();
          await index.close();
          await one.fs.syncDirectory('/data/t-0');
        },
        { isClean },
      );
      expect(bench.logged.map(([, message]) => message)).toContain(
        'a transaction index is damaged and is made again from its segment',
      );
      expect([log.missingFrom, log.state.hasLostRecords]).toEqual([10, true]);
      endProcess(log);
      bench.disk.powerCut();
      bench.logged.length = 0;
      const again = await bench.reopen(config, { isClean: false, recoveryPoint: 22, highWatermark: 22 });
      expect([again.missingFrom, again.state.hasLostRecords]).toEqual([10, true]);
      expect(bench.logged).toContainEqual(['error', missing]);
    },
  );

  describe('of which the file is put back', () => {
    /** The start after that. A start before it, which found the gap, was followed by a clean stop or a kill. */
    async function putBack(
      isClean: boolean,
      change: (content: Uint8Array) => Uint8Array = (content) => content,
    ): Promise<{ bench: Bench; again: PartitionLog }> {
      let content = new Uint8Array();
      const { bench, log } = await damaged(async (one) => {
        content = new Uint8Array(await one.fs.readFile(file(10)));
        await remove(10)(one);
      });
      expect(log.missingFrom).toBe(10);
      // The segment checkpoint is written: it lists the gap, and the segment no longer.
      await fill(log, 22, 23);
      await log.flush();
      if (isClean) await log.close();
      else endProcess(log);
      bench.disk.processKilled();
      const back = await bench.fs.open(file(10), 'write');
      await back.write([change(content)], 0);
      await back.close();
      bench.logged.length = 0;
      return { bench, again: await bench.reopen(config, { isClean, recoveryPoint: 23, highWatermark: 10 }) };
    }

    test.each([true, false])('is no longer missing, clean start %s', async (isClean) => {
      const { bench, again } = await putBack(isClean);
      expect([again.missingFrom, again.state.hasLostRecords, bench.logged]).toEqual([null, false, []]);
      expect(await readable(again)).toEqual(offsets(0, 23));
      // The file was not synced before.
      endProcess(again);
      bench.disk.powerCut();
      const third = await bench.reopen(config, { isClean: false, recoveryPoint: 23, highWatermark: 23 });
      expect([third.missingFrom, third.state.hasLostRecords]).toEqual([null, false]);
      expect(await readable(third)).toEqual(offsets(0, 23));
    });

    test.each<[string, (content: Uint8Array) => Uint8Array]>([
      ['it is shorter', (content) => content.slice(0, 3 * size)],
      ['a byte is wrong', (content) => content.with(2 * size - 1, 99)],
      ['its last records have another leader epoch', (content) => content.with(4 * size + 15, 7)],
    ])('is still missing when %s', async (_what, change) => {
      for (const isClean of [true, false]) {
        const { bench, again } = await putBack(isClean, change);
        expect([again.missingFrom, again.state.hasLostRecords]).toEqual([10, true]);
        expect(bench.logged).toContainEqual(['error', missing]);
      }
    });
  });

  test('at the log start leaves an empty log after a truncation to 0', async () => {
    const { log } = await damaged(remove(0));
    await log.truncateTo(0);
    expect([log.logStartOffset, log.logEndOffset, log.missingFrom]).toEqual([0, 0, null]);
    await fill(log, 0, 3);
    expect(await readable(log)).toEqual([0, 1, 2]);
  });

  test('is forgotten when the log start offset passes it', async () => {
    const { bench, log } = await damaged(remove(10));
    log.setHighWatermark(22);
    await log.deleteRecordsTo(15);
    expect(log.missingFrom).toBe(null);
    await log.close();
    bench.logged.length = 0;
    await bench.reopen(config, { recoveryPoint: 22, logStartOffset: 15 });
    expect(bench.logged).toEqual([]);
  });
});

describe('swapped files', () => {
  const misnamed = 'a segment has records of other offsets than its name says';
  const swap =
    (one: number, other: number) =>
    async (bench: Bench): Promise<void> => {
      await bench.fs.rename(file(one), '/data/t-0/aside');
      await bench.fs.rename(file(other), file(one));
      await bench.fs.rename('/data/t-0/aside', file(other));
    };

  test.each([
    [true, 5, 10],
    [true, 0, 15],
    [false, 5, 10],
    [false, 0, 15],
  ])(
    'clean start %s: the records of %i and %i are missing, and no others are in their place',
    async (isClean, one, other) => {
      const { bench, log } = await damaged(swap(one, other), { isClean });
      const left = offsets(0, 22).filter((offset) => ![one, other].includes(offset - (offset % 5)));
      expect(await readable(log)).toEqual(left);
      expect(bench.logged.filter(([, message]) => message === misnamed)).toHaveLength(2);
      expect(bench.logged.filter(([, message]) => message === missing)).not.toEqual([]);
      expect([log.missingFrom, log.state.hasLostRecords]).toEqual([one, true]);
      expect((await bench.fs.list('/data/t-0')).filter((name) => name.endsWith('.lost'))).toHaveLength(2);
      // The next start knows it too.
      endProcess(log);
      const again = await bench.reopen(config, { isClean: false, recoveryPoint: 22, highWatermark: 22 });
      expect([again.missingFrom, await readable(again)]).toEqual([one, left]);
    },
  );

  test('the last segment is swapped: the log ends before it', async () => {
    const { bench, log } = await damaged(swap(10, 20));
    expect([log.logEndOffset, log.state.hasLostRecords, log.missingFrom]).toEqual([20, true, 10]);
    expect(await readable(log)).toEqual([...offsets(0, 10), ...offsets(15, 20)]);
    await fill(log, 20, 30);
    await log.close();
    const again = await bench.reopen(config, { isClean: true, recoveryPoint: 30, highWatermark: 30 });
    expect(await readable(again)).toEqual([...offsets(0, 10), ...offsets(15, 30)]);
  });

  const foreign = 'a segment does not have the records that were written to it';
  /** A segment of another partition: its offsets suit the name, its batches are valid. */
  const foreignSegment = (from: number, to: number, value = 'other 00'): Uint8Array =>
    Buffer.concat(
      offsets(from, to).map((offset) => {
        const batch = batchOf([value]);
        setBaseOffset(batch, 0, offset);
        return batch;
      }),
    );

  test.each([
    [true, 'as long', foreignSegment(5, 10)],
    [true, 'longer', foreignSegment(5, 10, 'a longer value')],
    [true, 'shorter, and begins later', foreignSegment(6, 9)],
    [false, 'as long', foreignSegment(5, 10)],
    [false, 'shorter', foreignSegment(5, 9)],
  ])(
    'clean start %s: a segment of another partition, %s, is set aside, and its records are missing',
    async (isClean, _, bytes) => {
      const { bench, log } = await damaged((inside) => inside.disk.damage(file(5), () => bytes), { isClean });
      expect(bench.logged.map(([, message]) => message)).toEqual([foreign, missing]);
      const left = [...offsets(0, 5), ...offsets(10, 22)];
      expect(await readable(log)).toEqual(left);
      expect([log.missingFrom, log.state.hasLostRecords]).toEqual([5, true]);
      const names = await bench.fs.list('/data/t-0');
      expect(names.filter((name) => name.endsWith('.lost'))).toHaveLength(1);
      await log.abandon();
      const again = await bench.reopen(config, { isClean: false, recoveryPoint: 22, highWatermark: 22 });
      expect([again.missingFrom, await readable(again)]).toEqual([5, left]);
    },
  );

  test('a segment whose first batch is damaged is not taken for one of another partition', async () => {
    const { bench, log } = await damaged((inside) =>
      inside.disk.damage(file(5), (content) => content.with(18, (content[18] ?? 0) ^ 1)),
    );
    expect([bench.logged, log.missingFrom]).toEqual([[], null]);
  });

  test('a compacted segment is known by its new first batch', async () => {
    const compacted = { ...config, cleanupPolicy: { delete: false, compact: true } };
    const bench = new Bench();
    const log = await bench.create(compacted);
    await fill(log, 0, 22);
    await log.roll();
    log.setHighWatermark(22);
    const range = defined(await cleanableRange(log, 0));
    expect(await compact(log, range)).toBe(22);
    await log.close();
    const again = await bench.reopen(compacted, { isClean: true, recoveryPoint: 22, highWatermark: 22 });
    expect([bench.logged, again.missingFrom, await readable(again)]).toEqual([[], null, [21]]);
  });

  test('without a segment checkpoint, as in a directory from Apache Kafka, a later start knows it too', async () => {
    const { bench, log } = await damaged(async (inside) => {
      await inside.fs.remove('/data/t-0/segment-checkpoint');
      await swap(5, 10)(inside);
    });
    expect(log.missingFrom).toBe(5);
    endProcess(log);
    bench.disk.powerCut();
    const again = await bench.reopen(config, { isClean: false, recoveryPoint: 22, highWatermark: 22 });
    expect(again.missingFrom).toBe(5);
  });
});

describe('are not reported as missing:', () => {
  test('records that retention and DeleteRecords removed', async () => {
    const bench = new Bench();
    const retained = { ...config, retentionBytes: 8 * size };
    const log = await bench.create(retained);
    await fill(log, 0, 22);
    await log.flush();
    log.setHighWatermark(22);
    await log.applyRetention();
    expect(log.logStartOffset).toBeGreaterThan(5);
    // The checkpoint of log start offsets is older.
    const again = await bench.reopen(retained, { isClean: false, recoveryPoint: 22, logStartOffset: 0 });
    expect(bench.logged).toEqual([]);
    expect([again.logStartOffset, again.missingFrom]).toEqual([log.logStartOffset, null]);
  });

  test('records of a directory from Apache Kafka, which has no segment checkpoint', async () => {
    const { bench, log } = await damaged(async (one) => {
      await one.fs.remove('/data/t-0/segment-checkpoint');
      await remove(10)(one);
    });
    expect([bench.logged, log.missingFrom]).toEqual([[], null]);
  });

  test('a segment with an aborted transaction that was being deleted when the power failed', async () => {
    const bench = new Bench();
    const log = await bench.create(config);
    const producer = { producerId: 1, producerEpoch: 0 };
    const begun = batchOf(['x'], { ...producer, baseSequence: 0, isTransactional: true });
    await log.appendAsLeader(begun, 0, { ...client, verification: 'off' }).written;
    const abort = endTransactionBatch({ type: 'abort', coordinatorEpoch: 0, timestamp: 1, ...producer });
    await log.appendAsLeader(abort, 0, { origin: 'coordinator', requestVersion: 12 }).written;
    await fill(log, 2, 22);
    log.setHighWatermark(22);
    await log.flush();
    const content = await bench.fs.readFile(file(0));
    const start = await log.deleteRecordsTo(defined(log.state.segments[1]).baseOffset);
    await log.close();
    // Of all its files only this one came back.
    const back = await bench.fs.open(file(0), 'write');
    await back.write([content], 0);
    await back.close();
    const again = await bench.reopen(config, { isClean: false, recoveryPoint: 22, logStartOffset: start });
    expect(await readable(again)).toEqual(offsets(start, 22));
    expect(bench.logged).toEqual([]);
  });
});

describe('the broker epoch of the last clean shutdown', () => {
  async function restarted(
    damage: (bench: Bench) => Promise<void>,
  ): Promise<{ bench: Bench; epoch: number }> {
    const bench = new Bench();
    const logs = await openManager(bench, { ...defaultLogConfig, ...config });
    for (const topic of ['t', 'u'])
      await fill(await logs.getOrCreate(topic, 0, topicId, defaultLogConfig, null, true), 0, 12);
    await logs.shutdown(77);
    await damage(bench);
    return {
      bench,
      epoch: (await openManager(bench, { ...defaultLogConfig, ...config })).previousBrokerEpoch,
    };
  }

  test('is valid when nothing is missing', async () => {
    const { bench, epoch } = await restarted(async () => undefined);
    expect([epoch, bench.logged]).toEqual([77, []]);
  });

  test('is not valid when a log has lost records', async () => {
    const { bench, epoch } = await restarted((one) =>
      one.fs.remove(`/a/u-0/${String(0).padStart(20, '0')}.log`),
    );
    expect(epoch).toBe(-1);
    expect(bench.fields).toMatchObject([{ partition: 'u-0', firstOffset: 0 }]);
  });

  test('is not valid when the directory of a partition is missing', async () => {
    const { bench, epoch } = await restarted((one) => one.fs.remove('/a/u-0'));
    expect(epoch).toBe(-1);
    expect(bench.logged).toEqual([['error', 'the directory of a partition is missing']]);
    expect(bench.fields).toMatchObject([
      { partition: 'u-0', directory: '/a', firstOffset: 0, lastOffset: 11 },
    ]);
  });
});

describe('a partition directory that is removed after a kill', () => {
  /** The second start after two partitions with 12 records, of which one was removed. */
  async function started(): Promise<{ bench: Bench; logs: LogManager }> {
    const bench = new Bench();
    const first = await openManager(bench);
    for (const topic of ['t', 'u']) {
      const log = await first.getOrCreate(topic, 0, topicId, defaultLogConfig, null, true);
      await fill(log, 0, 12);
      log.setHighWatermark(12);
      await log.deleteRecordsTo(topic === 'u' ? 3 : 0);
    }
    // The checkpoints are written by tasks.
    await bench.clock.advance(120_000);
    bench.disk.processKilled();
    await bench.fs.remove('/a/u-0');
    return { bench, logs: await openManager(bench) };
  }

  test('is logged with its offsets when metadata have the partition, once', async () => {
    const { bench, logs } = await started();
    await logs.getOrCreate('u', 0, topicId, defaultLogConfig, null, false);
    await logs.delete('u', 0);
    await logs.getOrCreate('u', 0, topicId, defaultLogConfig, null, false);
    expect(bench.logged).toEqual([['error', 'the directory of a partition is missing']]);
    expect(bench.fields).toMatchObject([{ partition: 'u-0', firstOffset: 3, lastOffset: 11 }]);
  });

  test('is not told when the partition was deleted, or is created now', async () => {
    const { bench, logs } = await started();
    await logs.getOrCreate('t', 0, topicId, defaultLogConfig, null, false);
    await logs.getOrCreate('u', 0, topicId, defaultLogConfig, null, true);
    expect(bench.logged).toEqual([]);
  });
});

test('a recreated topic does not get the checkpointed offsets of the deleted one after a crash', async () => {
  const bench = new Bench();
  const logs = await openManager(bench);
  const first = await logs.getOrCreate('t', 0, topicId, defaultLogConfig, null, true);
  await fill(first, 0, 9);
  await first.flush();
  first.setHighWatermark(9);
  await first.deleteRecordsTo(7);
  await logs.shutdown(1);
  const again = await openManager(bench);
  await again.delete('t', 0);
  const otherId = 'A'.repeat(21) + 'Q';
  const second = await again.getOrCreate('t', 0, otherId, defaultLogConfig, null, true);
  await fill(second, 0, 3);
  bench.disk.processKilled();
  bench.logged.length = 0;
  const third = await openManager(bench);
  const log = defined(third.get('t', 0));
  expect([await readable(log), bench.logged.filter(([level]) => level === 'error')]).toEqual([[0, 1, 2], []]);
});
