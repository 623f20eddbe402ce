import { describe, expect, test } from 'vitest';
import { type CleanableRange, cleanableRange, compact } from '../../src/log/compaction/compaction.ts';
import { CompactionThrottle } from '../../src/log/compaction/throttle.ts';
import type { PartitionLog } from '../../src/log/partition-log.ts';
import { batches, checkCrc, setBaseOffset } from '../../src/protocol/records/batch.ts';
import { buildBatch } from '../../src/protocol/records/builder.ts';
import { endTransactionBatch } from '../../src/protocol/records/control.ts';
import { decodeRecords } from '../../src/protocol/records/record.ts';
import { SeededRandom } from '../../src/simulation/random.ts';
import { Bench, client } from './harness.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const compacted = { cleanupPolicy: { delete: false, compact: true }, segmentBytes: 400 };
const time = 1_700_000_000_000;

function entry(
  key: string,
  value: string | null,
  more: Parameters<typeof buildBatch>[0] | object = {},
): Uint8Array {
  return buildBatch({
    records: [
      { key: encoder.encode(key), value: value === null ? null : encoder.encode(value), timestamp: time },
    ],
    ...more,
  });
}

/** [offset, key, value] of all records but control ones, read in sequence. */
async function contents(log: PartitionLog, stepBytes = 500): Promise<[number, string, string | null][]> {
  const found: [number, string, string | null][] = [];
  let offset = log.logStartOffset;
  while (offset < log.logEndOffset) {
    const result = await log.read(offset, stepBytes, log.logEndOffset, true);
    if (result.records.length === 0) break;
    for (const header of batches(result.records).headers) {
      expect(checkCrc(result.records, header.at)).toBe(true);
      if (header.isControl) continue;
      for (const r of decodeRecords(header))
        found.push([
          r.offset,
          decoder.decode(r.key ?? undefined),
          r.value === null ? null : decoder.decode(r.value),
        ]);
    }
    offset = result.nextOffset;
  }
  return found;
}

/** Offsets of all markers in the log whose batch was not emptied by compaction. */
async function markersOf(log: PartitionLog): Promise<number[]> {
  const found: number[] = [];
  for (let offset = log.logStartOffset; offset < log.logEndOffset; ) {
    const result = await log.read(offset, 1 << 20, log.logEndOffset, true);
    if (result.records.length === 0) break;
    for (const { isControl, recordsCount, baseOffset } of batches(result.records).headers)
      if (isControl && recordsCount > 0) found.push(baseOffset);
    offset = result.nextOffset;
  }
  return found;
}

async function clean(log: PartitionLog, checkpoint = 0): Promise<number> {
  await log.roll();
  log.setHighWatermark(log.logEndOffset);
  const range = await cleanableRange(log, checkpoint);
  return range === null ? checkpoint : await compact(log, range);
}

