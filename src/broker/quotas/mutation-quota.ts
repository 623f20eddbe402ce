/**
 * `controller_mutation_rate` (KIP-599): how many partitions a client may create and delete in a second. The active controller
 * enforces it, so it holds for the whole cluster.
 */
import { type PartitionMutations, unlimitedMutations } from '../../controller/state.ts';
import type { ClientQuotaImage } from '../../metadata/security-image.ts';
import { Errors, KafkaError } from '../../protocol/errors.ts';
import { BoundedStates } from './bounded-states.ts';
import { MutationBucket } from './mutation-bucket.ts';
import { type QuotaClient, QuotaTable, stateKey } from './quota-table.ts';
import type { QuotaWindow } from './rate.ts';

const quotaName = 'controller_mutation_rate';

export class MutationQuota {
  readonly #window: QuotaWindow;
  readonly #states = new BoundedStates<MutationBucket>();
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

  /** `isStrict`: the version of the request knows THROTTLING_QUOTA_EXCEEDED. An older client is only throttled. */
  begin(client: QuotaClient, isStrict: boolean, nowMs: number): PartitionMutations {
    const quota = this.#table.find(client);
    if (quota === null) return unlimitedMutations;
    const { limit } = quota;
    const bucket = this.#states.get(stateKey(quota), nowMs, () => new MutationBucket(this.#window));
    let throttleTimeMs = 0;
    return {
      get throttleTimeMs() {
        return throttleTimeMs;
      },
      record(partitions) {
        if (isStrict) {
          throttleTimeMs = Math.max(throttleTimeMs, bucket.throttleTimeMs(limit, nowMs));
          if (throttleTimeMs > 0)
            throw new KafkaError(Errors.THROTTLING_QUOTA_EXCEEDED, 'The throttling quota has been exceeded.');
        }
        bucket.take(partitions, limit, nowMs);
        if (!isStrict) throttleTimeMs = Math.max(throttleTimeMs, bucket.throttleTimeMs(limit, nowMs));
      },
    };
  }
}
