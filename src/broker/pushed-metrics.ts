/**
 * The last values of the metrics that clients push (KIP-714), in memory, for `/metrics`. (Apache Kafka passes pushes on to a
 * plug-in and keeps nothing.)
 *
 * - A series is one metric of one client instance with its attributes. Only metrics of the instance's subscription are kept.
 * - `client_info` is one more series of each instance, with what is known of the client itself. (The attributes of a client may
 *   change, such as its member id, so they are not labels of each metric.)
 * - A change since the last push is added to what was pushed before, so counters grow as Prometheus expects.
 * - A series is removed when it was not pushed for three intervals, at least a minute, so also when the client is gone.
 * - Bounded: series and characters on this broker, series of an instance, and what a push may be decompressed to. A series
 *   above a bound is dropped and counted.
 */
import type { Clock } from '../base/clock.ts';
import { MalformedError } from '../base/protobuf.ts';
import type { Uuid } from '../base/uuid.ts';
import { DecodeError } from '../protocol/codec/errors.ts';
import { Errors, KafkaError } from '../protocol/errors.ts';
import { compressionTypes } from '../protocol/records/batch.ts';
import { decompress } from '../protocol/records/compression.ts';
import { type Distribution, type Exposition, labelText } from '../telemetry/exposition.ts';
import type { Collector, MetricKind } from '../telemetry/metrics.ts';
import type { ClientAttributes, TelemetrySubscription } from './client-metrics.ts';
import {
  clientSeriesCharactersMax,
  clientSeriesMax,
  clientSeriesPerInstanceMax,
  pushElementsMax,
  pushUnpackedBytesMax,
} from './limits.ts';
import { type Attribute, type DecodedMetrics, decodeMetrics, type MetricPoint } from './otlp.ts';

/** What a client pushed. */
export interface PushedPayload {
  readonly client: ClientAttributes;
  /** The code of a compression type that exists. */
  readonly compressionType: number;
  readonly bytes: Uint8Array;
}

interface Series {
  /** The name as the client pushed it. */
  readonly name: string;
  readonly metric: string;
  /** The labels as they are written between braces. */
  readonly labels: string;
  readonly kind: MetricKind;
  value: number | Distribution;
  pushedMs: number;
}

interface Instance {
  readonly series: Map<string, Series>;
  pushedMs: number;
  expiryMs: number;
}

const expiryMsMin = 60_000;
/** Labels that have another meaning in `/metrics`. */
const reservedLabels: readonly string[] = ['client_instance_id', 'client_id', 'quantile'];
/** The key of `client_info`, which no other series has. */
const infoKey = '';
const infoHelp = 'Client instances that push metrics, with the attributes of the client.';
const infoAttributes = ['client_software_name', 'client_software_version', 'client_source_address'] as const;
/** Series between two yields of the collector. */
const seriesPerStep = 100;

