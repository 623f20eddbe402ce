import { describe, expect, test } from 'vitest';
import { batchHeader, updateCrc } from '../../src/protocol/records/batch.ts';
import { TailCache } from '../../src/log/tail-cache.ts';
import type { LogConfig } from '../../src/log/log-config.ts';
import { buildBatch } from '../../src/protocol/records/builder.ts';
import { batchOf, Bench, client, readAll, valuesIn } from './harness.ts';

describe('append', () => {
  test('assigns offsets in call order and moves the log end offset when the write is complete', async () => {
    const bench = new Bench();
    const log = await bench.create();
    const a = log.appendAsLeader(batchOf(['a', 'b']), 3, client);
    const b = log.appendAsLeader(batchOf(['c']), 3, client);
    expect([a.info.firstOffset, a.info.lastOffset, b.info.firstOffset]).toEqual([0, 1, 2]);
    expect(log.logEndOffset).toBe(0);
    await a.written;
    expect(log.logEndOffset).toBe(3);
    await b.written;
    expect(await readAll(log)).toEqual([
      [0, 'a'],
      [1, 'b'],
      [2, 'c'],
    ]);
    expect(log.latestEpoch).toBe(3);
    const stored = await bench.fs.readFile('/data/t-0/00000000000000000000.log');
    expect(batchHeader(stored, 0).partitionLeaderEpoch).toBe(3);
    log.state.assertInvariants();
  });

  test('writes all batches that arrive during a write with one write', async () => {
    const bench = new Bench();
    const log = await bench.create();
    await log.appendAsLeader(batchOf(['first']), 0, client).written;
    const before = bench.disk.counts.get('write') ?? 0;
    const all = Array.from(
      { length: 50 },
      (_, i) => log.appendAsLeader(batchOf([`${i}`]), 0, client).written,
    );
    await Promise.all(all);
    expect((bench.disk.counts.get('write') ?? 0) - before).toBe(1);
  });

  test('syncs before it acknowledges when flush.messages is 1', async () => {
    const bench = new Bench();
    const log = await bench.create({ flushMessages: 1 });
    await log.appendAsLeader(batchOf(['kept']), 0, client).written;
    bench.disk.powerCut();
    const again = await bench.reopen({}, { isClean: false });
    expect(await readAll(again)).toEqual([[0, 'kept']]);
  });

  test.each([
    ['CORRUPT_MESSAGE', (b: Uint8Array) => b.subarray(0, b.length - 1)],
    [
      'CORRUPT_MESSAGE',
      (b: Uint8Array) => {
        b[b.length - 2] = (b[b.length - 2] as number) ^ 1;
        return b;
      },
    ],
    ['CORRUPT_MESSAGE', (b: Uint8Array) => b.subarray(0, 20)],
    [
      'INVALID_RECORD',
      (b: Uint8Array) => {
        b[16] = 1;
        return b;
      },
    ],
    [
      // The batch claims to be compressed with gzip but is not, and its checksum is right. If it were appended, no consumer
      // could get past it.
      'CORRUPT_MESSAGE',
      (b: Uint8Array) => {
        b[22] = 1;
        updateCrc(b);
        return b;
      },
    ],
    [
      'INVALID_RECORD',
      () => {
        const b = Buffer.from(batchOf(['x', 'y'], { compression: 'gzip' }));
        b.writeInt32BE(7, 57);
        b.writeInt32BE(6, 23);
        updateCrc(b);
        return b;
      },
    ],
    ['INVALID_RECORD', () => new Uint8Array(0)],
    ['INVALID_RECORD', (b: Uint8Array) => Buffer.concat([b, b])],
    ['INVALID_RECORD', () => batchOf(['x'], { isControl: true })],
    ['INVALID_RECORD', () => batchOf(['x'], { producerId: 5, producerEpoch: 0 })],
    ['MESSAGE_TOO_LARGE', () => batchOf(['x'.repeat(2000)])],
    ['RECORD_LIST_TOO_LARGE', () => batchOf(['x'.repeat(900)])],
    ['INVALID_TIMESTAMP', () => batchOf(['x'], { timestamp: 1_700_100_000_000 })],
    ['INVALID_RECORD', () => batchOf(['x', 'y'], { lastOffsetDelta: 5 })],
  ] as const)('refuses with %s', async (name, make) => {
    const log = await new Bench().create({ maxMessageBytes: 1500, segmentBytes: 800 });
    expect(() => log.appendAsLeader(make(batchOf(['value'])), 0, client)).toThrowError(
      expect.objectContaining({ error: expect.objectContaining({ name }) }),
    );
    expect(log.logEndOffset).toBe(0);
  });

  test('refuses records without key on a compacted topic', async () => {
    const log = await new Bench().create({ cleanupPolicy: { delete: false, compact: true } });
    expect(() => log.appendAsLeader(batchOf(['x'], { key: null }), 0, client)).toThrowError(
      expect.objectContaining({ recordErrors: [expect.objectContaining({ index: 0 })] }),
    );
    log.appendAsLeader(batchOf(['x']), 0, client);
  });

  test('sets timestamps to the time of the append', async () => {
    const bench = new Bench();
    const log = await bench.create({ messageTimestampType: 'LogAppendTime' });
    const { info, written } = log.appendAsLeader(batchOf(['x'], { timestamp: 5 }), 0, client);
    await written;
    expect(info.logAppendTimeMs).toBe(bench.clock.nowMs);
    expect(await log.offsetForTimestamp(bench.clock.nowMs)).toEqual({
      timestamp: bench.clock.nowMs,
      offset: 0,
      leaderEpoch: 0,
    });
  });

  test.each(['gzip', 'lz4', 'snappy', 'zstd', 'uncompressed'] as const)(
    'recompresses to %s',
    async (compressionType) => {
      const log = await new Bench().create({ compressionType });
      await log.appendAsLeader(
        batchOf(['a', 'b'], { compression: compressionType === 'gzip' ? 'none' : 'gzip' }),
        0,
        client,
      ).written;
      const { records } = await log.read(0, 10_000, 2, true);
      expect(batchHeader(records).compression).toBe(
        compressionType === 'uncompressed' ? 'none' : compressionType,
      );
      expect(valuesIn(records)).toEqual([
        [0, 'a'],
        [1, 'b'],
      ]);
    },
  );
});

