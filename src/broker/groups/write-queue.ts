/**
 * Appends what a shard wants written to its partition. One append is under way at a time; what comes meanwhile is gathered
 * into the next batch, so the busier the coordinator, the fewer and larger its batches.
 *
 * Invariants:
 * - Writes reach the log in the order in which they came, and their outcomes are reported in that order.
 * - A write that was not appended within the time-out is given up and never appended; one that was appended is reported as
 *   timed out, and later as what became of it.
 */
import type { Clock, Scheduler, Timer } from '../../base/clock.ts';
import type { GroupRecord } from '../../group/types.ts';
import { type ErrorRow, Errors, errorRowOf } from '../../protocol/errors.ts';
import type { CompressionType } from '../../protocol/records/batch.ts';
import { buildBatch } from '../../protocol/records/builder.ts';
import type { PartitionReplica } from '../services.ts';
import { coordinatorError } from './append-errors.ts';

/** Records of one batch, before compression: well below the smallest sensible max.message.bytes. */
const batchBytesMax = 256 * 1024;
/** What a record takes beside key and value, at most. */
const recordOverheadBytes = 40;
/** Coordinators append as Kafka's do: the newest record format. */
const requestVersion = 12;

/** Told of each write, in order. */
export interface WriteOutcome {
  written(): void;
  /** It is not in the log and never will be. */
  failed(error: ErrorRow): void;
  timedOut(error: ErrorRow): void;
}

/** Records, or a function that makes them when their batch, which holds nothing else, is put together: at that moment
 * nothing is under way, so the state that it looks at is that of the log. */
export type RecordSource = readonly GroupRecord[] | (() => readonly GroupRecord[]);

interface Queued {
  readonly source: RecordSource;
  readonly outcome: WriteOutcome;
  readonly expiresMs: number;
}

export interface WriteQueueOptions {
  readonly partition: PartitionReplica;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly timeoutMs: number;
  readonly compression: CompressionType;
  /** Leadership or storage is lost: what was under way may or may not be in the log. */
  readonly onLost: (error: ErrorRow) => void;
}

export class WriteQueue {
  readonly #options: WriteQueueOptions;
  #queue: Queued[] = [];
  #isAppending = false;
  #isScheduled = false;
  #isClosed = false;
  #expiry: Timer | null = null;
  /** Bytes appended so far. */
  appendedBytes = 0;

  constructor(options: WriteQueueOptions) {
    this.#options = options;
  }

  get isIdle(): boolean {
    return !this.#isAppending && this.#queue.length === 0;
  }

  add(source: RecordSource, outcome: WriteOutcome): void {
    if (this.#isClosed) return;
    const expiresMs = this.#options.clock.monotonicMs() + this.#options.timeoutMs;
    this.#queue.push({ source, outcome, expiresMs });
    if (this.#isAppending) this.#watchExpiry();
    else this.#schedule();
  }

  /** Nobody is told anything any more. */
  close(): void {
    this.#isClosed = true;
    this.#queue = [];
    this.#expiry?.cancel();
  }

  /** In a microtask, so that requests that came in together are written together. */
  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      if (!this.#isAppending) this.#appendNext();
    });
  }

  #appendNext(): void {
    if (this.#isClosed || this.#queue.length === 0) return;
    const first = this.#queue[0] as Queued;
    const batch: Queued[] = [];
    const records: GroupRecord[] = [];
    if (typeof first.source === 'function') {
      batch.push(first);
      records.push(...first.source());
    } else this.#gather(batch, records);
    this.#queue.splice(0, batch.length);
    if (records.length === 0) this.#finish(batch, null);
    else this.#append(batch, records);
  }

  /** The first of the queue, however large, and what else fits. */
  #gather(batch: Queued[], records: GroupRecord[]): void {
    let sizeBytes = 0;
    for (const next of this.#queue) {
      if (typeof next.source === 'function') return;
      sizeBytes += recordsBytes(next.source);
      if (batch.length > 0 && sizeBytes > batchBytesMax) return;
      batch.push(next);
      for (const record of next.source) records.push(record);
    }
  }

  #append(batch: readonly Queued[], records: readonly GroupRecord[]): void {
    const { partition, compression } = this.#options;
    const timestamp = this.#options.clock.wallMs();
    this.#isAppending = true;
    try {
      const bytes = buildBatch({
        records: records.map(({ key, value }) => ({ key, value, timestamp })),
        compression,
      });
      const { info, acknowledged } = partition.appendAsLeader(bytes, -1, {
        origin: 'coordinator',
        requestVersion,
      });
      this.appendedBytes += info.sizeBytes;
      this.#await(batch, acknowledged);
    } catch (error) {
      this.#isAppending = false;
      const row = errorRowOf(error);
      if (row === Errors.UNKNOWN_SERVER_ERROR) throw error;
      this.#finish(batch, coordinatorError(row));
    }
  }

  #await(batch: readonly Queued[], acknowledged: Promise<void>): void {
    const timer = this.#options.scheduler.after(this.#options.timeoutMs, () => {
      for (const { outcome } of batch) outcome.timedOut(Errors.COORDINATOR_NOT_AVAILABLE);
    });
    const settled = (error: ErrorRow | null): void => {
      timer.cancel();
      this.#isAppending = false;
      if (!this.#isClosed) this.#acknowledged(batch, error);
    };
    acknowledged.then(
      () => settled(null),
      (error: unknown) => settled(errorRowOf(error)),
    );
    if (this.#queue.length > 0) this.#watchExpiry();
  }

  #acknowledged(batch: readonly Queued[], error: ErrorRow | null): void {
    if (error === Errors.NOT_ENOUGH_REPLICAS_AFTER_APPEND) {
      // It is in the log for good, with fewer replicas than promised: the client hears of that, the state follows the log.
      for (const { outcome } of batch) outcome.timedOut(Errors.COORDINATOR_NOT_AVAILABLE);
      this.#finish(batch, null);
    } else if (error === null) this.#finish(batch, null);
    else this.#options.onLost(coordinatorError(error));
  }

  #finish(batch: readonly Queued[], error: ErrorRow | null): void {
    for (const { outcome } of batch) {
      if (this.#isClosed) return;
      if (error === null) outcome.written();
      else outcome.failed(error);
    }
    if (!this.#isAppending) this.#appendNext();
  }

  /** While an append is stuck, what waits behind it expires. */
  #watchExpiry(): void {
    const first = this.#queue[0];
    if (this.#expiry !== null || first === undefined) return;
    const { clock, scheduler } = this.#options;
    this.#expiry = scheduler.after(Math.max(0, first.expiresMs - clock.monotonicMs()), () => {
      this.#expiry = null;
      this.#expire();
    });
  }

  #expire(): void {
    if (!this.#isAppending) return;
    const nowMs = this.#options.clock.monotonicMs();
    const expired: Queued[] = [];
    while ((this.#queue[0]?.expiresMs ?? Number.POSITIVE_INFINITY) <= nowMs)
      expired.push(this.#queue.shift() as Queued);
    for (const { outcome } of expired) outcome.failed(Errors.COORDINATOR_NOT_AVAILABLE);
    this.#watchExpiry();
  }
}

function recordsBytes(records: readonly GroupRecord[]): number {
  let sizeBytes = 0;
  for (const { key, value } of records) sizeBytes += key.length + (value?.length ?? 0) + recordOverheadBytes;
  return sizeBytes;
}
