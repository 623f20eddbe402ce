/**
 * The leader's end of one follower broker's stream. It receives subscriptions (each with a number, its slot), pushes their
 * records and offsets, and receives acknowledgements.
 *
 * Invariants:
 * - Record bytes in flight never exceed the follower's window by more than one push, and at most `pushesInFlightMax` pushes
 *   with records are unacknowledged. Records that are written in the meantime go together into the next push, so faster writes
 *   make larger pushes.
 * - Slots with something to send take turns. While several slots have something to send, each gets at most `slotBytesMax` of a
 *   push.
 * - A stream counts only while its broker epoch is the registered one in this broker's metadata: acknowledgements advance the
 *   high watermark. Subscriptions of a later epoch wait for the metadata; a stream of an earlier one is closed.
 * - A refused or revoked subscription is removed; the follower subscribes again with a new slot.
 * - A slot is in at most one queue (`#ready` or `#waitingForDisk`), and its `state` says in which. An ended slot sends nothing.
 * - At most `diskReadsMax` reads from disk are in progress. A slot waits for a read only while there are so many.
 */
import { type NodeId, nodeId } from '../../base/ids.ts';
import type { Clock, Scheduler } from '../../base/clock.ts';
import { type Hello, helloFault, helloOf, type Identity } from '../../base/hello.ts';
import type { MessageStream } from '../../base/network.ts';
import { mark } from '../../base/mark.ts';
import { expectOfPeer, MalformedError } from '../../base/protobuf.ts';
import type { Uuid } from '../../base/uuid.ts';
import { type ErrorRow, Errors } from '../../protocol/errors.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Ack } from '../../wire/ack.ts';
import { type FeedOwner, FeedSlot } from './feed-slot.ts';
import type { Partition } from '../partition.ts';
import type { ReplicationThrottles } from './throttles.ts';
import type {
  FollowerMessage,
  LeaderMessage,
  Open,
  PushEntry,
  Refusal,
  Subscription,
} from './stream-messages.ts';

export type FeedStream = MessageStream<LeaderMessage, FollowerMessage>;

export interface FeedContext {
  readonly identity: Identity;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly logger: Logger;
  readonly find: (topicId: Uuid, index: number) => Partition | null;
  /** The registered broker epoch; null: no such broker is registered. */
  readonly registeredEpoch: (brokerId: NodeId) => number | null;
  /** Called when the follower is known to be registered with the broker epoch of the stream. */
  readonly onRegistered: (session: FeedSession) => void;
  readonly onClosed: (session: FeedSession) => void;
  readonly throttles: ReplicationThrottles;
  /** The maximum number of subscriptions on one stream; by default the constant `subscriptionsMax`. */
  readonly subscriptionsMax?: number;
}

export const pushBytesMax = 1024 * 1024;
/** How many bytes of a push one slot may fill while other slots have something to send. */
const slotBytesMax = 256 * 1024;
const pushesInFlightMax = 3;
const diskReadsMax = 4;
/** More subscriptions than any real broker has; a stream with more is closed. */
export const subscriptionsMax = 1_000_000;

export class FeedSession implements FeedOwner {
  /** -1 until the follower's hello has arrived. */
  brokerId: NodeId = nodeId(-1);
  /** -1 until the follower's open message has arrived. */
  brokerEpoch = -1;
  readonly #stream: FeedStream;
  readonly #context: FeedContext;
  readonly #slots = new Map<number, FeedSlot>();
  /**
   * By partition: subscriptions that wait until this broker has newer metadata of the partition (see `SubscribeResult`), or the
   * registration of the follower.
   */
  readonly #parked = new Map<string, Subscription>();
  #ready: FeedSlot[] = [];
  readonly #waitingForDisk = new Set<FeedSlot>();
  #refusals: Refusal[] = [];
  #windowBytes = 0;
  #inFlightBytes = 0;
  #inFlightPushes = 0;
  #diskReads = 0;
  #isBlocked = false;
  #isScheduled = false;
  #isClosed = false;
  /** The follower is registered with this broker epoch. */
  #isRegistered = false;

  constructor(stream: FeedStream, context: FeedContext) {
    this.#stream = stream;
    this.#context = context;
    stream.onMessage = (message): void => this.#received(message);
    stream.onDrain = (): void => {
      this.#isBlocked = false;
      this.#schedule();
    };
    stream.onClose = (): void => this.#closed();
  }

