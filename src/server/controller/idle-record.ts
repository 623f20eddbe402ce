/**
 * Decides when the active controller writes a NoOpRecord (KIP-835). It does so at intervals when it has no other record to
 * write, so that observers can see that the quorum still commits.
 *
 * A tool that sends two DescribeQuorum requests expects a larger log end offset in the second response. The tools of this
 * project send the second one a tenth of a second after the first, which is much less than the interval. So a DescribeQuorum
 * request makes the next record due sooner.
 */
import type { Clock, Scheduler, Timer } from '../../base/clock.ts';

export interface IdleRecordOptions {
  /** metadata.max.idle.interval.ms; 0: never. */
  readonly intervalMs: number;
  readonly write: () => void;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
}

/**
 * How soon after a DescribeQuorum request the next record is due. This is less than the time between two commands that a person
 * types. Many requests in a row cause only one record in this time.
 */
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

  /**
   * Records were written, so the interval begins again. The timer is not moved: it may fire too early and is then set again.
   */
  written(): void {
    this.#dueMs = this.#options.clock.monotonicMs() + this.#options.intervalMs;
  }

  /** A DescribeQuorum request has read the log end offset, so the next record is due soon. */
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
