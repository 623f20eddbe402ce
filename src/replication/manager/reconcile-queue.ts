/**
 * A queue of work on many partitions. Each added item is handled once, in order. After 5 ms the queue lets the event loop do
 * other work and continues afterwards, so that requests and heartbeats are handled even while ten thousand partitions change
 * their roles.
 */
import type { Clock, Scheduler } from '../../base/clock.ts';

const sliceMs = 5;
/** How many items are handled between two readings of the clock. */
const checkEvery = 8;

export class ReconcileQueue<T> {
  readonly #clock: Clock;
  readonly #scheduler: Scheduler;
  readonly #perform: (item: T) => void;
  readonly #waiting = new Set<T>();
  #isScheduled = false;
  #isStopped = false;

  constructor(clock: Clock, scheduler: Scheduler, perform: (item: T) => void) {
    this.#clock = clock;
    this.#scheduler = scheduler;
    this.#perform = perform;
  }

  get size(): number {
    return this.#waiting.size;
  }

  add(item: T): void {
    if (this.#isStopped) return;
    this.#waiting.add(item);
  }

  /** Handles items for 5 ms now, and the rest in later turns of the event loop. */
  run(): void {
    if (this.#isScheduled || this.#isStopped) return;
    const startMs = this.#clock.monotonicMs();
    let count = 0;
    for (const item of this.#waiting) {
      this.#waiting.delete(item);
      this.#perform(item);
      if (++count % checkEvery === 0 && this.#clock.monotonicMs() - startMs >= sliceMs) break;
    }
    if (this.#waiting.size === 0) return;
    this.#isScheduled = true;
    this.#scheduler.soon(() => {
      this.#isScheduled = false;
      this.run();
    });
  }

  stop(): void {
    this.#isStopped = true;
    this.#waiting.clear();
  }
}
