/**
 * `controller_mutation_rate` (KIP-599): how many partitions a client may create and delete in a second. The active controller
 * enforces it, so it holds for the whole cluster.
 */
import { type PartitionMutations, unlimitedMutations } from '../../controller/state.ts';
import type { ClientQuotaImage } from '../../metadata/security-image.ts';
import { Errors, KafkaError } from '../../protocol/errors.ts';
import { BoundedStates } from './bounded-states.ts';
import { MutationBucket } from './mutation-bucket.ts';
import { type Quota, type QuotaClient, QuotaTable, stateKey } from './quota-table.ts';
import { type QuotaWindow, Rate, shownThrottleMs } from './rate.ts';

const quotaName = 'controller_mutation_rate';

/** What the clients that share a quota have changed. */
export interface MutationState {
  readonly user: string | null;
  readonly clientId: string | null;
  readonly bucket: MutationBucket;
  /** Partitions per second. */
  readonly rate: Rate;
  /** The quota at the last request. */
  limit: number;
  /** The last throttle time that was not 0, and when it was computed. */
  throttleMs: number;
  throttledAtMs: number;
}

export class MutationQuota {
  readonly #window: QuotaWindow;
  readonly #states = new BoundedStates<MutationState>();
  #table = new QuotaTable([], quotaName);

  /** `controller.quota.window.num`, `controller.quota.window.size.seconds`. */
  constructor(window: QuotaWindow) {
    this.#window = window;
  }

  get size(): number {
    return this.#states.size;
  }

  setQuotas(images: Iterable<ClientQuotaImage>): void {
    this.#table = new QuotaTable(images, quotaName);
    if (this.#table.isEmpty) this.#states.clear();
  }

  /**
   * Records the partitions that one request of `client` creates or deletes. `isStrict`: the version of the request knows
   * THROTTLING_QUOTA_EXCEEDED. An older client is only throttled.
   */
  begin(client: QuotaClient, isStrict: boolean, nowMs: number): PartitionMutations {
    const quota = this.#table.find(client);
    if (quota === null) return unlimitedMutations;
    const { limit } = quota;
    const state = this.#stateOf(quota, nowMs);
    const { bucket, rate } = state;
    let throttleTimeMs = 0;
    const checkDebt = (): void => {
      throttleTimeMs = Math.max(throttleTimeMs, bucket.throttleTimeMs(limit, nowMs));
      if (throttleTimeMs === 0) return;
      state.throttleMs = throttleTimeMs;
      state.throttledAtMs = nowMs;
    };
    return {
      get throttleTimeMs() {
        return throttleTimeMs;
      },
      record(partitions) {
        if (isStrict) {
          checkDebt();
          if (throttleTimeMs > 0)
            throw new KafkaError(Errors.THROTTLING_QUOTA_EXCEEDED, 'The throttling quota has been exceeded.');
        }
        bucket.take(partitions, limit, nowMs);
        rate.record(partitions, nowMs);
        if (!isStrict) checkDebt();
      },
    };
  }

  /** At most `count` states, the most recently used first. */
  newest(count: number, nowMs: number): MutationState[] {
    this.#states.dropIdle(nowMs);
    return this.#states.newest(count);
  }

  /** The last throttle time of the clients that share `state`; 0 once the window has passed since then. */
  lastThrottleMs(state: MutationState, nowMs: number): number {
    return shownThrottleMs(state, this.#window, nowMs);
  }

  #stateOf(quota: Quota, nowMs: number): MutationState {
    const { user, clientId, limit } = quota;
    const state = this.#states.get(stateKey(quota), nowMs, () => ({
      user,
      clientId,
      bucket: new MutationBucket(this.#window),
      rate: new Rate(this.#window),
      limit,
      throttleMs: 0,
      throttledAtMs: 0,
    }));
    state.limit = limit;
    return state;
  }
}