  /** Closes the stream; `reason` is sent to the follower. */
  close(reason?: string): void {
    if (this.#isClosed) return;
    this.#stream.close(reason);
    this.#closed();
  }

  /** The partition's metadata has changed: tries a parked subscription again. */
  partitionChanged(key: string): void {
    const parked = this.#parked.get(key);
    if (parked === undefined) return;
    this.#parked.delete(key);
    this.#subscribe(parked);
    this.#schedule();
  }

  /** Registrations of brokers have changed. */
  registrationsChanged(): void {
    if (this.#isClosed || this.brokerEpoch < 0) return;
    const registered = this.#context.registeredEpoch(this.brokerId) ?? -1;
    if (registered > this.brokerEpoch) {
      mark('replication.stale-follower');
      this.#refuseFollower(`broker ${this.brokerId} has registered again since, with epoch ${registered}`);
    } else if (registered === this.brokerEpoch && !this.#isRegistered) {
      this.#isRegistered = true;
      this.#context.onRegistered(this);
      for (const key of [...this.#parked.keys()]) this.partitionChanged(key);
    }
  }

  // --- The methods of FeedOwner, which the slots call ---

  ready(slot: FeedSlot): void {
    if (slot.state !== 'idle' || this.#isClosed) return;
    slot.state = 'queued';
    this.#ready.push(slot);
    this.#schedule();
  }

  revoked(slot: FeedSlot, error: ErrorRow): void {
    this.#end(slot);
    if (!this.#slots.delete(slot.slot)) return;
    this.#refuse(slot.slot, error, slot.partition);
  }

  get throttles(): ReplicationThrottles {
    return this.#context.throttles;
  }

  readyLater(slot: FeedSlot, delayMs: number): void {
    this.#context.scheduler.after(delayMs, () => slot.unthrottled());
  }

  tryReserveRead(slot: FeedSlot): boolean {
    if (this.#diskReads === diskReadsMax) {
      slot.state = 'waiting';
      this.#waitingForDisk.add(slot);
      return false;
    }
    slot.state = 'reading';
    this.#diskReads++;
    return true;
  }

  readEnded(slot: FeedSlot): void {
    this.#diskReads--;
    if (slot.state === 'reading') slot.state = 'idle';
    this.#serveWaiting();
  }

  /**
   * Makes as many waiting slots ready as disk reads may begin now. If a slot no longer needs a read, a later call makes the
   * next slot ready.
   */
  #serveWaiting(): void {
    let places = diskReadsMax - this.#diskReads;
    for (const slot of this.#waitingForDisk) {
      if (places-- <= 0) return;
      this.#waitingForDisk.delete(slot);
      slot.state = 'idle';
      this.ready(slot);
    }
  }

  #end(slot: FeedSlot): void {
    // The slot may stay in `#ready`: `#push` skips ended slots.
    this.#waitingForDisk.delete(slot);
    slot.state = 'over';
  }

  /** How many slots are in the two queues; for tests. */
  get queuedCount(): number {
    return this.#ready.length + this.#waitingForDisk.size;
  }

  // --- Messages from the follower ---

  #received(message: FollowerMessage): void {
    if (this.#isClosed) return;
    try {
      this.#take(message);
    } catch (error) {
      const isMalformed = error instanceof MalformedError;
      this.#context.logger[isMalformed ? 'warn' : 'error']('replication stream broken off', {
        follower: this.brokerId,
        error: isMalformed ? error.message : error,
      });
      this.close(isMalformed ? error.message : 'the message could not be handled');
    }
  }

  #take(message: FollowerMessage): void {
    if (message.type === 'hello') return this.#hello(message);
    expectOfPeer(this.brokerId >= 0, 'the first message of a replication stream is its hello');
    if (message.type === 'open') return this.#open(message);
    expectOfPeer(this.brokerEpoch >= 0, 'the second message of a replication stream is its open');
    if (message.type === 'ack') this.#acknowledged(message);
    else if (message.type === 'subscribe') for (const slot of message.slots) this.#subscribe(slot);
    else this.#unsubscribe(message.slots);
  }

  #hello(hello: Hello): void {
    expectOfPeer(this.brokerId < 0, 'second hello on a replication stream');
    const { identity } = this.#context;
    const fault =
      hello.nodeId === identity.nodeId
        ? 'a broker does not follow itself'
        : helloFault(hello, identity, null);
    if (fault !== null) return this.#refuseFollower(fault);
    this.brokerId = hello.nodeId;
    this.#send(helloOf(identity, hello.nodeId));
  }

