/**
 * The NoOpRecord (KIP-835): an active controller that has no other record to write proposes one at intervals, so that
 * an idle quorum can be told from one that no longer commits.
 *
 * Two DescribeQuorum requests in a row must show a growing log end offset. Our tools send the second one a tenth of a
 * second after the first, long before the interval has passed. So a DescribeQuorum request schedules the next record
 * earlier.
 */
import type { Clock, Scheduler, Timer } from '../../base/clock.ts';

export interface IdleRecordOptions {
  /** metadata.max.idle.interval.ms; 0: never. */
  readonly intervalMs: number;
  readonly write: () => void;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
}

/** Shorter than the time between two commands that a person types, and long enough that many requests cause few records. */
const afterReadMs = 20;

export class IdleRecord {
  readonly #options: IdleRecordOptions;
  #dueMs = 0;
  #timer: Timer | null = null;

  /** The first interval begins at construction. */
  constructor(options: IdleRecordOptions) {
    this.#options = options;
    this.written();
    this.#arm();
  }

  /** Records were written: the interval begins again. A timer that is already set may fire early and is then set again. */
  written(): void {
    this.#dueMs = this.#options.clock.monotonicMs() + this.#options.intervalMs;
  }

  /** A DescribeQuorum request reads the log end offset. */
  logEndRead(): void {
    const soonMs = this.#options.clock.monotonicMs() + afterReadMs;
    if (soonMs >= this.#dueMs) return;
    this.#dueMs = soonMs;
    this.#arm();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  #arm(): void {
    this.stop();
    const { intervalMs, clock, scheduler } = this.#options;
    if (intervalMs === 0) return;
    this.#timer = scheduler.after(Math.max(1, this.#dueMs - clock.monotonicMs()), () => this.#fire());
  }

  #fire(): void {
    if (this.#options.clock.monotonicMs() < this.#dueMs) return this.#arm();
    this.written();
    this.#arm();
    this.#options.write();
  }
}
