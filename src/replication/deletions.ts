/** DeleteRecords requests that wait until every live replica's log begins at their offset. */
import type { KafkaError } from '../protocol/errors.ts';

interface Waiter {
  readonly offset: number;
  readonly resolve: (lowWatermark: number) => void;
  readonly reject: (error: KafkaError) => void;
}

export class Deletions {
  #waiters: Waiter[] = [];

  get size(): number {
    return this.#waiters.length;
  }

  wait(offset: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#waiters.push({ offset, resolve, reject });
    });
  }

  reached(lowWatermark: number): void {
    const waiters = this.#waiters;
    this.#waiters = waiters.filter((waiter) => waiter.offset > lowWatermark);
    for (const waiter of waiters) if (waiter.offset <= lowWatermark) waiter.resolve(lowWatermark);
  }

  reject(error: KafkaError): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter.reject(error);
  }
}
