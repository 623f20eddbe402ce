/**
 * Truncates a follower's log to the offset that `follower-state.ts` computes. Nothing may be appended until the promise
 * resolves.
 */
import { mark } from '../../base/mark.ts';
import { type OutOfRangeAction, truncationOffset } from './follower-state.ts';
import type { EpochEndOffset, ReplicaLog } from '../log-port.ts';

/** The offset from which a follower fetches: its log end offset, unless it has lost records in front of it. */
export function fetchOffset(log: ReplicaLog): number {
  return log.missingFrom ?? log.logEndOffset;
}

export function truncateToEpochs(log: ReplicaLog, diverging: EpochEndOffset): Promise<void> {
  // The log is truncated even when the offset is the log end offset: this removes a leader epoch without records from the epoch
  // cache. While the follower has that epoch, the leader refuses every subscription.
  mark('replication.logs-parted');
  return truncateOrRestart(log, Math.min(truncationOffset(log, diverging), log.logEndOffset));
}

export function resetToRange(
  log: ReplicaLog,
  action: Exclude<OutOfRangeAction, { kind: 'retry' }>,
): Promise<void> {
  return action.kind === 'truncate'
    ? truncateOrRestart(log, action.offset)
    : log.truncateFullyAndStartAt(action.offset);
}

function truncateOrRestart(log: ReplicaLog, offset: number): Promise<void> {
  if (offset < log.logStartOffset) return log.truncateFullyAndStartAt(offset);
  return log.truncateTo(offset);
}