describe('compaction', () => {
  test('keeps the last value of each key with its offset, and the end offset', async () => {
    const bench = new Bench();
    const log = await bench.create(compacted, { resources: bench.resources(0) });
    const random = new SeededRandom(3);
    const latest = new Map<string, [number, string | null]>();
    const write = async (count: number): Promise<void> => {
      for (let i = 0; i < count; i++) {
        const key = `k${random.u32() % 9}`;
        const { info, written } = log.appendAsLeader(
          entry(key, `v${i}`, { compression: i % 3 === 0 ? 'gzip' : 'none' }),
          0,
          client,
        );
        latest.set(key, [info.firstOffset, `v${i}`]);
        await written;
      }
    };
    const want = (): unknown[] =>
      [...latest]
        .map(([key, [offset, value]]) => [offset, key, value])
        .sort((a, b) => Number(a[0]) - Number(b[0]));
    await write(60);
    let checkpoint = await clean(log);
    expect(checkpoint).toBe(60);
    expect(await contents(log)).toEqual(want());
    expect(log.logEndOffset).toBe(60);
    await write(20);
    checkpoint = await clean(log, checkpoint);
    expect(await contents(log)).toEqual(want());
    await log.close();
    for (const isClean of [true, false]) {
      const again = await bench.reopen(compacted, {
        isClean,
        recoveryPoint: 80,
        resources: bench.resources(0),
      });
      expect(await contents(again)).toEqual(want());
      expect([again.logStartOffset, again.logEndOffset]).toEqual([0, 80]);
    }
  });

  test('removes tombstones after delete.retention.ms, not before', async () => {
    const bench = new Bench();
    const log = await bench.create(
      { ...compacted, deleteRetentionMs: 1000 },
      { resources: bench.resources(0) },
    );
    for (const [key, value] of [
      ['a', '1'],
      ['b', '1'],
      ['a', null],
      ['b', '2'],
    ] as const)
      await log.appendAsLeader(entry(key, value), 0, client).written;
    let checkpoint = await clean(log);
    expect(await contents(log)).toEqual([
      [2, 'a', null],
      [3, 'b', '2'],
    ]);
    bench.clock.nowMs += 500;
    await log.appendAsLeader(entry('c', '1'), 0, client).written;
    checkpoint = await clean(log, checkpoint);
    expect(await contents(log)).toEqual([
      [2, 'a', null],
      [3, 'b', '2'],
      [4, 'c', '1'],
    ]);
    bench.clock.nowMs += 600;
    await log.appendAsLeader(entry('d', '1'), 0, client).written;
    await clean(log, checkpoint);
    expect(await contents(log)).toEqual([
      [3, 'b', '2'],
      [4, 'c', '1'],
      [5, 'd', '1'],
    ]);
  });

  test('keeps the last batch of a producer without its records, for the sequence number', async () => {
    const bench = new Bench();
    const log = await bench.create(compacted, { resources: bench.resources(0) });
    await log.appendAsLeader(entry('a', '1', { producerId: 4, producerEpoch: 0, baseSequence: 0 }), 0, client)
      .written;
    await log.appendAsLeader(entry('a', '2'), 0, client).written;
    await clean(log);
    expect(await contents(log)).toEqual([[1, 'a', '2']]);
    const again = await bench.reopen(compacted, { isClean: false, recoveryPoint: 2 });
    expect(again.producers()).toMatchObject([
      { producerId: 4, batches: [{ lastSequence: 0, lastOffset: 0 }] },
    ]);
  });

  test('removes aborted records, which replace no others, and stops at an open transaction', async () => {
    const bench = new Bench();
    const log = await bench.create(compacted, { resources: bench.resources(0) });
    const coordinator = { origin: 'coordinator', requestVersion: 12 } as const;
    const unverified = { ...client, verification: 'off' } as const;
    const marker = (producerId: number, type: 'commit' | 'abort'): Uint8Array =>
      endTransactionBatch({ type, coordinatorEpoch: 0, producerId, producerEpoch: 0, timestamp: time });
    const inTxn = (producerId: number, sequence: number, key: string, value: string): Uint8Array =>
      entry(key, value, { producerId, producerEpoch: 0, baseSequence: sequence, isTransactional: true });
    log.appendAsLeader(entry('a', 'old'), 0, client);
    log.appendAsLeader(inTxn(1, 0, 'a', 'aborted'), 0, unverified);
    log.appendAsLeader(marker(1, 'abort'), 0, coordinator);
    log.appendAsLeader(inTxn(2, 0, 'b', 'first'), 0, unverified);
    log.appendAsLeader(inTxn(2, 1, 'b', 'second'), 0, unverified);
    log.appendAsLeader(marker(2, 'commit'), 0, coordinator);
    await log.roll();
    await log.appendAsLeader(inTxn(3, 0, 'a', 'open'), 0, unverified).written;
    const end = await clean(log);
    expect(end).toBe(6);
    expect(await contents(log)).toEqual([
      [0, 'a', 'old'],
      [4, 'b', 'second'],
      [6, 'a', 'open'],
    ]);
  });

  test("removes a marker and its index entry delete.retention.ms after its transaction's last record", async () => {
    const bench = new Bench();
    const log = await bench.create(
      { ...compacted, deleteRetentionMs: 1000 },
      { resources: bench.resources(0) },
    );
    const append = async (bytes: Uint8Array, options: Parameters<PartitionLog['appendAsLeader']>[2]) =>
      log.appendAsLeader(bytes, 0, options).written;
    for (const [producerId, type] of [
      [1, 'commit'],
      [2, 'abort'],
    ] as const) {
      const producer = { producerId, producerEpoch: 0, baseSequence: 0, isTransactional: true };
      await append(entry('a', type, producer), { ...client, verification: 'off' });
      const ended = { type, coordinatorEpoch: 0, producerId, producerEpoch: 1, timestamp: time } as const;
      await append(endTransactionBatch(ended), {
        origin: 'coordinator',
        requestVersion: 13,
        transactionVersion: 2,
      });
      // The producer's next transaction, so that its last record no longer belongs to the first one. Compaction keeps the batch
      // of a producer's last record.
      await append(entry(`z${producerId}`, 'last', { ...producer, producerEpoch: 1 }), {
        ...client,
        verification: 'off',
      });
      await append(endTransactionBatch({ ...ended, type: 'commit', producerEpoch: 2 }), {
        origin: 'coordinator',
        requestVersion: 13,
        transactionVersion: 2,
      });
    }
    let checkpoint = 0;
    /**
     * Runs one more compaction pass. Returns the offsets of those markers of the first transactions that are left, and the last
     * offsets of the aborted transactions that are still listed.
     */
    const pass = async (): Promise<[number[], number[]]> => {
      await append(entry('a', 'new'), client);
      checkpoint = await clean(log, checkpoint);
      const first = (await markersOf(log)).filter((offset) => offset === 1 || offset === 5);
      const aborted = await log.abortedTransactions(0, log.logEndOffset);
      return [first, aborted.map(({ lastOffset }) => lastOffset)];
    };
    // This pass removes the records of the first transactions.
    expect(await pass()).toEqual([[1, 5], [5]]);
    bench.clock.nowMs += 5000;
    // No record of these transactions is left, so from this pass on delete.retention.ms runs for their markers.
    expect(await pass()).toEqual([[1, 5], []]);
    bench.clock.nowMs += 999;
    expect(await pass()).toEqual([[1, 5], []]);
    bench.clock.nowMs += 1;
    expect(await pass()).toEqual([[], []]);
    // The second transactions still have records, so their markers stay.
    expect(await markersOf(log)).toEqual([3, 7]);
    expect((await contents(log)).map(([, key]) => key)).toEqual(['z1', 'z2', 'a']);
  });

  test.each([
    ['keys', { keysMax: 7, keyBytesMax: 1 << 20 }],
    ['bytes of keys', { keysMax: 1000, keyBytesMax: 20 }],
  ])(
    'ends a pass within a segment when the bound of %s is reached; the next pass begins there',
    async (_what, bounds) => {
      const bench = new Bench();
      const log = await bench.create({ ...compacted, segmentBytes: 1 << 20 });
      const random = new SeededRandom(11);
      const latest = new Map<string, [number, string, string]>();
      for (let i = 0; i < 120; i++) {
        const records = [0, 1, 2].map((j) => ({ key: `k${random.u32() % 40}`, value: `v${i}.${j}` }));
        const { info, written } = log.appendAsLeader(
          buildBatch({
            records: records.map(({ key, value }) => ({
              key: encoder.encode(key),
              value: encoder.encode(value),
              timestamp: time,
            })),
            compression: i % 2 === 0 ? 'gzip' : 'none',
          }),
          0,
          client,
        );
        for (const [j, { key, value }] of records.entries())
          latest.set(key, [info.firstOffset + j, key, value]);
        await written;
      }
      await log.roll();
      log.setHighWatermark(log.logEndOffset);
      const ends: number[] = [];
      let checkpoint = 0;
      for (;;) {
        const range = await cleanableRange(log, checkpoint);
        if (range === null) break;
        checkpoint = await compact(log, range, bounds);
        ends.push(checkpoint);
        const found = await contents(log);
        // After every pass, the newest value of each key is there, and every record above the cleaned part.
        for (const entry of latest.values()) expect(found).toContainEqual(entry);
        expect(found.filter(([offset]) => offset >= checkpoint)).toHaveLength(360 - checkpoint);
      }
      expect(checkpoint).toBe(360);
      expect(ends.length).toBeGreaterThan(10);
      expect(ends).toEqual([...ends].sort((a, b) => a - b));
      expect((await contents(log)).length).toBeLessThan(150);
    },
  );

  test('log.cleaner.io.max.bytes.per.second: counts all bytes that a pass reads and writes', async () => {
    const bench = new Bench();
    const log = await bench.create(compacted);
    for (let i = 0; i < 50; i++) await log.appendAsLeader(entry(`${i % 10}`, `${i}`), 0, client).written;
    await log.roll();
    log.setHighWatermark(log.logEndOffset);
    const range = (await cleanableRange(log, 0)) as CleanableRange;
    let counted = 0;
    const throttle = new CompactionThrottle(bench.clock, bench.clock, () => Number.MAX_SAFE_INTEGER);
    const take = throttle.take.bind(throttle);
    throttle.take = (bytes) => {
      counted += bytes;
      return take(bytes);
    };
    // Everything but the active segment is dirty.
    const sizeBytes = range.dirtyBytes;
    await compact(log, range, undefined, throttle);
    // The throttle counts each byte that is read twice (once for the map of keys, once for the copy), and each byte that is
    // written because it stays.
    const keptBytes = log.sizeBytes - (log.state.active?.sizeBytes ?? 0);
    expect(counted).toBe(2 * sizeBytes + keptBytes);
  });

  test('a truncation of all records while the keys are read leaves the log dirty', async () => {
    const bench = new Bench();
    const log = await bench.create(compacted, { resources: bench.resources(0) });
    for (const value of ['v1', 'v2', 'v3']) await log.appendAsLeader(entry('k', value), 0, client).written;
    await log.roll();
    log.setHighWatermark(log.logEndOffset);
    const range = await cleanableRange(log, 0);
    if (range === null) throw new Error('there is something to compact');
    const throttle = new CompactionThrottle(bench.clock, bench.clock, () => 1e9);
    throttle.take = () => log.truncateTo(0);
    expect(await compact(log, range, undefined, throttle)).toBe(0);
    for (const value of ['v4', 'v5', 'v6']) await log.appendAsLeader(entry('k', value), 0, client).written;
    await clean(log, range.end);
    expect(await contents(log)).toEqual([[2, 'k', 'v6']]);
  });

  test('leaves gaps that reads pass without a rebuild of the index', async () => {
    const bench = new Bench();
    const log = await bench.create(
      { ...compacted, segmentBytes: 1 << 20 },
      { resources: bench.resources(0) },
    );
    for (let i = 0; i < 1500; i++) log.appendAsLeader(entry(i % 2 === 0 ? 'hot' : `k${i}`, 'v'), 0, client);
    await clean(log);
    bench.disk.counts.clear();
    const found = await contents(log, 4000);
    expect(found).toHaveLength(751);
    // 56 KB in chunks of 4,000 bytes take about 14 reads. A log that took the gaps for a damaged index would scan the segment
    // and read more.
    expect(bench.disk.counts.get('read')).toBeLessThan(20);
    expect(bench.logged).toEqual([]);
  });

  test("gaps in a follower's active segment cause no rebuild of the index", async () => {
    const bench = new Bench();
    const log = await bench.create({ segmentBytes: 1 << 20 }, { resources: bench.resources(0) });
    for (let i = 0; i < 500; i++) {
      const batch = entry(`k${i}`, 'v');
      setBaseOffset(batch, 0, i * 10);
      await log.appendAsFollower(batch).written;
    }
    expect(await contents(log, 1000)).toHaveLength(500);
    expect(bench.logged).toEqual([]);
  });
});

test('a log with a damaged record is not compacted, and its bytes do not change', async () => {
  const bench = new Bench();
  const log = await bench.create({ ...compacted, segmentBytes: 1 << 20 }, { resources: bench.resources(0) });
  for (let i = 0; i < 4; i++) {
    const pair = [0, 1].map((j) => ({
      key: encoder.encode(`k${i % 2}.${j}`),
      value: encoder.encode(`v${i}`),
      timestamp: time,
    }));
    await log.appendAsLeader(buildBatch({ records: pair }), 0, client).written;
  }
  await log.roll();
  log.setHighWatermark(log.logEndOffset);
  const file = '/data/t-0/00000000000000000000.log';
  bench.disk.damage(file, (bytes) => bytes.with(bytes.length - 3, (bytes.at(-3) ?? 0) ^ 1) as Uint8Array);
  const before = await bench.fs.readFile(file);
  const range = await cleanableRange(log, 0);
  if (range === null) throw new Error('there is something to compact');
  await expect(compact(log, range)).rejects.toThrow(file);
  expect(await bench.fs.readFile(file)).toEqual(before);
  expect(bench.failures).toEqual([]);
});
