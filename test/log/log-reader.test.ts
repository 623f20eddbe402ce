import { describe, expect, test } from 'vitest';
import type { PartitionLog } from '../../src/log/partition-log.ts';
import { batchOf, Bench, client, readAll, settle, valuesIn } from './harness.ts';

describe('read', () => {
  test('is limited by maxBytes and the upper bound, but returns one batch when asked to', async () => {
    const bench = new Bench();
    for (const tailBytes of [1024 * 1024, 0]) {
      const log = await bench.create(
        {},
        { directory: `/data/t${tailBytes}-0`, resources: bench.resources(tailBytes) },
      );
      for (let i = 0; i < 10; i++) await log.appendAsLeader(batchOf([`${i}`]), 0, client).written;
      const size = batchOf(['0']).length;
      const at = async (...args: Parameters<typeof log.read>): Promise<number[]> =>
        valuesIn((await log.read(...args)).records).map(([o]) => o);
      expect(await at(2, 1, 10, true)).toEqual([2]);
      expect(await at(2, 1, 10, false)).toEqual([]);
      expect(await at(2, size * 3, 10, true)).toEqual([2, 3, 4]);
      expect(await at(2, size * 3 + 5, 10, true)).toEqual([2, 3, 4]);
      expect(await at(2, 10_000, 4, true)).toEqual([2, 3]);
      expect(await at(10, 10_000, 10, true)).toEqual([]);
      await expect(log.read(11, 100, 11, true)).rejects.toMatchObject({
        error: { name: 'OFFSET_OUT_OF_RANGE' },
      });
    }
  });

  test('the newest records are served from memory', async () => {
    const bench = new Bench();
    const log = await bench.create();
    await log.appendAsLeader(batchOf(['a', 'b']), 0, client).written;
    await log.appendAsLeader(batchOf(['c']), 0, client).written;
    const reads = bench.disk.counts.get('read') ?? 0;
    expect(valuesIn(log.readCached(1, 1000, 3, true)?.records ?? new Uint8Array())).toEqual([
      [0, 'a'],
      [1, 'b'],
      [2, 'c'],
    ]);
    expect(log.readCached(3, 1000, 3, true)?.records.length).toBe(0);
    expect(bench.disk.counts.get('read') ?? 0).toBe(reads);
  });

  test('a wrong offset index is detected and rebuilt', async () => {
    const bench = new Bench();
    const log = await bench.create({ indexIntervalBytes: 100 });
    for (let i = 0; i < 50; i++) await log.appendAsLeader(batchOf([`${i}`]), 0, client).written;
    await log.close();
    bench.disk.damage('/data/t-0/00000000000000000000.index', (bytes) => {
      for (let at = 4; at < bytes.length; at += 8) bytes[at + 3] = (bytes[at + 3] as number) ^ 3;
      return bytes;
    });
    const again = await bench.reopen({ indexIntervalBytes: 100 }, { resources: bench.resources(0) });
    expect(valuesIn((await again.read(33, 80, 50, true)).records)[0]).toEqual([33, '33']);
  });

  /**
   * Damages the offset index of the active segment: each position is `by` bytes too large, but still inside the segment file.
   */
  function misleadIndex(log: PartitionLog, by: number): void {
    const { offset } = log.state.active.loadedIndex;
    for (let slot = 0; slot < offset.count; slot++)
      offset.file.bytes.writeInt32BE(
        Math.min(offset.positionAt(slot) + by, log.state.active.sizeBytes - 70),
        slot * 8 + 4,
      );
  }

  test('a rebuilt index of the active segment has the batches that were appended during the rebuild', async () => {
    const bench = new Bench();
    const log = await bench.create({ indexIntervalBytes: 100 }, { resources: bench.resources(0) });
    for (let i = 0; i < 50; i++) await log.appendAsLeader(batchOf([`${i}`]), 0, client).written;
    misleadIndex(log, 7);
    const { active } = log.state;
    const scan = active.scan.bind(active);
    let proceed: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      proceed = resolve;
    });
    active.scan = async (...args) => {
      const result = await scan(...args);
      await gate;
      return result;
    };
    expect(valuesIn((await log.read(33, 80, 50, true)).records)[0]).toEqual([33, '33']);
    const written: Promise<void>[] = [];
    for (let i = 50; i < 150; i++) {
      const timestamp = 1_700_000_000_000 + i * 1000;
      written.push(log.appendAsLeader(batchOf([`${i}`], { timestamp }), 0, client).written);
      if (i === 90) await settle();
    }
    await settle();
    proceed();
    await Promise.all(written);
    await settle();
    expect(bench.logged).toEqual([['warn', 'an index does not match its segment and is rebuilt']]);
    const { offset, largestTimestamp } = log.state.active.loadedIndex;
    expect(largestTimestamp).toBe(1_700_000_149_000);
    expect(offset.offsetAt(offset.count - 1)).toBeGreaterThan(145);
    expect((await log.offsetOfMaxTimestamp())?.offset).toBe(149);
    expect(await readAll(log)).toHaveLength(150);
    expect(bench.logged).toHaveLength(1);
  });

  test.each([7, -7, 71])(
    'a search by time and a truncation give the right result with a wrong index (%i)',
    async (by) => {
      const timeMs = 1_700_000_000_000;
      for (const what of ['search', 'truncation']) {
        const bench = new Bench();
        const log = await bench.create({ indexIntervalBytes: 100 }, { resources: bench.resources(0) });
        for (let i = 0; i < 50; i++)
          await log.appendAsLeader(batchOf([`${i}`], { timestamp: timeMs + i * 1000 }), 0, client).written;
        misleadIndex(log, by);
        if (what === 'search') expect((await log.offsetForTimestamp(timeMs + 30_000))?.offset).toBe(30);
        else await log.truncateTo(41);
        await log.appendAsLeader(batchOf(['new']), 0, client).written;
        expect(log.logEndOffset).toBe(what === 'search' ? 51 : 42);
        expect(await readAll(log)).toHaveLength(log.logEndOffset);
      }
    },
  );

  test('damage inside a segment does not cause a rebuild of its index', async () => {
    const bench = new Bench();
    const log = await bench.create({ indexIntervalBytes: 1000 }, { resources: bench.resources(0) });
    for (let i = 0; i < 50; i++) await log.appendAsLeader(batchOf([`${i}`]), 0, client).written;
    const sizeBytes = batchOf(['40']).length;
    bench.disk.damage('/data/t-0/00000000000000000000.log', (bytes) => {
      bytes[40 * sizeBytes - 10 + 16] = 9;
      return bytes;
    });
    for (let i = 0; i < 3; i++) await expect(log.read(41, 80, 50, true)).rejects.toThrow('invalid data');
    expect(valuesIn((await log.read(39, 80, 50, true)).records)).toEqual([[39, '39']]);
    expect(bench.logged.map(([level]) => level)).toEqual(['error', 'error', 'error']);
  });

  test('offsets are found by time', async () => {
    const bench = new Bench();
    const log = await bench.create({ indexIntervalBytes: 100, segmentBytes: 1000 });
    for (let i = 0; i < 60; i++) {
      await log.appendAsLeader(
        batchOf([`${i}`, `${i}b`], { timestamp: 1_600_000_000_000 + i * 1000 }),
        2,
        client,
      ).written;
    }
    const cases: [number, number | undefined][] = [
      [0, 0],
      [1_600_000_010_000, 20],
      [1_600_000_010_001, 21],
      [1_600_000_010_002, 22],
      [1_600_000_059_001, 119],
      [1_600_000_059_002, undefined],
    ];
    for (const [timestamp, offset] of cases)
      expect((await log.offsetForTimestamp(timestamp))?.offset).toBe(offset);
    expect(await log.offsetOfMaxTimestamp()).toEqual({
      timestamp: 1_600_000_059_001,
      offset: 119,
      leaderEpoch: 2,
    });
  });
});
