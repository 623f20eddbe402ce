/**
 * Counts records of a producer and their latencies, and prints them as Kafka's producer perf test does: for a window of some
 * seconds, and for the whole run.
 */
import { systemClock } from '../../adapters/clock.ts';

/**
 * The most latencies that are stored for percentiles. When more records are sent, only the latency of every n-th record is
 * stored.
 */
const samplesMax = 500_000;
const bytesPerMebibyte = 1024 * 1024;

class Window {
  readonly startMs: number;
  count = 0;
  bytes = 0;
  latencySumMs = 0;
  latencyMaxMs = 0;

  constructor(startMs: number) {
    this.startMs = startMs;
  }

  add(latencyMs: number, bytes: number): void {
    this.count++;
    this.bytes += bytes;
    this.latencySumMs += latencyMs;
    this.latencyMaxMs = Math.max(this.latencyMaxMs, latencyMs);
  }

  rates(nowMs: number): { recordsPerSecond: number; mebibytesPerSecond: number } {
    const seconds = (nowMs - this.startMs) / 1000;
    return {
      recordsPerSecond: this.count / seconds,
      mebibytesPerSecond: this.bytes / seconds / bytesPerMebibyte,
    };
  }

  get latencyMeanMs(): number {
    return this.count === 0 ? 0 : this.latencySumMs / this.count;
  }
}

export class LatencyStats {
  readonly #total: Window;
  readonly #label: string;
  readonly #samplingStep: number;
  readonly #samples: number[] = [];
  #window: Window;

  /** `label` is printed after the number of records in the summary of the run. */
  constructor(recordCount: number, startMs: number, label = '') {
    this.#total = new Window(startMs);
    this.#window = new Window(startMs);
    this.#label = label;
    this.#samplingStep = Math.max(1, Math.ceil(recordCount / samplesMax));
  }

  add(latencyMs: number, bytes: number): void {
    if (this.#total.count % this.#samplingStep === 0) this.#samples.push(latencyMs);
    this.#total.add(latencyMs, bytes);
    this.#window.add(latencyMs, bytes);
  }

  /** Returns the line for the window when the window is `intervalMs` old, and begins a new one; otherwise null. */
  windowLine(intervalMs: number): string | null {
    const nowMs = systemClock.monotonicMs();
    const window = this.#window;
    if (nowMs - window.startMs < intervalMs) return null;
    this.#window = new Window(nowMs);
    const { recordsPerSecond, mebibytesPerSecond } = window.rates(nowMs);
    return (
      `${window.count} records sent, ${recordsPerSecond.toFixed(1)} records/sec (${mebibytesPerSecond.toFixed(2)} MB/sec), ` +
      `${window.latencyMeanMs.toFixed(1)} ms avg latency, ${window.latencyMaxMs.toFixed(1)} ms max latency.\n`
    );
  }

  totalLine(): string {
    const total = this.#total;
    const { recordsPerSecond, mebibytesPerSecond } = total.rates(systemClock.monotonicMs());
    const [p50, p95, p99, p999] = percentiles(this.#samples, [0.5, 0.95, 0.99, 0.999]);
    return (
      `${total.count}${this.#label} records sent, ${recordsPerSecond.toFixed(6)} records/sec (${mebibytesPerSecond.toFixed(2)} MB/sec), ` +
      `${total.latencyMeanMs.toFixed(2)} ms avg latency, ${total.latencyMaxMs.toFixed(2)} ms max latency, ` +
      `${p50} ms 50th, ${p95} ms 95th, ${p99} ms 99th, ${p999} ms 99.9th.\n`
    );
  }
}

/** Returns the percentiles of `values`, rounded down to whole numbers. `shares` has 0.99 for the 99th percentile. */
export function percentiles(values: readonly number[], shares: readonly number[]): number[] {
  const sorted = [...values].sort((left, right) => left - right);
  return shares.map((share) =>
    Math.floor(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0),
  );
}
