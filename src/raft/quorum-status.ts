/**
 * Makes the status of the quorum for DescribeQuorum responses and metrics, from the core's state. It converts monotonic times
 * to wall-clock times. Static voters are shown without directory ids, as in Kafka, even if this node has learned them.
 */
import type { QuorumStatus, ReplicaStatus, VoterStatus } from './api.ts';
import { uuidZero } from '../base/uuid.ts';
import type { RaftCore } from './core.ts';
import { countsFor, type Progress } from './progress.ts';
import { learners } from './role/membership.ts';
import type { Now } from './state.ts';
import type { Voter } from './types.ts';

/** `feeding`: the observers that receive the log from this node. */
export function voterStatus(core: RaftCore, now: Now, feeding: readonly ReplicaStatus[]): QuorumStatus {
  const { state } = core;
  const { role } = state;
  const fed = role.name === 'leader' ? learners(state, role) : [];
  const observers = [...fed.map((learner) => learnerStatus(learner, now)), ...feeding];
  return {
    role: role.name === 'leader' || state.amVoter ? role.name : 'observer',
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
  const known = role.name === 'leader' ? role.progress.get(id) : undefined;
  const progress = known !== undefined && countsFor(known, voter) ? known : null;
  return { id, endpoints, directoryId: voter.directoryId, ...progressStatus(progress, now) };
}

function learnerStatus(progress: Progress, now: Now): ReplicaStatus {
  const { id, directoryId } = progress;
  return { id, directoryId: directoryId ?? uuidZero, ...progressStatus(progress, now) };
}

type Moments = Pick<ReplicaStatus, 'logEndOffset' | 'lastFetchMs' | 'lastCaughtUpMs'>;

function progressStatus(progress: Progress | null, now: Now): Moments {
  const wallMs = (monotonicMs: number): number =>
    monotonicMs < 0 ? -1 : Math.round(now.wallMs - (now.monotonicMs - monotonicMs));
  return {
    logEndOffset: progress === null || progress.fetchedMs < 0 ? -1 : progress.match,
    lastFetchMs: wallMs(progress?.fetchedMs ?? -1),
    lastCaughtUpMs: wallMs(progress?.caughtUpMs ?? -1),
  };
}
