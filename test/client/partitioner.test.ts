import { describe, expect, test } from 'vitest';
import { murmur2, partitionOfKey, StickyPartitioner } from '../../src/client/partitioner.ts';
import { SeededRandom } from '../../src/simulation/random.ts';

describe('murmur2', () => {
  // Expected values: those that Kafka's Java clients compute for these keys.
  test.each([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ])('of %s is the hash of the Java clients', (key, hash) => {
    expect(murmur2(new TextEncoder().encode(key))).toBe(hash);
  });

  test('equal keys have the same partition', () => {
    for (let size = 0; size < 40; size++) {
      const key = new SeededRandom(size).bytes(size);
      const partition = partitionOfKey(key, 7);
      expect(partition).toBe(partitionOfKey(key.slice(), 7));
      expect(partition).toBeGreaterThanOrEqual(0);
      expect(partition).toBeLessThan(7);
    }
  });
});

describe('StickyPartitioner', () => {
  test('stays with a partition until the batch is full, then chooses another one', () => {
    const sticky = new StickyPartitioner(new SeededRandom(1));
    const first = sticky.partition('t', [0, 1, 2]);
    expect(sticky.partition('t', [0, 1, 2])).toBe(first);
    expect(sticky.next('t', [0, 1, 2])).not.toBe(first);
  });

  test('leaves a partition that is no longer available', () => {
    const sticky = new StickyPartitioner(new SeededRandom(2));
    const first = sticky.partition('t', [0, 1]);
    expect(sticky.partition('t', [1 - first])).toBe(1 - first);
  });
});
