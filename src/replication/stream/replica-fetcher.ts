/**
 * The follower's end of the stream to one leader broker (`leaderId`). It subscribes to the partitions that this broker follows
 * and the leader broker leads, appends the records that are pushed, and acknowledges them when they are written.
 *
 * Invariants:
 * - A partition is subscribed from its `fetchOffset`, and only while no write and no truncation of it is in progress.
 * - Every push with records is acknowledged once, after all its writes have ended. The acknowledgement returns the bytes of the
 *   push as credit: the leader may have only `windowBytes` unacknowledged.
 * - A slot number is used once on a stream, so messages for an ended subscription are recognised and dropped.
 * - A stream that breaks is opened again, the first time at once and then with growing delays.
 */
import type { NodeId } from '../../base/ids.ts';
import { Buffer } from 'node:buffer';
import type { Scheduler, Timer } from '../../base/clock.ts';
import { helloFault, helloOf, type Identity } from '../../base/hello.ts';
import type { Address, MessageStream, PeerNetwork } from '../../base/network.ts';
import { mark } from '../../base/mark.ts';
import { expectOfPeer, MalformedError } from '../../base/protobuf.ts';
import { below, type Random } from '../../base/random.ts';
import { errorOf, Errors } from '../../protocol/errors.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { SlotAck } from '../../wire/ack.ts';
import { FetchSlot, nextRetryMs } from './fetch-slot.ts';
import { fetchOffset } from '../follower/follower-truncation.ts';
import { isDiskFailure } from '../log-port.ts';
import type { Partition } from '../partition.ts';
import type { ReplicationThrottles } from './throttles.ts';
import {
  type FollowerMessage,
  type LeaderMessage,
  type PushEntry,
  type Refusal,
  replicationChannel,
  type Subscription,
} from './stream-messages.ts';

export interface FetcherContext {
  readonly identity: Identity;
  /** -1 while this broker is not registered. */
  readonly localBrokerEpoch: () => number;
  readonly peers: PeerNetwork;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly logger: Logger;
  readonly throttles: ReplicationThrottles;
  /** Address of the leader; null when metadata has none. */
  readonly addressOf: (brokerId: NodeId) => Address | null;
}

const windowBytes = 16 * 1024 * 1024;
const subscribesPerMessage = 250;
/**
 * When some partitions of a push are written and others are not after this delay, the written ones are acknowledged without
 * waiting for the others.
 */
const partialAckDelayMs = 2;
const reconnectMinMs = 50;
const reconnectMaxMs = 1000;
/** A stream without partitions stays open this long, because leaderships often come back. */
const idleCloseMs = 10_000;

interface PushInProgress {
  readonly sizeBytes: number;
  writesLeft: number;
}

export class ReplicaFetcher {
  readonly leaderId: NodeId;
  readonly #context: FetcherContext;
  readonly #slots = new Map<Partition, FetchSlot>();
  #bySlot = new Map<number, FetchSlot>();
  #stream: MessageStream<FollowerMessage, LeaderMessage> | null = null;
  #nextSlot = 0;
  #toSubscribe: FetchSlot[] = [];
  /** Slots that have ended on this side and for which no `unsubscribe` was sent to the leader yet. */
  #toUnsubscribe: number[] = [];
  #isSubscribing = false;
  #acks: FetchSlot[] = [];
  #ackPushes = 0;
  #ackBytes = 0;
  #isAcking = false;
  #partialAck: Timer | null = null;
  #reconnect: Timer | null = null;
  #reconnectMs = 0;
  #idle: Timer | null = null;
  #isStopped = false;

  constructor(leaderId: NodeId, context: FetcherContext) {
    this.leaderId = leaderId;
    this.#context = context;
  }

  get partitionCount(): number {
    return this.#slots.size;
  }

