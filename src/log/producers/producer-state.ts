/**
 * The state of each idempotent or transactional producer in one partition: its epoch, its last five batches, its open
 * transaction. It decides whether a batch is new, a duplicate or out of order. Pure: `recovery/log-replay.ts` loads snapshots
 * into it and applies batches; the log writes its snapshots to disk.
 *
 * Invariants: at most five batches per producer, in the order of their sequences, all with its current epoch. The transactions
 * in `#transactions` are ordered by their first offset. On a leader a transaction begins only with a guard from
 * `#verifications`, unless verification is off.
 */
import type { BatchHeader } from '../../protocol/records/batch.ts';
import { Errors, KafkaError } from '../../protocol/errors.ts';
import type { ProducerSnapshotEntry } from './producer-snapshot.ts';
import type { AbortedTransaction } from '../segment/transaction-index.ts';
import {
  TransactionVerifications,
  type VerificationGuard,
  type VerificationRequest,
} from './transaction-verification.ts';

export const batchesRetained = 5;
const sequenceMax = 0x7fff_ffff;

export interface ProducerBatch {
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly firstOffset: number;
  readonly lastOffset: number;
  readonly timestampMs: number;
}

export interface ProducerStateEntry {
  readonly producerId: number;
  producerEpoch: number;
  coordinatorEpoch: number;
  /** Largest timestamp of the last batch, for DescribeProducers. */
  lastTimestampMs: number;
  /**
   * When the producer last wrote, by the broker's own clock. Expiry uses this time and not the timestamps of records, which
   * clients choose. When the log is loaded, it is the timestamp of the last batch for an open transaction (`writtenMs`), else
   * the time of loading.
   */
  lastSeenMs: number;
  currentTxnFirstOffset: number | null;
  /** The last batches in the producer's present epoch. Batches that a coordinator has written have no sequence (-1). */
  batches: ProducerBatch[];
}

/** The batch of a producer that compaction keeps: the one that ends at `lastDataOffset`; null: the marker with this epoch. */
export interface LastRecord {
  readonly lastDataOffset: number | null;
  readonly producerEpoch: number;
}

/** The content of a transaction marker. */
export interface TransactionMarker {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly coordinatorEpoch: number;
  readonly committed: boolean;
  readonly timestampMs: number;
}

/**
 * The guard that a client's batch has; null: none. `'off'`: none is required
 * (`transaction.partition.verification.enable=false`).
 */
export type Verification = VerificationGuard | 'off' | null;

/** The transactions version from which on each transaction ends with a higher producer epoch (KIP-890). */
const epochBumpVersion = 2;
const epochMax = 0x7fff;

/**
 * Where an append comes from. A client's batch is checked by all rules, a coordinator's batch by the rules of epochs and
 * transactions. A follower accepts what its leader has accepted.
 */
export type AppendOrigin = 'client' | 'coordinator' | 'replication';

interface OpenTransaction {
  readonly producerId: number;
  readonly firstOffset: number;
  /** Offset of the marker that ends the transaction; null while it is open. */
  lastOffset: number | null;
}

/** `sequence` + `count`, wrapping around at the largest sequence number. */
export function addSequence(sequence: number, count: number): number {
  const sum = sequence + count;
  return sum > sequenceMax ? sum - sequenceMax - 1 : sum;
}

function subtractSequence(sequence: number, count: number): number {
  return sequence >= count ? sequence - count : sequenceMax - (count - sequence) + 1;
}

export class ProducerState {
  readonly #producers = new Map<number, ProducerStateEntry>();
  /** Open transactions, and ended ones whose marker is not yet below the high watermark. */
  #transactions: OpenTransaction[] = [];
  readonly #verifications = new TransactionVerifications();

  get size(): number {
    return this.#producers.size;
  }

