/**
 * One subscribed partition on one follower's stream, at the leader's end. It remembers what was sent and returns what to send
 * next.
 *
 * Invariants: records are sent in order and without gap from `nextOffset`; at most one read from disk is in progress.
 */
import type { NodeId } from '../../base/ids.ts';
import { type ErrorRow, Errors, errorRowOf } from '../../protocol/errors.ts';
import type { Partition } from '../partition.ts';
import type { Feed } from '../leader/feed.ts';
import type { ReplicationThrottles } from './throttles.ts';
import type { PushEntry } from './stream-messages.ts';
import type { LogParts } from '../types.ts';

const noParts: readonly Uint8Array[] = [];

/**
 * The state of a slot; only the session changes it. `idle`: is not queued and reads nothing, because it has nothing to send,
 * is throttled, or is just being taken. `queued`: waits for its turn in a push.
 * `waiting`: must read from disk, and waits because the maximum number of reads is in progress. `reading`: its read is in
 * progress. `over`: the subscription has ended.
 */
export type FeedSlotState = 'idle' | 'queued' | 'waiting' | 'reading' | 'over';

/** What a slot calls on the stream that it belongs to (`FeedSession`). */
export interface FeedOwner {
  readonly brokerId: NodeId;
  /** The slot may have something to send: it is queued for the next push, if it is idle. */
  ready(slot: FeedSlot): void;
  /** The subscription has ended. */
  revoked(slot: FeedSlot, error: ErrorRow): void;
  /**
   * Asks to begin a read from disk; the slot calls `readEnded` after it. False: the maximum number of reads is in progress, and
   * the owner makes the slot ready later.
   */
  tryReserveRead(slot: FeedSlot): boolean;
  readEnded(slot: FeedSlot): void;
  readonly throttles: ReplicationThrottles;
  /** Calls `unthrottled` of the slot after `delayMs`. */
  readyLater(slot: FeedSlot, delayMs: number): void;
}

/** The part of a push for one slot. */
export interface TakenEntry extends PushEntry {
  readonly sizeBytes: number;
}

export class FeedSlot implements Feed {
  readonly slot: number;
  readonly partition: Partition;
  readonly brokerId: NodeId;
  /** Set by the stream that owns this slot (`FeedSession`). */
  state: FeedSlotState = 'idle';
  nextOffset: number;
  readonly #owner: FeedOwner;
  #sentHighWatermark = -1;
  #sentLogStart = -1;
  #fromDisk: LogParts | null = null;
  /** Replication is throttled and this leader has used up its rate. A timer makes the slot ready again. */
  #isThrottled = false;

  constructor(owner: FeedOwner, slot: number, partition: Partition, nextOffset: number) {
    this.#owner = owner;
    this.slot = slot;
    this.partition = partition;
    this.brokerId = owner.brokerId;
    this.nextOffset = nextOffset;
  }

  wake(): void {
    this.#owner.ready(this);
  }

  /** The throttle delay has passed. */
  unthrottled(): void {
    this.#isThrottled = false;
    this.wake();
  }

  revoke(error: ErrorRow): void {
    this.#fromDisk = null;
    this.#owner.revoked(this, error);
  }

  get isOver(): boolean {
    return this.state === 'over';
  }

  get hasMore(): boolean {
    return (
      this.state === 'idle' &&
      !this.#isThrottled &&
      (this.#fromDisk !== null || this.nextOffset < this.partition.logEndOffset)
    );
  }

  /**
   * Returns what to send now: about `maxBytes` of records, and at least one batch. When no records can be sent now (there are
   * none, the slot is throttled, or they must be read from disk first), but the high watermark or the log start offset has
   * moved, the entry has no records. Null: there is nothing to send now.
   */
  take(maxBytes: number): TakenEntry | null {
    if (this.state !== 'idle') return null;
    const { log } = this.partition;
    this.#throttle();
    let read = this.#isThrottled ? null : this.#fromDisk;
    if (!this.#isThrottled) this.#fromDisk = null;
    if (read === null && !this.#isThrottled && this.nextOffset < log.logEndOffset) {
      read = this.#readTail(this.#owner.throttles.chunkBytes(this.partition, maxBytes));
      if (this.isOver) return null;
    }
    if (read !== null) this.nextOffset = read.nextOffset;
    const { highWatermark, logStartOffset } = log;
    if (read === null && highWatermark === this.#sentHighWatermark && logStartOffset === this.#sentLogStart)
      return null;
    this.#sentHighWatermark = highWatermark;
    this.#sentLogStart = logStartOffset;
    const records = read?.parts ?? noParts;
    let sizeBytes = 0;
    for (const part of records) sizeBytes += part.length;
    if (sizeBytes > 0) this.#owner.throttles.sent(this.partition, sizeBytes);
    return { slot: this.slot, highWatermark, logStartOffset, records, sizeBytes };
  }

  #throttle(): void {
    const isInSync = this.partition.leaderState?.isr.committed.includes(this.brokerId) === true;
    const waitMs = this.#owner.throttles.sendWaitMs(this.partition, isInSync);
    if (waitMs > 0 && !this.#isThrottled) this.#owner.readyLater(this, waitMs);
    this.#isThrottled = waitMs > 0;
  }

  #readTail(maxBytes: number): LogParts | null {
    const { log } = this.partition;
    try {
      const cached = log.readCachedParts(this.nextOffset, maxBytes, log.logEndOffset);
      if (cached !== null) return cached;
    } catch (error) {
      this.#fail(error);
      return null;
    }
    this.#readDisk(maxBytes);
    return null;
  }

  #readDisk(maxBytes: number): void {
    if (!this.#owner.tryReserveRead(this)) return;
    const { log } = this.partition;
    log.read(this.nextOffset, maxBytes, log.logEndOffset, true).then(
      (read) => {
        this.#owner.readEnded(this);
        if (this.isOver) return;
        if (read.records.length > 0) this.#fromDisk = { parts: [read.records], nextOffset: read.nextOffset };
        this.#owner.ready(this);
      },
      (error: unknown) => {
        this.#owner.readEnded(this);
        this.#fail(error);
      },
    );
  }

  #fail(error: unknown): void {
    if (this.isOver) return;
    this.partition.unsubscribe(this);
    const row = errorRowOf(error);
    this.revoke(row === Errors.UNKNOWN_SERVER_ERROR ? Errors.KAFKA_STORAGE_ERROR : row);
  }
}
