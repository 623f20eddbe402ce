/**
 * The quorum as this node sees it, in the terms of DescribeQuorum. Monotonic moments become wall-clock ones here. Static voters have
 * no directory ids, as in Kafka, even where we have learned them.
 */
import type { QuorumStatus, ReplicaStatus, VoterStatus } from '../../raft/api.ts';
import type { RaftCore } from '../../raft/core.ts';
import type { Now } from '../../raft/state.ts';
import type { Voter } from '../../raft/types.ts';

export function voterStatus(core: RaftCore, now: Now, observers: readonly ReplicaStatus[]): QuorumStatus {
  const { state } = core;
  return {
    role: state.role.name,
    leaderId: core.leaderId,
    epoch: state.epoch,
    highWatermark: state.highWatermark,
    logStartOffset: state.log.startOffset,
    logEndOffset: state.log.endOffset,
    voters: state.voters.current.map((voter) => oneVoter(core, voter, now)),
    observers,
  };
}

function oneVoter(core: RaftCore, voter: Voter, now: Now): VoterStatus {
  const { role, log, options } = core.state;
  const { id, endpoints } = voter;
  if (id === options.me.id) {
    const leads = role.name === 'leader';
    const seenMs = leads ? now.wallMs : -1;
    return {
      id,
      endpoints,
      directoryId: voter.directoryId,
      logEndOffset: log.endOffset,
      lastFetchMs: seenMs,
      lastCaughtUpMs: seenMs,
    };
  }
  const progress = role.name === 'leader' ? role.progress.get(id) : undefined;
  const wallMs = (monotonicMs: number): number =>
    monotonicMs < 0 ? -1 : Math.round(now.wallMs - (now.monotonicMs - monotonicMs));
  return {
    id,
    endpoints,
    directoryId: voter.directoryId,
    logEndOffset: progress === undefined || progress.fetchedMs < 0 ? -1 : progress.match,
    lastFetchMs: wallMs(progress?.fetchedMs ?? -1),
    lastCaughtUpMs: wallMs(progress?.caughtUpMs ?? -1),
  };
}
