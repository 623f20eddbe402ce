/**
 * `max.connection.creation.rate` (KIP-612) of a broker and of its listeners: how many connections they accept in a second, over
 * Kafka's window of samples. When a listener exceeds a rate, the caller delays its next connections.
 */
import { type LastThrottle, type QuotaWindow, Rate, shownThrottleMs } from './rate.ts';

export interface ConnectionRateLimits {
  /** Connections per second; Infinity: no limit. They may change at any time. */
  readonly ofBroker: () => number;
  readonly ofListener: (listener: string) => number;
  /** Whether only the limit of the listener itself counts, so that clients do not keep other brokers away. */
  readonly isProtected: (listener: string) => boolean;
}

interface ListenerRate {
  readonly rate: Rate;
  /** The last throttle time because of a rate of the broker or the listener. */
  own: LastThrottle;
  /** The last throttle time because of the quota of an address. */
  byAddress: LastThrottle;
}

export interface ListenerMetrics {
  readonly listener: string;
  /** Connections per second. */
  readonly rate: number;
  /** The last throttle times; 0 once the window has passed since then. */
  readonly throttleMs: number;
  readonly addressThrottleMs: number;
}

export class ConnectionRates {
  readonly #window: QuotaWindow;
  readonly #limits: ConnectionRateLimits;
  readonly #broker: Rate;
  readonly #listeners = new Map<string, ListenerRate>();

  constructor(window: QuotaWindow, limits: ConnectionRateLimits) {
    this.#window = window;
    this.#limits = limits;
    this.#broker = new Rate(window);
  }

  /** Counts a new connection. Returns how long the listener must wait, at most the time of one sample; 0: it need not wait. */
  record(listener: string, nowMs: number): number {
    const { ofBroker, ofListener, isProtected } = this.#limits;
    const state = this.#of(listener);
    const { rate } = state;
    rate.record(1, nowMs);
    let throttleMs = this.#throttleMs(rate, ofListener(listener), nowMs);
    if (!isProtected(listener)) {
      this.#broker.record(1, nowMs);
      throttleMs = Math.max(throttleMs, this.#throttleMs(this.#broker, ofBroker(), nowMs));
    }
    if (throttleMs > 0) state.own = { throttleMs, throttledAtMs: nowMs };
    return throttleMs;
  }

  /** A connection was refused because of the quota of its address. It does not count. */
  recordRefused(listener: string, throttleMs: number, nowMs: number): void {
    this.#of(listener).byAddress = { throttleMs, throttledAtMs: nowMs };
  }

  /** Connections per second of all listeners that share the limit of the broker. */
  rate(nowMs: number): number {
    return this.#broker.measure(nowMs);
  }

  listeners(nowMs: number): ListenerMetrics[] {
    return [...this.#listeners].map(([listener, { rate, own, byAddress }]) => ({
      listener,
      rate: rate.measure(nowMs),
      throttleMs: shownThrottleMs(own, this.#window, nowMs),
      addressThrottleMs: shownThrottleMs(byAddress, this.#window, nowMs),
    }));
  }

  #throttleMs(rate: Rate, limit: number, nowMs: number): number {
    return limit === Number.POSITIVE_INFINITY
      ? 0
      : Math.min(rate.throttleTimeMs(limit, nowMs), this.#window.sampleMs);
  }

  #of(listener: string): ListenerRate {
    let state = this.#listeners.get(listener);
    if (state === undefined) {
      const none: LastThrottle = { throttleMs: 0, throttledAtMs: 0 };
      state = { rate: new Rate(this.#window), own: none, byAddress: none };
      this.#listeners.set(listener, state);
    }
    return state;
  }
}
