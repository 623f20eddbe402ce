/**
 * One replica of one partition on this broker: passes events to the pure parts in `leader/` and `follower/`, and carries out
 * the results.
 *
 * Invariants:
 * - logStartOffset <= highWatermark <= logEndOffset, and the high watermark never decreases while the log is not truncated.
 * - Only a leader appends client records. A replica becomes leader, or begins to fetch as a follower, only while no write and
 *   no truncation is in progress; a new leader epoch of the same leader does not wait.
 * - A follower truncates only where its leader epochs diverge from the leader's, when its log end is not in the leader's log,
 *   or at the first offset whose records it has lost.
 * - Callbacks of `watch` and feeds are called after the state is updated completely, so they may call this object again.
 *
 * Not here: time-outs of requests, streams (`stream/`), roles (`manager/replica-manager.ts`), reads (`partition-reads.ts`).
 */
import { mark } from '../base/mark.ts';
import { assert, defined } from '../base/assert.ts';
import { WatchList } from '../base/watch-list.ts';
import type { Timer } from '../base/clock.ts';
import type { Uuid } from '../base/uuid.ts';
import type { TopicConfig } from '../config/topic.ts';
import type { PartitionImage } from '../metadata/topics-image.ts';
import { Errors, KafkaError } from '../protocol/errors.ts';
import { Acknowledgements } from './leader/acknowledgements.ts';
import type { IsrOutcome } from './leader/alter-partition-manager.ts';
import { BusyGate } from './busy-gate.ts';
import { FeedList } from './leader/feed-list.ts';
import type { Feed } from './leader/feed.ts';
import type { SubscribeResult, Subscription } from './leader/feed-subscription.ts';
import { aheadOfMetadata, checkSubscription } from './leader/feed-subscription.ts';
import { fetchOffset, resetAction, resetToRange, truncateToEpochs } from './follower/follower-truncation.ts';
import { FollowerOffsets } from './follower/follower-offsets.ts';
import type { IsrProposal } from './leader/isr.ts';
import { LeaderState } from './leader/leader-state.ts';
import { type EpochEndOffset, isDiskFailure, type ReplicaLog } from './log-port.ts';
import type { PartitionContext } from './partition-context.ts';
import { checkAccess, fetchFrom, listOffsetOf, readableBytes } from './partition-reads.ts';
import type {
  Acks,
  AppendOptions,
  AppendResult,
  FetchOptions,
  FetchPartitionData,
  FetchPosition,
  FoundOffset,
  ListOffsetOptions,
  ProducerState,
  Role,
  VerificationGuard,
  VerificationRequest,
} from './types.ts';

/** How long at most a demoted leader keeps pending acks=all produces before it answers NOT_LEADER_OR_FOLLOWER. */
const handoverGraceMs = 1000;

const done: Promise<void> = Promise.resolve();

const notLeader = (): KafkaError => new KafkaError(Errors.NOT_LEADER_OR_FOLLOWER);

export class Partition {
  readonly topic: string;
  readonly topicId: Uuid;
  readonly index: number;
  readonly log: ReplicaLog;
  config: TopicConfig;
  leaderId = -1;
  leaderEpoch = -1;
  /** The newest metadata that this partition has applied; null before the first. */
  applied: PartitionImage | null = null;
  /** Called when this follower has advanced its log start offset to that of the leader. The fetcher sets it. */
  onLogStartMoved: (() => void) | null = null;
  readonly #context: PartitionContext;
  #role: Role = 'none';
  #leader: LeaderState | null = null;
  readonly #followerOffsets: FollowerOffsets;
  readonly #gate = new BusyGate();
  readonly #acks = new Acknowledgements();
  #grace: Timer | null = null;
  /** Notified when the low watermark may have changed, and when this replica stops being the leader. */
  readonly lowWatermarkChanges = new WatchList();
  readonly #changes = new WatchList();
  readonly #feeds = new FeedList();
  readonly #onWritten: () => void;
  readonly #onWriteFailed: (error: unknown) => void;