  follow(partition: Partition, leaderEpoch: number): void {
    const known = this.#slots.get(partition);
    if (known !== undefined && known.leaderEpoch === leaderEpoch) return;
    if (known !== undefined) this.unfollow(partition);
    const slot = new FetchSlot(partition, leaderEpoch);
    this.#slots.set(partition, slot);
    partition.onLogStartMoved = (): void => this.#queueAck(slot);
    this.#idle?.cancel();
    this.#idle = null;
    if (this.#stream === null) this.#connect();
    else this.#begin(slot);
  }

  unfollow(partition: Partition): void {
    const slot = this.#slots.get(partition);
    if (slot === undefined) return;
    slot.isOver = true;
    this.#slots.delete(partition);
    partition.onLogStartMoved = null;
    this.#end(slot);
    if (this.#slots.size > 0 || this.#isStopped) return;
    this.#idle?.cancel();
    this.#idle = this.#context.scheduler.after(idleCloseMs, () => this.#closeStream());
  }

  /**
   * Connects without waiting for the retry: metadata has the leader's address now, or a new incarnation of the leader has
   * registered.
   */
  addressChanged(): void {
    if (this.#stream !== null || this.#isStopped || this.#slots.size === 0) return;
    this.#reconnect?.cancel();
    this.#reconnect = null;
    this.#connect();
  }

  stop(): void {
    this.#isStopped = true;
    for (const partition of [...this.#slots.keys()]) this.unfollow(partition);
    this.#reconnect?.cancel();
    this.#idle?.cancel();
    this.#closeStream();
  }

  // --- The stream to the leader ---

  #connect(): void {
    if (this.#stream !== null || this.#reconnect !== null || this.#isStopped || this.#slots.size === 0)
      return;
    const address = this.#context.addressOf(this.leaderId);
    const brokerEpoch = this.#context.localBrokerEpoch();
    if (address === null || brokerEpoch < 0) return this.#reconnectLater();
    const stream = this.#context.peers.open(address, replicationChannel);
    this.#stream = stream;
    stream.onMessage = (message): void => {
      if (this.#stream === stream) this.#received(message);
    };
    stream.onClose = (error): void => {
      if (this.#stream === stream) this.#broken(error);
    };
    stream.send(helloOf(this.#context.identity, this.leaderId));
    stream.send({ type: 'open', brokerEpoch, windowBytes });
    for (const slot of this.#slots.values()) this.#begin(slot);
  }

  #reconnectLater(): void {
    if (this.#reconnect !== null || this.#isStopped) return;
    const jitterMs = below(this.#context.random, this.#reconnectMs / 4 + 1);
    const delayMs = this.#reconnectMs + jitterMs;
    this.#reconnectMs = Math.min(reconnectMaxMs, Math.max(reconnectMinMs, this.#reconnectMs * 2));
    this.#reconnect = this.#context.scheduler.after(delayMs, () => {
      this.#reconnect = null;
      this.#connect();
    });
  }

  #broken(error: Error | null): void {
    this.#context.logger.debug('replication stream ended', { leader: this.leaderId, error: error?.message });
    this.#forgetStream();
    this.#reconnectLater();
  }

  #forgetStream(): void {
    this.#stream = null;
    this.#bySlot = new Map();
    this.#nextSlot = 0;
    this.#toSubscribe = [];
    this.#toUnsubscribe = [];
    for (const slot of this.#acks) slot.isAckQueued = false;
    this.#acks = [];
    this.#ackPushes = 0;
    this.#ackBytes = 0;
    this.#partialAck?.cancel();
    this.#partialAck = null;
    for (const slot of this.#slots.values()) slot.reset();
  }

  #closeStream(): void {
    const stream = this.#stream;
    if (stream === null) return;
    this.#forgetStream();
    stream.close();
  }

  // --- Subscriptions of partitions ---

  /** Queues the subscription as soon as no write and no truncation of the partition is in progress. */
  #begin(slot: FetchSlot): void {
    const stream = this.#stream;
    const { endedCount } = slot;
    slot.partition.whenQuiescent(() => {
      if (slot.isOver || slot.endedCount !== endedCount || this.#stream !== stream || stream === null) return;
      this.#toSubscribe.push(slot);
      this.#subscribeSoon();
    });
  }

  #subscribeSoon(): void {
    if (this.#isSubscribing) return;
    this.#isSubscribing = true;
    this.#context.scheduler.soon(() => {
      this.#isSubscribing = false;
      this.#sendSubscribes();
    });
  }

  /**
   * Sends one message per turn of the event loop, so that thousands of subscriptions do not block this broker or the leader.
   */
  #sendSubscribes(): void {
    const stream = this.#stream;
    if (stream === null) return;
    this.#sendUnsubscribes();
    const rows: Subscription[] = [];
    for (const slot of this.#toSubscribe.splice(0, subscribesPerMessage)) {
      if (slot.isOver || slot.slot >= 0 || !slot.partition.isFollower) continue;
      // A write or truncation has begun since the subscription was queued: wait again.
      if (!slot.partition.isQuiescent) this.#begin(slot);
      else rows.push(this.#subscribeRow(slot));
    }
    if (rows.length > 0) stream.send({ type: 'subscribe', slots: rows });
    if (this.#toSubscribe.length > 0) this.#subscribeSoon();
  }

  #subscribeRow(slot: FetchSlot): Subscription {
    slot.slot = this.#nextSlot++;
    this.#bySlot.set(slot.slot, slot);
    const { partition } = slot;
    const { log } = partition;
    return {
      slot: slot.slot,
      topicId: partition.topicId,
      index: partition.index,
      leaderEpoch: slot.leaderEpoch,
      fetchOffset: fetchOffset(log),
      lastFetchedEpoch: log.missingFrom === null ? log.latestEpoch : log.epochAt(log.missingFrom - 1),
      logStartOffset: log.logStartOffset,
    };
  }

  /** Ends the subscription on this side now, and at the leader with one message for all subscriptions that end in this turn. */
  #end(slot: FetchSlot): void {
    if (slot.slot >= 0) {
      this.#bySlot.delete(slot.slot);
      this.#toUnsubscribe.push(slot.slot);
      if (this.#toUnsubscribe.length === 1) this.#context.scheduler.soon(() => this.#sendUnsubscribes());
    }
    slot.reset();
  }

  #sendUnsubscribes(): void {
    if (this.#toUnsubscribe.length === 0) return;
    const slots = this.#toUnsubscribe;
    this.#toUnsubscribe = [];
    this.#stream?.send({ type: 'unsubscribe', slots });
  }

  #retryLater(slot: FetchSlot): void {
    if (slot.isOver) return;
    slot.retry?.cancel();
    slot.retry = this.#context.scheduler.after(nextRetryMs(slot), () => {
      slot.retry = null;
      if (this.#stream !== null) this.#begin(slot);
    });
  }

  // --- Messages from the leader ---

  #received(message: LeaderMessage): void {
    try {
      if (message.type === 'hello') {
        const fault = helloFault(message, this.#context.identity, this.leaderId);
        expectOfPeer(fault === null, fault ?? '');
        return;
      }
      this.#reconnectMs = 0;
      if (message.type === 'push') this.#pushed(message.entries);
      else for (const refusal of message.refusals) this.#refused(refusal);
    } catch (error) {
      const isMalformed = error instanceof MalformedError;
      this.#context.logger[isMalformed ? 'warn' : 'error']('replication stream broken off', {
        leader: this.leaderId,
        error: isMalformed ? error.message : error,
      });
      const stream = this.#stream;
      this.#broken(null);
      stream?.close();
    }
  }

  #pushed(entries: readonly PushEntry[]): void {
    let sizeBytes = 0;
    for (const entry of entries) for (const piece of entry.records) sizeBytes += piece.length;
    // Begins at 1 instead of 0, and the 1 is subtracted after the loop, so that the push cannot end before all its writes have
    // begun.
    const push: PushInProgress = { sizeBytes, writesLeft: 1 };
    for (const entry of entries) {
      const slot = this.#bySlot.get(entry.slot);
      if (slot === undefined) continue;
      if (slot.partition.log.missingFrom !== null) {
        this.#refill(slot);
        continue;
      }
      const records = joined(entry.records);
      if (records.length > 0) this.#append(slot, records, push);
      if (slot.slot === entry.slot)
        slot.partition.updateFromLeader(entry.highWatermark, entry.logStartOffset);
    }
    this.#writeEnded(push);
  }

  /**
   * Truncates a log that lacks records although it has later ones. The later records are truncated only now that the leader has
   * accepted the subscription: until then this replica may be the only one that has them.
   */
  #refill(slot: FetchSlot): void {
    const { partition } = slot;
    const offset = fetchOffset(partition.log);
    mark('replication.truncated-to-missing');
    this.#context.logger.info('fetching lost records again', { partition: partition.name, offset });
    this.#end(slot);
    this.#afterTruncation(slot, () => partition.truncateToLeader({ epoch: -1, endOffset: offset }));
  }

