/**
 * The leader's state of one follower in the current leader epoch. Pure.
 *
 * Invariants: `logEndOffset` is -1 until the follower has subscribed in this leader epoch. So what the follower reported in an
 * older epoch counts neither for the high watermark nor for an ISR expansion. `lastCaughtUpMs` never decreases within a leader
 * epoch.
 *
 * A follower was last caught up at the newest time at which it had the leader's whole log. Kafka derives this time from the
 * fetch requests of followers. Here the leader pushes records, so it updates the time when the follower acknowledges records,
 * and when the leader appends to its log while the follower has all earlier records.
 */
import type { NodeId } from '../../base/ids.ts';

/** The offset of a follower that has not subscribed yet. */
export const unknownOffset = -1;

export class FollowerProgress {
  readonly brokerId: NodeId;
  /** -1 until the follower has subscribed. */
  brokerEpoch = -1;
  logEndOffset = unknownOffset;
  logStartOffset = unknownOffset;
  lastCaughtUpMs: number;
  /** True while the follower has a stream that is subscribed to this partition. */
  attached = false;
  #leaderEndAtLastAck = 0;
  #lastAckMs = 0;

  /**
   * `inSync`: the follower is in the ISR. It then counts as caught up now, so that after a change of leader it has a full
   * `replica.lag.time.max.ms` to subscribe before it is removed from the ISR.
   */
  constructor(brokerId: NodeId, inSync: boolean, nowMs: number) {
    this.brokerId = brokerId;
    this.lastCaughtUpMs = inSync ? nowMs : Number.NEGATIVE_INFINITY;
  }

  /**
   * The follower has subscribed. Its log may be shorter than what its earlier incarnation acknowledged; only the new value
   * counts.
   */
  subscribed(brokerEpoch: number, logEndOffset: number, logStartOffset: number): void {
    this.brokerEpoch = brokerEpoch;
    this.logEndOffset = logEndOffset;
    this.logStartOffset = logStartOffset;
    this.attached = true;
  }

  detached(leaderEndOffset: number, nowMs: number): void {
    if (this.attached && this.logEndOffset >= leaderEndOffset) this.#caughtUpAt(nowMs);
    this.attached = false;
  }

  acknowledged(logEndOffset: number, logStartOffset: number, leaderEndOffset: number, nowMs: number): void {
    this.logEndOffset = logEndOffset;
    this.logStartOffset = logStartOffset;
    if (logEndOffset >= leaderEndOffset) this.#caughtUpAt(nowMs);
    // The follower now has everything that the leader had at the follower's previous acknowledgement, so it was caught up at
    // that time.
    else if (logEndOffset >= this.#leaderEndAtLastAck) this.#caughtUpAt(this.#lastAckMs);
    this.#leaderEndAtLastAck = leaderEndOffset;
    this.#lastAckMs = nowMs;
  }

  /** The leader has appended records; its log end offset was `previousEndOffset` before. */
  leaderAppended(previousEndOffset: number, nowMs: number): void {
    if (this.attached && this.logEndOffset >= previousEndOffset) this.#caughtUpAt(nowMs);
  }

  isCaughtUp(leaderEndOffset: number, nowMs: number, lagTimeMaxMs: number): boolean {
    return this.logEndOffset === leaderEndOffset || nowMs - this.lastCaughtUpMs <= lagTimeMaxMs;
  }

  #caughtUpAt(ms: number): void {
    if (ms > this.lastCaughtUpMs) this.lastCaughtUpMs = ms;
  }
}
