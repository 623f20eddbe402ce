/**
 * Appends the writes of a shard to its partition. While several appends are in flight, further writes are collected into larger
 * batches, so that a busy coordinator makes fewer appends.
 *
 * Invariants:
 * - Writes reach the log in the order in which they came, and are reported as written in that order. A write without records is
 *   reported as written when all writes before it are.
 * - Records of different transactions, or of a transaction and of none, never share a batch, because the batch header names the
 *   producer.
 * - A write that was not appended within the time-out fails and is never appended. A write that is not committed within the
 *   time-out after its append is reported as timed out, and as written when it is committed later.
 */
import type { Clock, Scheduler, Timer } from '../../base/clock.ts';
import type { VerifiedProducer, Write } from '../../coordinator/types.ts';
import { type ErrorRow, Errors, errorRowOf } from '../../protocol/errors.ts';
import type { CompressionType } from '../../protocol/records/batch.ts';
import { buildBatch } from '../../protocol/records/builder.ts';
import { endTransactionBatch } from '../../protocol/records/control.ts';
import type { AppendOptions } from '../../replication/types.ts';
import type { PartitionReplica } from '../services.ts';
import { coordinatorError } from './append-errors.ts';

/** The records of one batch have at most this size before compression. It is far below the default of max.message.bytes. */
const batchBytesMax = 256 * 1024;
/** A record needs at most this many bytes besides its key and value. */
const recordOverheadBytes = 40;
/**
 * The version of the Produce request that brought a batch. There is none for a batch of a coordinator, and the log checks the
 * version only for batches of clients.
 */
const requestVersion = 12;
/**
 * While this many appends are in flight, further writes wait and are collected. More appends would only make the batches
 * smaller: replicas acknowledge them in order anyway.
 */
const flightsMax = 5;

/** Called with the outcome of each write: `written` in the order of the writes, the others possibly earlier. */
export interface WriteListener {
  /** The write is committed. */
  written(writeId: number): void;
  /** The write is not in the log and will never be. */
  failed(writeId: number, error: ErrorRow): void;
  timedOut(writeId: number, error: ErrorRow): void;
  /** Leadership or storage was lost. Writes in flight may or may not be in the log. */
  lost(error: ErrorRow): void;
}

interface Queued {
  readonly write: Write;
  readonly expiresMs: number;
}

/** One append: the writes whose records are in one batch. */
interface Flight {
  readonly writes: readonly Write[];
  isCommitted: boolean;
  readonly timer: Timer;
}

export interface WriteQueueOptions {
  readonly partition: PartitionReplica;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly timeoutMs: number;
  readonly compression: CompressionType;
  /** The error for the client when records are too large for the log. */
  readonly tooLarge: ErrorRow;
  readonly listener: WriteListener;
}

export class WriteQueue {
  readonly #options: WriteQueueOptions;
  #queue: Queued[] = [];
  /** Appends that are not reported yet, in the order of the log. */
  readonly #flights: Flight[] = [];
  #isScheduled = false;
  #isClosed = false;
  #expiry: Timer | null = null;

  constructor(options: WriteQueueOptions) {
    this.#options = options;
  }

