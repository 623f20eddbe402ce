/**
 * How a follower makes its log a prefix of the leader's. Pure.
 *
 * Invariant: after a truncation to `truncationOffset` the follower's log equals the leader's below that offset, or the follower
 * asks again with an older epoch. Every round either ends the exchange or lowers that epoch. The high watermark is not used: it may
 * be behind acknowledged records, so truncating to it lost acknowledged records (KIP-101).
 */
import { mark } from '../../base/mark.ts';
import type { EpochEndOffset } from '../log-port.ts';

/** The part of the log that these functions use. */
export interface EpochLookup {
  readonly logEndOffset: number;
  readonly logStartOffset: number;
  endOffsetForEpoch(epoch: number): EpochEndOffset;
}

/**
 * The offset to truncate to, given the largest leader epoch in the leader's log that is not above the follower's, and its end
 * offset there.
 */
export function truncationOffset(log: EpochLookup, leaders: EpochEndOffset): number {
  if (leaders.endOffset < 0) return log.logStartOffset;
  const bounded = Math.min(leaders.endOffset, log.logEndOffset);
  if (leaders.epoch < 0) return bounded;
  const own = log.endOffsetForEpoch(leaders.epoch);
  // All epochs of the follower are newer: no record after that end offset can be shared.
  if (own.endOffset < 0) return bounded;
  return Math.min(own.endOffset, bounded);
}

export type SubscriptionCheck =
  | { readonly kind: 'ok' }
  | { readonly kind: 'diverging'; readonly epoch: number; readonly endOffset: number }
  | { readonly kind: 'out_of_range' };

/** The leader's check: whether a follower (or consumer) whose log ends at (`lastFetchedEpoch`, `offset`) can continue from there. */
export function checkSubscription(
  log: EpochLookup,
  offset: number,
  lastFetchedEpoch: number,
): SubscriptionCheck {
  if (lastFetchedEpoch >= 0) {
    const known = log.endOffsetForEpoch(lastFetchedEpoch);
    if (known.epoch < 0 || known.endOffset < 0) return { kind: 'out_of_range' };
    if (known.epoch < lastFetchedEpoch || known.endOffset < offset)
      return { kind: 'diverging', epoch: known.epoch, endOffset: known.endOffset };
  }
  if (offset < log.logStartOffset || offset > log.logEndOffset) return { kind: 'out_of_range' };
  return { kind: 'ok' };
}

export type OutOfRangeAction =
  | { readonly kind: 'truncate'; readonly offset: number }
  | { readonly kind: 'restart'; readonly offset: number }
  | { readonly kind: 'retry' };

/** What a follower does when the leader's log [start, end) does not contain the follower's log end offset. */
export function outOfRangeAction(
  ownEndOffset: number,
  leaderStart: number,
  leaderEnd: number,
): OutOfRangeAction {
  if (ownEndOffset < leaderStart) return { kind: 'restart', offset: leaderStart };
  if (ownEndOffset > leaderEnd) return { kind: 'truncate', offset: leaderEnd };
  return { kind: 'retry' };
}

/** The leader's metadata is behind the follower's, or it does not lead yet: the subscription waits until it has caught up. */
export function aheadOfMetadata(): { readonly kind: 'wait' } {
  mark('replication.subscription-ahead-of-metadata');
  return { kind: 'wait' };
}
