/**
 * Three invariants about messages. I11: when a replica sends a message, what the message promises (a vote, acknowledged
 * entries) is on the replica's simulated disk. I15: every entry that a follower acknowledges is in the log of the leader of
 * that epoch. I6: a high watermark in a message covers committed entries only.
 */
import type { AppendResponse, Outbound, VoteRequest, VoteResponse } from '../../raft/messages.ts';
import { sameReplica } from '../../raft/types.ts';
import type { NodeId } from '../../base/ids.ts';
import type { Replica } from './replica.ts';
import { nameOf, require } from './watch.ts';

/** The parts of the checker's knowledge that are needed here. */
interface Known {
  readonly committedEnd: number;
  /** The leader of each epoch. */
  readonly leaders: ReadonlyMap<number, Replica>;
}

const invariant = 'I11 durable before said';

export function sent(known: Known, replica: Replica, { to, message }: Outbound): void {
  switch (message.type) {
    case 'voted':
      if (!message.preVote && message.granted) voted(replica, to, message);
      return;
    case 'vote':
      if (!message.preVote) campaigns(replica, message);
      return;
    case 'appended':
      if (message.accepted) acknowledges(known, replica, message);
      return;
    case 'heartbeat':
    case 'append': {
      const { highWatermark } = message;
      require(highWatermark <= known.committedEnd, 'I6 commit truth', () =>
        `n${replica.id} tells that ${highWatermark} is committed, ${known.committedEnd} is`);
      return;
    }
    default:
      return;
  }
}

function voted(replica: Replica, to: NodeId, message: VoteResponse): void {
  const { epoch, votedFor } = replica.disk.hardState;
  const kept = epoch > message.epoch || (epoch === message.epoch && votedFor?.id === to);
  require(kept, invariant, () =>
    `n${replica.id} gives n${to} a vote for epoch ${message.epoch} that isn't on its disk`);
}

function campaigns(replica: Replica, message: VoteRequest): void {
  const { epoch, votedFor } = replica.disk.hardState;
  if (epoch > message.epoch) return;
  const own = epoch === message.epoch && votedFor !== null && sameReplica(votedFor, replica.key);
  require(own, invariant, () =>
    `n${replica.id} campaigns for epoch ${message.epoch} without its own vote on disk`);
  const { durable, role, epoch: presentEpoch } = replica.watch;
  // Since the campaign began, another replica may have become leader of its epoch and may have replaced entries at the end of
  // this log. By now this replica may even campaign for a later epoch.
  if (role !== 'candidate' || presentEpoch !== message.epoch) return;
  const { logEndOffset, lastEpoch } = message;
  const holds = durable.end >= logEndOffset && (durable.last(logEndOffset)?.epoch ?? 0) === lastEpoch;
  require(holds, invariant, () =>
    `n${replica.id} campaigns with ${logEndOffset - 1}@${lastEpoch}, its disk ends with ${nameOf(durable.last(durable.end))}`);
}

function acknowledges(known: Known, replica: Replica, message: AppendResponse): void {
  const { epoch } = replica.disk.hardState;
  require(epoch >= message.epoch, invariant, () =>
    `n${replica.id} acknowledges in epoch ${message.epoch}, its disk is in ${epoch}`);
  if (epoch > message.epoch) return;
  const { durable } = replica.watch;
  const { endOffset } = message;
  require(durable.end >= endOffset, invariant, () =>
    `n${replica.id} acknowledges ${endOffset}, its disk ends at ${durable.end}`);
  const leader = known.leaders.get(message.epoch);
  if (leader === undefined || leader.watch.role !== 'leader' || leader.watch.epoch !== epoch) return;
  if (leader.core === null) return;
  require(leader.watch.memory.last(endOffset) === durable.last(endOffset), 'I15 progress', () =>
    `n${replica.id} acknowledges ${nameOf(durable.last(endOffset))}, leader n${leader.id} has ${nameOf(leader.watch.memory.last(endOffset))}`);
}