// The bound is the larger of unpackedBytesFloor and four times max.message.bytes.
describe('batches that unpack to more than the bound', () => {
  const mebibyte = 1024 * 1024;

  async function send(valueBytes: number, config: Partial<LogConfig> = {}) {
    const log = await new Bench().create(config);
    const batch = buildBatch({
      records: [{ key: new Uint8Array(1), value: new Uint8Array(valueBytes), timestamp: 1_700_000_000_000 }],
      compression: 'gzip',
    });
    return () => log.appendAsLeader(batch, 0, client).written;
  }

  test.each([
    ["with the producer's compression", {}],
    ['for a compacted topic', { cleanupPolicy: { delete: false, compact: true } }],
    ['for a topic with another compression type', { compressionType: 'lz4' as const }],
  ])('%s', async (_what, config) => {
    await (await send(15 * mebibyte, config))();
    expect(await send(17 * mebibyte, config)).toThrow(/cannot be read/);
    await (await send(17 * mebibyte, { ...config, maxMessageBytes: 5 * mebibyte }))();
  });
});

describe('idempotent producers', () => {
  const from = (sequence: number, values: string[], epoch = 0): Uint8Array =>
    batchOf(values, { producerId: 9, producerEpoch: epoch, baseSequence: sequence });

  test('a repeated batch gets its first offset; a gap in the sequence numbers is refused', async () => {
    const log = await new Bench().create();
    await log.appendAsLeader(from(0, ['a', 'b']), 0, client).written;
    await log.appendAsLeader(from(2, ['c']), 0, client).written;
    expect(log.appendAsLeader(from(0, ['a', 'b']), 0, client).info).toMatchObject({
      duplicateOf: 0,
      firstOffset: 0,
      lastOffset: 1,
    });
    expect(() => log.appendAsLeader(from(4, ['x']), 0, client)).toThrowError(
      expect.objectContaining({ error: expect.objectContaining({ name: 'OUT_OF_ORDER_SEQUENCE_NUMBER' }) }),
    );
    await log.appendAsLeader(from(0, ['d'], 1), 0, client).written;
    expect(() => log.appendAsLeader(from(3, ['x']), 0, client)).toThrowError(
      expect.objectContaining({ error: expect.objectContaining({ name: 'INVALID_PRODUCER_EPOCH' }) }),
    );
    expect(log.logEndOffset).toBe(4);
  });

  test.each([true, false])('state survives a restart (clean: %s)', async (isClean) => {
    const bench = new Bench();
    const log = await bench.create({ segmentBytes: 400 });
    for (let i = 0; i < 12; i++) await log.appendAsLeader(from(i, [`v${i}`]), 0, client).written;
    if (isClean) await log.close();
    const again = await bench.reopen({ segmentBytes: 400 }, { isClean });
    expect(again.logEndOffset).toBe(12);
    expect(again.appendAsLeader(from(11, ['v11']), 0, client).info.duplicateOf).toBe(11);
    expect(again.appendAsLeader(from(12, ['v12']), 0, client).info.firstOffset).toBe(12);
  });

  test.each([1, 1_000_000])('state survives two clean restarts, flush.messages=%i', async (flushMessages) => {
    const bench = new Bench();
    const log = await bench.create({ flushMessages });
    for (let i = 0; i < 3; i++) await log.appendAsLeader(from(i, [`v${i}`]), 0, client).written;
    await log.close();
    const recovered = await bench.reopen({ flushMessages }, { isClean: false });
    await recovered.close();
    for (const _ of [1, 2]) {
      const again = await bench.reopen({ flushMessages }, { isClean: true });
      expect(again.appendAsLeader(from(2, ['v2']), 0, client).info.duplicateOf).toBe(2);
      await again.close();
    }
  });

  test('a follower that becomes leader detects duplicates of the last five batches of a producer', async () => {
    const log = await new Bench().create();
    for (let i = 0; i < 6; i++) {
      const options = {
        producerId: 9,
        producerEpoch: 0,
        baseSequence: i,
        baseOffset: i,
        partitionLeaderEpoch: 0,
      };
      await log.appendAsFollower(batchOf([`v${i}`], options)).written;
    }
    for (const i of [1, 2, 3, 4, 5])
      expect(log.appendAsLeader(from(i, [`v${i}`]), 1, client).info.duplicateOf).toBe(i);
    expect(log.appendAsLeader(from(6, ['v6']), 1, client).info.firstOffset).toBe(6);
  });

  test('a truncation restores the state before the removed batches', async () => {
    const log = await new Bench().create();
    for (let i = 0; i < 5; i++) await log.appendAsLeader(from(i, [`v${i}`]), 0, client).written;
    await log.truncateTo(3);
    expect(log.logEndOffset).toBe(3);
    expect(log.appendAsLeader(from(3, ['new']), 0, client).info.firstOffset).toBe(3);
  });
});

