/**
 * The real clock and timers. A timer does not fire before its delay has passed on the monotonic clock; timers of Node.js may,
 * because they count from the time when the present turn of the event loop began. A delay may be longer than the 2^31 ms that
 * Node.js allows. Timers do not keep the process alive.
 */
import type { Clock, Scheduler, Timer } from '../base/clock.ts';

/** The longest delay that Node.js accepts; it changes a longer one to 1 ms. */
const timeoutMaxMs = 2 ** 31 - 1;

export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
};

class SystemTimer implements Timer {
  private readonly deadlineMs: number;
  private callback: (() => void) | null;
  private handle: NodeJS.Timeout;
  private readonly fire = (): void => {
    const callback = this.callback;
    if (callback === null) return;
    const leftMs = this.deadlineMs - performance.now();
    if (leftMs > 0) {
      this.handle = this.arm(leftMs);
      return;
    }
    this.callback = null;
    callback();
  };

  constructor(delayMs: number, callback: () => void) {
    this.deadlineMs = performance.now() + delayMs;
    this.callback = callback;
    this.handle = this.arm(delayMs);
  }

  cancel(): void {
    this.callback = null;
    clearTimeout(this.handle);
  }

  private arm(delayMs: number): NodeJS.Timeout {
    return setTimeout(this.fire, Math.min(Math.ceil(delayMs), timeoutMaxMs)).unref();
  }
}

/** Runs `callback` at the end of the present turn of the event loop, after all microtasks and those that they schedule. */
export function afterTurn(callback: () => void): void {
  // A callback that a microtask passes to nextTick runs when no microtask is left.
  queueMicrotask(() => process.nextTick(callback));
}

export const systemScheduler: Scheduler = {
  after: (delayMs, callback) => new SystemTimer(delayMs, callback),
  soon: (callback) => {
    setImmediate(callback);
  },
};
