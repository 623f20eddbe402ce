/**
 * Decides which batches of a fetch response a reader with isolation read_committed skips. As in Kafka's consumer, the response
 * lists the aborted transactions; a producer's batches are skipped from the first offset of such a transaction to its abort
 * marker. A later transaction of the same producer is skipped only if it is listed too.
 */
import type { BatchHeader } from '../protocol/records/batch.ts';
import { endTransactionOf } from '../protocol/records/control.ts';
import { decodeRecords } from '../protocol/records/record.ts';

export interface AbortedTransaction {
  readonly producerId: number;
  readonly firstOffset: number;
}

export class AbortedTransactions {
  /** All aborted transactions, in the order of their first offsets; those before `#next` are reached. */
  readonly #byFirstOffset: AbortedTransaction[];
  #next = 0;
  readonly #open = new Set<number>();

  constructor(transactions: readonly AbortedTransaction[]) {
    this.#byFirstOffset = [...transactions].sort((a, b) => a.firstOffset - b.firstOffset);
  }

  /** Whether to skip the batch. Must be called for every batch of the response, in order. */
  skips(batch: BatchHeader): boolean {
    while (this.#next < this.#byFirstOffset.length) {
      const transaction = this.#byFirstOffset[this.#next] as AbortedTransaction;
      if (transaction.firstOffset > batch.lastOffset) break;
      this.#open.add(transaction.producerId);
      this.#next++;
    }
    if (batch.isControl) {
      if (this.#open.has(batch.producerId) && isAbortMarker(batch)) this.#open.delete(batch.producerId);
      return true;
    }
    return batch.isTransactional && this.#open.has(batch.producerId);
  }
}

function isAbortMarker(batch: BatchHeader): boolean {
  for (const record of decodeRecords(batch)) return endTransactionOf(record)?.type === 'abort';
  return false;
}