  #append(slot: FetchSlot, records: Uint8Array, push: PushInProgress): void {
    let written: Promise<void>;
    try {
      written = slot.partition.appendFromLeader(records);
    } catch (error) {
      this.#appendFailed(slot, error);
      return;
    }
    slot.retryDelayMs = 0;
    this.#throttle(slot, records.length);
    push.writesLeft++;
    const stream = this.#stream;
    written.then(
      () => {
        if (this.#stream !== stream) return;
        // `writeEnded` comes first: after the last write of the push it schedules the acknowledgement, and `queueAck` then adds
        // the slot to it instead of starting a timer.
        this.#writeEnded(push);
        this.#queueAck(slot);
      },
      () => {
        // The write failed. The partition has gone offline and has reported the failure.
        if (this.#stream !== stream) return;
        this.#end(slot);
        this.#writeEnded(push);
      },
    );
  }

  /**
   * Ends the subscription of an out-of-sync replica that exceeds its throttled rate, and subscribes again when the rate allows
   * it.
   */
  #throttle(slot: FetchSlot, bytes: number): void {
    const { partition } = slot;
    const isInSync = partition.applied?.isr.some((id) => id === this.#context.identity.nodeId) === true;
    const waitMs = this.#context.throttles.received(partition, bytes, isInSync);
    if (waitMs === 0) return;
    this.#end(slot);
    slot.retry = this.#context.scheduler.after(waitMs, () => {
      slot.retry = null;
      if (!slot.isOver && this.#stream !== null) this.#begin(slot);
    });
  }

