/**
 * The average, the largest and the sum per second of the values of the last 30 to 60 seconds, computed as Kafka's sensors do:
 * over the present window of 30 seconds and the one before.
 */

const windowMs = 30_000;

interface Window {
  count: number;
  sum: number;
  largest: number;
}

const empty = (): Window => ({ count: 0, sum: 0, largest: Number.NEGATIVE_INFINITY });

export class RecentValues {
  #current = empty();
  #previous = empty();
  /** The start of the present window. */
  #windowStartMs: number;
  /** The start of the first window. */
  readonly #startMs: number;

  constructor(nowMs: number) {
    this.#windowStartMs = nowMs;
    this.#startMs = nowMs;
  }

  add(value: number, nowMs: number): void {
    this.#turn(nowMs);
    this.#current.count++;
    this.#current.sum += value;
    if (value > this.#current.largest) this.#current.largest = value;
  }

  /** Returns NaN when there were no values, as Kafka does. */
  average(nowMs: number): number {
    this.#turn(nowMs);
    return (this.#current.sum + this.#previous.sum) / (this.#current.count + this.#previous.count);
  }

  /** Returns NaN when there were no values, as Kafka does. */
  largest(nowMs: number): number {
    this.#turn(nowMs);
    const largest = Math.max(this.#current.largest, this.#previous.largest);
    return largest === Number.NEGATIVE_INFINITY ? Number.NaN : largest;
  }

  sumPerSecond(nowMs: number): number {
    this.#turn(nowMs);
    const sinceMs = Math.max(this.#startMs, this.#windowStartMs - windowMs);
    // At least one second, because a single value right after the start would give far too high a rate.
    const seconds = Math.max(1, (nowMs - sinceMs) / 1000);
    return (this.#current.sum + this.#previous.sum) / seconds;
  }

  #turn(nowMs: number): void {
    const elapsedMs = nowMs - this.#windowStartMs;
    if (elapsedMs < windowMs) return;
    const windows = Math.floor(elapsedMs / windowMs);
    this.#previous = windows === 1 ? this.#current : empty();
    this.#current = empty();
    this.#windowStartMs += windows * windowMs;
  }
}