describe('segments', () => {
  test('roll by size, are named by their first offset, and can be read across', async () => {
    const bench = new Bench();
    const log = await bench.create({ segmentBytes: 300 });
    const want: [number, string][] = [];
    for (let i = 0; i < 30; i++) {
      await log.appendAsLeader(batchOf([`value ${i}`]), 0, client).written;
      want.push([i, `value ${i}`]);
    }
    const names = (await bench.fs.list('/data/t-0')).filter((name) => name.endsWith('.log'));
    expect(names.length).toBeGreaterThan(5);
    expect(await readAll(log)).toEqual(want);
    await log.close();
    const again = await bench.reopen({ segmentBytes: 300 });
    expect(await readAll(again)).toEqual(want);
    expect(await readAll(again, 1)).toEqual(want);
    expect(await readAll(again, 1000)).toEqual(want);
  });

  test('roll by time of records', async () => {
    const bench = new Bench();
    const log = await bench.create({ segmentMs: 1000 });
    for (const timestamp of [0, 1500, 3000]) {
      await log.appendAsLeader(batchOf(['v'], { timestamp: bench.clock.nowMs + timestamp - 5000 }), 0, client)
        .written;
    }
    expect(log.state.segments.map((segment) => segment.baseOffset)).toEqual([0, 1, 2]);
  });

  test('roll when an offset is too far from the base offset', async () => {
    const log = await new Bench().create();
    await log.appendAsFollower(batchOf(['a'], { baseOffset: 0, partitionLeaderEpoch: 0 })).written;
    await log.appendAsFollower(batchOf(['b'], { baseOffset: 5_000_000_000, partitionLeaderEpoch: 0 }))
      .written;
    expect(log.state.segments.map((segment) => segment.baseOffset)).toEqual([0, 5_000_000_000]);
    expect(await readAll(log)).toEqual([
      [0, 'a'],
      [5_000_000_000, 'b'],
    ]);
  });
});

