/**
 * Decides what compaction keeps of a batch. Pure.
 *
 * A record below the end of the pass is removed when a later record below that end has the same key, when it has no key, or
 * when it belongs to an aborted transaction. A tombstone is also removed after the delete horizon of its batch, a time that is
 * set when a batch with tombstones is first compacted: `delete.retention.ms` from then. Offsets and sequences of the other
 * records do not change.
 *
 * A transaction marker is kept as long as the log has a batch of its transaction, even one without records. A pass that finds
 * no such batch sets the marker's delete horizon; after that time the marker is removed (as in Kafka, KIP-534). If the marker
 * is the last batch that a producer has in the log, it remains as an empty batch, because it has the producer's epoch, and
 * batches with older epochs must be refused.
 */
import { mark } from '../../base/mark.ts';
import type { BatchHeader } from '../../protocol/records/batch.ts';
import { BatchBuilder } from '../../protocol/records/builder.ts';
import type { KafkaRecord } from '../../protocol/records/record.ts';
import { decodeRecords } from '../../protocol/records/record.ts';
import type { LastRecord } from '../producers/producer-state.ts';
import { readMarker } from '../records/control-batch.ts';
import type { AbortedTransaction } from '../segment/transaction-index.ts';

/** The limits of the map of keys in one pass. The pass ends at the record that does not fit; the next pass continues there. */
export interface KeyBounds {
  readonly keysMax: number;
  readonly keyBytesMax: number;
}

export const defaultKeyBounds: KeyBounds = { keysMax: 1_000_000, keyBytesMax: 64 * 1024 * 1024 };

/** Maps each key in the dirty part of a log to the offset of its last record. */
export class KeyMap {
  readonly #offsets = new Map<string, number>();
  readonly #bounds: KeyBounds;
  #keyBytes = 0;

  constructor(bounds: KeyBounds) {
    this.#bounds = bounds;
  }

  get size(): number {
    return this.#offsets.size;
  }

  get isFull(): boolean {
    return this.size >= this.#bounds.keysMax || this.#keyBytes >= this.#bounds.keyBytesMax;
  }

  put(key: Uint8Array, offset: number): void {
    const { size } = this;
    this.#offsets.set(textOf(key), offset);
    if (this.size > size) this.#keyBytes += key.length;
  }

  /** The offset of the last record with this key; -1: the key is not in the dirty part. */
  latest(key: Uint8Array): number {
    return this.#offsets.get(textOf(key)) ?? -1;
  }
}

function textOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1');
}

/** Says of each batch whether its transaction was aborted. All batches of the log must be passed to `isAborted`, in order. */
export class AbortedFilter {
  readonly #waiting: AbortedTransaction[];
  readonly #open = new Map<number, AbortedTransaction>();

  constructor(aborted: readonly AbortedTransaction[]) {
    this.#waiting = [...aborted].sort((a, b) => a.firstOffset - b.firstOffset);
  }

  /** True when the batch's records belong to a transaction that was aborted. */
  isAborted(header: BatchHeader): boolean {
    if (!header.isTransactional || header.isControl || header.producerId < 0) return false;
    while (
      this.#waiting.length > 0 &&
      (this.#waiting[0] as AbortedTransaction).firstOffset <= header.lastOffset
    ) {
      const next = this.#waiting.shift() as AbortedTransaction;
      this.#open.set(next.producerId, next);
    }
    const open = this.#open.get(header.producerId);
    if (open === undefined) return false;
    if (open.lastOffset <= header.baseOffset) {
      this.#open.delete(header.producerId);
      return false;
    }
    return true;
  }
}

/**
 * Says of each marker whether the log has a batch of its transaction. All batches of the log must be passed to this, in order.
 */
export class TransactionsWithBatches {
  readonly #producers = new Set<number>();

  /** Called for each batch that is not a control batch, also for one without records that an earlier pass has left. */
  batch(header: BatchHeader): void {
    if (header.isTransactional) this.#producers.add(header.producerId);
  }

