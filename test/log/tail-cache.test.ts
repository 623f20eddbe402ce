import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LogTail, TailCache, viewOf } from '../../src/log/tail-cache.ts';

const sizeBytesMax = 20_000;

/** A fake batch whose bytes are its number, so that a test recognises it. */
function batch(number: number, sizeBytes: number): Uint8Array {
  return new Uint8Array(sizeBytes).fill(number % 251);
}

interface Kept {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** All batches of one log that the cache holds, in order of offsets. */
function held(tail: LogTail): Kept[] {
  const from = tail.startOffset;
  if (from === null) return [];
  const found = tail.read(from, Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, true) ?? [];
  return found.map((entry) => ({ offset: entry.firstOffset, bytes: new Uint8Array(viewOf(entry)) }));
}

describe('the tail cache', () => {
  // Bound: tailCacheBytesMax.
  test('keeps copies of the newest batches of every log, within its bound', () => {
    const operation = fc.oneof(
      { weight: 20, arbitrary: fc.record({ log: fc.nat(2), size: fc.integer({ min: 1, max: 400 }) }) },
      { weight: 3, arbitrary: fc.record({ log: fc.nat(2), size: fc.integer({ min: 400, max: 8_000 }) }) },
      { weight: 1, arbitrary: fc.record({ log: fc.nat(2), size: fc.constant(sizeBytesMax) }) },
      { weight: 1, arbitrary: fc.record({ log: fc.nat(2), size: fc.constant(0) }) },
    );
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 150 }), (operations) => {
        const cache = new TailCache(sizeBytesMax);
        const tails = [0, 1, 2].map(() => new LogTail(cache));
        const appended: Kept[][] = [[], [], []];
        for (const [i, { log, size }] of operations.entries()) {
          const tail = tails[log] as LogTail;
          const own = appended[log] as Kept[];
          const offset = own.length;
          if (size === 0) tail.clear();
          else {
            const bytes = batch(i, size);
            tail.add(offset, offset, bytes);
            own.push({ offset, bytes: new Uint8Array(bytes) });
            // The cache must have made a copy: the caller may overwrite its own bytes.
            bytes.fill(255);
          }
          expect(cache.sizeBytes).toBeLessThanOrEqual(sizeBytesMax);
          for (const [index, one] of tails.entries()) {
            const kept = held(one);
            if (kept.length > 0) expect(kept).toEqual((appended[index] as Kept[]).slice(-kept.length));
          }
        }
        for (const tail of tails) tail.clear();
        expect(cache.sizeBytes).toBe(0);
      }),
      { numRuns: 30 },
    );
  });

  test('uses its memory again', () => {
    const cache = new TailCache(sizeBytesMax);
    const tail = new LogTail(cache);
    const buffers = new Set<ArrayBufferLike>();
    for (let offset = 0; offset < 2_000; offset++) {
      tail.add(offset, offset, batch(offset, 100));
      const [entry] = tail.read(offset, 1_000, offset + 1, true) ?? [];
      if (entry !== undefined) buffers.add(viewOf(entry).buffer);
    }
    expect(buffers.size).toBeLessThanOrEqual(18);
  });

  test('drops the batches of a log when a batch is too large for it', () => {
    const cache = new TailCache(sizeBytesMax);
    const tail = new LogTail(cache);
    const other = new LogTail(cache);
    tail.add(0, 0, batch(1, 100));
    other.add(0, 0, batch(2, 100));
    tail.add(1, 1, batch(3, sizeBytesMax));
    expect(tail.read(0, 1_000, 2, true)).toBeNull();
    expect(held(other).length).toBe(1);
    tail.add(2, 2, batch(4, 100));
    expect(held(tail).map(({ offset }) => offset)).toEqual([2]);
  });
});
