/**
 * Metrics that clients push (KIP-714): which of them a client instance is asked for, and when it may ask and push. A client
 * metrics subscription (`kafka-client-metrics`) names metrics, an interval and the clients that it is meant for.
 *
 * - The state of an instance is this broker's own, as in Kafka: another broker knows nothing of it.
 * - Time is an argument. An instance that neither asks nor pushes for three intervals is forgotten, and the one that was
 *   silent longest when there are too many.
 * - Not here: what the metrics say. Pushes are checked and counted (`docs/metrics.md`), then dropped: there is no receiver.
 */
import type { Uuid } from '../base/uuid.ts';
import { uuidToBytes, uuidZero } from '../base/uuid.ts';
import { splitList } from '../config/define.ts';
import { clientMetricsProperties } from '../config/tables/entities.ts';
import type { ConfigsImage } from '../metadata/configs-image.ts';
import { resourceType } from '../metadata/configs-image.ts';
import { Errors, KafkaError } from '../protocol/errors.ts';
import { crc32c } from '../protocol/records/crc32c.ts';
import type { Collector } from '../telemetry/metrics.ts';
import { clientInstancesMax } from './limits.ts';
import { fullMatcher } from './regex.ts';

/** What `match` of a subscription can be about. */
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
  /** Prefixes of names; `*` alone means all. */
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
  /** The configuration that the subscription was made from. */
  readonly configs: ConfigsImage;
  askedMs: number;
  pushedMs: number;
  hasEnded: boolean;
  /** The last push was refused for a reason after which the client asks again at once. */
  mayAskAgain: boolean;
  seenMs: number;
}

const intervalMsDefault = clientMetricsProperties['interval.ms'].default as number;
const forgottenAfterMsMin = 60_000;
/** None, gzip, snappy, lz4, zstd. */
const compressionTypeMax = 4;
const allMetrics = '*';
const never = Number.NEGATIVE_INFINITY;
/** Ids that mean something else: zero, and one (the metadata topic). */
const reservedIds: readonly Uuid[] = [uuidZero, 'AAAAAAAAAAAAAAAAAAAAAQ'];

export class ClientMetrics {
  /** The instance that was silent longest is the first. */
  readonly #instances = new Map<Uuid, ClientInstance>();
  #rules: { readonly configs: ConfigsImage; readonly list: readonly SubscriptionRule[] } | null = null;
  #pushes = 0;
  #pushedBytes = 0;
  #throttled = 0;
  #unknownSubscriptions = 0;

  /** What the client is asked for. Throws THROTTLING_QUOTA_EXCEEDED when it asks before its interval is over. */
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

  /** Takes metrics, or throws the error of the response. After `terminating` nothing more is taken from the instance. */
  push(push: Push, client: ClientAttributes, configs: ConfigsImage, nowMs: number, sizeMax: number): void {
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
    if (push.sizeBytes === 0) return;
    this.#pushes++;
    this.#pushedBytes += push.sizeBytes;
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
    // One push after each question is taken at once.
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

  /** The instance as it is now: a new one when it is not known, or when the subscriptions changed since. */
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
    // Another configuration changed, not one that concerns this client.
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

/** Other metrics, another interval or another instance: another id. */
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
      matches: (client) => patterns.every(({ key, matches }) => matches(client[key])),
    });
  }
  return rules;
}

/** `selector=expression`, which the controller has checked. */
function patternOf(text: string): { key: keyof ClientAttributes; matches: (text: string) => boolean } {
  const [selector = '', expression = ''] = text.split('=');
  return { key: selector.trim() as keyof ClientAttributes, matches: fullMatcher(expression.trim()) };
}
