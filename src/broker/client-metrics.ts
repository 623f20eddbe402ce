/**
 * Metrics that clients push (KIP-714): decides which metrics a client instance pushes, and when it may ask for its subscription
 * and push. A client metrics subscription, as `kafka-client-metrics` creates it, has a list of metrics, an interval and a
 * filter for clients.
 *
 * - The state of a client instance is kept on this broker only, as in Kafka.
 * - Time is an argument. An instance that sent no request for three intervals (at least a minute) is removed. If there are too
 *   many instances, the one that was silent for longest is removed.
 * - Pushes are validated and counted here; `pushed-metrics.ts` keeps their content.
 */
import type { Uuid } from '../base/uuid.ts';
import { uuidToBytes, uuidZero } from '../base/uuid.ts';
import { splitList } from '../config/define.ts';
import { compileStoredRegex, type Regex } from '../config/regex.ts';
import { clientMetricsProperties } from '../config/tables/entities.ts';
import type { ConfigsImage } from '../metadata/configs-image.ts';
import { resourceType } from '../metadata/configs-image.ts';
import { Errors, KafkaError } from '../protocol/errors.ts';
import { crc32c } from '../protocol/records/crc32c.ts';
import type { Collector } from '../telemetry/metrics.ts';
import { clientInstancesMax } from './limits.ts';

/** The attributes of a client that the filter `match` of a subscription can test. */
export interface ClientAttributes {
  readonly client_id: string;
  readonly client_instance_id: string;
  readonly client_software_name: string;
  readonly client_software_version: string;
  readonly client_source_address: string;
  readonly client_source_port: string;
}

export interface TelemetrySubscription {
  readonly subscriptionId: number;
  readonly pushIntervalMs: number;
  /** Prefixes of metric names. A single `*` means all metrics. */
  readonly metrics: readonly string[];
}

export interface Push {
  readonly clientInstanceId: Uuid;
  readonly subscriptionId: number;
  readonly terminating: boolean;
  readonly compressionType: number;
  readonly sizeBytes: number;
}

interface SubscriptionRule {
  readonly metrics: readonly string[];
  readonly intervalMs: number;
  readonly matches: (client: ClientAttributes) => boolean;
}

interface ClientInstance extends TelemetrySubscription {
  /** The configurations from which the subscription was computed. If the image has others, it is computed again. */
  readonly configs: ConfigsImage;
  askedMs: number;
  pushedMs: number;
  hasEnded: boolean;
  /** Whether the last push was refused with an error after which the client may ask for its subscription at once. */
  mayAskAgain: boolean;
  seenMs: number;
}

const intervalMsDefault = clientMetricsProperties['interval.ms'].default as number;
const forgottenAfterMsMin = 60_000;
/** Code of the last compression type: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd. */
const compressionTypeMax = 4;
const allMetrics = '*';
const never = Number.NEGATIVE_INFINITY;
/** Ids that no client instance may have: zero, and one, which is the id of the metadata topic. */
const reservedIds: readonly Uuid[] = [uuidZero, 'AAAAAAAAAAAAAAAAAAAAAQ'];

export class ClientMetrics {
  /** Client instances by id, ordered by the time of their last request, the oldest first. */
  readonly #instances = new Map<Uuid, ClientInstance>();
  #rules: { readonly configs: ConfigsImage; readonly list: readonly SubscriptionRule[] } | null = null;
  #pushes = 0;
  #pushedBytes = 0;
  #throttled = 0;
  #unknownSubscriptions = 0;

  /** The subscription of a client instance. Throws THROTTLING_QUOTA_EXCEEDED if it asks before its interval has passed. */
  subscription(
    id: Uuid,
    client: ClientAttributes,
    configs: ConfigsImage,
    nowMs: number,
  ): TelemetrySubscription {
    const instance = this.#instance(id, client, configs, nowMs);
    const isDue = nowMs - Math.max(instance.askedMs, instance.pushedMs) >= instance.pushIntervalMs;
    if (!isDue && !instance.mayAskAgain) throw this.#tooEarly(id);
    if (isDue) instance.askedMs = nowMs;
    instance.mayAskAgain = false;
    return instance;
  }

  /**
   * Accepts pushed metrics, or throws the error for the response. After a push with `terminating` the instance must not push
   * again. Returns the subscription of the instance.
   */
  push(
    push: Push,
    client: ClientAttributes,
    configs: ConfigsImage,
    nowMs: number,
    sizeMax: number,
  ): TelemetrySubscription {
    const id = push.clientInstanceId;
    if (reservedIds.includes(id)) {
      throw new KafkaError(
        Errors.INVALID_REQUEST,
        `Invalid request from the client [${id}], invalid client instance id`,
      );
    }
    const instance = this.#instance(id, client, configs, nowMs);
    try {
      this.#check(push, instance, nowMs, sizeMax);
    } finally {
      instance.hasEnded = push.terminating;
    }
    if (push.sizeBytes > 0) this.#pushes++;
    this.#pushedBytes += push.sizeBytes;
    return instance;
  }