  #appendFailed(slot: FetchSlot, error: unknown): void {
    this.#context.logger.error('records from the leader refused', {
      partition: slot.partition.name,
      leader: this.leaderId,
      error: String(error),
    });
    this.#end(slot);
    if (!slot.partition.isOffline) this.#retryLater(slot);
  }

  #refused(refusal: Refusal): void {
    const slot = this.#bySlot.get(refusal.slot);
    if (slot === undefined) return;
    this.#bySlot.delete(refusal.slot);
    slot.reset();
    const { partition } = slot;
    if (refusal.errorCode === Errors.NONE.code)
      this.#afterTruncation(slot, () =>
        partition.truncateToLeader({ epoch: refusal.divergingEpoch, endOffset: refusal.divergingEndOffset }),
      );
    else if (refusal.errorCode === Errors.OFFSET_OUT_OF_RANGE.code) {
      const { leaderStartOffset: start, leaderEndOffset: end } = refusal;
      expectOfPeer(start >= 0 && start <= end, `no log has the offsets ${start} to ${end}`);
      this.#afterTruncation(slot, () => partition.resetIntoRange(start, end));
    } else {
      this.#context.logger.debug('leader refused to feed a replica', {
        partition: partition.name,
        error: errorOf(refusal.errorCode).name,
      });
      this.#retryLater(slot);
    }
  }

  /**
   * Truncates the log as soon as no write is in progress, and subscribes again: at once if the truncation changed the log,
   * after a delay if not.
   */
  #afterTruncation(slot: FetchSlot, truncate: () => Promise<boolean>): void {
    const { endedCount, partition } = slot;
    partition.whenQuiescent(() => {
      if (slot.isOver || slot.endedCount !== endedCount || !partition.isFollower) return;
      truncate().then(
        (hasChanged) => {
          if (slot.isOver || slot.endedCount !== endedCount) return;
          if (hasChanged) this.#begin(slot);
          else this.#retryLater(slot);
        },
        (error: unknown) => {
          this.#context.logger.error('truncation failed', {
            partition: partition.name,
            error: String(error),
          });
          // A failed disk takes the replica offline. Any other error of a truncation is a bug and ends the process.
          if (!isDiskFailure(error)) throw error;
        },
      );
    });
  }

  // --- Acknowledgements to the leader ---

  #queueAck(slot: FetchSlot): void {
    // The log end offset of a log with missing records must not count: the leader would take it for the end of a complete log.
    if (slot.isAckQueued || slot.slot < 0 || slot.partition.log.missingFrom !== null) return;
    slot.isAckQueued = true;
    this.#acks.push(slot);
    if (!this.#isAcking && this.#partialAck === null)
      this.#partialAck = this.#context.scheduler.after(partialAckDelayMs, () => {
        this.#partialAck = null;
        this.#sendAcks();
      });
  }

  #writeEnded(push: PushInProgress): void {
    push.writesLeft--;
    if (push.writesLeft > 0 || push.sizeBytes === 0) return;
    this.#ackPushes++;
    this.#ackBytes += push.sizeBytes;
    if (this.#isAcking) return;
    this.#isAcking = true;
    this.#partialAck?.cancel();
    this.#partialAck = null;
    const stream = this.#stream;
    this.#context.scheduler.soon(() => {
      this.#isAcking = false;
      if (this.#stream === stream) this.#sendAcks();
    });
  }

  #sendAcks(): void {
    const stream = this.#stream;
    if (stream === null || (this.#acks.length === 0 && this.#ackPushes === 0)) return;
    const slots: SlotAck[] = [];
    for (const slot of this.#acks) {
      slot.isAckQueued = false;
      if (slot.slot < 0) continue;
      const { logEndOffset, logStartOffset } = slot.partition;
      slots.push({ slot: slot.slot, logEndOffset, logStartOffset });
    }
    this.#acks = [];
    stream.send({ type: 'ack', pushes: this.#ackPushes, creditBytes: this.#ackBytes, slots });
    this.#ackPushes = 0;
    this.#ackBytes = 0;
  }
}

/** The pieces of a push entry as one array. The protocol allows several pieces, but a received message has one. */
function joined(pieces: readonly Uint8Array[]): Uint8Array {
  return pieces.length === 1 ? (pieces[0] as Uint8Array) : Buffer.concat(pieces);
}