describe('truncation and epochs', () => {
  test('truncateTo removes records of several segments; appends continue at its offset', async () => {
    const bench = new Bench();
    const log = await bench.create({ segmentBytes: 300, indexIntervalBytes: 50 });
    for (let i = 0; i < 20; i++)
      await log.appendAsLeader(batchOf([`${i}`]), Math.floor(i / 5), client).written;
    expect(log.endOffsetForEpoch(1)).toEqual({ epoch: 1, endOffset: 10 });
    await log.truncateTo(7);
    expect(log.logEndOffset).toBe(7);
    expect(log.endOffsetForEpoch(1)).toEqual({ epoch: 1, endOffset: 7 });
    expect(log.endOffsetForEpoch(2)).toEqual({ epoch: -1, endOffset: -1 });
    await log.appendAsFollower(batchOf(['new'], { baseOffset: 7, partitionLeaderEpoch: 4 })).written;
    expect((await readAll(log)).map(([, v]) => v)).toEqual(['0', '1', '2', '3', '4', '5', '6', 'new']);
    await log.close();
    const again = await bench.reopen();
    expect(again.logEndOffset).toBe(8);
    expect(again.latestEpoch).toBe(4);
    await again.truncateFullyAndStartAt(100);
    expect([again.logStartOffset, again.logEndOffset, again.highWatermark]).toEqual([100, 100, 100]);
    expect(again.appendAsLeader(batchOf(['x']), 5, client).info.firstOffset).toBe(100);
  });

  test('truncateTo an offset inside a batch removes the whole batch', async () => {
    const log = await new Bench().create();
    await log.appendAsLeader(batchOf(['a', 'b', 'c']), 0, client).written;
    await log.appendAsLeader(batchOf(['d', 'e', 'f']), 0, client).written;
    await log.truncateTo(4);
    expect(log.logEndOffset).toBe(3);
  });
});

