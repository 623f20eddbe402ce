/**
 * The default formatter of kafka-console-consumer: prints the parts of a record that were asked for, in Kafka's order, with
 * separators between them.
 */
import type { ConsumedRecord } from '../../client/fetcher.ts';
import { internalFormatter } from './internal-formatter.ts';
import { ToolError } from '../tool.ts';

type Deserializer = (bytes: Uint8Array) => Uint8Array;

export interface MessageFormatter {
  format(record: ConsumedRecord): Uint8Array;
}

const encoder = new TextEncoder();
const packagePrefix = 'org.apache.kafka.common.serialization.';

function view(bytes: Uint8Array, sizeBytes: number): DataView {
  if (bytes.length !== sizeBytes) {
    throw new Error(`Size of data received by deserializer is not ${sizeBytes}`);
  }
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

const deserializers: Readonly<Record<string, Deserializer>> = {
  StringDeserializer: (bytes) => bytes,
  ByteArrayDeserializer: (bytes) => bytes,
  BytesDeserializer: (bytes) => bytes,
  ShortDeserializer: (bytes) => encoder.encode(String(view(bytes, 2).getInt16(0))),
  IntegerDeserializer: (bytes) => encoder.encode(String(view(bytes, 4).getInt32(0))),
  LongDeserializer: (bytes) => {
    const data = view(bytes, 8);
    return encoder.encode(String((BigInt(data.getInt32(0)) << 32n) | BigInt(data.getUint32(4))));
  },
  FloatDeserializer: (bytes) => encoder.encode(String(view(bytes, 4).getFloat32(0))),
  DoubleDeserializer: (bytes) => encoder.encode(String(view(bytes, 8).getFloat64(0))),
  BooleanDeserializer: (bytes) => encoder.encode(String(view(bytes, 1).getUint8(0) !== 0)),
};

function deserializerOf(name: string | undefined): Deserializer {
  if (name === undefined) return (bytes) => bytes;
  const found = deserializers[name.startsWith(packagePrefix) ? name.slice(packagePrefix.length) : name];
  if (found === undefined) throw new ToolError(`java.lang.ClassNotFoundException: ${name}`);
  return found;
}

class DefaultFormatter implements MessageFormatter {
  private readonly flags: ReadonlySet<string>;
  private readonly separator: Uint8Array;
  private readonly lineSeparator: Uint8Array;
  private readonly headersSeparator: Uint8Array;
  private readonly nullLiteral: Uint8Array;
  private readonly key: Deserializer;
  private readonly value: Deserializer;
  private readonly header: Deserializer;

  constructor(properties: ReadonlyMap<string, string>) {
    const parts = ['timestamp', 'key', 'offset', 'epoch', 'partition', 'headers', 'value'];
    const isOn = (part: string): boolean =>
      (properties.get(`print.${part}`) ?? String(part === 'value')).trim().toLowerCase() === 'true';
    this.flags = new Set(parts.filter(isOn));
    const bytes = (name: string, otherwise: string): Uint8Array =>
      encoder.encode(properties.get(name) ?? otherwise);
    this.separator = bytes('key.separator', '\t');
    this.lineSeparator = bytes('line.separator', '\n');
    this.headersSeparator = bytes('headers.separator', ',');
    this.nullLiteral = bytes('null.literal', 'null');
    this.key = deserializerOf(properties.get('key.deserializer'));
    this.value = deserializerOf(properties.get('value.deserializer'));
    this.header = deserializerOf(properties.get('headers.deserializer'));
  }

  format(record: ConsumedRecord): Uint8Array {
    const parts: Uint8Array[] = [];
    const add = (part: string, content: () => Uint8Array): void => {
      if (!this.flags.has(part)) return;
      if (parts.length > 0) parts.push(this.separator);
      parts.push(content());
    };
    add('timestamp', () => encoder.encode(timestampText(record)));
    add('partition', () => encoder.encode(`Partition:${record.partition}`));
    add('offset', () => encoder.encode(`Offset:${record.offset}`));
    // Kafka's tool does not pass the leader epoch of a record to its formatter, so it always prints NOT_PRESENT.
    add('epoch', () => encoder.encode('Epoch:NOT_PRESENT'));
    add('headers', () => this.headers(record));
    add('key', () => this.content(record.key, this.key));
    add('value', () => this.content(record.value, this.value));
    parts.push(this.lineSeparator);
    return join(parts);
  }

  private content(bytes: Uint8Array | null, deserialize: Deserializer): Uint8Array {
    return bytes === null ? this.nullLiteral : deserialize(bytes);
  }

  private headers(record: ConsumedRecord): Uint8Array {
    if (record.headers.length === 0) return encoder.encode('NO_HEADERS');
    const parts: Uint8Array[] = [];
    for (const { key, value } of record.headers) {
      if (parts.length > 0) parts.push(this.headersSeparator);
      parts.push(encoder.encode(`${key}:`), this.content(value, this.header));
    }
    return join(parts);
  }
}

function timestampText(record: ConsumedRecord): string {
  if (record.timestampMs < 0) return 'NO_TIMESTAMP';
  return `${record.isLogAppendTime ? 'LogAppendTime' : 'CreateTime'}:${record.timestampMs}`;
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

const formatterNames =
  /^(?:org\.apache\.kafka\.tools\.consumer\.(?:group\.share\.)?|kafka\.tools\.)?(\w+)MessageFormatter$/;

/** Makes the formatter with the name of a Java class. Throws when there is none of that name. */
export function makeFormatter(name: string, properties: ReadonlyMap<string, string>): MessageFormatter {
  const kind = formatterNames.exec(name)?.[1] ?? '';
  if (kind === 'NoOp') return { format: () => new Uint8Array(0) };
  if (kind === 'Default' || kind === 'Logging') return new DefaultFormatter(properties);
  const format = internalFormatter(kind);
  if (format === null) throw new ToolError(name);
  return { format };
}
