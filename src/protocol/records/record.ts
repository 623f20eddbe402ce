/**
 * Decodes the records of a batch, and encodes single records (`builder.ts` makes batches of them). Keys and values of decoded
 * records are views of the batch or of its decompressed records.
 */
import { DecodeError } from '../codec/errors.ts';
import { nativeView, utf8Length } from '../codec/native.ts';
import { batchHeaderBytes, type BatchHeader } from './batch.ts';
import { decompress } from './compression.ts';
import { VarintReader, varintBytes, writeVarint } from './integers.ts';

export interface RecordHeader {
  readonly key: string;
  readonly value: Uint8Array | null;
}

export interface KafkaRecord {
  readonly offset: number;
  readonly timestamp: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly RecordHeader[];
}

/** A record as it is encoded. Offset and timestamp are relative to those of the batch. */
export interface RecordContent {
  readonly offsetDelta: number;
  readonly timestampDelta: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly RecordHeader[];
}

const noHeaders: readonly RecordHeader[] = Object.freeze([]);
/**
 * Size of the smallest record: one byte each for its length, attributes, two deltas, lengths of key and value, number of
 * headers.
 */
const recordMinBytes = 7;

/** The largest size that all codecs can allocate: 2 GiB. */
const codecMaxBytes = 0x7fff_ffff;

/**
 * The records of a complete batch. Throws `DecodeError` if they do not match the header, or if they are larger than `maxBytes`
 * when decompressed. A batch from a log needs no bound: the leader that appended it has applied that of the topic, which may be
 * lower today. `unpacked`: the decompressed records if the caller has them already, otherwise null.
 */
export function decodeRecords(
  header: BatchHeader,
  maxBytes = codecMaxBytes,
  unpacked: Uint8Array | null = null,
): KafkaRecord[] {
  const compression = header.compression;
  if (compression === null) throw new DecodeError(`compression code ${header.attributes & 7} is unknown`);
  let bytes = header.bytes;
  let from = header.at + batchHeaderBytes;
  let to = header.end;
  if (to > bytes.length) throw new DecodeError('the batch is incomplete');
  if (compression !== 'none') {
    bytes = unpacked ?? decompress(compression, bytes.subarray(from, to), maxBytes);
    from = 0;
    to = bytes.length;
  }
  const count = header.recordsCount;
  if (count < 0 || count * recordMinBytes > to - from)
    throw new DecodeError(`${count} records do not fit into ${to - from} bytes`);
  const reader = new VarintReader(bytes, from, to);
  const baseOffset = header.baseOffset;
  const baseTimestamp = header.baseTimestamp;
  const appendTime = header.timestampType === 'LogAppendTime' ? header.maxTimestamp : null;
  const records: KafkaRecord[] = [];
  for (let i = 0; i < count; i++) records.push(decodeRecord(reader, baseOffset, baseTimestamp, appendTime));
  if (reader.position !== to) throw new DecodeError(`${to - reader.position} bytes after the last record`);
  return records;
}

function decodeRecord(
  reader: VarintReader,
  baseOffset: number,
  baseTimestamp: number,
  appendTime: number | null,
): KafkaRecord {
  const length = reader.varint();
  const end = reader.position + length;
  if (length < 0 || end > reader.end)
    throw new DecodeError(`record of ${length} bytes at ${reader.position}`);
  reader.byte();
  const timestampDelta = reader.varlong();
  const offset = baseOffset + reader.varint();
  const key = reader.nullableView(reader.varint());
  const value = reader.nullableView(reader.varint());
  const headersCount = reader.varint();
  const headers = headersCount === 0 ? noHeaders : decodeHeaders(reader, headersCount, end);
  if (reader.position !== end) throw new DecodeError(`record is not ${length} bytes long`);
  return { offset, timestamp: appendTime ?? baseTimestamp + timestampDelta, key, value, headers };
}

function decodeHeaders(reader: VarintReader, count: number, end: number): RecordHeader[] {
  if (count < 0 || count * 2 > end - reader.position)
    throw new DecodeError(`${count} record headers do not fit into the record`);
  const headers: RecordHeader[] = [];
  for (let i = 0; i < count; i++) {
    const key = nativeView(reader.view(reader.varint()));
    headers.push({ key: key.utf8Slice(0, key.length), value: reader.nullableView(reader.varint()) });
  }
  return headers;
}

function lengthBytes(value: Uint8Array | null): number {
  return value === null ? 1 : varintBytes(value.length) + value.length;
}

/** The size of a record, without its length field. */
export function recordBodyBytes(record: RecordContent): number {
  let sum =
    1 +
    varintBytes(record.timestampDelta) +
    varintBytes(record.offsetDelta) +
    lengthBytes(record.key) +
    lengthBytes(record.value) +
    varintBytes(record.headers.length);
  for (const header of record.headers) {
    const keyBytes = utf8Length(header.key);
    sum += varintBytes(keyBytes) + keyBytes + lengthBytes(header.value);
  }
  return sum;
}

function writeBytes(out: Uint8Array, at: number, value: Uint8Array | null): number {
  if (value === null) return writeVarint(out, at, -1);
  const p = writeVarint(out, at, value.length);
  out.set(value, p);
  return p + value.length;
}

/** Writes a record at `at`, and returns the position after it. `bodyBytes` is its `recordBodyBytes`. */
export function writeRecord(out: Uint8Array, at: number, record: RecordContent, bodyBytes: number): number {
  let p = writeVarint(out, at, bodyBytes);
  out[p++] = 0;
  p = writeVarint(out, p, record.timestampDelta);
  p = writeVarint(out, p, record.offsetDelta);
  p = writeBytes(out, p, record.key);
  p = writeBytes(out, p, record.value);
  p = writeVarint(out, p, record.headers.length);
  for (const header of record.headers) {
    const keyBytes = utf8Length(header.key);
    p = writeVarint(out, p, keyBytes);
    nativeView(out).utf8Write(header.key, p, keyBytes);
    p = writeBytes(out, p + keyBytes, header.value);
  }
  return p;
}
