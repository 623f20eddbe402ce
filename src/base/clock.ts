/** Time as a port. Production uses `adapters/clock.ts`, simulations a virtual clock; no other code reads a clock. */

export interface Clock {
  /** Milliseconds since an arbitrary start; never decreases. For deadlines, sessions and time-outs. */
  monotonicMs(): number;
  /** Milliseconds since 1970 (UTC); may jump. Only for times that users or clients see: record timestamps, retention. */
  wallMs(): number;
}

export interface Timer {
  /** Idempotent; after it has returned the callback does not run. */
  cancel(): void;
}

export interface Scheduler {
  /** Runs `callback` once, not before `delayMs` from now. Does not keep the process alive by itself. */
  after(delayMs: number, callback: () => void): Timer;
  /** Runs `callback` in a later turn of the event loop, after pending I/O; loops use it to yield. */
  soon(callback: () => void): void;
}

/** Resolves after `delayMs`. */
export function sleep(scheduler: Scheduler, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    scheduler.after(delayMs, resolve);
  });
}

/** Resolves in a later turn of the event loop. */
export function yieldTurn(scheduler: Scheduler): Promise<void> {
  return new Promise((resolve) => {
    scheduler.soon(resolve);
  });
}
