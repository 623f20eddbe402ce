import fc from 'fast-check';
import { expect, test } from 'vitest';
import { assignRange } from '../../src/client/assignor.ts';

test('assignRange gives each member consecutive partitions, the first members one more', () => {
  const both = new Map([
    ['b', ['t']],
    ['a', ['t']],
  ]);
  const assignment = assignRange(both, new Map([['t', 5]]));
  expect(assignment.get('a')).toEqual([{ topic: 't', partitions: [0, 1, 2] }]);
  expect(assignment.get('b')).toEqual([{ topic: 't', partitions: [3, 4] }]);
});

test('assignRange gives every partition to exactly one of the subscribed members', () => {
  const topics = ['x', 'y', 'z'];
  const members = fc.dictionary(fc.stringMatching(/^[a-z]{1,6}$/), fc.subarray(topics), {
    minKeys: 1,
    maxKeys: 6,
  });
  const counts = fc.record({ x: fc.nat(9), y: fc.nat(9), z: fc.nat(9) });
  fc.assert(
    fc.property(members, counts, (subscriptions, partitionCounts) => {
      const wanted = new Map(Object.entries(subscriptions));
      const all = assignRange(wanted, new Map(Object.entries(partitionCounts)));
      const seen = [...all].flatMap(([member, own]) =>
        own.flatMap(({ topic, partitions }) => {
          expect(wanted.get(member)).toContain(topic);
          return partitions.map((partition) => `${topic}-${partition}`);
        }),
      );
      const expected = Object.entries(partitionCounts)
        .filter(([topic]) => [...wanted.values()].some((own) => own.includes(topic)))
        .flatMap(([topic, count]) => Array.from({ length: count }, (_, index) => `${topic}-${index}`));
      expect(seen.sort()).toEqual(expected.sort());
    }),
  );
});
