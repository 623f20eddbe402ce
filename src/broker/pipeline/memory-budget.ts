/**
 * A bounded number of bytes, shared by all connections. Bytes are taken before the memory is used and released after.
 *
 * - First come, first served: while a request waits, only small requests pass, from a reserve of their own.
 * - A request larger than half of the budget is granted when less than half is taken. Pending fetches always hold a few bytes, and
 *   such a request must not wait for them. So the bytes taken never exceed the larger of the limit, and half of it plus one
 *   request.
 */

export interface BudgetWaiter {
  /** Leaves the queue. Idempotent; has no effect after the grant. */
  cancel(): void;
}

interface Waiting {
  sizeBytes: number;
  granted: (() => void) | null;
}

export class MemoryBudget {
  readonly limitBytes: number;
  readonly #reserveBytes: number;
  readonly #smallBytes: number;
  readonly #queue: Waiting[] = [];
  #usedBytes = 0;
  #draining = false;

  constructor(limitBytes: number, reserveBytes = 0, smallBytes = 0) {
    this.limitBytes = limitBytes;
    this.#reserveBytes = reserveBytes;
    this.#smallBytes = smallBytes;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  get availableBytes(): number {
    return Math.max(0, this.limitBytes - this.#usedBytes);
  }

  get waiting(): number {
    return this.#queue.length;
  }

  tryAcquire(sizeBytes: number): boolean {
    const small =
      sizeBytes <= this.#smallBytes && this.#usedBytes + sizeBytes <= this.limitBytes + this.#reserveBytes;
    if (!small && (this.#queue.length > 0 || !this.#fits(sizeBytes))) return false;
    this.#usedBytes += sizeBytes;
    return true;
  }

  /** Queues for `sizeBytes`; `granted` is called once they are taken. */
  wait(sizeBytes: number, granted: () => void): BudgetWaiter {
    const waiting: Waiting = { sizeBytes, granted };
    this.#queue.push(waiting);
    return {
      cancel: () => {
        if (waiting.granted === null) return;
        waiting.granted = null;
        const index = this.#queue.indexOf(waiting);
        if (index >= 0) this.#queue.splice(index, 1);
        this.#drain();
      },
    };
  }

  /** Takes bytes without waiting, for memory that is already allocated. */
  take(sizeBytes: number): void {
    this.#usedBytes += sizeBytes;
  }

  release(sizeBytes: number): void {
    this.#usedBytes -= sizeBytes;
    if (this.#queue.length > 0) this.#drain();
  }

  #fits(sizeBytes: number): boolean {
    const halfBytes = this.limitBytes / 2;
    if (sizeBytes > halfBytes) return this.#usedBytes < halfBytes;
    return this.#usedBytes + sizeBytes <= this.limitBytes;
  }

  #drain(): void {
    // A callback may release at once, when its connection has closed. This loop then continues, without recursion.
    if (this.#draining) return;
    this.#draining = true;
    try {
      for (
        let first = this.#queue[0];
        first !== undefined && this.#fits(first.sizeBytes);
        first = this.#queue[0]
      ) {
        this.#queue.shift();
        const granted = first.granted;
        first.granted = null;
        this.#usedBytes += first.sizeBytes;
        granted?.();
      }
    } finally {
      this.#draining = false;
    }
  }
}