export class PushedMetrics {
  readonly #clock: Clock;
  /** Instances by id, the one whose last push is oldest first. */
  readonly #instances = new Map<Uuid, Instance>();
  #series = 0;
  #characters = 0;
  #dropped = 0;
  #refused = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Keeps what a client pushed. Throws INVALID_RECORD when it cannot be decoded or is larger than the bounds allow, as Kafka
   * does when its plug-in fails. A client then pushes no more.
   */
  take(payload: PushedPayload, { metrics, pushIntervalMs }: TelemetrySubscription): void {
    const { ofClient, points } = this.#decode(payload);
    const nowMs = this.#clock.monotonicMs();
    this.#expire(nowMs);
    const { client } = payload;
    const id = client.client_instance_id;
    const instance: Instance = this.#instances.get(id) ?? {
      series: new Map<string, Series>(),
      pushedMs: nowMs,
      expiryMs: 0,
    };
    instance.pushedMs = nowMs;
    instance.expiryMs = Math.max(expiryMsMin, 3 * pushIntervalMs);
    this.#instances.delete(id);
    this.#instances.set(id, instance);
    this.#dropOld(instance, nowMs);
    const wanted = points.filter(({ name }) =>
      metrics.some((prefix) => prefix === '*' || name.startsWith(prefix)),
    );
    if (wanted.length > 0) this.#keepInfo(instance, client, ofClient, nowMs);
    for (const point of wanted) this.#keep(instance, point, client, nowMs);
  }

  readonly collect: Collector = (sink) => {
    sink('bendemann_client_metrics_series', this.#series);
    sink('bendemann_client_metrics_dropped_total', this.#dropped);
    sink('bendemann_client_metrics_refused_push_total', this.#refused);
  };

  /** Adds the values of all series to the metrics page. */
  *show(page: Exposition): Generator<void> {
    const nowMs = this.#clock.monotonicMs();
    this.#expire(nowMs);
    let shown = 0;
    for (const instance of [...this.#instances.values()]) {
      this.#dropOld(instance, nowMs);
      for (const series of instance.series.values()) {
        const { metric, kind, name, labels, value } = series;
        const help = series === instance.series.get(infoKey) ? infoHelp : `Pushed by clients: ${name}`;
        page.addOther({ name: metric, kind, help, labels, value });
        if (++shown % seriesPerStep === 0) yield;
      }
    }
  }

  #decode({ compressionType, bytes, client }: PushedPayload): DecodedMetrics {
    try {
      const compression = compressionTypes[compressionType] ?? 'none';
      const unpacked = decompress(compression, bytes, pushUnpackedBytesMax);
      return decodeMetrics(unpacked, pushElementsMax);
    } catch (error) {
      this.#refused++;
      if (!(error instanceof MalformedError || error instanceof DecodeError)) throw error;
      throw new KafkaError(
        Errors.INVALID_RECORD,
        `The metrics pushed by the client [${client.client_instance_id}] cannot be decoded: ${error.message}`,
      );
    }
  }

  #keep(instance: Instance, point: MetricPoint, client: ClientAttributes, nowMs: number): void {
    const { name, kind, attributes, isDelta, value } = point;
    const metric = `client_${plain(name)}`;
    const labels = labelsOf(client, attributes);
    const key = `${metric}{${labels}`;
    const known = instance.series.get(key);
    if (known?.kind === kind) {
      known.value = isDelta ? sumOf(known.value, value) : value;
      known.pushedMs = nowMs;
    } else this.#add(instance, key, { name, metric, labels, kind, value, pushedMs: nowMs });
  }

  #keepInfo(
    instance: Instance,
    client: ClientAttributes,
    ofClient: readonly Attribute[],
    nowMs: number,
  ): void {
    const attributes: Attribute[] = infoAttributes.map((name) => [name, client[name]]);
    const labels = labelsOf(client, [...attributes, ...ofClient]);
    const info: Series = {
      name: '',
      metric: 'client_info',
      labels,
      kind: 'gauge',
      value: 1,
      pushedMs: nowMs,
    };
    this.#add(instance, infoKey, info);
  }

  /** Adds a series, in the place of one with the same key. */
  #add(instance: Instance, key: string, series: Series): void {
    this.#remove(instance, key);
    const isFull =
      instance.series.size >= clientSeriesPerInstanceMax ||
      this.#series >= clientSeriesMax ||
      this.#characters + charactersOf(key, series) > clientSeriesCharactersMax;
    if (isFull) {
      this.#dropped++;
      return;
    }
    instance.series.set(key, series);
    this.#series++;
    this.#characters += charactersOf(key, series);
  }

  /** Removes the instances whose time is up. Of instances with other intervals some stay until those before them go. */
  #expire(nowMs: number): void {
    for (const [id, instance] of this.#instances) {
      if (nowMs - instance.pushedMs <= instance.expiryMs) return;
      for (const key of instance.series.keys()) this.#remove(instance, key);
      this.#instances.delete(id);
    }
  }

  /** Removes the series that the instance has stopped to push. */
  #dropOld(instance: Instance, nowMs: number): void {
    for (const [key, { pushedMs }] of instance.series)
      if (nowMs - pushedMs > instance.expiryMs) this.#remove(instance, key);
  }

  #remove(instance: Instance, key: string): void {
    const series = instance.series.get(key);
    if (series === undefined) return;
    instance.series.delete(key);
    this.#series--;
    this.#characters -= charactersOf(key, series);
  }
}

function charactersOf(key: string, { name, metric, labels }: Series): number {
  return key.length + name.length + metric.length + labels.length;
}

/** Returns a name with the characters that Prometheus allows: `org.apache.kafka` becomes `org_apache_kafka`. */
function plain(name: string): string {
  return name.replaceAll(/[^a-zA-Z0-9_]/g, '_');
}

function labelsOf(client: ClientAttributes, attributes: readonly Attribute[]): string {
  const labels = new Map<string, string>([
    ['client_instance_id', client.client_instance_id],
    ['client_id', client.client_id],
  ]);
  for (const [key, value] of attributes) {
    const name = plain(key);
    const label = /^(\d|__|$)/.test(name) || reservedLabels.includes(name) ? `attribute_${name}` : name;
    if (!labels.has(label)) labels.set(label, value);
  }
  return labelText([...labels.keys()], [...labels.values()]);
}

function sumOf(known: number | Distribution, change: number | Distribution): number | Distribution {
  if (typeof known === 'number' || typeof change === 'number') return (known as number) + (change as number);
  return { count: known.count + change.count, sum: known.sum + change.sum, quantiles: change.quantiles };
}
