/**
 * The leader's state of one partition in one leader epoch. Pure: the caller (`Partition`) reports events and carries out the
 * results; nothing here waits, reads a clock or uses the log.
 *
 * Invariants:
 * - The high watermark never decreases. It advances at most to the smallest log end offset of the leader and the members of the
 *   maximal ISR (the committed ISR, and the replicas that a proposal in flight adds).
 * - The leader proposes to add a follower to the ISR only when, in this leader epoch, the follower is subscribed, its log
 *   reaches both the high watermark and the start of the epoch, and it is eligible: unfenced, not in controlled shutdown, and
 *   registered with the broker epoch of its stream.
 * - At most one proposal is in flight.
 */
import type { NodeId } from '../../base/ids.ts';
import { mark } from '../../base/mark.ts';
import { FollowerProgress } from './follower-progress.ts';
import { committedUpTo } from './high-watermark.ts';
import { IsrState, type IsrProposal } from './isr.ts';

export interface LeaderStateOptions {
  readonly localId: NodeId;
  readonly leaderEpoch: number;
  readonly partitionEpoch: number;
  readonly replicas: readonly NodeId[];
  readonly isr: readonly NodeId[];
  readonly logEndOffset: number;
  readonly highWatermark: number;
  readonly minInsyncReplicas: number;
  readonly lagTimeMaxMs: number;
  /** Whether the controller would accept the broker in an ISR when the proposal has this broker epoch. */
  readonly isEligible: (brokerId: NodeId, brokerEpoch: number) => boolean;
  readonly nowMs: number;
}

export class LeaderState {
  readonly localId: NodeId;
  readonly leaderEpoch: number;
  /** The log end offset at the beginning of this leader epoch: the records below it have older leader epochs. */
  readonly epochStartOffset: number;
  readonly isr: IsrState;
  readonly followers = new Map<NodeId, FollowerProgress>();
  minInsyncReplicas: number;
  logEndOffset: number;
  highWatermark: number;
  #replicas: readonly NodeId[] = [];
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

  /**
   * min.insync.replicas, but at most the number of replicas: a topic with one replica and min.insync.replicas=2 accepts writes.
   */
  get effectiveMinIsr(): number {
    return Math.min(this.minInsyncReplicas, this.#replicas.length);
  }

  get hasEnoughInSync(): boolean {
    return this.isr.committed.length >= this.effectiveMinIsr;
  }

  get hasEnoughInSyncMaximal(): boolean {
    return this.isr.maximal.length >= this.effectiveMinIsr;
  }

  setReplicas(replicas: readonly NodeId[], nowMs: number): void {
    this.#replicas = replicas;
    for (const id of this.followers.keys()) if (!replicas.includes(id)) this.followers.delete(id);
    for (const id of replicas) {
      if (id === this.localId || this.followers.has(id)) continue;
      this.followers.set(id, new FollowerProgress(id, this.isr.committed.includes(id), nowMs));
    }
  }

  /** The followers in the ISR from which a consumer can read at `offset` (KIP-392). */
  *readableFollowers(offset: number): Iterable<FollowerProgress> {
    for (const follower of this.followers.values()) {
      const { logStartOffset, logEndOffset, brokerId } = follower;
      if (logStartOffset > offset || logEndOffset < offset || logEndOffset < 0) continue;
      if (this.isr.committed.includes(brokerId)) yield follower;
    }
  }

  /** The leader has appended records up to `logEndOffset`. */
  appended(logEndOffset: number, nowMs: number): void {
    if (logEndOffset <= this.logEndOffset) return;
    for (const follower of this.followers.values()) follower.leaderAppended(this.logEndOffset, nowMs);
    this.logEndOffset = logEndOffset;
  }

  /**
   * A follower has subscribed. False: the broker has no replica of this partition, or a newer incarnation of it has subscribed.
   */
  subscribed(brokerId: NodeId, brokerEpoch: number, end: number, start: number, nowMs: number): boolean {
    const follower = this.followers.get(brokerId);
    if (follower === undefined || brokerEpoch < follower.brokerEpoch) {
      mark('replication.subscriber-unknown');
      return false;
    }
    follower.subscribed(brokerEpoch, end, start);
    follower.acknowledged(end, start, this.logEndOffset, nowMs);
    return true;
  }

  acknowledged(brokerId: NodeId, logEndOffset: number, logStartOffset: number, nowMs: number): void {
    this.followers.get(brokerId)?.acknowledged(logEndOffset, logStartOffset, this.logEndOffset, nowMs);
  }

  detached(brokerId: NodeId, nowMs: number): void {
    this.followers.get(brokerId)?.detached(this.logEndOffset, nowMs);
  }

  /** Advances the high watermark as far as allowed; returns true when it advanced. */
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

  /** The members of the proposed ISR with their broker epochs; -1 for a follower that has not subscribed. */
  membersOf(proposal: IsrProposal, localBrokerEpoch: number): { brokerId: NodeId; brokerEpoch: number }[] {
    return proposal.isr.map((brokerId) => {
      const follower = this.followers.get(brokerId);
      return {
        brokerId,
        brokerEpoch: brokerId === this.localId ? localBrokerEpoch : (follower?.brokerEpoch ?? -1),
      };
    });
  }

  /** Whether the ISR lacks a replica. Cheap, so callers test it before they call `proposeExpansion`. */
  get hasOutOfSync(): boolean {
    return this.isr.committed.length < this.#replicas.length;
  }

  /** Proposes to add to the ISR the followers that have caught up; null: there are none, or a proposal is in flight. */
  proposeExpansion(): IsrProposal | null {
    if (!this.hasOutOfSync || this.isr.pending !== null) return null;
    const add: NodeId[] = [];
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

  /**
   * Proposes to remove from the ISR the followers that were not caught up within `replica.lag.time.max.ms`; null: there are
   * none, or a proposal is in flight.
   */
  proposeShrink(nowMs: number): IsrProposal | null {
    if (this.isr.pending !== null || this.isr.committed.length <= 1) return null;
    const remove: NodeId[] = [];
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

  /**
   * The smallest log start offset of the leader's replica and the live followers; -1 while one of these followers has not
   * subscribed.
   */
  lowWatermark(logStartOffset: number, isAlive: (brokerId: NodeId) => boolean): number {
    let low = logStartOffset;
    for (const follower of this.followers.values())
      if (isAlive(follower.brokerId)) low = Math.min(low, follower.logStartOffset);
    return low;
  }
}
