import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { majority, majorityValue, voteResult } from '../../src/raft/quorum.ts';

const values = fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 1, maxLength: 9 });

/** The plain definition: the largest value such that more than half of the voters have at least this value. */
function slowMajorityValue(matches: readonly number[]): number {
  let best = -1;
  for (const value of matches) {
    const count = matches.filter((other) => other >= value).length;
    if (count * 2 > matches.length) best = Math.max(best, value);
  }
  return best;
}

describe('quorum', () => {
  test('majorityValue is the largest value that more than half have reached', () => {
    fc.assert(
      fc.property(values, (matches) => {
        expect(majorityValue([...matches])).toBe(slowMajorityValue(matches));
      }),
      { numRuns: 2000 },
    );
  });

  test('two majorities of the same voters have a voter in common', () => {
    for (let count = 1; count <= 9; count++) expect(2 * majority(count)).toBeGreaterThan(count);
  });

  test('voteResult is won, lost or pending as the counts say, for all counts of up to 7 voters', () => {
    for (let count = 1; count <= 7; count++) {
      for (let granted = 0; granted <= count; granted++) {
        for (let rejected = 0; granted + rejected <= count; rejected++) {
          const open = count - granted - rejected;
          const canWin = (granted + open) * 2 > count;
          const hasWon = granted * 2 > count;
          expect(voteResult(count, granted, rejected)).toBe(hasWon ? 'won' : canWin ? 'pending' : 'lost');
        }
      }
    }
  });
});
