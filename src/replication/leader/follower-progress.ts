/**
 * The leader's state of one follower in the current leader epoch. Pure.
 *
 * Invariants: `logEndOffset` is -1 until the follower has subscribed in this leader epoch, so a follower of an older epoch never
 * counts for the high watermark nor for an ISR expansion; `lastCaughtUpMs` never decreases within a leader epoch.
 *
 * The leader pushes records, so it cannot use fetch requests to decide whether a follower is caught up, as Kafka does. It decides
 * at each acknowledgement, and at each append to its log while the follower had everything before.
 */

/** The log end offset of the follower is not known yet. */
export const unknownOffset = -1;

export class FollowerProgress {
  readonly brokerId: number;
  /** -1 until it has subscribed. */
  brokerEpoch = -1;
  logEndOffset = unknownOffset;
  logStartOffset = unknownOffset;
  lastCaughtUpMs: number;
  /** True while a stream of the follower has this partition. */
  attached = false;
  #leaderEndAtLastAck = 0;
  #lastAckMs = 0;

  /** `inSync`: after a leader change the members of the ISR have a full `replica.lag.time.max.ms` to subscribe. */
  constructor(brokerId: number, inSync: boolean, nowMs: number) {
    this.brokerId = brokerId;
    this.lastCaughtUpMs = inSync ? nowMs : Number.NEGATIVE_INFINITY;
  }

  /** The follower has subscribed: its log end offset counts from now on, even if an earlier incarnation had more. */
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
    // It now has everything that the leader had at its previous acknowledgement, so it has been behind only since then.
    else if (logEndOffset >= this.#leaderEndAtLastAck) this.#caughtUpAt(this.#lastAckMs);
    this.#leaderEndAtLastAck = leaderEndOffset;
    this.#lastAckMs = nowMs;
  }

  /** The leader's log grew from `previousEndOffset`. */
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
