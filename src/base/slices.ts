/** Splits long work into slices, so that the event loop can handle other work in between. */
import { type Clock, type Scheduler, yieldTurn } from './clock.ts';

const sliceMsMax = 5;

export class Slices {
  readonly #clock: Clock;
  readonly #scheduler: Scheduler;
  #startMs: number;

  /** The first slice begins with this call. */
  constructor(clock: Clock, scheduler: Scheduler) {
    this.#clock = clock;
    this.#scheduler = scheduler;
    this.#startMs = clock.monotonicMs();
  }

  /** True when the present slice has lasted too long. The caller should then call `await slices.yieldTurn()`. */
  get isOver(): boolean {
    return this.#clock.monotonicMs() - this.#startMs >= sliceMsMax;
  }

  /** Yields to the event loop; the next slice begins afterwards. */
  async yieldTurn(): Promise<void> {
    await yieldTurn(this.#scheduler);
    this.#startMs = this.#clock.monotonicMs();
  }
}
