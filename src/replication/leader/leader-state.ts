/**
 * The leader's side of one partition for one leader epoch. Pure: the caller (`Partition`) says what happened and does what
 * comes back; nothing here waits, reads a clock or touches the log.
 *
 * Invariants:
 * - The high watermark that is handed out never goes back and never exceeds the log end offset of the leader or of any member
 *   of the maximal ISR.
 * - A follower is proposed for the ISR only when, in this leader epoch, it has everything up to the high watermark and up to
 *   the start of the epoch, and the controller would take it (unfenced, not shutting down, the incarnation that we talk to).
 * - Proposals are made one at a time.
 */
import { mark } from '../../base/mark.ts';
import { FollowerProgress } from './follower-progress.ts';
import { committedUpTo } from './high-watermark.ts';
import { IsrState, type IsrProposal } from './isr.ts';

export interface LeaderStateOptions {
  readonly localId: number;
  readonly leaderEpoch: number;
  readonly partitionEpoch: number;
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
  readonly logEndOffset: number;
  readonly highWatermark: number;
  readonly minInsyncReplicas: number;
  readonly lagTimeMaxMs: number;
  /** True when the controller would take this incarnation of the broker into the ISR. */
  readonly isEligible: (brokerId: number, brokerEpoch: number) => boolean;
  readonly nowMs: number;
}

export class LeaderState {
  readonly localId: number;
  readonly leaderEpoch: number;
  /** The log end offset when this leader epoch began: below it lies what earlier leaders wrote. */
  readonly epochStartOffset: number;
  readonly isr: IsrState;
  readonly followers = new Map<number, FollowerProgress>();
  minInsyncReplicas: number;
  logEndOffset: number;
  highWatermark: number;
  #replicas: readonly number[] = [];
  readonly #lagTimeMaxMs: number;
  readonly #isEligible: (follower: FollowerProgress) => boolean;

  constructor(options: LeaderStateOptions) {
    this.localId = options.localId;
    this.leaderEpoch = options.leaderEpoch;
    this.epochStartOffset = options.logEndOffset;
    this.isr = new IsrState(options.isr, options.partitionEpoch);
    this.minInsyncReplicas = options.minInsyncReplicas;
    this.logEndOffset = options.logEndOffset;
    this.highWatermark = options.highWatermark;
    this.#lagTimeMaxMs = options.lagTimeMaxMs;
    this.#isEligible = (follower) => options.isEligible(follower.brokerId, follower.brokerEpoch);
    this.setReplicas(options.replicas, options.nowMs);
  }

