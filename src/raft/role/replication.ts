/**
 * Sends followers the entries that they lack, within their windows. Runs once at the end of a step, so that inputs of one step
 * share messages.
 */
import { assert } from '../../base/assert.ts';
import { uuidZero } from '../../base/uuid.ts';
import type { Heartbeat } from '../messages.ts';
import { addInflight, type Progress } from '../progress.ts';
import { leaderOf, type RaftState } from '../state.ts';
import { type Entry, entrySizeBytes } from '../types.ts';

/** Sends each follower all that its window allows, and the high watermark to followers that lack nothing. */
export function replicate(state: RaftState): void {
  if (state.role.name !== 'leader') return;
  for (const progress of state.role.progress.values()) {
    replicateTo(state, progress, null);
    const highWatermark = Math.min(progress.match, state.highWatermark);
    if (progress.state !== 'replicate' || progress.sentHighWatermark >= highWatermark) continue;
    progress.sentHighWatermark = highWatermark;
    state.send(progress.id, heartbeat(state, progress, false, 0));
  }
}

/** Requests a response, which confirms this leader, and brings the high watermark. */
export function sendHeartbeat(state: RaftState, progress: Progress): void {
  const leader = leaderOf(state);
  const highWatermark = Math.min(progress.match, state.highWatermark);
  progress.sentHighWatermark = Math.max(progress.sentHighWatermark, highWatermark);
  state.send(progress.id, heartbeat(state, progress, true, leader.round));
}

function heartbeat(state: RaftState, progress: Progress, reply: boolean, round: number): Heartbeat {
  const { match } = progress;
  const directoryId = progress.directoryId ?? uuidZero;
  const highWatermark = Math.min(match, state.highWatermark);
  return { type: 'heartbeat', epoch: state.epoch, directoryId, match, highWatermark, reply, round };
}

/** `fromStore`: entries at `next` that are no longer in memory. */
export function replicateTo(state: RaftState, progress: Progress, fromStore: readonly Entry[] | null): void {
  let stored = fromStore;
  while (maySend(state, progress)) {
    if (progress.next < state.log.startOffset) {
      progress.state = 'snapshot';
      state.effects.sendSnapshot.push({ to: progress.id, epoch: state.epoch });
      return;
    }
    const entries = stored ?? entriesFor(state, progress);
    stored = null;
    if (entries === null) return;
    if (entries.length === 0 && progress.state === 'replicate') return;
    sendAppend(state, progress, entries);
  }
}

function maySend(state: RaftState, progress: Progress): boolean {
  const { inflightCountMax, inflightBytesMax } = state.options;
  if (progress.reading || progress.state === 'snapshot') return false;
  if (progress.state === 'probe') return !progress.probeSent;
  return progress.inflights.length < inflightCountMax && progress.inflightBytes < inflightBytesMax;
}

/** Null: a read from the store was requested. */
function entriesFor(state: RaftState, progress: Progress): readonly Entry[] | null {
  const { log } = state;
  const bytesMax = state.options.appendBytesMax;
  const entries = log.cached(progress.next, log.endOffset, bytesMax);
  if (entries === null) {
    progress.reading = true;
    state.effects.readLog.push({
      to: progress.id,
      epoch: state.epoch,
      from: progress.next,
      endOffset: log.cachedFrom,
      bytesMax,
    });
  }
  return entries;
}

function sendAppend(state: RaftState, progress: Progress, entries: readonly Entry[]): void {
  const baseOffset = progress.next;
  assert(
    entries.length === 0 || entries[0]?.offset === baseOffset,
    'an append begins where the follower ends',
  );
  const endOffset = baseOffset + entries.length;
  const { epoch, highWatermark } = state;
  const previousEpoch = state.log.epochAt(baseOffset - 1);
  state.send(progress.id, { type: 'append', epoch, baseOffset, previousEpoch, highWatermark, entries });
  // The time without responses is counted from when an append is first in flight.
  if (progress.inflights.length === 0) progress.movedMs = state.nowMs;
  if (progress.state === 'probe') {
    progress.probeSent = true;
    return;
  }
  progress.next = endOffset;
  progress.sentHighWatermark = Math.max(progress.sentHighWatermark, Math.min(highWatermark, endOffset));
  let sizeBytes = 0;
  for (const entry of entries) sizeBytes += entrySizeBytes(entry);
  addInflight(progress, endOffset, sizeBytes);
}