  constructor(
    identity: { topic: string; topicId: Uuid; index: number },
    log: ReplicaLog,
    config: TopicConfig,
    context: PartitionContext,
  ) {
    this.topic = identity.topic;
    this.topicId = identity.topicId;
    this.index = identity.index;
    this.log = log;
    this.config = config;
    this.#context = context;
    this.#followerOffsets = new FollowerOffsets(log, {
      highWatermarkMoved: () => this.#highWatermarkFollowed(),
      logStartMoved: () => this.#logStartFollowed(),
      failed: (error) => this.fail(error),
    });
    this.#onWritten = (): void => this.#written();
    this.#onWriteFailed = (error): void => {
      this.fail(error);
      this.#gate.end();
    };
  }

  get name(): string {
    return `${this.topic}-${this.index}`;
  }

  get isLeader(): boolean {
    return this.#role === 'leader';
  }

  get isFollower(): boolean {
    return this.#role === 'follower';
  }

  get isOffline(): boolean {
    return this.#role === 'offline';
  }

  get logStartOffset(): number {
    return this.log.logStartOffset;
  }

  get logEndOffset(): number {
    return this.log.logEndOffset;
  }

  get highWatermark(): number {
    return this.log.highWatermark;
  }

  /** The leader's state, for reads, tests and metrics; null unless this replica leads. */
  get leaderState(): LeaderState | null {
    return this.#leader;
  }

  /** Throws unless this replica leads in the leader epoch of the request (-1: the request has none). */
  requireLeader(currentLeaderEpoch = -1): void {
    this.requireReplica(currentLeaderEpoch, false);
  }

  requireReplica(currentLeaderEpoch: number, allowFollower: boolean): void {
    checkAccess(this.#role, this.leaderEpoch, currentLeaderEpoch, allowFollower);
  }

  /** Validates batches, assigns offsets and queues the write. Throws `KafkaError` for refused batches. See `AppendResult`. */
  appendAsLeader(records: Uint8Array, acks: Acks, options: AppendOptions): AppendResult {
    this.requireLeader();
    const leader = defined(this.#leader);
    if (acks === -1 && !leader.hasEnoughInSync) throw new KafkaError(Errors.NOT_ENOUGH_REPLICAS);
    const { info, written } = this.log.appendAsLeader(records, leader.leaderEpoch, options);
    this.#gate.begin();
    written.then(this.#onWritten, this.#onWriteFailed);
    if (acks === 0) return { info, acknowledged: done };
    if (acks === 1) return { info, acknowledged: written };
    const endOffset = info.lastOffset + 1;
    // The client sent a batch again that is already in the log and committed.
    if (endOffset <= this.log.highWatermark) return { info, acknowledged: done };
    return { info, acknowledged: this.#acks.wait(endOffset) };
  }

  fetch(options: FetchOptions): FetchPartitionData | Promise<FetchPartitionData> {
    this.requireReplica(options.currentLeaderEpoch, options.allowFollower);
    return fetchFrom(this, options);
  }

  /** See `readableBytes` in `partition-reads.ts`. */
  readableBytes(options: FetchPosition): number | null {
    this.requireReplica(options.currentLeaderEpoch, options.allowFollower);
    return readableBytes(this, options);
  }

  async listOffset(options: ListOffsetOptions): Promise<FoundOffset | null> {
    this.requireReplica(options.currentLeaderEpoch, options.allowFollower);
    return listOffsetOf(this, options);
  }

  offsetForLeaderEpoch(
    currentLeaderEpoch: number,
    requestedEpoch: number,
  ): { leaderEpoch: number; endOffset: number } {
    this.requireLeader(currentLeaderEpoch);
    const { epoch, endOffset } = this.log.endOffsetForEpoch(requestedEpoch);
    return { leaderEpoch: epoch, endOffset };
  }

  /** Deletes the records below `offset` (-1: below the high watermark). Resolves to the offset below which none are left. */
  async deleteRecords(offset: number): Promise<number> {
    this.requireLeader();
    const target = offset === -1 ? this.log.highWatermark : offset;
    if (target < 0 || target > this.log.highWatermark) throw new KafkaError(Errors.OFFSET_OUT_OF_RANGE);
    await this.log.deleteRecordsTo(target);
    this.requireLeader();
    this.#feeds.wake();
    this.#changes.notify();
    return target;
  }

  describeProducers(): readonly ProducerState[] {
    this.requireReplica(-1, true);
    return this.log.producers();
  }

  /** See `ReplicaLog.beginVerification`. */
  beginVerification(request: VerificationRequest): VerificationGuard | null {
    this.requireLeader();
    return this.log.beginVerification(request);
  }

  /** Calls `callback` when the high watermark, log start offset or role has changed. Returns a function that ends the calls. */
  watch(callback: () => void): () => void {
    return this.#changes.watch(callback);
  }

  /** The smallest log start offset of the live replicas. Throws unless this replica leads. */
  lowWatermark(): number {
    this.requireLeader();
    return defined(this.#leader).lowWatermark(this.log.logStartOffset, this.#context.isAlive);
  }

  /** A follower subscribes. If the result is `ok`, the feed is attached and replaces an older feed of the same broker. */
  subscribe(feed: Feed, subscription: Subscription): SubscribeResult {
    const { leaderEpoch, brokerEpoch, fetchOffset, lastFetchedEpoch, logStartOffset } = subscription;
    if (leaderEpoch < this.leaderEpoch) return { kind: 'fenced' };
    const leader = this.#leader;
    if (leaderEpoch > this.leaderEpoch || leader === null) return aheadOfMetadata();
    const check = checkSubscription(this.log, fetchOffset, lastFetchedEpoch);
    if (check.kind !== 'ok') return check;
    const nowMs = this.#context.clock.monotonicMs();
    if (!leader.subscribed(feed.brokerId, brokerEpoch, fetchOffset, logStartOffset, nowMs))
      return { kind: 'wait' };
    this.#feeds.attach(feed);
    this.#progressed(leader, nowMs);
    return check;
  }

  unsubscribe(feed: Feed): void {
    if (!this.#feeds.detach(feed)) return;
    this.#leader?.detached(feed.brokerId, this.#context.clock.monotonicMs());
  }

  /** A follower reports its log end offset and log start offset. */
  followerAcknowledged(feed: Feed, logEndOffset: number, logStartOffset: number, nowMs: number): void {
    const leader = this.#leader;
    if (leader === null || !this.#feeds.has(feed)) return;
    leader.acknowledged(feed.brokerId, logEndOffset, logStartOffset, nowMs);
    this.#progressed(leader, nowMs);
    this.lowWatermarkChanges.notify();
  }

  /** Checks which replicas leave or join the ISR. Called at half of `replica.lag.time.max.ms`, and when brokers changed. */
  tick(nowMs: number): void {
    const leader = this.#leader;
    if (leader === null) return;
    this.#submit(leader.proposeShrink(nowMs));
    this.#progressed(leader, nowMs);
    this.lowWatermarkChanges.notify();
    this.#feeds.wake();
  }

  #progressed(leader: LeaderState, nowMs: number): void {
    this.#advance(leader, nowMs);
    if (leader.hasOutOfSync) this.#submit(leader.proposeExpansion());
  }

  #advance(leader: LeaderState, nowMs: number): void {
    if (!leader.advanceHighWatermark(nowMs)) return;
    const { highWatermark } = leader;
    assert(highWatermark <= this.log.logEndOffset, 'high watermark beyond the log end offset');
    this.log.setHighWatermark(highWatermark);
    this.#acknowledge(leader);
    this.#feeds.wake();
    this.#changes.notify();
  }

  #acknowledge(leader: LeaderState | null): void {
    if (this.#acks.size === 0) return;
    const isTooFew = leader !== null && !leader.hasEnoughInSyncMaximal;
    if (leader === null) mark('replication.former-leader-acknowledges');
    const error = isTooFew ? new KafkaError(Errors.NOT_ENOUGH_REPLICAS_AFTER_APPEND) : null;
    this.#acks.reached(this.log.highWatermark, error);
  }

  #submit(proposal: IsrProposal | null): void {
    if (proposal === null) return;
    const leader = defined(this.#leader);
    const members = leader.membersOf(proposal, this.#context.localBrokerEpoch());
    const { name, topicId, index } = this;
    const onOutcome = (outcome: IsrOutcome): void => this.#isrAnswered(leader, proposal, outcome);
    this.#context.submitIsr({ name, topicId, index, proposal, members, onOutcome });
  }

  #isrAnswered(leader: LeaderState, proposal: IsrProposal, outcome: IsrOutcome): void {
    if (this.#leader !== leader || outcome.kind === 'outdated') return;
    if (outcome.kind === 'refused') {
      leader.isr.abandon(proposal);
    } else {
      if (outcome.leaderEpoch !== this.leaderEpoch || leader.isr.pending !== proposal) return;
      if (!(outcome.partitionEpoch > proposal.partitionEpoch)) leader.isr.abandon(proposal);
      leader.isr.commit(outcome.isr, outcome.partitionEpoch);
    }
    const nowMs = this.#context.clock.monotonicMs();
    this.#advance(leader, nowMs);
    // After a refusal, propose nothing now: the controller would refuse again. A later tick, ack or metadata update proposes.
    if (outcome.kind === 'committed' && leader.hasOutOfSync) this.#submit(leader.proposeExpansion());
  }

  /** Appends records from the leader. Resolves when they are written; throws when they do not continue the log. */
  appendFromLeader(records: Uint8Array): Promise<void> {
    assert(this.#role === 'follower', 'records from a leader for a replica that does not follow');
    const { written } = this.log.appendAsFollower(records);
    this.#gate.begin();
    written.then(this.#onWritten, this.#onWriteFailed);
    return written;
  }

  /** Takes over the leader's high watermark, up to this log's end, and a log start offset that is not above it. */
  updateFromLeader(highWatermark: number, logStartOffset: number): void {
    this.#followerOffsets.update(highWatermark, logStartOffset);
  }

  #highWatermarkFollowed(): void {
    // Acknowledges produces that this replica accepted while it was the leader, if the new leader has committed their records.
    this.#acknowledge(null);
    this.#changes.notify();
  }

  #logStartFollowed(): void {
    this.#changes.notify();
    this.onLogStartMoved?.();
  }

  /** Truncates the records that the leader does not have. Resolves to false when the log was not changed. */
  async truncateToLeader(diverging: EpochEndOffset): Promise<boolean> {
    const { latestEpoch, logEndOffset } = this.log;
    await this.#truncate(() => truncateToEpochs(this.log, diverging));
    return this.log.logEndOffset !== logEndOffset || this.log.latestEpoch !== latestEpoch;
  }

  /** Truncates to `leaderEnd`, or empties the log to begin at `leaderStart`. False: `fetchOffset` is between the two. */
  async resetIntoRange(leaderStart: number, leaderEnd: number): Promise<boolean> {
    const action = resetAction(fetchOffset(this.log), leaderStart, leaderEnd);
    if (action.kind !== 'retry') await this.#truncate(() => resetToRange(this.log, action));
    return action.kind !== 'retry';
  }

  async #truncate(truncate: () => Promise<void>): Promise<void> {
    this.#gate.begin();
    try {
      await truncate();
      if (this.#acks.size > 0) this.#acks.rejectAbove(this.log.logEndOffset, notLeader());
    } catch (error) {
      if (isDiskFailure(error)) this.fail(error);
      throw error;
    } finally {
      this.#gate.end();
    }
  }

  /** Calls back when no write and no truncation is in progress: at once, or when the last one has ended. */
  whenQuiescent(callback: () => void): void {
    this.#gate.whenQuiet(callback);
  }

  get isQuiescent(): boolean {
    return this.#gate.isQuiet;
  }

  /** Becomes leader, or applies new metadata as leader. */
  becomeLeader(image: PartitionImage): void {
    assert(this.#gate.isQuiet || this.#role === 'leader', 'became leader while writes are in progress');
    const nowMs = this.#context.clock.monotonicMs();
    const isNewEpoch = this.#leader === null || image.leaderEpoch !== this.#leader.leaderEpoch;
    this.leaderId = this.#context.localId;
    this.leaderEpoch = image.leaderEpoch;
    this.applied = image;
    this.#cancelGrace();
    if (isNewEpoch) this.#beginEpoch(image, nowMs);
    else {
      const leader = defined(this.#leader);
      leader.isr.commit(image.isr, image.partitionEpoch);
      leader.setReplicas(image.replicas, nowMs);
    }
    this.#progressed(defined(this.#leader), nowMs);
    this.#changes.notify();
  }

  #beginEpoch(image: PartitionImage, nowMs: number): void {
    this.log.beginEpoch(image.leaderEpoch);
    this.#feeds.revoke(Errors.FENCED_LEADER_EPOCH);
    this.#leader = new LeaderState({
      localId: this.#context.localId,
      leaderEpoch: image.leaderEpoch,
      partitionEpoch: image.partitionEpoch,
      replicas: image.replicas,
      isr: image.isr,
      logEndOffset: this.log.logEndOffset,
      highWatermark: this.log.highWatermark,
      minInsyncReplicas: this.config.minInsyncReplicas,
      lagTimeMaxMs: this.#context.lagTimeMaxMs,
      isEligible: this.#context.isEligible,
      nowMs,
    });
    this.#role = 'leader';
  }

  /** Becomes follower; `image.leader` may be -1. Produces stay pending for 1 s: the new leader may commit their records. */
  becomeFollower(image: PartitionImage): void {
    const wasLeader = this.#role === 'leader';
    this.leaderId = image.leader;
    this.leaderEpoch = image.leaderEpoch;
    this.applied = image;
    this.#role = 'follower';
    this.#leader = null;
    this.#followerOffsets.reset();
    this.#feeds.revoke(Errors.NOT_LEADER_OR_FOLLOWER);
    this.lowWatermarkChanges.notify();
    if (wasLeader && this.#acks.size > 0) {
      mark('replication.deposed-with-waiters');
      this.#grace = this.#context.scheduler.after(handoverGraceMs, () =>
        this.#acks.rejectAbove(-1, notLeader()),
      );
    }
    this.#changes.notify();
  }

  /** Ends the role: the replica is deleted or reassigned, or the broker shuts down. */
  stop(): void {
    this.#end('stopped', notLeader());
  }

  setConfig(config: TopicConfig): void {
    this.config = config;
    this.log.updateConfig(config);
    const leader = this.#leader;
    if (leader === null) return;
    leader.minInsyncReplicas = config.minInsyncReplicas;
    this.#advance(leader, this.#context.clock.monotonicMs());
  }

  #end(role: 'stopped' | 'offline', error: KafkaError): void {
    if (this.#role === 'stopped') return;
    this.#role = role;
    this.#leader = null;
    this.#cancelGrace();
    this.#feeds.revoke(error.error);
    this.lowWatermarkChanges.notify();
    this.#acks.rejectAbove(-1, error);
    this.#changes.notify();
  }

  #cancelGrace(): void {
    this.#grace?.cancel();
    this.#grace = null;
  }

  #written(): void {
    const leader = this.#leader;
    const { logEndOffset } = this.log;
    if (leader !== null) {
      if (logEndOffset > leader.logEndOffset) {
        const nowMs = this.#context.clock.monotonicMs();
        leader.appended(logEndOffset, nowMs);
        this.#advance(leader, nowMs);
        this.#feeds.wake();
      }
    } else if (this.#role === 'follower') this.#followerOffsets.advanceHighWatermark();
    this.#gate.end();
  }

  /** Takes the replica offline, because its disk has failed. */
  fail(error: unknown): void {
    if (this.#role === 'offline' || this.#role === 'stopped') return;
    mark('replication.replica-offline');
    this.#end('offline', new KafkaError(Errors.KAFKA_STORAGE_ERROR));
    this.#context.onStorageError(this.topicId, this.index, error);
  }
}