  #open(open: Open): void {
    expectOfPeer(this.brokerEpoch < 0, 'second open on a replication stream');
    this.brokerEpoch = open.brokerEpoch;
    this.#windowBytes = open.windowBytes;
    this.registrationsChanged();
  }

  #refuseFollower(reason: string): void {
    this.#context.logger.warn('a follower was refused', { reason });
    this.close(reason);
  }

  #subscribe(wanted: Subscription): void {
    expectOfPeer(
      this.#parked.size + this.#slots.size < (this.#context.subscriptionsMax ?? subscriptionsMax),
      'too many subscriptions on a replication stream',
    );
    expectOfPeer(!this.#slots.has(wanted.slot), 'a slot of a replication stream is subscribed twice');
    const partition = this.#context.find(wanted.topicId, wanted.index);
    if (partition === null || !this.#isRegistered) return this.#park(wanted);
    const slot = new FeedSlot(this, wanted.slot, partition, wanted.fetchOffset);
    const result = partition.subscribe(slot, { ...wanted, brokerEpoch: this.brokerEpoch });
    switch (result.kind) {
      case 'ok':
        this.#slots.set(slot.slot, slot);
        slot.wake();
        return;
      case 'wait':
        return this.#park(wanted);
      case 'fenced':
        return this.#refuse(wanted.slot, Errors.FENCED_LEADER_EPOCH, partition);
      case 'out_of_range':
        return this.#refuse(wanted.slot, Errors.OFFSET_OUT_OF_RANGE, partition);
      case 'diverging':
        return this.#refuse(wanted.slot, Errors.NONE, partition, result);
    }
  }

  #park(wanted: Subscription): void {
    this.#parked.set(`${wanted.topicId}:${wanted.index}`, wanted);
  }

  #unsubscribe(ids: readonly number[]): void {
    const others = new Set<number>();
    for (const id of ids) {
      const slot = this.#slots.get(id);
      if (slot === undefined) {
        others.add(id);
        continue;
      }
      this.#slots.delete(id);
      this.#end(slot);
      slot.partition.unsubscribe(slot);
    }
    if (others.size === 0) return;
    for (const [key, parked] of this.#parked) if (others.has(parked.slot)) this.#parked.delete(key);
  }

  #acknowledged(ack: Ack): void {
    const nowMs = this.#context.clock.monotonicMs();
    this.#inFlightPushes = Math.max(0, this.#inFlightPushes - ack.pushes);
    this.#inFlightBytes = Math.max(0, this.#inFlightBytes - ack.creditBytes);
    for (const acked of ack.slots) {
      const slot = this.#slots.get(acked.slot);
      slot?.partition.followerAcknowledged(slot, acked.logEndOffset, acked.logStartOffset, nowMs);
    }
    if (this.#ready.length > 0) this.#schedule();
  }

  // --- Messages to the follower ---

  #refuse(
    slot: number,
    error: ErrorRow,
    partition: Partition,
    diverging: { epoch: number; endOffset: number } | null = null,
  ): void {
    this.#refusals.push({
      slot,
      errorCode: error.code,
      divergingEpoch: diverging?.epoch ?? -1,
      divergingEndOffset: diverging?.endOffset ?? -1,
      leaderStartOffset: partition.logStartOffset,
      leaderEndOffset: partition.logEndOffset,
    });
    this.#schedule();
  }

  /** Sends in a later turn of the event loop, so that all changes until then share a message. */
  #schedule(): void {
    if (this.#isScheduled || this.#isClosed) return;
    this.#isScheduled = true;
    this.#context.scheduler.soon(() => {
      this.#isScheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#isClosed) return;
    if (this.#refusals.length > 0) {
      const refusals = this.#refusals;
      this.#refusals = [];
      this.#send({ type: 'refuse', refusals });
    }
    while (this.#mayPush() && this.#push());
    if (this.#waitingForDisk.size > 0) this.#serveWaiting();
  }

  #mayPush(): boolean {
    return (
      !this.#isClosed &&
      !this.#isBlocked &&
      this.#ready.length > 0 &&
      this.#inFlightPushes < pushesInFlightMax &&
      this.#inFlightBytes < this.#windowBytes
    );
  }

  /** Sends one push; returns false when no slot has anything to send. */
  #push(): boolean {
    const budgetBytes = Math.min(pushBytesMax, this.#windowBytes - this.#inFlightBytes);
    const queue = this.#ready;
    const again: FeedSlot[] = [];
    this.#ready = again;
    const shareBytes = queue.length > 1 ? slotBytesMax : budgetBytes;
    const entries: PushEntry[] = [];
    let sizeBytes = 0;
    let next = 0;
    for (; next < queue.length && sizeBytes < budgetBytes; next++) {
      const slot = queue[next] as FeedSlot;
      if (slot.state !== 'queued') continue;
      slot.state = 'idle';
      const entry = slot.take(Math.min(shareBytes, budgetBytes - sizeBytes));
      if (entry === null) continue;
      entries.push(entry);
      sizeBytes += entry.sizeBytes;
      if (slot.hasMore) this.ready(slot);
    }
    // Slots that were not reached in this push come first in the next one, before slots that have more to send.
    if (next < queue.length) this.#ready = queue.slice(next).concat(again);
    if (entries.length === 0) return false;
    if (sizeBytes > 0) {
      this.#inFlightBytes += sizeBytes;
      this.#inFlightPushes++;
    }
    this.#send({ type: 'push', entries });
    return true;
  }

  #send(message: LeaderMessage): void {
    if (!this.#stream.send(message)) this.#isBlocked = true;
  }

  #closed(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const slot of this.#slots.values()) {
      slot.state = 'over';
      slot.partition.unsubscribe(slot);
    }
    this.#slots.clear();
    this.#waitingForDisk.clear();
    this.#parked.clear();
    this.#ready = [];
    this.#context.onClosed(this);
  }
}
