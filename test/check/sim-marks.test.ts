import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
// @ts-expect-error plain JavaScript, as scripts are
import { marksOf, outOfReach } from '../../scripts/lib/sim-marks.mjs';

test('each coverage mark is in the source once, also those that no seed can reach', () => {
  for (const world of ['raft', 'cluster']) expect(marksOf('src', world, new Set()).known).not.toEqual([]);
});

test('each coverage mark that no seed can reach names a test that is there', () => {
  for (const [, file] of Object.values<[why: string, test: string]>(outOfReach))
    expect(existsSync(`test/${file}`), file).toBe(true);
});
