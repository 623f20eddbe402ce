/**
 * The arithmetic of majorities, apart from everything else so that it can be tested against a slow version.
 */
import { assert } from '../base/assert.ts';

export function majority(voterCount: number): number {
  return Math.floor(voterCount / 2) + 1;
}

/**
 * The largest value that at least a majority has reached: the high watermark from match end offsets, or the latest
 * moment since which a majority was heard. `values` holds one number for each voter and is sorted in place.
 */
export function majorityValue(values: number[]): number {
  assert(values.length > 0, 'a quorum has voters');
  values.sort((a, b) => b - a);
  return values[majority(values.length) - 1] as number;
}

export type VoteResult = 'won' | 'lost' | 'pending';

export function voteResult(voterCount: number, granted: number, rejected: number): VoteResult {
  assert(granted + rejected <= voterCount, 'a voter votes once');
  if (granted >= majority(voterCount)) return 'won';
  if (voterCount - rejected < majority(voterCount)) return 'lost';
  return 'pending';
}
