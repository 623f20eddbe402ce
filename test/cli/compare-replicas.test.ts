import { expect, test } from 'vitest';
import { compareReplicas } from '../../src/cli/replicas/compare-replicas.ts';

const batch = (lastOffset: number, crc = lastOffset) => ({ lastOffset, crc });
const replica = (
  broker: number,
  highWatermark: number,
  ...batches: { lastOffset: number; crc: number }[]
) => ({
  broker,
  highWatermark,
  batches,
});

test('equal replicas are verified up to the high watermark', () => {
  const all = [batch(4), batch(9), batch(12)];
  expect(compareReplicas('t-0', 0, [replica(1, 10, ...all), replica(2, 10, ...all)])).toEqual({
    nextOffset: 10,
    problems: [],
    isFatal: false,
  });
});

test.each([
  ['has not fetched it yet', replica(2, 5, batch(4))],
  ['does not know that it is committed', replica(2, 5, batch(4), batch(9))],
])('a batch that one replica %s waits for the next round', (_why, second) => {
  const first = replica(1, 10, batch(4), batch(9));
  expect(compareReplicas('t-0', 0, [first, second])).toEqual({ nextOffset: 5, problems: [], isFatal: false });
});

test('the comparison stops at the offset of a broker that did not respond', () => {
  const replicas = [replica(1, 5, batch(4)), replica(2, -1)];
  expect(compareReplicas('t-0', 0, replicas)).toEqual({ nextOffset: 0, problems: [], isFatal: false });
});

test('different content is reported, and the comparison goes on', () => {
  const replicas = [replica(1, 5, batch(4, 7)), replica(2, 5, batch(4, 8)), replica(3, 5, batch(4, 7))];
  expect(compareReplicas('t-0', 0, replicas)).toEqual({
    nextOffset: 5,
    problems: [
      "partition t-0 has unmatched checksum at offset 4; replica 1's checksum 7; replica 2's checksum 8",
    ],
    isFatal: false,
  });
});

test('different offsets are reported and end the comparison', () => {
  const replicas = [replica(1, 9, batch(4)), replica(2, 9, batch(5))];
  expect(compareReplicas('t-0', 0, replicas)).toEqual({
    nextOffset: 0,
    problems: ["partition t-0: replica 1's offset 4 doesn't match replica 2's offset 5"],
    isFatal: true,
  });
});
