/**
 * The leader's state of one follower.
 *
 * - `probe`: the leader does not know where the follower's log differs from its own. It sends one append at a time, and the
 *   next one after a response to it or to a heartbeat.
 * - `replicate`: the leader knows that the logs are equal up to `match`. It sends appends without waiting for responses, up to
 *   the limits `inflightCountMax` and `inflightBytesMax`.
 * - `snapshot`: the leader's log no longer has the entries that the follower needs. It sends a snapshot, and no append until
 *   the follower has it.
 *
 * Invariant: match <= next; in `replicate` all entries below `next` were sent.
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
  /** The directory id of the replica that responded; null before its first response. */
  directoryId: Uuid | null;
  /** A learner's endpoints, from its `join` message; empty for voters, whose endpoints are in the voter set. */
  endpoints: readonly Endpoint[];
  state: 'probe' | 'replicate' | 'snapshot';
  /** The end offset up to which the follower's durable log equals the leader's. */
  match: number;
  /** Offset of the next entry to send. */
  next: number;
  /** In `probe`: the leader waits for a response before it sends the next append. */
  probeSent: boolean;
  /** A read of entries at `next` from the store is in progress. */
  reading: boolean;
  inflights: Inflight[];
  inflightBytes: number;
  /**
   * The high watermark that the leader sent last. It counts as received: the leader sends it again only in the next heartbeat.
   */
  sentHighWatermark: number;
  /** Monotonic time of the last message from the follower; before the first, the time at which this progress was created. */
  contactMs: number;
  /** Monotonic time at which the state became `replicate`. */
  replicatingMs: number;
  /** The follower has rejected appends that arrived out of order, and the leader has not sent them again yet. */
  refused: boolean;
  /**
   * Monotonic time at which an append was last acknowledged, or sent while none was in flight. If this is long ago, the leader
   * sends again (`handleHeartbeatResponse`).
   */
  movedMs: number;
  /** Monotonic time of the last message from the follower; -1: none in this epoch. */
  fetchedMs: number;
  /** Monotonic time at which the follower last had the leader's whole log; -1: not in this epoch. */
  caughtUpMs: number;
  /** The leader's log end offset at `contactMs`: a follower that has reached it was caught up at that time. */
  leaderEndAtContact: number;
  linkDown: boolean;
  /** The number of the last round of heartbeats to which the follower has responded. */
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

/**
 * Whether the progress of this node is that of `voter`. It is not when the node's metadata directory was replaced: that makes
 * it another replica.
 */
export function countsFor({ directoryId }: Progress, voter: Voter): boolean {
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

/** Forgets the appends in flight that end at or below `match`: the follower has them. */
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