  /** Called for each control batch. Returns whether the log has a batch of the transaction that the marker in it ends. */
  ends(header: BatchHeader): boolean {
    return this.#producers.delete(header.producerId);
  }
}

export interface FilterContext {
  /** End of the pass: records from this offset on are kept. */
  readonly end: number;
  readonly keys: KeyMap;
  readonly aborted: AbortedFilter;
  readonly transactions: TransactionsWithBatches;
  readonly nowMs: number;
  readonly deleteRetentionMs: number;
  /**
   * The last batch of each producer. It is kept, without records if necessary, because it has the producer's sequence and
   * epoch.
   */
  readonly lastRecords: ReadonlyMap<number, LastRecord>;
}

export interface FilteredBatch {
  /**
   * What is kept of the batch: the same bytes, or a batch with fewer records; null: nothing. Valid only as long as `header` is.
   */
  readonly bytes: Uint8Array | null;
  /**
   * The batch is a control batch whose entry in the transaction index, if there is one, must stay: the log has a batch of its
   * transaction, or the pass ends before it.
   */
  readonly isNeededMarker: boolean;
}

/**
 * Decides what is kept of a batch. Must be called for all batches of the segments in order, also for those after the end of the
 * pass.
 */
export function filterBatch(header: BatchHeader, context: FilterContext): FilteredBatch {
  if (header.isControl) return filterControl(header, context);
  context.transactions.batch(header);
  const aborted = context.aborted.isAborted(header);
  const bytes = header.baseOffset >= context.end ? header.content : filterRecords(header, aborted, context);
  return { bytes, isNeededMarker: false };
}

function filterControl(header: BatchHeader, context: FilterContext): FilteredBatch {
  const hasBatches = context.transactions.ends(header);
  const isEmptied = header.recordsCount === 0;
  const isNeededMarker = hasBatches || header.baseOffset >= context.end;
  if (isNeededMarker || (!isEmptied && readMarker(header) === null))
    return { bytes: header.content, isNeededMarker };
  const isLast = isLastOfProducer(header, context);
  if (isEmptied) return { bytes: isLast ? header.content : null, isNeededMarker };
  const { nowMs, deleteRetentionMs } = context;
  if (!header.hasDeleteHorizon)
    return { bytes: rebuild(header, decodeRecords(header), nowMs + deleteRetentionMs), isNeededMarker };
  if (header.baseTimestamp > nowMs) return { bytes: header.content, isNeededMarker };
  mark('log.marker-removed');
  return { bytes: isLast ? rebuild(header, [], null) : null, isNeededMarker };
}

function isLastOfProducer(header: BatchHeader, { lastRecords }: FilterContext): boolean {
  const last = header.producerId < 0 ? undefined : lastRecords.get(header.producerId);
  if (last === undefined) return false;
  if (last.lastDataOffset !== null) return last.lastDataOffset === header.lastOffset;
  return header.isControl && header.producerEpoch === last.producerEpoch;
}

function filterRecords(header: BatchHeader, aborted: boolean, context: FilterContext): Uint8Array | null {
  const isLast = isLastOfProducer(header, context);
  if (header.recordsCount === 0) return isLast ? header.content : null;
  const records = aborted ? [] : decodeRecords(header);
  const horizonMs = header.hasDeleteHorizon ? header.baseTimestamp : null;
  const kept = records.filter((record) => isKept(record, horizonMs, context));
  if (kept.length === 0) return isLast ? rebuild(header, [], null) : null;
  const needsHorizon = horizonMs === null && kept.some((record) => record.value === null);
  if (kept.length === records.length && !needsHorizon) return header.content;
  return rebuild(header, kept, needsHorizon ? context.nowMs + context.deleteRetentionMs : horizonMs);
}

function isKept(record: KafkaRecord, horizonMs: number | null, context: FilterContext): boolean {
  if (record.offset >= context.end) return true;
  if (record.key === null || context.keys.latest(record.key) > record.offset) return false;
  return record.value !== null || horizonMs === null || horizonMs > context.nowMs;
}

/** A batch with only these records. `horizonMs`: the delete horizon, which the format stores as base timestamp; null: none. */
function rebuild(header: BatchHeader, records: readonly KafkaRecord[], horizonMs: number | null): Uint8Array {
  const baseOffset = header.baseOffset;
  const baseTimestamp = horizonMs ?? header.baseTimestamp;
  const builder = new BatchBuilder(header.sizeBytes, baseTimestamp);
  for (const record of records) builder.append({ ...record, offsetDelta: record.offset - baseOffset });
  const ownMax = header.timestampType === 'CreateTime' && records.length > 0;
  return builder.build({
    baseOffset,
    partitionLeaderEpoch: header.partitionLeaderEpoch,
    compression: header.compression ?? 'none',
    timestampType: header.timestampType,
    producerId: header.producerId,
    producerEpoch: header.producerEpoch,
    baseSequence: header.baseSequence,
    isTransactional: header.isTransactional,
    isControl: header.isControl,
    lastOffsetDelta: header.lastOffsetDelta,
    baseTimestamp,
    hasDeleteHorizon: horizonMs !== null,
    ...(ownMax ? {} : { maxTimestamp: header.maxTimestamp }),
  });
}
