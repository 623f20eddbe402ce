/**
 * `readableBytes`, by which a pending fetch learns whether enough records are there. Also: a read from memory ends at the end
 * of the segment, as a read from disk does.
 */
import { expect, test } from 'vitest';
import { batchOf, Bench, client } from './harness.ts';

async function benchOf(count: number) {
  const log = await new Bench().create({ segmentBytes: 300 });
  const batch = () => batchOf(['x'.repeat(20)]);
  for (let i = 0; i < count; i++) await log.appendAsLeader(batch(), 0, client).written;
  return { log, size: batch().length, perSegment: Math.floor(300 / batch().length) };
}

test('bytesReadable counts the bytes up to the upper bound, or says that the segment ends before', async () => {
  const { log, size, perSegment } = await benchOf(6);
  expect(perSegment).toBeGreaterThan(1);
  expect(log.bytesReadable(0, 1)).toBe(size);
  expect(log.bytesReadable(0, perSegment)).toBe(size * perSegment);
  expect(log.bytesReadable(1, perSegment)).toBe(size * (perSegment - 1));
  expect(log.bytesReadable(0, perSegment + 1)).toBe(Number.POSITIVE_INFINITY);
  expect(log.bytesReadable(perSegment - 1, perSegment + 1)).toBe(Number.POSITIVE_INFINITY);
  expect(log.bytesReadable(perSegment, perSegment + 1)).toBe(size);
  expect(log.bytesReadable(6, 6)).toBe(0);
});

test('a read from memory does not go beyond its segment', async () => {
  const { log, size, perSegment } = await benchOf(6);
  expect(log.readCached(0, 10_000, 6, true)?.records.length).toBe(size * perSegment);
  expect(log.readCached(1, 10_000, 6, true)?.records.length).toBe(size * (perSegment - 1));
});
