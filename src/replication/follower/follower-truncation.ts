/**
 * The offset to which a follower truncates, so that its log becomes a prefix of the leader's, and the truncation.
 *
 * The leader refuses a subscription when the logs diverge (`../leader/feed-subscription.ts`); the follower truncates and
 * subscribes again. Nothing may be appended until the promise of a truncation resolves.
 *
 * Invariant: after a truncation to `truncationOffset` either the follower's log is a prefix of the leader's, or the follower's
 * last record has an older epoch than before. So the exchange ends. The follower does not truncate to its high watermark, which
 * may be lower than the leader's: that would remove acknowledged records (KIP-101).
 */
import { mark } from '../../base/mark.ts';
import type { EpochEndOffset, EpochLookup, ReplicaLog } from '../log-port.ts';

/** The offset from which a follower fetches: the first offset whose records it has lost, or its log end offset. */
export function fetchOffset(log: ReplicaLog): number {
  return log.missingFrom ?? log.logEndOffset;
}

/**
 * The offset to which the follower truncates `log`. `leaders` is from the leader: the largest epoch in the leader's log that is
 * not above the `lastFetchedEpoch` of the subscription, and the end offset of that epoch in the leader's log.
 */
export function truncationOffset(log: EpochLookup, leaders: EpochEndOffset): number {
  if (leaders.endOffset < 0) return log.logStartOffset;
  const bounded = Math.min(leaders.endOffset, log.logEndOffset);
  if (leaders.epoch < 0) return bounded;
  const own = log.endOffsetForEpoch(leaders.epoch);
  // The follower's log has no leader epochs, or only older ones than `leaders.epoch`: there is no other offset to truncate to.
  if (own.endOffset < 0) return bounded;
  return Math.min(own.endOffset, bounded);
}

export function truncateToEpochs(log: ReplicaLog, diverging: EpochEndOffset): Promise<void> {
  // The log is truncated even when the offset is the log end offset: this removes a leader epoch without records from the epoch
  // cache. While the follower has that epoch, the leader refuses every subscription.
  mark('replication.logs-parted');
  return truncateOrRestart(log, Math.min(truncationOffset(log, diverging), log.logEndOffset));
}

export type ResetAction =
  | { readonly kind: 'truncate'; readonly offset: number }
  | { readonly kind: 'restart'; readonly offset: number }
  | { readonly kind: 'retry' };

/**
 * What a follower does when the leader has refused `offset`, from which it fetches, because its log does not have the offset.
 */
export function resetAction(offset: number, leaderStart: number, leaderEnd: number): ResetAction {
  if (offset < leaderStart) return { kind: 'restart', offset: leaderStart };
  if (offset > leaderEnd) return { kind: 'truncate', offset: leaderEnd };
  return { kind: 'retry' };
}

export function resetToRange(
  log: ReplicaLog,
  action: Exclude<ResetAction, { kind: 'retry' }>,
): Promise<void> {
  return action.kind === 'truncate'
    ? truncateOrRestart(log, action.offset)
    : log.truncateFullyAndStartAt(action.offset);
}

function truncateOrRestart(log: ReplicaLog, offset: number): Promise<void> {
  if (offset < log.logStartOffset) return log.truncateFullyAndStartAt(offset);
  return log.truncateTo(offset);
}
