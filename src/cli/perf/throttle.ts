/** Limits a sender to a number of records per second. */
import { sleep } from '../../base/clock.ts';
import { systemClock, systemScheduler } from '../../adapters/clock.ts';

/** Shorter pauses are accumulated, because timers are not more precise. */
const pauseMinMs = 2;

export class Throttle {
  readonly #perSecond: number;
  readonly #startMs: number;

  /** `perSecond` of zero or less: no limit. */
  constructor(perSecond: number, startMs: number) {
    this.#perSecond = perSecond;
    this.#startMs = startMs;
  }

  /** Waits while more records have been sent than the rate allows so far. */
  async wait(sentCount: number): Promise<void> {
    if (this.#perSecond <= 0) return;
    const dueMs = this.#startMs + (sentCount * 1000) / this.#perSecond;
    const pauseMs = dueMs - systemClock.monotonicMs();
    if (pauseMs >= pauseMinMs) await sleep(systemScheduler, pauseMs);
  }
}
