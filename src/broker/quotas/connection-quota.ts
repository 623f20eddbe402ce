/**
 * `connection_creation_rate` (KIP-612): how many connections an IP address may open in a second. One above the rate is not
 * served, and is closed after its throttle time.
 */
import { canonicalAddress } from '../../base/ip-address.ts';
import type { ClientQuotaImage } from '../../metadata/security-image.ts';
import { BoundedStates } from './bounded-states.ts';
import { type QuotaWindow, Rate } from './rate.ts';

const connectionKey = 'connection_creation_rate';

export class ConnectionQuota {
  readonly #window: QuotaWindow;
  readonly #states = new BoundedStates<{ readonly address: string; readonly rate: Rate }>();
  /** Limits by canonical address; the key null has the default limit. */
  #limits: ReadonlyMap<string | null, number> = new Map();

  constructor(window: QuotaWindow) {
    this.#window = window;
  }

  get size(): number {
    return this.#states.size;
  }

  setQuotas(images: Iterable<ClientQuotaImage>): void {
    const limits = new Map<string | null, number>();
    for (const { entity, values } of images) {
      const [part] = entity;
      const limit = values.get(connectionKey);
      if (part?.entityType !== 'ip' || limit === undefined) continue;
      limits.set(part.entityName === null ? null : canonicalAddress(part.entityName), limit);
    }
    this.#limits = limits;
    if (limits.size === 0) this.#states.clear();
  }

  /** The rates of at most `count` addresses, the most recently used first. */
  newest(count: number, nowMs: number): [address: string, rate: Rate][] {
    this.#states.dropIdle(nowMs);
    return this.#states.newest(count).map(({ address, rate }) => [address, rate]);
  }

  /** How long a new connection waits before it is closed, at most the time of one sample, as in Kafka. 0: it may stay. */
  throttleTimeMs(host: string, nowMs: number): number {
    if (this.#limits.size === 0) return 0;
    const address = canonicalAddress(host) ?? host;
    const limit = this.#limits.get(address) ?? this.#limits.get(null);
    if (limit === undefined) return 0;
    const { rate } = this.#states.get(address, nowMs, () => ({ address, rate: new Rate(this.#window) }));
    rate.record(1, nowMs);
    const throttleMs = Math.min(rate.throttleTimeMs(limit, nowMs), this.#window.sampleMs);
    if (throttleMs > 0) rate.record(-1, nowMs);
    return throttleMs;
  }
}