  entries(): ProducerStateEntry[] {
    return [...this.#producers.values()];
  }

  get(producerId: number): ProducerStateEntry | null {
    return this.#producers.get(producerId) ?? null;
  }

  clear(): void {
    this.#producers.clear();
    this.#transactions = [];
    this.#verifications.clear();
  }

  /**
   * Begins a verification; returns the guard that the first batch of the transaction must have when it is appended. Null: the
   * log has batches of the producer's open transaction already, so no guard is needed.
   */
  beginVerification(request: VerificationRequest, nowMs: number): VerificationGuard | null {
    if (this.#isOngoing(request.producerId, request.producerEpoch)) return null;
    return this.#verifications.begin(request, nowMs);
  }

  /** Throws when the producer may not append this batch; returns the batch that it repeats, or null when it is new. */
  admit(header: BatchHeader, origin: AppendOrigin, verification: Verification = null): ProducerBatch | null {
    if (origin === 'replication') return null;
    const entry = this.#producers.get(header.producerId);
    if (origin === 'client') {
      const same = entry === undefined ? null : repeated(entry, header);
      if (same !== null) return same;
    }
    // Also batches of coordinators are checked: offsets that the group coordinator writes may belong to a client's transaction.
    if (header.isTransactional) this.#checkVerified(header, verification);
    if (entry !== undefined && header.producerEpoch < entry.producerEpoch)
      throw staleEpoch(entry, header.producerEpoch);
    if (origin === 'client') this.#checkSequence(entry, header);
    if (entry !== undefined && entry.currentTxnFirstOffset !== null && !header.isTransactional) {
      throw new KafkaError(
        Errors.INVALID_TXN_STATE,
        `Expected transactional write from producer ${header.producerId}`,
      );
    }
    return null;
  }

  /**
   * Throws when the marker has an older coordinator epoch or producer epoch than the log. With transaction version 2 a marker
   * has a higher epoch than its transaction. The same epoch is accepted if no transaction is open, because the marker is then
   * written for the second time, and if it is the largest epoch, which has no higher one.
   */
  admitMarker(marker: TransactionMarker, transactionVersion: number): void {
    const entry = this.#producers.get(marker.producerId);
    if (entry !== undefined) this.#checkMarker(entry, marker, transactionVersion);
    const { producerId, producerEpoch } = marker;
    this.#verifications.marked(producerId, producerEpoch, transactionVersion >= epochBumpVersion);
  }

  #checkMarker(entry: ProducerStateEntry, marker: TransactionMarker, transactionVersion: number): void {
    const { producerEpoch: epoch } = marker;
    const isRepeated =
      epoch === entry.producerEpoch && (entry.currentTxnFirstOffset === null || epoch === epochMax);
    const isStale =
      transactionVersion >= epochBumpVersion
        ? epoch <= entry.producerEpoch && !isRepeated
        : epoch < entry.producerEpoch;
    if (isStale) throw staleEpoch(entry, epoch);
    if (marker.coordinatorEpoch < entry.coordinatorEpoch) {
      throw new KafkaError(
        Errors.TRANSACTION_COORDINATOR_FENCED,
        `Invalid coordinator epoch: ${marker.coordinatorEpoch} (zombie), ${entry.coordinatorEpoch} (current)`,
      );
    }
  }

  /** Adds a batch, whose offsets are assigned, to the state of its producer. */
  record(header: BatchHeader, firstOffset: number, lastOffset: number, nowMs: number): void {
    const entry = this.#enter(header.producerId, header.producerEpoch, nowMs);
    entry.lastTimestampMs = header.maxTimestamp;
    if (entry.batches.length === batchesRetained) entry.batches.shift();
    entry.batches.push({
      firstSequence: header.baseSequence,
      lastSequence: header.lastSequence,
      firstOffset,
      lastOffset,
      timestampMs: header.maxTimestamp,
    });
    if (!header.isTransactional) return;
    this.#verifications.end(header.producerId);
    if (entry.currentTxnFirstOffset === null) {
      entry.currentTxnFirstOffset = firstOffset;
      this.#transactions.push({ producerId: header.producerId, firstOffset, lastOffset: null });
    }
  }

  /**
   * Ends the producer's transaction with the marker at `offset`. Returns the entry for the transaction index if it is aborted.
   */
  recordMarker(marker: TransactionMarker, offset: number, nowMs: number): AbortedTransaction | null {
    const entry = this.#enter(marker.producerId, marker.producerEpoch, nowMs);
    const firstOffset = entry.currentTxnFirstOffset;
    entry.currentTxnFirstOffset = null;
    entry.coordinatorEpoch = marker.coordinatorEpoch;
    entry.lastTimestampMs = marker.timestampMs;
    if (firstOffset === null) return null;
    for (const txn of this.#transactions) {
      if (txn.producerId === marker.producerId && txn.lastOffset === null) txn.lastOffset = offset;
    }
    if (marker.committed) return null;
    const open = this.#transactions.find((txn) => txn.lastOffset === null);
    return {
      producerId: marker.producerId,
      firstOffset,
      lastOffset: offset,
      lastStableOffset: open?.firstOffset ?? offset + 1,
    };
  }

  /** Sets the producer's epoch from a marker whose record compaction has removed: the batch without records still has it. */
  recordEmptiedMarker(producerId: number, producerEpoch: number, nowMs: number): void {
    this.#enter(producerId, producerEpoch, nowMs);
  }

  lastRecords(): Map<number, LastRecord> {
    const last = new Map<number, LastRecord>();
    for (const [producerId, { producerEpoch, batches }] of this.#producers)
      last.set(producerId, { lastDataOffset: batches.at(-1)?.lastOffset ?? null, producerEpoch });
    return last;
  }

  /**
   * The first offset of the oldest transaction that is open, or whose marker is not below `highWatermark`; null: there is none.
   */
  firstUnstableOffset(highWatermark: number): number | null {
    for (const { firstOffset, lastOffset } of this.#transactions)
      if (lastOffset === null || lastOffset >= highWatermark) return firstOffset;
    return null;
  }

  /** Forgets transactions whose marker is below the high watermark: they no longer limit the last stable offset. */
  highWatermarkMoved(highWatermark: number): void {
    if (this.#transactions.length === 0) return;
    this.#transactions = this.#transactions.filter(
      (txn) => txn.lastOffset === null || txn.lastOffset >= highWatermark,
    );
  }

  /** The producer with an open transaction whose last write is the oldest; null: no transaction is open. */
  oldestTransaction(): ProducerStateEntry | null {
    let oldest: ProducerStateEntry | null = null;
    for (const { producerId, lastOffset } of this.#transactions) {
      if (lastOffset !== null) continue;
      const entry = this.#producers.get(producerId);
      if (entry !== undefined && (oldest === null || entry.lastSeenMs < oldest.lastSeenMs)) oldest = entry;
    }
    return oldest;
  }

  /** Removes producers without an open transaction that have not written for `expirationMs`. */
  expire(nowMs: number, expirationMs: number): void {
    for (const [producerId, entry] of this.#producers) {
      if (entry.currentTxnFirstOffset === null && nowMs - entry.lastSeenMs >= expirationMs)
        this.#producers.delete(producerId);
    }
    this.#verifications.expire(nowMs, expirationMs);
  }

  snapshot(): ProducerSnapshotEntry[] {
    return this.entries().map((entry) => {
      const last = entry.batches.at(-1);
      return {
        producerId: entry.producerId,
        epoch: entry.producerEpoch,
        lastSequence: last?.lastSequence ?? -1,
        lastOffset: last?.lastOffset ?? -1,
        offsetDelta: last === undefined ? 0 : last.lastOffset - last.firstOffset,
        timestamp: last?.timestampMs ?? entry.lastTimestampMs,
        coordinatorEpoch: entry.coordinatorEpoch,
        currentTxnFirstOffset: entry.currentTxnFirstOffset ?? -1,
      };
    });
  }

  /** Replaces the state by the content of a snapshot. */
  load(snapshot: readonly ProducerSnapshotEntry[], nowMs: number): void {
    this.clear();
    for (const row of snapshot) {
      const hasBatch = row.lastOffset >= 0;
      this.#producers.set(row.producerId, {
        producerId: row.producerId,
        producerEpoch: row.epoch,
        coordinatorEpoch: row.coordinatorEpoch,
        lastTimestampMs: row.timestamp,
        lastSeenMs: row.currentTxnFirstOffset < 0 ? nowMs : writtenMs(row.timestamp, nowMs),
        currentTxnFirstOffset: row.currentTxnFirstOffset < 0 ? null : row.currentTxnFirstOffset,
        batches: hasBatch
          ? [
              {
                firstSequence:
                  row.lastSequence < 0 ? -1 : subtractSequence(row.lastSequence, row.offsetDelta),
                lastSequence: row.lastSequence,
                firstOffset: row.lastOffset - row.offsetDelta,
                lastOffset: row.lastOffset,
                timestampMs: row.timestamp,
              },
            ]
          : [],
      });
      if (row.currentTxnFirstOffset >= 0) {
        this.#transactions.push({
          producerId: row.producerId,
          firstOffset: row.currentTxnFirstOffset,
          lastOffset: null,
        });
      }
    }
    this.#transactions.sort((a, b) => a.firstOffset - b.firstOffset);
  }

  #enter(producerId: number, producerEpoch: number, nowMs: number): ProducerStateEntry {
    let entry = this.#producers.get(producerId);
    if (entry === undefined) {
      entry = {
        producerId,
        producerEpoch,
        coordinatorEpoch: -1,
        lastTimestampMs: -1,
        lastSeenMs: nowMs,
        currentTxnFirstOffset: null,
        batches: [],
      };
      this.#producers.set(producerId, entry);
    }
    if (entry.producerEpoch !== producerEpoch) {
      entry.producerEpoch = producerEpoch;
      entry.batches = [];
    }
    entry.lastSeenMs = nowMs;
    return entry;
  }

  #isOngoing(producerId: number, producerEpoch: number): boolean {
    const entry = this.#producers.get(producerId);
    if (entry === undefined || entry.currentTxnFirstOffset === null) return false;
    return entry.producerEpoch === producerEpoch;
  }

  #checkVerified(header: BatchHeader, verification: Verification): void {
    if (verification === 'off' || this.#isOngoing(header.producerId, header.producerEpoch)) return;
    if (verification?.producerId === header.producerId && this.#verifications.isCurrent(verification)) return;
    throw new KafkaError(Errors.INVALID_TXN_STATE, 'Record was not part of an ongoing transaction');
  }

  #checkSequence(entry: ProducerStateEntry | undefined, header: BatchHeader): void {
    const next = header.baseSequence;
    const verification = header.isTransactional ? this.#verifications.get(header.producerId) : null;
    if (verification?.supportsEpochBump === true && next !== 0 && (entry?.batches.length ?? 0) === 0) {
      throw outOfOrder(
        `Invalid sequence number for producer ${header.producerId}: ${next} (incoming seq. number). Expected sequence 0 for transactions v2 idempotent producer with no existing state`,
      );
    }
    if (verification !== null && next > verification.lowestSequence) {
      throw outOfOrder(
        `Out of order sequence number for producer ${header.producerId}: ${next} (incoming seq. number), ${verification.lowestSequence} (earliest seen sequence)`,
      );
    }
    // The producer is unknown, perhaps because retention deleted all its records, so any sequence is accepted.
    if (entry === undefined) return;
    const last =
      entry.producerEpoch === header.producerEpoch ? (entry.batches.at(-1)?.lastSequence ?? -1) : -1;
    if (next === last + 1 || (next === 0 && last === sequenceMax)) return;
    throw outOfOrder(
      `Out of order sequence number for producer ${header.producerId}: ${next} (incoming seq. number), ${last} (current end sequence number)`,
    );
  }
}