describe('retention', () => {
  test('by size leaves at least retention.bytes and raises the log start offset', async () => {
    const bench = new Bench();
    const log = await bench.create({ segmentBytes: 300, retentionBytes: 700 });
    for (let i = 0; i < 30; i++) await log.appendAsLeader(batchOf([`value ${i}`]), 0, client).written;
    log.setHighWatermark(30);
    expect(await log.applyRetention()).toBeGreaterThan(0);
    expect(log.sizeBytes).toBeGreaterThanOrEqual(700);
    expect(log.sizeBytes).toBeLessThan(1000);
    expect(log.logStartOffset).toBe(log.state.segments[0]?.baseOffset);
    await expect(log.read(0, 100, 30, true)).rejects.toMatchObject({
      error: { name: 'OFFSET_OUT_OF_RANGE' },
    });
    expect((await bench.fs.list('/data/t-0')).some((name) => name.endsWith('.deleted'))).toBe(true);
    await bench.clock.advance(60_000);
    expect((await bench.fs.list('/data/t-0')).some((name) => name.endsWith('.deleted'))).toBe(false);
  });

  test('by time also deletes the active segment and keeps the log end offset', async () => {
    const bench = new Bench();
    const log = await bench.create({ retentionMs: 1000 });
    await log.appendAsLeader(batchOf(['a', 'b']), 0, client).written;
    expect(await log.applyRetention()).toBe(0);
    bench.clock.nowMs += 5000;
    expect(await log.applyRetention()).toBe(0);
    log.setHighWatermark(2);
    expect(await log.applyRetention()).toBe(1);
    expect([log.logStartOffset, log.logEndOffset]).toEqual([2, 2]);
    expect(log.appendAsLeader(batchOf(['c']), 0, client).info.firstOffset).toBe(2);
  });

  test('deleteRecordsTo moves the log start offset, at most to the high watermark', async () => {
    const bench = new Bench();
    const log = await bench.create({ segmentBytes: 300 });
    for (let i = 0; i < 20; i++) await log.appendAsLeader(batchOf([`value ${i}`]), 0, client).written;
    await expect(log.deleteRecordsTo(5)).rejects.toMatchObject({ error: { name: 'OFFSET_OUT_OF_RANGE' } });
    log.setHighWatermark(20);
    expect(await log.deleteRecordsTo(11)).toBe(11);
    expect((await readAll(log))[0]).toEqual([11, 'value 11']);
    await log.close();
    const again = await bench.reopen({}, { logStartOffset: 11 });
    expect([again.logStartOffset, again.logEndOffset]).toEqual([11, 20]);
  });

  test('deleteRecordsTo deletes no other records that retention would delete', async () => {
    const bench = new Bench();
    const log = await bench.create({ retentionMs: 1000 });
    await log.appendAsLeader(batchOf(['a', 'b', 'c']), 0, client).written;
    log.setHighWatermark(3);
    bench.clock.nowMs += 5000;
    expect(await log.deleteRecordsTo(1)).toBe(1);
    expect([log.logStartOffset, log.logEndOffset]).toEqual([1, 3]);
  });
});

describe('disk errors', () => {
  test('on a full disk nothing is acknowledged, the file is truncated, and the log goes offline', async () => {
    const bench = new Bench();
    const log = await bench.create();
    await log.appendAsLeader(batchOf(['fits']), 0, client).written;
    const size = (await bench.fs.stat('/data/t-0/00000000000000000000.log'))?.sizeBytes ?? 0;
    bench.disk.capacityBytes = size + 200;
    const { written } = log.appendAsLeader(batchOf(['x'.repeat(1000)]), 0, client);
    await expect(written).rejects.toMatchObject({ error: { name: 'KAFKA_STORAGE_ERROR' } });
    expect(log.logEndOffset).toBe(1);
    expect((await bench.fs.stat('/data/t-0/00000000000000000000.log'))?.sizeBytes).toBe(size);
    expect(bench.failures).toHaveLength(1);
    expect(() => log.appendAsLeader(batchOf(['y']), 0, client)).toThrowError(/offline/);
  });

  test('a failed sync is never retried', async () => {
    const bench = new Bench();
    const log = await bench.create({ flushMessages: 1 });
    let syncs = 0;
    bench.disk.fault = (operation, path) => {
      if (operation !== 'sync' || !path.endsWith('.log')) return null;
      syncs += 1;
      return 'EIO';
    };
    await expect(log.appendAsLeader(batchOf(['x']), 0, client).written).rejects.toMatchObject({
      error: { name: 'KAFKA_STORAGE_ERROR' },
    });
    await log.close();
    expect(syncs).toBe(1);
    expect(log.logEndOffset).toBe(0);
  });
});

test('the tail cache stays within its bound over many logs', async () => {
  const cache = new TailCache(2000);
  const bench = new Bench();
  const resources = { ...bench.resources(), tails: cache };
  const logs = await Promise.all(
    [0, 1, 2].map((i) => bench.create({}, { directory: `/data/t-${i}`, partition: i, resources })),
  );
  for (let i = 0; i < 60; i++) {
    const log = logs[i % 3];
    await log?.appendAsLeader(batchOf([`${i}`]), 0, client).written;
    expect(cache.sizeBytes).toBeLessThanOrEqual(2000);
  }
  for (const log of logs) expect((await readAll(log)).length).toBe(20);
  for (const log of logs) await log.close();
  expect(cache.sizeBytes).toBe(0);
});
