import fc from 'fast-check';
import { expect, test } from 'vitest';
import { groupBy, sameElements } from '../../src/base/collections.ts';

test('lists and byte arrays are equal when they have the same elements in the same order', () => {
  expect(sameElements([], [])).toBe(true);
  expect(sameElements([1, 2], [1, 2])).toBe(true);
  expect(sameElements([1, 2], [2, 1])).toBe(false);
  expect(sameElements([1], [1, 2])).toBe(false);
  expect(sameElements(['a'], ['a', 'b'])).toBe(false);
  expect(sameElements(Uint8Array.of(1, 2), Buffer.from([1, 2]))).toBe(true);
  expect(sameElements(Uint8Array.of(1, 2), Uint8Array.of(1, 3))).toBe(false);
});

test('groups have every item once, in the order of the items, and keys in the order of their first item', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(3), fc.nat())), (items) => {
      const groups = groupBy(items, ([key]) => key);
      expect([...groups.keys()]).toEqual([...new Set(items.map(([key]) => key))]);
      for (const [key, group] of groups) expect(group).toEqual(items.filter(([other]) => other === key));
    }),
  );
});
