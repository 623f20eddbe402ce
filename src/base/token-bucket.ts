/**
 * Limits a rate of bytes per second and allows a burst of up to one second's worth. The caller takes bytes when it knows their
 * number, even when fewer are left. The balance then becomes negative, and `waitMs` returns how long it takes until the balance
 * is positive again. So a batch that is larger than the rate can pass, and the average rate is still kept.
 */
import type { Clock } from './clock.ts';

const burstMs = 1000;

export class TokenBucket {
  readonly #clock: Clock;
  readonly #bytesPerSecond: () => number;
  #tokens: number | null = null;
  #atMs = 0;

  /** `bytesPerSecond` may return another rate at any time. Infinity or `Number.MAX_SAFE_INTEGER` means no limit. */
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

  /** Milliseconds until more bytes may be taken; 0 when they may be taken now. */
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
