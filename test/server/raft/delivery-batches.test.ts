/** How many committed entries are delivered to a listener in one batch. */
import { expect, test } from 'vitest';
import type { Entry } from '../../../src/raft/types.ts';
import { batchAt } from '../../../src/server/raft/delivery.ts';

function entriesOf(sizes: readonly number[]): Entry[] {
  return sizes.map((size, offset) => ({
    offset,
    epoch: 1,
    kind: 'data',
    payload: new Uint8Array(size),
    appendedMs: 0,
  }));
}

function batches(sizes: readonly number[]): number[] {
  const entries = entriesOf(sizes);
  const counts: number[] = [];
  for (let from = 0; from < entries.length; from += counts.at(-1) as number) {
    const batch = batchAt(entries, from);
    expect(batch.map(({ offset }) => offset)).toEqual(batch.map((_, i) => from + i));
    counts.push(batch.length);
  }
  return counts;
}

test('a batch is limited by entries and bytes, and has at least one entry', () => {
  expect(batches(new Array<number>(130).fill(1))).toEqual([64, 64, 2]);
  expect(batches(new Array<number>(5).fill(30_000))).toEqual([2, 2, 1]);
  expect(batches([1, 900_000, 1, 1])).toEqual([1, 1, 2]);
  expect(batches([])).toEqual([]);
});
