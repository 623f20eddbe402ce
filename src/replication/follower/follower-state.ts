/**
 * Where a follower truncates, so that its log becomes a prefix of the leader's. Pure.
 *
 * The follower subscribes with its log end offset and the leader epoch of its last record. When the logs diverge, the leader
 * refuses and names the end offset of an epoch in its own log; the follower truncates and subscribes again.
 *
 * Invariant: after a truncation to `truncationOffset` either the follower's log equals the leader's, or the follower's last
 * record has an older epoch than before. So the exchange ends. The follower does not truncate to its high watermark, which may
 * be lower than the leader's: that would remove acknowledged records (KIP-101).
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
 * The offset to which the follower truncates `log`. `leaders` is from the leader: the largest epoch in the leader's log that is
 * not above the epoch of the follower's last record, and the end offset of that epoch in the leader's log.
 */
export function truncationOffset(log: EpochLookup, leaders: EpochEndOffset): number {
  if (leaders.endOffset < 0) return log.logStartOffset;
  const bounded = Math.min(leaders.endOffset, log.logEndOffset);
  if (leaders.epoch < 0) return bounded;
  const own = log.endOffsetForEpoch(leaders.epoch);
  // All epochs in the follower's log are newer than `leaders.epoch`, so the two logs share no record from the leader's end
  // offset on.
  if (own.endOffset < 0) return bounded;
  return Math.min(own.endOffset, bounded);
}

export type SubscriptionCheck =
  | { readonly kind: 'ok' }
  | { readonly kind: 'diverging'; readonly epoch: number; readonly endOffset: number }
  | { readonly kind: 'out_of_range' };

/**
 * Checks, on the leader, whether a follower can continue to read at `offset`. `lastFetchedEpoch` is the leader epoch of the last
 * record that it has; -1: its log is empty.
 */
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

/**
 * The result for a subscription with a leader epoch that this broker's metadata does not have yet. The subscription waits until
 * this broker has applied that metadata.
 */
export function aheadOfMetadata(): { readonly kind: 'wait' } {
  mark('replication.subscription-ahead-of-metadata');
  return { kind: 'wait' };
}
