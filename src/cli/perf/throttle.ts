/** Limits a sender to a number of records per second. */
import { sleep } from '../../base/clock.ts';
import { systemClock, systemScheduler } from '../../adapters/clock.ts';

/** Shorter pauses are not made, because timers are not precise enough; they add up until the next call. */
const pauseMinMs = 2;

export class Throttle {
  readonly #perSecond: number;
  readonly #startMs: number;

  /** With a `perSecond` of zero or less there is no limit. */
  constructor(perSecond: number, startMs: number) {
    this.#perSecond = perSecond;
    this.#startMs = startMs;
  }

  /** Waits until sending `sentCount` records since the start conforms to the rate. */
  async wait(sentCount: number): Promise<void> {
    if (this.#perSecond <= 0) return;
    const dueMs = this.#startMs + (sentCount * 1000) / this.#perSecond;
    const pauseMs = dueMs - systemClock.monotonicMs();
    if (pauseMs >= pauseMinMs) await sleep(systemScheduler, pauseMs);
  }
}
