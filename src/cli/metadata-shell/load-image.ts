/** Builds the metadata image that results from a metadata log or a snapshot. */
import { MetadataDelta } from '../../metadata/delta.ts';
import { emptyImage } from '../../metadata/image.ts';
import type { MetadataRecord } from '../../metadata/records.ts';
import { metadataBatches } from '../metadata-log/metadata-batches.ts';
import type { Provenance } from './nodes.ts';

export async function loadImage(path: string): Promise<Provenance> {
  const delta = new MetadataDelta(emptyImage());
  const transaction = new OpenTransaction((records) => delta.replayAll(records));
  let offset = -1;
  let epoch = -1;
  let lastTimestampMs: number | null = null;
  for await (const batch of metadataBatches(path)) {
    for (const record of batch.records) transaction.take(record);
    offset = batch.lastOffset;
    epoch = batch.epoch;
    lastTimestampMs = batch.timestampMs;
  }
  return { image: delta.apply(offset, epoch), lastTimestampMs };
}

/**
 * Holds back the records of a metadata transaction (KIP-868) until the transaction ends. Records of a transaction that was
 * aborted or never ended are dropped.
 */
class OpenTransaction {
  readonly #replay: (records: readonly MetadataRecord[]) => void;
  #pending: MetadataRecord[] | null = null;

  constructor(replay: (records: readonly MetadataRecord[]) => void) {
    this.#replay = replay;
  }

  take(record: MetadataRecord): void {
    if (record.type === 'BeginTransactionRecord') this.#pending = [];
    else if (record.type === 'AbortTransactionRecord') this.#pending = null;
    else if (record.type === 'EndTransactionRecord') {
      this.#replay(this.#pending ?? []);
      this.#pending = null;
    } else if (this.#pending !== null) this.#pending.push(record);
    else this.#replay([record]);
  }
}
