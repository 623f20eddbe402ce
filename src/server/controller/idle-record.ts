/**
 * The no-op record (KIP-835): an active controller that has nothing to write writes one at intervals, so that an idle cluster differs
 * from one that is stuck.
 *
 * Two DescribeQuorum requests in a row shall show a growing log end offset, and our tools send the second one a tenth of a second later,
 * long before the interval is over. So a DescribeQuorum request brings the next record forward.
 */
import type { Clock, Scheduler, Timer } from '../../base/clock.ts';

export interface IdleRecordOptions {
  /** metadata.max.idle.interval.ms; 0: never. */
  readonly intervalMs: number;
  readonly write: () => void;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
}

/** Shorter than the time between two commands of a person, and long enough that many requests cause few records. */
const afterLookMs = 20;

export class IdleRecord {
  readonly #options: IdleRecordOptions;
  #dueMs = 0;
  #timer: Timer | null = null;

  /** The first interval begins now. */
  constructor(options: IdleRecordOptions) {
    this.#options = options;
    this.written();
    this.#arm();
  }

  /** Records of any kind were written: the interval begins anew. The timer that is armed fires early at worst. */
  written(): void {
    this.#dueMs = this.#options.clock.monotonicMs() + this.#options.intervalMs;
  }

  /** A DescribeQuorum request reads the log end offset. */
  lookedAt(): void {
    const soonMs = this.#options.clock.monotonicMs() + afterLookMs;
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
