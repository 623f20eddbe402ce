/**
 * Pending acks=all produces, which wait for the high watermark, in the order of their offsets. They have no timer: the caller has
 * the time-out, and settling a produce after it has no effect.
 *
 * Invariant: offsets never decrease from front to back, so only the front must be checked.
 */
import type { KafkaError } from '../../protocol/errors.ts';

interface Waiter {
  readonly endOffset: number;
  readonly resolve: () => void;
  readonly reject: (error: KafkaError) => void;
}

/** Resolved entries are removed from the front in batches, so that the cost per record stays small. */
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

  /** A duplicate batch waits for a smaller offset than the last append. */
  #insert(waiter: Waiter): void {
    const waiters = this.#waiters;
    let to = waiters.length;
    while (to > this.#first && (waiters[to - 1] as Waiter).endOffset > waiter.endOffset) to--;
    if (to === waiters.length) waiters.push(waiter);
    else waiters.splice(to, 0, waiter);
  }

  /** Settles all whose records are below `highWatermark`: resolved, or rejected with `error` when the ISR became too small. */
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

  /** Rejects those whose records end above `offset`, because these records were truncated. */
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
