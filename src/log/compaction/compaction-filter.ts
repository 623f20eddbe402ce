/**
 * What compaction keeps of one batch. Pure.
 *
 * A record below the end of the pass goes when a later one of the cleaned range has its key, when it has no key, or when it belongs to an aborted
 * transaction. A tombstone goes too, once its batch's delete horizon has passed; the horizon is set when a batch with
 * tombstones is first compacted. Offsets and sequences of what stays don't change. Transaction markers always stay.
 */
import type { BatchHeader } from '../../protocol/records/batch.ts';
import { BatchBuilder } from '../../protocol/records/builder.ts';
import type { KafkaRecord } from '../../protocol/records/record.ts';
import { decodeRecords } from '../../protocol/records/record.ts';
import type { AbortedTransaction } from '../segment/transaction-index.ts';

/** What one pass of compaction may hold in memory. The pass ends at the record that does not fit; the next one goes on there. */
export interface KeyBounds {
  readonly keysMax: number;
  readonly keyBytesMax: number;
}

export const defaultKeyBounds: KeyBounds = { keysMax: 1_000_000, keyBytesMax: 64 * 1024 * 1024 };

/** Offset of the last record of each key in the dirty part of a log. */
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

  /** -1: the key is not in the dirty part. */
  latest(key: Uint8Array): number {
    return this.#offsets.get(textOf(key)) ?? -1;
  }
}

function textOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1');
}

/** Follows aborted transactions while batches pass by in order. */
export class AbortedFilter {
  readonly #waiting: AbortedTransaction[];
  readonly #open = new Map<number, AbortedTransaction>();

  constructor(aborted: readonly AbortedTransaction[]) {
    this.#waiting = [...aborted].sort((a, b) => a.firstOffset - b.firstOffset);
  }

  /** True when the batch's records belong to a transaction that was aborted. */
  isAborted(header: BatchHeader): boolean {
    if (!header.isTransactional || header.producerId < 0) return false;
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
    return !header.isControl;
  }
}

export interface FilterContext {
  /** Where the pass ends: records from here on stay as they are. */
  readonly end: number;
  readonly keys: KeyMap;
  readonly aborted: AbortedFilter;
  readonly nowMs: number;
  readonly deleteRetentionMs: number;
  /** Last offset of the last batch of each producer: kept, empty if need be, so that its sequence goes on. */
  readonly lastOffsets: ReadonlyMap<number, number>;
}

/** The batch as it stays: the same bytes, others, or null when nothing of it stays. Valid as long as `header.bytes`. */
export function filterBatch(header: BatchHeader, context: FilterContext): Uint8Array | null {
  if (header.baseOffset >= context.end) return header.content;
  const aborted = context.aborted.isAborted(header);
  if (header.isControl) return header.content;
  const isLastOfProducer =
    header.producerId >= 0 && context.lastOffsets.get(header.producerId) === header.lastOffset;
  if (header.recordsCount === 0) return isLastOfProducer ? header.content : null;
  const records = aborted ? [] : decodeRecords(header);
  const horizonMs = header.hasDeleteHorizon ? header.baseTimestamp : null;
  const kept = records.filter((record) => isKept(record, horizonMs, context));
  if (kept.length === 0) return isLastOfProducer ? rebuild(header, [], null) : null;
  const needsHorizon = horizonMs === null && kept.some((record) => record.value === null);
  if (kept.length === records.length && !needsHorizon) return header.content;
  return rebuild(header, kept, needsHorizon ? context.nowMs + context.deleteRetentionMs : horizonMs);
}

function isKept(record: KafkaRecord, horizonMs: number | null, context: FilterContext): boolean {
  if (record.offset >= context.end) return true;
  if (record.key === null || context.keys.latest(record.key) > record.offset) return false;
  return record.value !== null || horizonMs === null || horizonMs > context.nowMs;
}

/** `horizonMs`, when given, takes the place of the base timestamp, as in Kafka. */
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
    lastOffsetDelta: header.lastOffsetDelta,
    baseTimestamp,
    hasDeleteHorizon: horizonMs !== null,
    ...(ownMax ? {} : { maxTimestamp: header.maxTimestamp }),
  });
}
