/**
 * Time as an argument. Production gets `adapters/clock.ts`, simulation a virtual clock; nothing else reads a clock.
 */

export interface Clock {
  /** Milliseconds since an arbitrary start; never goes back. For deadlines, sessions and time-outs. */
  monotonicMs(): number;
  /** Milliseconds since 1970 (UTC); may jump. Only for what a person or a client reads: record timestamps, retention. */
  wallMs(): number;
}

export interface Timer {
  /** Idempotent; after it returned the callback does not run. */
  cancel(): void;
}

export interface Scheduler {
  /** Runs `callback` once, not before `delayMs` from now. Does not keep the process alive by itself. */
  after(delayMs: number, callback: () => void): Timer;
  /** Runs `callback` in a later turn of the event loop, after pending I/O: how long loops yield. */
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