  readonly collect: Collector = (sink) => {
    sink('kafka_server_client_metrics_instance_count', this.#instances.size);
    sink('kafka_server_client_metrics_unknown_subscription_request_total', this.#unknownSubscriptions);
    sink('kafka_server_client_metrics_throttle_total', this.#throttled);
    sink('kafka_server_client_metrics_push_total', this.#pushes);
    sink('kafka_server_client_metrics_push_bytes_total', this.#pushedBytes);
  };

  #check(push: Push, instance: ClientInstance, nowMs: number, sizeMax: number): void {
    const id = push.clientInstanceId;
    if (instance.hasEnded) {
      throw new KafkaError(
        Errors.INVALID_REQUEST,
        `Client [${id}] sent the previous request with state terminating to TRUE, can not accept any requests after that`,
      );
    }
    // The first push after a request for the subscription that was due is accepted at any time; then the interval counts.
    const isDue =
      instance.askedMs > instance.pushedMs || nowMs - instance.pushedMs >= instance.pushIntervalMs;
    if (isDue) instance.pushedMs = nowMs;
    else if (!push.terminating) throw this.#tooEarly(id);
    if (push.subscriptionId !== instance.subscriptionId) {
      this.#unknownSubscriptions++;
      instance.mayAskAgain = true;
      throw new KafkaError(
        Errors.UNKNOWN_SUBSCRIPTION_ID,
        `Unknown client subscription id for the client [${id}]`,
      );
    }
    if (push.compressionType < 0 || push.compressionType > compressionTypeMax) {
      instance.mayAskAgain = true;
      throw new KafkaError(
        Errors.UNSUPPORTED_COMPRESSION_TYPE,
        `Unknown compression type [${push.compressionType}] is received in telemetry request from [${id}]`,
      );
    }
    if (push.sizeBytes > sizeMax) {
      throw new KafkaError(
        Errors.TELEMETRY_TOO_LARGE,
        `Telemetry request from [${id}] is larger than the maximum allowed size [${sizeMax}]`,
      );
    }
    instance.mayAskAgain = false;
  }

  #tooEarly(id: Uuid): KafkaError {
    this.#throttled++;
    return new KafkaError(
      Errors.THROTTLING_QUOTA_EXCEEDED,
      `Request from the client [${id}] arrived before the next push interval time`,
    );
  }

  /** The state of a client instance: a new one if the instance is unknown, or if its subscription has changed. */
  #instance(id: Uuid, client: ClientAttributes, configs: ConfigsImage, nowMs: number): ClientInstance {
    const known = this.#instances.get(id);
    const instance = known?.configs === configs ? known : this.#renewed(known, id, client, configs);
    instance.seenMs = nowMs;
    this.#instances.delete(id);
    this.#forget(nowMs);
    this.#instances.set(id, instance);
    return instance;
  }

  #renewed(
    known: ClientInstance | undefined,
    id: Uuid,
    client: ClientAttributes,
    configs: ConfigsImage,
  ): ClientInstance {
    const subscription = this.#subscriptionFor(id, client, configs);
    // The configurations have changed, but the subscription of this client has not.
    if (known?.subscriptionId === subscription.subscriptionId) return { ...known, configs };
    return {
      ...subscription,
      configs,
      askedMs: never,
      pushedMs: never,
      hasEnded: false,
      mayAskAgain: false,
      seenMs: never,
    };
  }

  #subscriptionFor(id: Uuid, client: ClientAttributes, configs: ConfigsImage): TelemetrySubscription {
    if (this.#rules?.configs !== configs) this.#rules = { configs, list: subscriptionRules(configs) };
    let pushIntervalMs = intervalMsDefault;
    const names = new Set<string>();
    for (const rule of this.#rules.list) {
      if (!rule.matches(client)) continue;
      rule.metrics.forEach((name) => names.add(name));
      pushIntervalMs = Math.min(pushIntervalMs, rule.intervalMs);
    }
    const metrics = names.has(allMetrics) ? [allMetrics] : [...names].sort();
    return { subscriptionId: subscriptionIdOf(id, metrics, pushIntervalMs), pushIntervalMs, metrics };
  }

  #forget(nowMs: number): void {
    for (const [id, instance] of this.#instances) {
      const isOver = nowMs - instance.seenMs > Math.max(forgottenAfterMsMin, 3 * instance.pushIntervalMs);
      if (!isOver && this.#instances.size < clientInstancesMax) return;
      this.#instances.delete(id);
    }
  }
}

/** An id that changes when the metrics or the interval change; each instance has another one. */
function subscriptionIdOf(id: Uuid, metrics: readonly string[], intervalMs: number): number {
  const bytes = new TextEncoder().encode(`[${metrics.join(', ')}]${intervalMs}`);
  const own = new Uint8Array(16);
  uuidToBytes(id, own);
  return (crc32c(bytes) ^ crc32c(own)) | 0;
}

function subscriptionRules(configs: ConfigsImage): SubscriptionRule[] {
  const rules: SubscriptionRule[] = [];
  for (const { type, values } of configs.all()) {
    if (type !== resourceType.clientMetrics) continue;
    const patterns = splitList(values.get('match') ?? '').map(patternOf);
    rules.push({
      metrics: splitList(values.get('metrics') ?? ''),
      intervalMs: Number(values.get('interval.ms') ?? intervalMsDefault),
      matches: (client) => patterns.every(({ key, regex }) => regex.matches(client[key])),
    });
  }
  return rules;
}

/** Parses `selector=expression`, which the controller validated. */
function patternOf(text: string): { key: keyof ClientAttributes; regex: Regex } {
  const [selector = '', expression = ''] = text.split('=');
  return { key: selector.trim() as keyof ClientAttributes, regex: compileStoredRegex(expression.trim()) };
}
