/**
 * A small reader and writer of protobuf's wire format, for the places that do not use a library: what the controller stores
 * (proto/storage.proto), the messages that nodes send most often (`wire/push.ts`, `wire/ack.ts`), and metrics that clients push
 * (`broker/otlp.ts`). `uint` and lengths are at most 2^53 - 1. The reader skips unknown fields. It throws `MalformedError` for
 * input that is truncated or out of range. The bytes that it returns are views of the input, not copies.
 */

/** Bytes from the disk or from a peer are not what their format requires. */
export class MalformedError extends Error {
  override readonly name = 'MalformedError';
}

/** For a check of a peer's message. A `MalformedError` ends the stream of that peer and nothing else. */
export function expectOfPeer(condition: boolean, message: string): asserts condition {
  if (!condition) throw new MalformedError(message);
}

const varintBytesMax = 10;
const wireType = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

/** Returns how many bytes `value` takes as a varint. */
export function varintBytes(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x20_0000) return 3;
  if (value < 0x1000_0000) return 4;
  let count = 5;
  for (let rest = value / 0x8_0000_0000; rest >= 1; rest /= 128) count++;
  return count;
}

/** Writes `value`, which must not be negative, at `from`. Returns the position after it. */
export function writeVarint(bytes: Uint8Array, from: number, value: number): number {
  let at = from;
  let rest = value;
  while (rest >= 0x8000_0000) {
    bytes[at++] = (rest % 128) | 128;
    rest = Math.floor(rest / 128);
  }
  while (rest >= 128) {
    bytes[at++] = (rest & 127) | 128;
    rest >>>= 7;
  }
  bytes[at++] = rest;
  return at;
}

/** Encodes a short text as UTF-8. `TextEncoder` is not used because this folder compiles without the types of a platform. */
function utf8(text: string): Uint8Array {
  const escaped = encodeURIComponent(text);
  const bytes: number[] = [];
  for (let at = 0; at < escaped.length; at++) {
    if (escaped[at] !== '%') bytes.push(escaped.charCodeAt(at));
    else {
      bytes.push(Number.parseInt(escaped.slice(at + 1, at + 3), 16));
      at += 2;
    }
  }
  return Uint8Array.from(bytes);
}

/** Decodes UTF-8. Throws `MalformedError` when the bytes are not valid. */
export function textOf(bytes: Uint8Array): string {
  let escaped = '';
  for (const byte of bytes) escaped += `%${byte.toString(16).padStart(2, '0')}`;
  try {
    return decodeURIComponent(escaped);
  } catch {
    throw new MalformedError('a text is not UTF-8');
  }
}

/** Writes the fields of one message. As in proto3, fields with the value zero are left out. */
export class ProtoWriter {
  #bytes: Uint8Array;
  #at = 0;

  constructor(capacityBytes = 128) {
    this.#bytes = new Uint8Array(capacityBytes);
  }

  uint(field: number, value: number): void {
    if (!Number.isSafeInteger(value) || value < 0)
      throw new MalformedError(`${value} is not a safe unsigned integer`);
    if (value === 0) return;
    this.#room(2 * varintBytesMax);
    this.#at = writeVarint(this.#bytes, this.#at, field * 8 + wireType.varint);
    this.#at = writeVarint(this.#bytes, this.#at, value);
  }

  fixed32(field: number, value: number): void {
    if (value === 0) return;
    this.#room(varintBytesMax + 4);
    this.#at = writeVarint(this.#bytes, this.#at, field * 8 + wireType.fixed32);
    for (let shift = 0; shift < 32; shift += 8) this.#bytes[this.#at++] = (value >>> shift) & 255;
  }

  text(field: number, value: string): void {
    if (value.length > 0) this.message(field, utf8(value));
  }

  bytes(field: number, value: Uint8Array): void {
    if (value.length > 0) this.message(field, value);
  }

