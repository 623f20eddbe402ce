/**
 * How a follower handles the messages of its leader: append, heartbeat, snapshot, timeoutNow. The caller (`../core.ts`) has
 * compared epochs and has made this replica a follower of the sender. Acknowledgements are sent when the acknowledged entries
 * are durable.
 */
import { assert } from '../../base/assert.ts';
import type { NodeId } from '../../base/ids.ts';
import type { AppendRequest, Heartbeat, InstallSnapshot } from '../messages.ts';
import type { RaftState } from '../state.ts';
import { DamagedStoreError } from '../store.ts';
import type { Entry, ReplicaKey } from '../types.ts';
import { votersInForce } from '../voters.ts';
import { becomeCandidate } from './election.ts';
import { heardLeader } from './transitions.ts';
import { leads, refuse } from './trust.ts';

export function handleAppend(state: RaftState, leader: ReplicaKey, request: AppendRequest): void {
  const from = leader.id;
  const { log } = state;
  const requestEnd = request.baseOffset + request.entries.length;
  if (requestEnd <= state.highWatermark) {
    // All these entries are committed here, and the leader has every committed entry, so the logs are equal up to the high
    // watermark.
    heardLeader(state);
    accept(state, from, request, state.highWatermark);
    return;
  }
  if (contradictsCommitted(state, request)) {
    refuse(
      state,
      leader,
      `node ${from} claims to lead epoch ${state.epoch}, but lacks entries that are committed below ${state.highWatermark}`,
    );
    return;
  }
  heardLeader(state);
  let { baseOffset, previousEpoch, entries } = request;
  if (baseOffset < state.highWatermark) {
    // The comparison begins at the high watermark: entries below it are equal on all replicas, and this replica may have
    // removed them after a snapshot.
    entries = entries.slice(state.highWatermark - baseOffset);
    baseOffset = state.highWatermark;
    previousEpoch = log.epochAt(baseOffset - 1);
  }
  if (baseOffset > log.endOffset || log.epochAt(baseOffset - 1) !== previousEpoch) {
    const end = log.endOfEpoch(previousEpoch, Math.min(log.endOffset, baseOffset - 1));
    reject(state, from, request, Math.max(end.endOffset, state.highWatermark));
    return;
  }
  const fresh = firstDifference(state, entries);
  if (fresh < entries.length) state.appendToLog(entries.slice(fresh));
  state.advanceHighWatermark(Math.min(request.highWatermark, requestEnd));
  accept(state, from, request, requestEnd);
}

/**
 * Whether the request, which reaches beyond the high watermark, shows that the logs of sender and receiver differ below the
 * high watermark. A leader has every committed entry, so such a sender was not elected.
 */
function contradictsCommitted({ log, highWatermark }: RaftState, request: AppendRequest): boolean {
  const { baseOffset, previousEpoch, entries } = request;
  if (baseOffset > highWatermark) return false;
  const committedEpoch = log.epochAt(highWatermark - 1);
  const own = baseOffset === highWatermark ? previousEpoch : entries[highWatermark - 1 - baseOffset]?.epoch;
  return own !== committedEpoch;
}

/**
 * The index in `entries` of the first one that this log lacks or has with another epoch. Only entries from there on are
 * written, so that a delayed append does not truncate entries of a later one.
 */
function firstDifference(state: RaftState, entries: readonly Entry[]): number {
  let index = 0;
  for (const entry of entries) {
    if (entry.offset >= state.log.endOffset || state.log.epochAt(entry.offset) !== entry.epoch) break;
    index += 1;
  }
  return index;
}

function accept(state: RaftState, to: NodeId, request: AppendRequest, endOffset: number): void {
  state.sendDurably(to, {
    type: 'appended',
    epoch: state.epoch,
    accepted: true,
    baseOffset: request.baseOffset,
    endOffset,
    endEpoch: 0,
  });
}

function reject(state: RaftState, to: NodeId, request: AppendRequest, endOffset: number): void {
  assert(endOffset < request.baseOffset, 'a rejection moves the leader back');
  state.sendDurably(to, {
    type: 'appended',
    epoch: state.epoch,
    accepted: false,
    baseOffset: request.baseOffset,
    endOffset,
    endEpoch: state.log.epochAt(endOffset - 1),
  });
}

export function handleHeartbeat(state: RaftState, leader: ReplicaKey, heartbeat: Heartbeat): void {
  const from = leader.id;
  if (heartbeat.directoryId === state.options.me.directoryId && heartbeat.match > state.log.endOffset) {
    if (!state.voters.everHad(leader)) {
      refuse(state, leader, `node ${from}, which is no voter, says that this replica has lost entries`);
      return;
    }
    throw new DamagedStoreError(
      `this replica acknowledged the metadata log up to offset ${heartbeat.match} and has it up to ${state.log.endOffset} only: ` +
        'its metadata directory was replaced by an older copy, or lost writes. It can no longer take part with its old identity: ' +
        'empty the directory, format it and let it join as a new replica',
    );
  }
  heardLeader(state);
  // The leader's value is at most the end offset that this replica has acknowledged in this epoch, and up to there the logs are
  // equal.
  state.advanceHighWatermark(Math.min(heartbeat.highWatermark, state.log.endOffset));
  if (heartbeat.reply) state.send(from, { type: 'alive', epoch: state.epoch, round: heartbeat.round });
}

export function handleSnapshot(state: RaftState, from: NodeId, snapshot: InstallSnapshot): void {
  heardLeader(state);
  const { endOffset, snapshotEpoch, voters, bytes } = snapshot;
  const { log } = state;
  if (endOffset > state.highWatermark) {
    if (endOffset <= log.endOffset && log.epochAt(endOffset - 1) === snapshotEpoch) {
      // The log already has everything that is in the snapshot. It is kept, because it may have acknowledged entries after it.
      state.advanceHighWatermark(endOffset);
    } else {
      const seq = log.install(endOffset, snapshotEpoch);
      state.voters.reset(votersInForce(voters, state.configuredVoters), endOffset);
      state.highWatermark = endOffset;
      state.snapshotEndOffset = endOffset;
      const install = { meta: { endOffset, epoch: snapshotEpoch, voters }, bytes };
      state.effects.writes.push({ seq, hardState: state.hardState(), entries: [], install, compactTo: null });
    }
  }
  state.sendDurably(from, {
    type: 'appended',
    epoch: state.epoch,
    accepted: true,
    baseOffset: endOffset,
    endOffset: state.highWatermark,
    endEpoch: 0,
  });
}

/** The leader transfers its leadership to this replica. */
export function handleTimeoutNow(state: RaftState, from: ReplicaKey): void {
  if (state.role.name !== 'follower' || !leads(state, from) || !state.amVoter || state.retired) return;
  becomeCandidate(state, true, 0);
}
