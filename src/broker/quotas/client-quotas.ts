/**
 * The client quotas of a node (KIP-13, 55, 124, 219, 546, 599, 612): the values of the metadata image, and what each client has
 * used here. A change of the image acts on the next request of each client.
 */
import type { Clock } from '../../base/clock.ts';
import type { NodeConfig } from '../../config/node-config.ts';
import type { MetadataImage } from '../../metadata/image.ts';
import type { SecurityImage } from '../../metadata/security-image.ts';
import type { Collector, Sink } from '../../telemetry/metrics.ts';
import { quotaMetricsMax } from '../limits.ts';
import { ClientRateQuota } from './client-rate-quota.ts';
import { ConnectionQuota } from './connection-quota.ts';
import { type AfterTurn, LoopTime } from './loop-time.ts';
import { MutationQuota } from './mutation-quota.ts';
import type { QuotaWindow } from './rate.ts';

/** The kind of quota that throttles a client, with Kafka's name. */
export type QuotaType = 'Produce' | 'Fetch' | 'Request' | 'ControllerMutation';

export interface QuotaWindows {
  readonly client: QuotaWindow;
  readonly controller: QuotaWindow;
}

export function quotaWindowsOf(config: NodeConfig): QuotaWindows {
  return {
    client: {
      samplesMax: config.get('quota.window.num'),
      sampleMs: config.get('quota.window.size.seconds') * 1000,
    },
    controller: {
      samplesMax: config.get('controller.quota.window.num'),
      sampleMs: config.get('controller.quota.window.size.seconds') * 1000,
    },
  };
}

export class ClientQuotas {
  /** `producer_byte_rate`, in bytes of Produce requests per second. */
  readonly produce: ClientRateQuota;
  /** `consumer_byte_rate`, in bytes of Fetch responses per second. */
  readonly fetch: ClientRateQuota;
  /** `request_percentage`, in percent of the time of the event loop. */
  readonly request: ClientRateQuota;
  readonly loopTime: LoopTime;
  readonly mutation: MutationQuota;
  readonly connections: ConnectionQuota;
  /** `quota.window.num`, `quota.window.size.seconds`. */
  readonly window: QuotaWindow;
  readonly #clock: Clock;
  readonly #throttled = new Map<QuotaType, number>();
  #known: SecurityImage['clientQuotas'] | null = null;

  /**
   * `afterTurn`: calls back when a turn of the event loop is over. The default, a microtask, is for clocks that stand still
   * during a turn.
   */
  constructor({ client, controller }: QuotaWindows, clock: Clock, afterTurn: AfterTurn = queueMicrotask) {
    this.#clock = clock;
    this.window = client;
    this.produce = new ClientRateQuota({ key: 'producer_byte_rate', window: client });
    this.fetch = new ClientRateQuota({ key: 'consumer_byte_rate', window: client });
    const throttleMsMax = client.sampleMs;
    this.request = new ClientRateQuota({ key: 'request_percentage', window: client, throttleMsMax });
    this.loopTime = new LoopTime({ quota: this.request, clock, afterTurn });
    this.mutation = new MutationQuota(controller);
    this.connections = new ConnectionQuota(client);
  }

  /** Monotonic time in whole milliseconds, as Kafka measures rates. */
  nowMs(): number {
    return Math.floor(this.#clock.monotonicMs());
  }

  onMetadataUpdate({ security }: MetadataImage): void {
    if (security.clientQuotas === this.#known) return;
    this.#known = security.clientQuotas;
    const images = [...security.clientQuotas.values()];
    for (const quota of [this.produce, this.fetch, this.request, this.mutation, this.connections])
      quota.setQuotas(images);
  }

  /**
   * Counts a connection that becomes muted (1), or is no longer muted (-1). Kafka's metric `queue-size` is the number of muted
   * ones.
   */
  countThrottled(type: QuotaType, change: 1 | -1): void {
    this.#throttled.set(type, (this.#throttled.get(type) ?? 0) + change);
  }

  readonly collect: Collector = (sink) => {
    for (const type of ['Produce', 'Fetch', 'Request', 'ControllerMutation'] as const)
      sink('kafka_server_quota_queue_size', this.#throttled.get(type) ?? 0, [type]);
    this.#collectRates(sink, 'Produce', this.produce, 'kafka_server_quota_byte_rate');
    this.#collectRates(sink, 'Fetch', this.fetch, 'kafka_server_quota_byte_rate');
    this.#collectRates(sink, 'Request', this.request, 'kafka_server_quota_request_time');
    this.#collectMutations(sink);
    const nowMs = this.nowMs();
    for (const [ip, rate] of this.connections.newest(quotaMetricsMax, nowMs))
      sink('kafka_server_socket_server_metrics_connection_accept_rate', rate.measure(nowMs), ['', ip]);
  };

  #collectMutations(sink: Sink): void {
    const nowMs = this.nowMs();
    for (const state of this.mutation.newest(quotaMetricsMax, nowMs)) {
      const labels = ['ControllerMutation', state.user ?? '', state.clientId ?? ''];
      sink('kafka_server_quota_mutation_rate', state.rate.measure(nowMs), labels);
      sink('kafka_server_quota_tokens', state.bucket.tokens(state.limit, nowMs), labels);
      sink('kafka_server_quota_throttle_time', this.mutation.lastThrottleMs(state, nowMs), labels);
    }
  }

  #collectRates(
    sink: Sink,
    type: QuotaType,
    quota: ClientRateQuota,
    metric: 'kafka_server_quota_byte_rate' | 'kafka_server_quota_request_time',
  ): void {
    const nowMs = this.nowMs();
    for (const state of quota.newest(quotaMetricsMax, nowMs)) {
      const labels = [type, state.user ?? '', state.clientId ?? ''];
      sink(metric, state.rate.measure(nowMs), labels);
      sink('kafka_server_quota_throttle_time', quota.lastThrottleMs(state, nowMs), labels);
    }
  }
}
