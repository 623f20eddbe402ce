/**
 * The leader's state of one follower.
 *
 * - `probe`: the leader does not know where the logs differ. One append is in flight at a time; the next follows a response or a
 *   heartbeat.
 * - `replicate`: the leader knows it. Appends are pipelined up to a window.
 * - `snapshot`: the follower's next entries are compacted. Nothing is appended until the snapshot has arrived.
 *
 * Invariant: match <= next; in `replicate` everything below `next` was sent.
 */
import type { NodeId } from '../base/ids.ts';
import { type Uuid, uuidZero } from '../base/uuid.ts';
import type { Endpoint, Voter } from './types.ts';

export interface Inflight {
  readonly endOffset: number;
  readonly sizeBytes: number;
}

export interface Progress {
  readonly id: NodeId;
  /** The replica that responded; null before the first response. */
  directoryId: Uuid | null;
  /** Endpoints in a learner's messages; empty for voters, whose endpoints are in the voter set. */
  endpoints: readonly Endpoint[];
  state: 'probe' | 'replicate' | 'snapshot';
  /** Exclusive end of the entries that are durable on the follower and equal to the leader's. */
  match: number;
  /** Offset of the next entry to send. */
  next: number;
  /** In `probe`: an append is in flight. */
  probeSent: boolean;
  /** A read of entries at `next` from the store is in progress. */
  reading: boolean;
  inflights: Inflight[];
  inflightBytes: number;
  /** The high watermark that was last sent; assumed to have arrived. */
  sentHighWatermark: number;
  /** Monotonic times. */
  contactMs: number;
  /** Time at which it entered `replicate`. */
  replicatingMs: number;
  /** Pipelined appends arrived out of order and were rejected; the leader has not restarted from the follower's end yet. */
  refused: boolean;
  /** Time of the last append sent or acknowledged: when no response follows for long, messages were lost. */
  movedMs: number;
  /** -1: never. */
  fetchedMs: number;
  caughtUpMs: number;
  /** The leader's log end offset at the last contact, for `caughtUpMs`. */
  leaderEndAtContact: number;
  linkDown: boolean;
  /** The last round of heartbeats to which it responded. */
  round: number;
}

export function newProgress(id: NodeId, next: number, nowMs: number): Progress {
  return {
    id,
    directoryId: null,
    endpoints: [],
    state: 'probe',
    match: 0,
    next,
    probeSent: false,
    reading: false,
    inflights: [],
    inflightBytes: 0,
    sentHighWatermark: 0,
    contactMs: nowMs,
    replicatingMs: nowMs,
    refused: false,
    movedMs: nowMs,
    fetchedMs: -1,
    caughtUpMs: -1,
    leaderEndAtContact: -1,
    linkDown: false,
    round: 0,
  };
}

/** Whether this replica is the voter `voter`. Another disk on the same node is another replica. */
export function countsFor(progress: Progress, voter: Voter): boolean {
  const { directoryId } = progress;
  return directoryId === null || voter.directoryId === uuidZero || voter.directoryId === directoryId;
}

export function becomeProbe(progress: Progress, next: number): void {
  progress.state = 'probe';
  progress.next = Math.max(progress.match, next);
  progress.probeSent = false;
  progress.reading = false;
  progress.inflights = [];
  progress.inflightBytes = 0;
  progress.sentHighWatermark = 0;
}

export function becomeReplicate(progress: Progress, nowMs: number): void {
  progress.state = 'replicate';
  progress.replicatingMs = nowMs;
  progress.refused = false;
  progress.next = progress.match;
  progress.probeSent = false;
  progress.reading = false;
  progress.inflights = [];
  progress.inflightBytes = 0;
}

export function addInflight(progress: Progress, endOffset: number, sizeBytes: number): void {
  progress.inflights.push({ endOffset, sizeBytes });
  progress.inflightBytes += sizeBytes;
}

/** Appends that end at or below `match` have arrived. */
export function freeInflights(progress: Progress): void {
  let count = 0;
  for (const inflight of progress.inflights) {
    if (inflight.endOffset > progress.match) break;
    progress.inflightBytes -= inflight.sizeBytes;
    count += 1;
  }
  if (count > 0) progress.inflights.splice(0, count);
}

/** A message of the follower in this epoch has arrived. */
export function recordContact(progress: Progress, nowMs: number, leaderEndOffset: number): void {
  const before = progress.contactMs;
  progress.contactMs = nowMs;
  progress.fetchedMs = nowMs;
  progress.linkDown = false;
  if (progress.match >= leaderEndOffset) progress.caughtUpMs = nowMs;
  else if (progress.leaderEndAtContact >= 0 && progress.match >= progress.leaderEndAtContact) {
    progress.caughtUpMs = Math.max(progress.caughtUpMs, before);
  }
  progress.leaderEndAtContact = leaderEndOffset;
}
