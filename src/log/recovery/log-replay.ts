/** Applies an appended or replayed batch to the producer state. */
import type { BatchHeader } from '../../protocol/records/batch.ts';
import { readMarker } from '../records/control-batch.ts';
import { type ProducerState, writtenMs } from '../producers/producer-state.ts';
import type { AbortedTransaction } from '../segment/transaction-index.ts';

/** `header` has the batch's final offsets. Returns the aborted transaction that the batch ends, if any. */
export function applyToProducers(
  producers: ProducerState,
  header: BatchHeader,
  nowMs: number,
): AbortedTransaction | null {
  if (header.producerId < 0) return null;
  if (!header.isControl) {
    producers.record(header, header.baseOffset, header.lastOffset, nowMs);
    return null;
  }
  if (header.recordsCount === 0) {
    producers.recordEmptiedMarker(header.producerId, header.producerEpoch, nowMs);
    return null;
  }
  const marker = readMarker(header);
  return marker === null ? null : producers.recordMarker(marker, header.baseOffset, nowMs);
}

/** As `applyToProducers`, for a batch that is read at a start: an open transaction is as old as its last batch. */
export function replayToProducers(
  producers: ProducerState,
  header: BatchHeader,
  nowMs: number,
): AbortedTransaction | null {
  const isInTransaction = header.isTransactional && !header.isControl;
  return applyToProducers(producers, header, isInTransaction ? writtenMs(header.maxTimestamp, nowMs) : nowMs);
}