  add(write: Write): void {
    if (this.#isClosed) return;
    const expiresMs = this.#options.clock.monotonicMs() + this.#options.timeoutMs;
    this.#queue.push({ write, expiresMs });
    if (this.#isFull) this.#watchExpiry();
    else this.#schedule();
  }

  /** Closes the queue. The listener is not called any more. */
  close(): void {
    this.#isClosed = true;
    this.#queue = [];
    this.#expiry?.cancel();
    for (const flight of this.#flights) flight.timer.cancel();
  }

  get #isFull(): boolean {
    return this.#flights.length >= flightsMax;
  }

  /** Appends in a microtask, so that writes of requests that arrive together form one batch. */
  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      this.#appendAll();
    });
  }

  #appendAll(): void {
    if (!this.#isFull) while (!this.#isClosed && this.#queue.length > 0) this.#append(this.#gather());
    if (this.#queue.length > 0) this.#watchExpiry();
  }

  /** Takes the first write of the queue, whatever its size, and those after it that fit into the same batch. */
  #gather(): Write[] {
    const first = (this.#queue[0] as Queued).write;
    let sizeBytes = 0;
    let count = 0;
    for (const { write } of this.#queue) {
      if (count > 0 && !sharesBatch(first, write)) break;
      sizeBytes += recordsBytes(write);
      if (count > 0 && sizeBytes > batchBytesMax) break;
      count++;
    }
    return this.#queue.splice(0, count).map(({ write }) => write);
  }

  #append(writes: readonly Write[]): void {
    const { partition, listener, tooLarge } = this.#options;
    let acknowledged = Promise.resolve();
    try {
      const bytes = this.#batch(writes);
      if (bytes !== null) {
        acknowledged = partition.appendAsLeader(bytes, -1, appendOptions(writes[0] as Write)).acknowledged;
      }
    } catch (error) {
      const row = errorRowOf(error);
      if (row === Errors.UNKNOWN_SERVER_ERROR) throw error;
      for (const { id } of writes) listener.failed(id, coordinatorError(row, tooLarge));
      return;
    }
    this.#await(writes, acknowledged);
  }

  /** The batch to append; null if the writes have no records. */
  #batch(writes: readonly Write[]): Uint8Array | null {
    const timestamp = this.#options.clock.wallMs();
    const { producer, end } = writes[0] as Write;
    if (end !== null) return endTransactionBatch({ ...end, timestamp });
    const records = writes.flatMap((write) =>
      write.records.map(({ key, value }) => ({ key, value, timestamp })),
    );
    if (records.length === 0) return null;
    const { compression } = this.#options;
    if (producer === null) return buildBatch({ records, compression });
    const { producerId, producerEpoch } = producer;
    return buildBatch({ records, compression, producerId, producerEpoch, isTransactional: true });
  }

  #await(writes: readonly Write[], acknowledged: Promise<void>): void {
    const { scheduler, timeoutMs, listener, tooLarge } = this.#options;
    const timedOut = (): void => {
      for (const { id } of writes) listener.timedOut(id, Errors.COORDINATOR_NOT_AVAILABLE);
    };
    const flight: Flight = { writes, isCommitted: false, timer: scheduler.after(timeoutMs, timedOut) };
    this.#flights.push(flight);
    const settled = (error: ErrorRow | null): void => {
      if (this.#isClosed) return;
      // The records stay in the log, with fewer replicas than required. The client gets an error, but the state follows the
      // log.
      if (error === Errors.NOT_ENOUGH_REPLICAS_AFTER_APPEND) timedOut();
      else if (error !== null) return listener.lost(coordinatorError(error, tooLarge));
      flight.isCommitted = true;
      this.#report();
      this.#appendAll();
    };
    acknowledged.then(
      () => settled(null),
      (error: unknown) => settled(errorRowOf(error)),
    );
  }

  /** Reports appends as written, from the oldest up to the first that is not committed. */
  #report(): void {
    for (let flight = this.#flights[0]; flight?.isCommitted === true; flight = this.#flights[0]) {
      this.#flights.shift();
      flight.timer.cancel();
      for (const { id } of flight.writes) if (!this.#isClosed) this.#options.listener.written(id);
    }
  }

  /** Sets a timer for the first queued write: if no append completes in time, queued writes expire. */
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
    const { clock, listener } = this.#options;
    const nowMs = clock.monotonicMs();
    const expired: Write[] = [];
    while ((this.#queue[0]?.expiresMs ?? Number.POSITIVE_INFINITY) <= nowMs)
      expired.push((this.#queue.shift() as Queued).write);
    for (const { id } of expired) if (!this.#isClosed) listener.failed(id, Errors.COORDINATOR_NOT_AVAILABLE);
    this.#watchExpiry();
  }
}

type Verification = NonNullable<AppendOptions['verification']> | null;

function appendOptions({ producer, end }: Write): AppendOptions {
  const options = { origin: 'coordinator', requestVersion } as const;
  if (end !== null) return { ...options, transactionVersion: end.transactionVersion ?? 1 };
  if (producer === null) return options;
  return { ...options, verification: producer.verification as Verification };
}

function sharesBatch(first: Write, other: Write): boolean {
  return first.end === null && other.end === null && sameProducer(first.producer, other.producer);
}

function sameProducer(a: VerifiedProducer | null, b: VerifiedProducer | null): boolean {
  return (
    a?.producerId === b?.producerId &&
    a?.producerEpoch === b?.producerEpoch &&
    a?.verification === b?.verification
  );
}

function recordsBytes({ records }: Write): number {
  let sizeBytes = 0;
  for (const { key, value } of records) sizeBytes += key.length + (value?.length ?? 0) + recordOverheadBytes;
  return sizeBytes;
}
