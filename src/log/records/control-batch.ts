/** Reads the transaction marker in a control batch. */
import { DecodeError } from '../../protocol/codec/errors.ts';
import type { BatchHeader } from '../../protocol/records/batch.ts';
import { endTransactionOf } from '../../protocol/records/control.ts';
import { decodeRecords } from '../../protocol/records/record.ts';
import type { TransactionMarker } from '../producers/producer-state.ts';

/** The marker in a batch; null when the batch is not a control batch of a transaction, or cannot be decoded. */
export function readMarker(header: BatchHeader): TransactionMarker | null {
  if (!header.isControl || header.producerId < 0) return null;
  try {
    const record = decodeRecords(header)[0];
    const end = record === undefined ? null : endTransactionOf(record);
    if (end === null) return null;
    return {
      producerId: header.producerId,
      producerEpoch: header.producerEpoch,
      coordinatorEpoch: end.coordinatorEpoch,
      committed: end.type === 'commit',
      timestampMs: header.maxTimestamp,
    };
  } catch (error) {
    if (error instanceof DecodeError) return null;
    throw error;
  }
}
