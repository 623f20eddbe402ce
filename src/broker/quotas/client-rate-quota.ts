/**
 * One quota on a rate: `producer_byte_rate`, `consumer_byte_rate` or `request_percentage`. A client has a rate of its own, or
 * shares the rate of the user or client id for which the quota is set.
 */
import { BoundedStates } from './bounded-states.ts';
import { type Quota, type QuotaClient, QuotaTable, stateKey } from './quota-table.ts';
import { type QuotaWindow, Rate, shownThrottleMs } from './rate.ts';
import type { ClientQuotaImage } from '../../metadata/security-image.ts';

/** The rate of the clients that share a quota. */
export interface ClientRate {
  readonly user: string | null;
  readonly clientId: string | null;
  readonly rate: Rate;
  /** The last throttle time that was not 0, and when it was computed. */
  throttleMs: number;
  throttledAtMs: number;
}

export interface RateQuotaOptions {
  readonly key: string;
  readonly window: QuotaWindow;
  /** The longest throttle time. */
  readonly throttleMsMax?: number;
}

export class ClientRateQuota {
  readonly #options: RateQuotaOptions;
  readonly #states = new BoundedStates<ClientRate>();
  #table: QuotaTable;

  constructor(options: RateQuotaOptions) {
    this.#options = options;
    this.#table = new QuotaTable([], options.key);
  }

  /** Whether no client has this quota; then nothing needs to be recorded. */
  get isOff(): boolean {
    return this.#table.isEmpty;
  }

  /** The number of rates in memory. */
  get size(): number {
    return this.#states.size;
  }

  setQuotas(images: Iterable<ClientQuotaImage>): void {
    this.#table = new QuotaTable(images, this.#options.key);
    if (this.isOff) this.#states.clear();
  }

  /** Records a value and returns the throttle time; 0: the client is within its quota, or has none. */
  record(client: QuotaClient, value: number, nowMs: number): number {
    const quota = this.#table.find(client);
    if (quota === null) return 0;
    const state = this.#stateOf(quota, nowMs);
    state.rate.record(value, nowMs);
    return this.#throttled(state, quota.limit, nowMs);
  }

  /** Like `record`, but a value that exceeds the quota is not kept if the window has earlier values. */
  recordOrRefuse(
    client: QuotaClient,
    value: number,
    nowMs: number,
  ): { throttleMs: number; isRefused: boolean } {
    const quota = this.#table.find(client);
    if (quota === null) return { throttleMs: 0, isRefused: false };
    const state = this.#stateOf(quota, nowMs);
    const isFirst = state.rate.measure(nowMs) <= 0;
    state.rate.record(value, nowMs);
    const throttleMs = this.#throttled(state, quota.limit, nowMs);
    const isRefused = throttleMs > 0 && !isFirst;
    if (isRefused) state.rate.record(-value, nowMs);
    return { throttleMs, isRefused };
  }

  /** How long a client must wait, without a further value; 0: it is within its quota, or has none. */
  throttleTimeMs(client: QuotaClient, nowMs: number): number {
    const quota = this.#table.find(client);
    return quota === null ? 0 : this.#throttled(this.#stateOf(quota, nowMs), quota.limit, nowMs);
  }

  /** How much a client that has used nothing lately may use at once; Infinity if it has no quota. */
  burst(client: QuotaClient): number {
    const { samplesMax, sampleMs } = this.#options.window;
    const quota = this.#table.find(client);
    if (quota === null) return Number.POSITIVE_INFINITY;
    return Math.floor((quota.limit * (samplesMax - 1) * sampleMs) / 1000);
  }

  /** At most `count` rates, the most recently used first. */
  newest(count: number, nowMs: number): ClientRate[] {
    this.#states.dropIdle(nowMs);
    return this.#states.newest(count);
  }

  /** The last throttle time of the clients that share `state`; 0 once the window has passed since then. */
  lastThrottleMs(state: ClientRate, nowMs: number): number {
    return shownThrottleMs(state, this.#options.window, nowMs);
  }

  #throttled(state: ClientRate, limit: number, nowMs: number): number {
    const { throttleMsMax = Number.POSITIVE_INFINITY } = this.#options;
    const throttleMs = Math.min(state.rate.throttleTimeMs(limit, nowMs), throttleMsMax);
    if (throttleMs > 0) {
      state.throttleMs = throttleMs;
      state.throttledAtMs = nowMs;
    }
    return throttleMs;
  }

  #stateOf(quota: Quota, nowMs: number): ClientRate {
    return this.#states.get(stateKey(quota), nowMs, () => ({
      user: quota.user,
      clientId: quota.clientId,
      rate: new Rate(this.#options.window),
      throttleMs: 0,
      throttledAtMs: 0,
    }));
  }
}
