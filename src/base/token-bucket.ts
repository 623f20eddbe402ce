/**
 * A rate in bytes per second, with a burst of at most one second. Bytes are taken when their number is known, and may exceed the
 * balance; then further bytes must wait until the debt is paid off. So a batch larger than the rate passes, and the average rate is
 * kept.
 */
import type { Clock } from './clock.ts';

const burstMs = 1000;

export class TokenBucket {
  readonly #clock: Clock;
  readonly #bytesPerSecond: () => number;
  #tokens: number | null = null;
  #atMs = 0;

  /** The rate may change at any time; one that is not finite, or `Number.MAX_SAFE_INTEGER`, means no limit. */
  constructor(clock: Clock, bytesPerSecond: () => number) {
    this.#clock = clock;
    this.#bytesPerSecond = bytesPerSecond;
  }

  get isUnlimited(): boolean {
    return this.#bytesPerSecond() >= Number.MAX_SAFE_INTEGER;
  }

  take(bytes: number): void {
    if (this.isUnlimited) this.#tokens = null;
    else this.#tokens = this.#refilled() - bytes;
  }

  /** Time until more bytes may be taken; 0: now. */
  waitMs(): number {
    if (this.isUnlimited) return 0;
    const tokens = this.#refilled();
    this.#tokens = tokens;
    if (tokens > 0) return 0;
    return Math.ceil(((1 - tokens) * 1000) / Math.max(1, this.#bytesPerSecond()));
  }

  #refilled(): number {
    const nowMs = this.#clock.monotonicMs();
    const rate = this.#bytesPerSecond();
    const burst = (rate * burstMs) / 1000;
    const tokens =
      this.#tokens === null ? burst : Math.min(burst, this.#tokens + ((nowMs - this.#atMs) * rate) / 1000);
    this.#atMs = nowMs;
    return tokens;
  }
}
