import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { followerHighWatermark } from '../../src/replication/follower/follower-high-watermark.ts';
import { resetAction, truncationOffset } from '../../src/replication/follower/follower-truncation.ts';
import { checkSubscription } from '../../src/replication/leader/feed-subscription.ts';
import type { EpochLookup } from '../../src/replication/log-port.ts';

/** A log that is only the list of its records' leader epochs. */
class EpochList implements EpochLookup {
  readonly logStartOffset = 0;
  readonly epochs: number[];

  constructor(epochs: number[]) {
    this.epochs = epochs;
  }

  get logEndOffset(): number {
    return this.epochs.length;
  }

  get latestEpoch(): number {
    return this.epochs.at(-1) ?? -1;
  }

  endOffsetForEpoch(epoch: number): { epoch: number; endOffset: number } {
    const below = this.epochs.filter((other) => other <= epoch);
    const floor = below.at(-1);
    if (floor !== undefined) return { epoch: floor, endOffset: below.length };
    return this.epochs.length === 0 ? { epoch: -1, endOffset: -1 } : { epoch, endOffset: 0 };
  }
}

/**
 * The follower subscribes, and truncates its log when the leader says that the logs diverge, until the leader accepts it.
 * Returns the number of subscriptions.
 */
function reconcile(leader: EpochList, follower: EpochList): number {
  for (let round = 1; round < 100; round++) {
    const check = checkSubscription(leader, follower.logEndOffset, follower.latestEpoch);
    if (check.kind === 'ok') return round;
    if (check.kind === 'diverging')
      follower.epochs.length = Math.min(truncationOffset(follower, check), follower.logEndOffset);
    else {
      const action = resetAction(follower.logEndOffset, leader.logStartOffset, leader.logEndOffset);
      if (action.kind !== 'truncate') throw new Error(`cannot go on: ${action.kind}`);
      follower.epochs.length = action.offset;
    }
  }
  throw new Error('no end');
}

describe('truncation', () => {
  /**
   * Logs that can arise in one cluster: each new leader has a prefix of some replica's log and appends records of its own,
   * newer epoch.
   */
  const history = fc.array(fc.tuple(fc.nat(9), fc.nat(9), fc.nat(4)), { minLength: 1, maxLength: 12 });

  test("leaves a prefix of the leader's log with all common records", () => {
    fc.assert(
      fc.property(history, fc.nat(9), fc.nat(9), (steps, a, b) => {
        const logs: number[][] = [[]];
        steps.forEach(([from, keep, grow], epoch) => {
          const base = logs[from % logs.length] as number[];
          const kept = base.slice(0, Math.max(0, base.length - (keep % 4)));
          logs.push([...kept, ...new Array<number>(grow).fill(epoch)]);
        });
        const leader = new EpochList([...(logs[a % logs.length] as number[])]);
        const follower = new EpochList([...(logs[b % logs.length] as number[])]);
        // The leader has begun an epoch newer than all others. It knows this epoch even if its log is empty.
        leader.epochs.push(99);
        let common = 0;
        while (common < follower.logEndOffset && follower.epochs[common] === leader.epochs[common]) common++;
        reconcile(leader, follower);
        expect(follower.epochs).toEqual(leader.epochs.slice(0, follower.logEndOffset));
        expect(follower.logEndOffset).toBeGreaterThanOrEqual(common);
      }),
      { numRuns: 2000 },
    );
  });

  test.each([
    ['same log', [1, 1, 2], [1, 1, 2], [1, 1, 2]],
    ['follower behind', [1, 1, 2], [1], [1]],
    ['unreplicated tail of the former leader', [1, 1, 2], [1, 1, 1, 1], [1, 1]],
    ['an epoch that the leader does not know', [1, 1, 4], [1, 1, 3, 3], [1, 1]],
    ['several such epochs, one after the other', [1, 2, 7], [1, 3, 4, 5], [1]],
    ['nothing in common', [5, 5], [3, 4], []],
  ])('%s', (_name, leader, follower, expected) => {
    const list = new EpochList([...follower]);
    reconcile(new EpochList(leader), list);
    expect(list.epochs).toEqual(expected);
  });
});

test('out of range: restart at the log start, truncate to the log end, or retry', () => {
  expect(resetAction(5, 10, 20)).toEqual({ kind: 'restart', offset: 10 });
  expect(resetAction(25, 10, 20)).toEqual({ kind: 'truncate', offset: 20 });
  expect(resetAction(15, 10, 20)).toEqual({ kind: 'retry' });
});

test("a follower's high watermark is at most its log end offset, and does not decrease", () => {
  expect(followerHighWatermark(5, 20, 10)).toBe(10);
  expect(followerHighWatermark(5, 8, 10)).toBe(8);
  expect(followerHighWatermark(5, 3, 10)).toBe(5);
});
