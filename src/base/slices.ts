/** Long work in slices, so that the event loop goes on in between. */
import { type Clock, type Scheduler, yieldTurn } from './clock.ts';

const sliceMsMax = 5;

export class Slices {
  readonly #clock: Clock;
  readonly #scheduler: Scheduler;
  #startMs: number;

  /** The first slice begins now. */
  constructor(clock: Clock, scheduler: Scheduler) {
    this.#clock = clock;
    this.#scheduler = scheduler;
    this.#startMs = clock.monotonicMs();
  }

  /** True when others should have their turn: `await breathe()`. */
  get isOver(): boolean {
    return this.#clock.monotonicMs() - this.#startMs >= sliceMsMax;
  }

  /** Lets others run; the next slice begins afterwards. */
  async breathe(): Promise<void> {
    await yieldTurn(this.#scheduler);
    this.#startMs = this.#clock.monotonicMs();
  }
}