/**
 * The time at which a batch counts as written when it is read while the log is opened: its timestamp, or `nowMs` if the
 * timestamp is negative or in the future.
 */
export function writtenMs(timestampMs: number, nowMs: number): number {
  return timestampMs < 0 || timestampMs > nowMs ? nowMs : timestampMs;
}

/** The remembered batch of this producer that has the same epoch and sequences as `header`; null: there is none. */
function repeated(entry: ProducerStateEntry, header: BatchHeader): ProducerBatch | null {
  if (entry.producerEpoch !== header.producerEpoch) return null;
  const lastSequence = addSequence(header.baseSequence, header.lastOffsetDelta);
  const same = entry.batches.find(
    (batch) => batch.firstSequence === header.baseSequence && batch.lastSequence === lastSequence,
  );
  return same ?? null;
}

function staleEpoch({ producerId, producerEpoch }: ProducerStateEntry, epoch: number): KafkaError {
  return new KafkaError(
    Errors.INVALID_PRODUCER_EPOCH,
    `Epoch of producer ${producerId} is ${epoch}, which is smaller than the last seen epoch ${producerEpoch}`,
  );
}

function outOfOrder(message: string): KafkaError {
  return new KafkaError(Errors.OUT_OF_ORDER_SEQUENCE_NUMBER, message);
}
