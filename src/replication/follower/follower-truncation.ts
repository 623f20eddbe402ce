/** Truncates the log as `follower-state.ts` decides. Nothing may be appended until it is done. */
import { mark } from '../../base/mark.ts';
import { type OutOfRangeAction, truncationOffset } from './follower-state.ts';
import type { EpochEndOffset, ReplicaLog } from '../log-port.ts';

export function truncateToEpochs(log: ReplicaLog, diverging: EpochEndOffset): Promise<void> {
  // At the log end offset too: it drops an epoch of ours that got no records, or the leader would refuse every subscription.
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
