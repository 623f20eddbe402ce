/**
 * A number of bytes that all connections share. A connection takes bytes from the budget before it uses memory, and releases
 * them afterwards.
 *
 * - First come, first served: while a request waits for bytes, only a small request may pass it. Small requests have a reserve
 *   besides the budget.
 * - A request for more than half of the budget is granted as soon as less than half is taken. It does not wait until everything
 *   is free: that may never happen, because the frame of each pending Fetch request holds a few bytes. So, apart from the
 *   reserve and from `take`, the bytes taken never exceed the limit, or half of it plus one request if that is more.
 */

export interface BudgetWaiter {
  /** Gives up waiting. It has no effect if the bytes were granted already. */
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

  /** Waits for `sizeBytes`. `granted` is called when they have been taken from the budget. */
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

  /** Takes bytes without waiting; a negative number gives bytes back. The budget may be exceeded. */
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
    // `granted` may release bytes at once, if its connection has closed. Then this loop continues, instead of a recursion.
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
