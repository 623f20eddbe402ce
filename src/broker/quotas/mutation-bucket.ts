/** The token bucket of `controller_mutation_rate` (KIP-599): as Kafka's `TokenBucket`, with a burst of the whole window. */
import type { QuotaWindow } from './rate.ts';

export class MutationBucket {
  readonly #window: QuotaWindow;
  /** How many tokens the bucket has. Negative: a debt. Null: the bucket is full. */
  #tokens: number | null = null;
  #atMs = 0;

  constructor(window: QuotaWindow) {
    this.#window = window;
  }

  /** How many tokens the bucket has now. `rate`: tokens per second, which may change from call to call. */
  tokens(rate: number, nowMs: number): number {
    const burst = (this.#window.samplesMax * this.#window.sampleMs * rate) / 1000;
    const refilled =
      this.#tokens === null ? burst : this.#tokens + (Math.max(0, nowMs - this.#atMs) * rate) / 1000;
    this.#tokens = Math.min(burst, refilled);
    this.#atMs = nowMs;
    return this.#tokens;
  }

  /** Takes tokens, even if there are not enough; then a debt is left. */
  take(count: number, rate: number, nowMs: number): void {
    this.#tokens = this.tokens(rate, nowMs) - count;
  }

  /** Time until the debt is paid; 0: there is none. */
  throttleTimeMs(rate: number, nowMs: number): number {
    const tokens = this.tokens(rate, nowMs);
    return tokens < 0 ? Math.round((-tokens / rate) * 1000) : 0;
  }
}
