/**
 * Time as a port: code gets a clock and a scheduler as arguments. Production uses `adapters/clock.ts`; simulations use a
 * virtual clock that they advance themselves.
 */

export interface Clock {
  /** Milliseconds since an arbitrary start; never decreases. For deadlines, sessions and time-outs. */
  monotonicMs(): number;
  /** Milliseconds since 1970 (UTC); may jump. Only for times that users or clients see: record timestamps, retention. */
  wallMs(): number;
}

export interface Timer {
  /** After `cancel` returns, the callback does not run. Cancelling twice does no harm. */
  cancel(): void;
}

export interface Scheduler {
  /** Runs `callback` once, `delayMs` from now or later. A scheduled callback does not keep the process alive. */
  after(delayMs: number, callback: () => void): Timer;
  /**
   * Runs `callback` in a later turn of the event loop, after pending I/O. Long loops use it to let other work run in between.
   */
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
