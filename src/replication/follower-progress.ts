/**
 * What a leader knows of one follower in the present leader epoch. Pure.
 *
 * Invariants: `logEndOffset` is -1 until the follower subscribed in this leader epoch, so a follower of an older epoch never
 * counts for the high watermark nor for an ISR expansion; `lastCaughtUpMs` never goes back within a leader epoch.
 *
 * A follower is not asked again and again as in a polling protocol, it is pushed to. So "caught up" is judged at two moments:
 * at each acknowledgement, and at each append to the leader's log while the follower had everything before it.
 */

/** The follower has not said yet where its log ends. */
export const unknownOffset = -1;

export class FollowerProgress {
  readonly brokerId: number;
  /** -1 until it subscribed. */
  brokerEpoch = -1;
  logEndOffset = unknownOffset;
  logStartOffset = unknownOffset;
  lastCaughtUpMs: number;
  /** True while a stream of the follower carries this partition. */
  attached = false;
  #leaderEndAtLastAck = 0;
  #lastAckMs = 0;

  /** `inSync`: members of the ISR get a full lag time to show up after a leader change. */
  constructor(brokerId: number, inSync: boolean, nowMs: number) {
    this.brokerId = brokerId;
    this.lastCaughtUpMs = inSync ? nowMs : Number.NEGATIVE_INFINITY;
  }

  /** The follower subscribed: its log ends where it says, even when that is less than what an earlier incarnation had. */
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
    // It has now what we had when it acknowledged before: it was at most that long behind.
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
