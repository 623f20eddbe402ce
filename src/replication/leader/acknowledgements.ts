/**
 * Pending produces with acks=all of one partition, in the order of their offsets. Each waits until the high watermark has
 * passed its records. There is no timer here: the request handler ends a produce that takes too long, and a later settlement
 * has no effect.
 *
 * Invariant: offsets never decrease from front to back, so only the front must be checked.
 */
import type { KafkaError } from '../../protocol/errors.ts';

interface Waiter {
  readonly endOffset: number;
  readonly resolve: () => void;
  readonly reject: (error: KafkaError) => void;
}

/**
 * Settled waiters stay in the array until there are this many of them, or no others: removing each one alone would move all
 * others.
 */
const compactAt = 256;

export class Acknowledgements {
  #waiters: Waiter[] = [];
  #first = 0;

  get size(): number {
    return this.#waiters.length - this.#first;
  }

  wait(endOffset: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#insert({ endOffset, resolve, reject });
    });
  }

  /** Keeps the order of offsets: the batch of a retry, already in the log, ends at a smaller offset than the last append. */
  #insert(waiter: Waiter): void {
    const waiters = this.#waiters;
    let to = waiters.length;
    while (to > this.#first && (waiters[to - 1] as Waiter).endOffset > waiter.endOffset) to--;
    if (to === waiters.length) waiters.push(waiter);
    else waiters.splice(to, 0, waiter);
  }

  /**
   * Settles the produces whose records are below `highWatermark`. With an `error` it rejects them: the ISR has become smaller
   * than min.insync.replicas.
   */
  reached(highWatermark: number, error: KafkaError | null): void {
    const waiters = this.#waiters;
    while (this.#first < waiters.length) {
      const waiter = waiters[this.#first] as Waiter;
      if (waiter.endOffset > highWatermark) break;
      this.#first++;
      if (error === null) waiter.resolve();
      else waiter.reject(error);
    }
    if (this.#first === waiters.length)
      this.#waiters = waiters.length > compactAt ? [] : this.#emptied(waiters);
    else if (this.#first < compactAt) return;
    else waiters.splice(0, this.#first);
    this.#first = 0;
  }

  #emptied(waiters: Waiter[]): Waiter[] {
    waiters.length = 0;
    return waiters;
  }

  /**
   * Rejects the produces with records at or above `offset`, because the records were truncated or this replica no longer waits.
   */
  rejectAbove(offset: number, error: KafkaError): void {
    const kept: Waiter[] = [];
    for (let i = this.#first; i < this.#waiters.length; i++) {
      const waiter = this.#waiters[i] as Waiter;
      if (waiter.endOffset > offset) waiter.reject(error);
      else kept.push(waiter);
    }
    this.#waiters = kept;
    this.#first = 0;
  }
}
