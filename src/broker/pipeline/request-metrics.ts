/**
 * Metrics of requests: how many there were by API and version, how many ended in an unexpected error, and how long they took.
 */
import type { Clock } from '../../base/clock.ts';
import { Quantiles } from '../../telemetry/quantiles.ts';
import { type Collector, type Sink, tellQuantiles } from '../../telemetry/metrics.ts';
import type { ActiveRequest } from './active-request.ts';

class ApiMetrics {
  readonly name: string;
  /** Number of requests by version. */
  readonly counts: number[] = [];
  readonly durations: Quantiles;
  errors = 0;

  constructor(name: string, nowMs: number) {
    this.name = name;
    this.durations = new Quantiles(nowMs);
  }
}

export class RequestMetrics {
  readonly #clock: Clock;
  /** Metrics by API key. */
  readonly #apis: (ApiMetrics | undefined)[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  nowMs(): number {
    return this.#clock.monotonicMs();
  }

  completed({ apiKey, apiVersion, handler, startedMs }: ActiveRequest): void {
    const nowMs = this.#clock.monotonicMs();
    const api = this.#of(apiKey, handler.name, nowMs);
    api.counts[apiVersion] = (api.counts[apiVersion] ?? 0) + 1;
    api.durations.add(nowMs - startedMs, nowMs);
  }

  failed({ apiKey, handler }: ActiveRequest): void {
    this.#of(apiKey, handler.name, this.#clock.monotonicMs()).errors++;
  }

  readonly collect: Collector = (sink) => {
    const nowMs = this.#clock.monotonicMs();
    for (const api of this.#apis) if (api !== undefined) describe(api, sink, nowMs);
  };

  #of(apiKey: number, name: string, nowMs: number): ApiMetrics {
    let api = this.#apis[apiKey];
    if (api === undefined) {
      api = new ApiMetrics(name, nowMs);
      this.#apis[apiKey] = api;
    }
    return api;
  }
}

function describe({ name, counts, durations, errors }: ApiMetrics, sink: Sink, nowMs: number): void {
  counts.forEach((count, version) => {
    sink('kafka_network_requestmetrics_requests_total', count, [name, version]);
  });
  sink('kafka_network_requestmetrics_errors_total', errors, [name]);
  tellQuantiles(sink, 'kafka_network_requestmetrics_totaltimems', durations, [name], nowMs);
}
