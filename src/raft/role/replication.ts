/**
 * Sends followers the entries that they lack, as far as the limits of unacknowledged entries and bytes allow (the window). Runs
 * once at the end of a step, so that all proposals of one step share a message.
 */
import { assert } from '../../base/assert.ts';
import { uuidZero } from '../../base/uuid.ts';
import type { Heartbeat } from '../messages.ts';
import { addInflight, type Progress } from '../progress.ts';
import { leaderOf, type RaftState } from '../state.ts';
import { type Entry, entrySizeBytes } from '../types.ts';

/** Sends each follower the entries that its window allows. Followers that lack no entries get a new high watermark. */
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

/**
 * Sends a heartbeat. The response confirms that the follower still accepts this leader; the heartbeat tells the high watermark.
 */
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

/**
 * Sends a follower what its window allows. `fromStore`: entries from `progress.next` on that were read from disk; null: none.
 */
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

/** The entries to send next. Null: they are not in memory, and the effect `readLog` requests them from disk. */
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
    'an append begins at `next` of the follower',
  );
  const endOffset = baseOffset + entries.length;
  const { epoch, highWatermark } = state;
  const previousEpoch = state.log.epochAt(baseOffset - 1);
  state.send(progress.id, { type: 'append', epoch, baseOffset, previousEpoch, highWatermark, entries });
  // The time without acknowledgements begins when the first append is in flight.
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
