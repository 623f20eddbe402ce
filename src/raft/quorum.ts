/** Majority arithmetic, in its own file so that tests can compare it with a slow version. */
import { assert } from '../base/assert.ts';

export function majority(voterCount: number): number {
  return Math.floor(voterCount / 2) + 1;
}

/**
 * The largest value that at least a majority has reached: the high watermark from match offsets, or the latest time since which a
 * majority has responded. `values` has one number for each voter and is sorted in place.
 */
export function majorityValue(values: number[]): number {
  assert(values.length > 0, 'a quorum has voters');
  sortDescending(values);
  return values[majority(values.length) - 1] as number;
}

/** Insertion sort: there are few voters, and this runs at every acknowledgement. */
function sortDescending(values: number[]): void {
  for (let at = 1; at < values.length; at++) {
    const value = values[at] as number;
    let to = at;
    for (; to > 0 && (values[to - 1] as number) < value; to--) values[to] = values[to - 1] as number;
    values[to] = value;
  }
}

export type VoteResult = 'won' | 'lost' | 'pending';

export function voteResult(voterCount: number, granted: number, rejected: number): VoteResult {
  assert(granted + rejected <= voterCount, 'a voter votes once');
  if (granted >= majority(voterCount)) return 'won';
  if (voterCount - rejected < majority(voterCount)) return 'lost';
  return 'pending';
}
