/**
 * Decodes metrics that clients push (KIP-714): the message MetricsData of OpenTelemetry, of which `proto/client-metrics.proto`
 * has the fields that are read here. Times, units, buckets of histograms and examples are skipped.
 *
 * The bytes are from a client: they may be anything. Each message inside counts, so that few bytes cannot cost much time.
 */
import { type FieldReaders, MalformedError, ProtoReader } from '../base/protobuf.ts';
import type { Distribution } from '../telemetry/exposition.ts';

export type Attribute = readonly [key: string, value: string];

/** One value of a metric. */
export interface MetricPoint {
  readonly name: string;
  readonly kind: 'counter' | 'gauge' | 'summary';
  /** Whether the value is the change since the last push of the client. */
  readonly isDelta: boolean;
  readonly attributes: readonly Attribute[];
  /** A distribution if, and only if, `kind` is summary. */
  readonly value: number | Distribution;
}

export interface DecodedMetrics {
  /** The attributes of the client, such as its group. */
  readonly ofClient: readonly Attribute[];
  readonly points: readonly MetricPoint[];
}

/** Throws `MalformedError`, also when there are more messages than `elementsMax` inside. */
export function decodeMetrics(bytes: Uint8Array, elementsMax: number): DecodedMetrics {
  const decoder = new Decoder(elementsMax);
  decoder.metricsData(bytes);
  return decoder;
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

function text(reader: ProtoReader): string {
  const bytes = reader.bytes();
  try {
    return utf8.decode(bytes);
  } catch {
    throw new MalformedError('a text is not UTF-8');
  }
}

/** AggregationTemporality: 1 delta, 2 cumulative. */
const deltaTemporality = 1;
/** A flag of a data point: it has no value. */
const noValue = 1;

/** The numbers of the fields that differ between the kinds of data points. */
interface PointFields {
  readonly attributes: number;
  readonly flags: number;
}
const numberFields: PointFields = { attributes: 7, flags: 8 };
const histogramFields: PointFields = { attributes: 9, flags: 10 };
const exponentialFields: PointFields = { attributes: 1, flags: 10 };
const summaryFields: PointFields = { attributes: 7, flags: 8 };
/** Quantiles of a summary that are read. */
const quantilesMax = 20;

/** The messages Gauge, Sum, Histogram, ExponentialHistogram and Summary. */
interface MetricData {
  readonly points: Uint8Array[];
  isDelta: boolean;
  isMonotonic: boolean;
}

class Decoder implements DecodedMetrics {
  readonly ofClient: Attribute[] = [];
  readonly points: MetricPoint[] = [];
  #elementsLeft: number;

  constructor(elementsMax: number) {
    this.#elementsLeft = elementsMax;
  }

  metricsData(bytes: Uint8Array): void {
    new ProtoReader(bytes).fields({
      1: (reader) =>
        this.#inside(reader, {
          1: (resource) => this.#inside(resource, { 1: (inner) => this.#attribute(inner, this.ofClient) }),
          2: (scope) => this.#inside(scope, { 2: (metric) => this.#metric(metric) }),
        }),
    });
  }

  /** Reads the bytes of a message inside. */
  #message(reader: ProtoReader): Uint8Array {
    if (this.#elementsLeft-- <= 0) throw new MalformedError('there are too many messages inside');
    return reader.bytes();
  }

  #inside(reader: ProtoReader, known: FieldReaders): void {
    new ProtoReader(this.#message(reader)).fields(known);
  }

  #metric(metric: ProtoReader): void {
    let name = '';
    let add: (() => void) | null = null;
    const numbers = (reader: ProtoReader, isSum: boolean): void => {
      const data = this.#data(reader);
      const kind = isSum && data.isMonotonic ? 'counter' : 'gauge';
      add = () => data.points.forEach((point) => this.#number(point, { name, kind, ...data }));
    };
    const distributions = (reader: ProtoReader, fields: PointFields): void => {
      const data = this.#data(reader);
      add = () => data.points.forEach((point) => this.#distribution(point, { name, ...data }, fields));
    };
    this.#inside(metric, {
      1: (reader) => (name = text(reader)),
      5: (reader) => numbers(reader, false),
      7: (reader) => numbers(reader, true),
      9: (reader) => distributions(reader, histogramFields),
      10: (reader) => distributions(reader, exponentialFields),
      11: (reader) => distributions(reader, summaryFields),
    });
    // The name may follow the data. Of several kinds of data the last one counts, as in every protobuf decoder.
    (add as (() => void) | null)?.();
  }

  #data(reader: ProtoReader): MetricData {
    const data: MetricData = { points: [], isDelta: false, isMonotonic: false };
    this.#inside(reader, {
      1: (inner) => data.points.push(this.#message(inner)),
      2: (inner) => (data.isDelta = inner.uint() === deltaTemporality),
      3: (inner) => (data.isMonotonic = inner.uint() !== 0),
    });
    return data;
  }

  #number(
    bytes: Uint8Array,
    { name, kind, isDelta }: { name: string; kind: 'counter' | 'gauge'; isDelta: boolean },
  ): void {
    let value: number | null = null;
    const attributes = this.#point(bytes, numberFields, {
      4: (reader) => (value = reader.double()),
      6: (reader) => (value = reader.sfixed64()),
    });
    if (attributes !== null && value !== null) this.points.push({ name, kind, isDelta, attributes, value });
  }

  #distribution(
    bytes: Uint8Array,
    { name, isDelta }: { name: string; isDelta: boolean },
    fields: PointFields,
  ): void {
    let [count, sum] = [0, 0];
    const quantiles: [number, number][] = [];
    const attributes = this.#point(bytes, fields, {
      4: (reader) => (count = reader.sfixed64()),
      5: (reader) => (sum = reader.double()),
      ...(fields === summaryFields ? { 6: (reader) => quantiles.push(this.#quantile(reader)) } : {}),
    });
    if (attributes === null) return;
    const value = { count, sum, quantiles: quantiles.slice(0, quantilesMax) };
    this.points.push({ name, kind: 'summary', isDelta, attributes, value });
  }

  #quantile(reader: ProtoReader): [number, number] {
    const pair: [number, number] = [0, 0];
    this.#inside(reader, {
      1: (inner) => (pair[0] = inner.double()),
      2: (inner) => (pair[1] = inner.double()),
    });
    return pair;
  }

  /** Reads a data point: `values`, and its attributes, which are returned. Null when it says that it has no value. */
  #point(bytes: Uint8Array, fields: PointFields, values: FieldReaders): Attribute[] | null {
    const attributes: Attribute[] = [];
    let flags = 0;
    new ProtoReader(bytes).fields({
      ...values,
      [fields.attributes]: (reader) => this.#attribute(reader, attributes),
      [fields.flags]: (reader) => (flags = reader.uint()),
    });
    return (flags & noValue) === 0 ? attributes : null;
  }

  /** Reads a KeyValue. An attribute whose value is a list or a map is left out. */
  #attribute(reader: ProtoReader, attributes: Attribute[]): void {
    let key = '';
    let value: string | null = null;
    this.#inside(reader, {
      1: (inner) => (key = text(inner)),
      2: (inner) =>
        this.#inside(inner, {
          1: (one) => (value = text(one)),
          2: (one) => (value = String(one.uint() !== 0)),
          3: (one) => (value = String(one.int64())),
          4: (one) => (value = String(one.double())),
        }),
    });
    if (value !== null) attributes.push([key, value]);
  }
}
