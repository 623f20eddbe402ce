/** Arithmetic of majorities. It has its own file so that tests can compare it with a simpler, slower implementation. */
import { assert } from '../base/assert.ts';

export function majority(voterCount: number): number {
  return Math.floor(voterCount / 2) + 1;
}

/**
 * The largest number that a majority of `values` has reached. From the voters' acknowledged end offsets it computes the high
 * watermark; from the times of their last responses, the time since which a majority has responded. `values` has one number for
 * each voter; the function sorts it in place.
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
