/** Keeps a sender at about so many records a second. */
import { sleep } from '../../base/clock.ts';
import { systemClock, systemScheduler } from '../../adapters/clock.ts';

/** Shorter pauses are saved up: a timer is not more precise. */
const pauseMinMs = 2;

export class Throttle {
  readonly #perSecond: number;
  readonly #startMs: number;

  /** `perSecond` of zero or less: no limit. */
  constructor(perSecond: number, startMs: number) {
    this.#perSecond = perSecond;
    this.#startMs = startMs;
  }

  /** Waits when more than the share of the time so far was sent. */
  async wait(sentCount: number): Promise<void> {
    if (this.#perSecond <= 0) return;
    const dueMs = this.#startMs + (sentCount * 1000) / this.#perSecond;
    const pauseMs = dueMs - systemClock.monotonicMs();
    if (pauseMs >= pauseMinMs) await sleep(systemScheduler, pauseMs);
  }
}