  /** More replicas than exist can't be asked for: RF 1 with min.insync.replicas=2 takes writes. */
  get effectiveMinIsr(): number {
    return Math.min(this.minInsyncReplicas, this.#replicas.length);
  }

  get hasEnoughInSync(): boolean {
    return this.isr.committed.length >= this.effectiveMinIsr;
  }

  get hasEnoughInSyncMaximal(): boolean {
    return this.isr.maximal.length >= this.effectiveMinIsr;
  }

  setReplicas(replicas: readonly number[], nowMs: number): void {
    this.#replicas = replicas;
    for (const id of this.followers.keys()) if (!replicas.includes(id)) this.followers.delete(id);
    for (const id of replicas) {
      if (id === this.localId || this.followers.has(id)) continue;
      this.followers.set(id, new FollowerProgress(id, this.isr.committed.includes(id), nowMs));
    }
  }

  /** Followers in sync that have the record at `offset` (KIP-392). */
  *readableFollowers(offset: number): Iterable<FollowerProgress> {
    for (const follower of this.followers.values()) {
      const { logStartOffset, logEndOffset, brokerId } = follower;
      if (logStartOffset > offset || logEndOffset < offset || logEndOffset < 0) continue;
      if (this.isr.committed.includes(brokerId)) yield follower;
    }
  }

  /** The log reaches to `logEndOffset` now. */
  appended(logEndOffset: number, nowMs: number): void {
    if (logEndOffset <= this.logEndOffset) return;
    for (const follower of this.followers.values()) follower.leaderAppended(this.logEndOffset, nowMs);
    this.logEndOffset = logEndOffset;
  }

  /** False when this broker is no replica, or an older incarnation than the one that subscribed last. */
  subscribed(brokerId: number, brokerEpoch: number, end: number, start: number, nowMs: number): boolean {
    const follower = this.followers.get(brokerId);
    if (follower === undefined || brokerEpoch < follower.brokerEpoch) {
      mark('replication.subscriber-unknown');
      return false;
    }
    follower.subscribed(brokerEpoch, end, start);
    follower.acknowledged(end, start, this.logEndOffset, nowMs);
    return true;
  }

  acknowledged(brokerId: number, logEndOffset: number, logStartOffset: number, nowMs: number): void {
    this.followers.get(brokerId)?.acknowledged(logEndOffset, logStartOffset, this.logEndOffset, nowMs);
  }

  detached(brokerId: number, nowMs: number): void {
    this.followers.get(brokerId)?.detached(this.logEndOffset, nowMs);
  }

  /** Moves the high watermark as far as it may go; true when it moved. */
  advanceHighWatermark(nowMs: number): boolean {
    const offset = committedUpTo({
      logEndOffset: this.logEndOffset,
      committedIsrSize: this.isr.committed.length,
      minInsyncReplicas: this.effectiveMinIsr,
      maximalIsr: this.isr.maximal,
      followers: this.followers.values(),
      isEligible: this.#isEligible,
      nowMs,
      lagTimeMaxMs: this.#lagTimeMaxMs,
    });
    if (offset <= this.highWatermark) return false;
    this.highWatermark = offset;
    return true;
  }

  /** The members of a proposal with their broker epochs, as far as we know them. */
  membersOf(proposal: IsrProposal, localBrokerEpoch: number): { brokerId: number; brokerEpoch: number }[] {
    return proposal.isr.map((brokerId) => {
      const follower = this.followers.get(brokerId);
      return {
        brokerId,
        brokerEpoch: brokerId === this.localId ? localBrokerEpoch : (follower?.brokerEpoch ?? -1),
      };
    });
  }

  /** A cheap test before `proposeExpansion`. */
  get hasOutOfSync(): boolean {
    return this.isr.committed.length < this.#replicas.length;
  }

  /** Followers that caught up and are not members yet. */
  proposeExpansion(): IsrProposal | null {
    if (!this.hasOutOfSync || this.isr.pending !== null) return null;
    const add: number[] = [];
    for (const follower of this.followers.values())
      if (!this.isr.committed.includes(follower.brokerId) && this.#mayJoin(follower))
        add.push(follower.brokerId);
    if (add.length === 0) return null;
    mark('replication.isr-grows');
    return this.isr.propose(add, [], this.leaderEpoch);
  }

  #mayJoin(follower: FollowerProgress): boolean {
    return (
      follower.attached &&
      follower.logEndOffset >= this.highWatermark &&
      follower.logEndOffset >= this.epochStartOffset &&
      this.#isEligible(follower)
    );
  }

  /** Members that were not caught up within the lag time. */
  proposeShrink(nowMs: number): IsrProposal | null {
    if (this.isr.pending !== null || this.isr.committed.length <= 1) return null;
    const remove: number[] = [];
    for (const id of this.isr.committed) {
      if (id === this.localId) continue;
      const follower = this.followers.get(id);
      if (follower === undefined || !follower.isCaughtUp(this.logEndOffset, nowMs, this.#lagTimeMaxMs))
        remove.push(id);
    }
    if (remove.length === 0) return null;
    mark('replication.isr-shrinks');
    return this.isr.propose([], remove, this.leaderEpoch);
  }

  /** The smallest log start offset over this replica and the live followers; -1 while one of them has not said. */
  lowWatermark(logStartOffset: number, isAlive: (brokerId: number) => boolean): number {
    let low = logStartOffset;
    for (const follower of this.followers.values())
      if (isAlive(follower.brokerId)) low = Math.min(low, follower.logStartOffset);
    return low;
  }
}