  /** Writes a nested message or an element of a repeated field. Unlike `bytes`, it also writes an empty one. */
  message(field: number, value: Uint8Array): void {
    this.#room(2 * varintBytesMax + value.length);
    this.#at = writeVarint(this.#bytes, this.#at, field * 8 + wireType.bytes);
    this.#at = writeVarint(this.#bytes, this.#at, value.length);
    this.#bytes.set(value, this.#at);
    this.#at += value.length;
  }

  /** Returns the written bytes. The writer must not be used afterwards. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#at);
  }

  #room(count: number): void {
    const needed = this.#at + count;
    if (needed <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, needed));
    larger.set(this.#bytes.subarray(0, this.#at));
    this.#bytes = larger;
  }
}

/** For each known field number, the function that reads the field. */
export type FieldReaders = Readonly<Record<number, (reader: ProtoReader) => void>>;

export class ProtoReader {
  readonly #bytes: Uint8Array;
  #at = 0;
  #type: number = wireType.varint;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /**
   * Reads all fields of the message. The function of a field must read its value with the method for the field's declared type.
   */
  fields(known: FieldReaders): void {
    while (this.#at < this.#bytes.length) {
      const tag = this.#varint();
      this.#type = tag % 8;
      const read = known[Math.floor(tag / 8)];
      if (read === undefined) this.#skip();
      else read(this);
    }
  }

  uint(): number {
    this.#expect(wireType.varint);
    return this.#varint();
  }

  fixed32(): number {
    this.#expect(wireType.fixed32);
    const at = this.#take(4);
    const [a = 0, b = 0, c = 0, d = 0] = this.#bytes.subarray(at, at + 4);
    return (a | (b << 8) | (c << 16) | (d << 24)) >>> 0;
  }

  /** Reads a signed integer of 64 bits. Beyond ±2^53 it is rounded to what a number can hold. */
  sfixed64(): number {
    return Number(this.#fixed64().getBigInt64(0, true));
  }

  double(): number {
    return this.#fixed64().getFloat64(0, true);
  }

  /** Reads a signed varint (protobuf's int64). Beyond ±2^53 it is rounded to what a number can hold. */
  int64(): number {
    this.#expect(wireType.varint);
    const from = this.#at;
    this.#varint(true);
    const bytes = this.#bytes.subarray(from, this.#at);
    const value = bytes.reduceRight((sum, byte) => (sum << 7n) | BigInt(byte & 127), 0n);
    return Number(BigInt.asIntN(64, value));
  }

  bytes(): Uint8Array {
    this.#expect(wireType.bytes);
    const length = this.#varint();
    const at = this.#take(length);
    return this.#bytes.subarray(at, at + length);
  }

  text(): string {
    return textOf(this.bytes());
  }

  #fixed64(): DataView {
    this.#expect(wireType.fixed64);
    const at = this.#take(8);
    return new DataView(this.#bytes.buffer, this.#bytes.byteOffset + at, 8);
  }

  #expect(type: number): void {
    if (this.#type !== type) throw new MalformedError('a field is not of its declared type');
  }

  #skip(): void {
    if (this.#type === wireType.varint) this.#varint(true);
    else if (this.#type === wireType.fixed64) this.#take(8);
    else if (this.#type === wireType.fixed32) this.#take(4);
    else this.bytes();
  }

  /** `isSkipped`: the caller does not use the value, so it may be larger than a safe integer. */
  #varint(isSkipped = false): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < varintBytesMax; i++) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw new MalformedError('a message ends too early');
      value += (byte & 127) * scale;
      if (byte < 128) {
        if (!isSkipped && !Number.isSafeInteger(value)) break;
        return value;
      }
      scale *= 128;
    }
    throw new MalformedError('an integer is out of range');
  }

  #take(count: number): number {
    const at = this.#at;
    if (count > this.#bytes.length - at) throw new MalformedError('a message ends too early');
    this.#at += count;
    return at;
  }
}
