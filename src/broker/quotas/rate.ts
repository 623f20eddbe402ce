/**
 * A rate over a window of samples, as Kafka's `Rate` and `SampledStat` compute it, so that throttle times are Kafka's. A sample
 * covers at least `sampleMs`; it begins with the first value after the end of the previous sample.
 */

/** `quota.window.num` and `quota.window.size.seconds`. */
export interface QuotaWindow {
  readonly samplesMax: number;
  readonly sampleMs: number;
}

/** A throttle time, and when it was computed. */
export interface LastThrottle {
  readonly throttleMs: number;
  readonly throttledAtMs: number;
}

/** The throttle time that metrics show; 0 once the window has passed since then. */
export function shownThrottleMs(
  last: LastThrottle,
  { samplesMax, sampleMs }: QuotaWindow,
  nowMs: number,
): number {
  return nowMs - last.throttledAtMs < samplesMax * sampleMs ? last.throttleMs : 0;
}

interface Sample {
  startMs: number;
  /** Time of the last value. */
  lastMs: number;
  sum: number;
}

export class Rate {
  readonly #window: QuotaWindow;
  /** A ring of at most `samplesMax` + 1 samples: one of them may have begun before the window. */
  readonly #samples: Sample[] = [];
  #current = 0;

  constructor(window: QuotaWindow) {
    this.#window = window;
  }

  record(value: number, nowMs: number): void {
    const sample = this.#sampleAt(nowMs);
    sample.sum += value;
    sample.lastMs = nowMs;
  }

  /** The rate per second. */
  measure(nowMs: number): number {
    const windowMs = this.#windowMs(nowMs);
    return (this.#sum() * 1000) / windowMs;
  }

  /** How long nothing may be recorded until the rate is back at `limit` per second; 0: the rate is not above the limit. */
  throttleTimeMs(limit: number, nowMs: number): number {
    const windowMs = this.#windowMs(nowMs);
    const rate = (this.#sum() * 1000) / windowMs;
    return rate <= limit ? 0 : Math.round(((rate - limit) / limit) * windowMs);
  }

  #sum(): number {
    let sum = 0;
    for (const sample of this.#samples) sum += sample.sum;
    return sum;
  }

  #sampleAt(nowMs: number): Sample {
    const current = this.#samples[this.#current];
    if (current !== undefined && nowMs - current.startMs < this.#window.sampleMs) return current;
    if (current !== undefined) this.#current = (this.#current + 1) % (this.#window.samplesMax + 1);
    const reused = this.#samples[this.#current];
    if (reused !== undefined) return begin(reused, nowMs);
    const sample = begin({ startMs: 0, lastMs: 0, sum: 0 }, nowMs);
    this.#samples.push(sample);
    return sample;
  }

  /**
   * The time over which the rate is computed: from the start of the oldest sample until now, but at least `samplesMax` - 1
   * whole samples, because otherwise the first values of a client would give a very high rate.
   */
  #windowMs(nowMs: number): number {
    const { samplesMax, sampleMs } = this.#window;
    let oldestMs = nowMs;
    for (const sample of this.#samples) {
      if (nowMs - sample.lastMs >= samplesMax * sampleMs) begin(sample, nowMs);
      if (sample.startMs < oldestMs) oldestMs = sample.startMs;
    }
    const elapsedMs = nowMs - oldestMs;
    const missing = Math.max(0, samplesMax - 1 - Math.floor(elapsedMs / sampleMs));
    return Math.max(1, elapsedMs + missing * sampleMs);
  }
}

function begin(sample: Sample, nowMs: number): Sample {
  sample.startMs = nowMs;
  sample.lastMs = nowMs;
  sample.sum = 0;
  return sample;
}
