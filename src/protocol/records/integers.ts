/**
 * Big-endian integers at a position, and the zigzag varints of records. Only `VarintReader` checks bounds; callers of the other
 * functions know that enough bytes are there.
 */
import { DecodeError } from '../codec/errors.ts';

const two32 = 0x1_0000_0000;

export function readInt16(b: Uint8Array, at: number): number {
  return (((b[at] as number) << 24) | ((b[at + 1] as number) << 16)) >> 16;
}

export function readInt32(b: Uint8Array, at: number): number {
  return (
    ((b[at] as number) << 24) |
    ((b[at + 1] as number) << 16) |
    ((b[at + 2] as number) << 8) |
    (b[at + 3] as number)
  );
}

/** Values beyond ±2^53 are rounded, as in `Reader.int64`. */
export function readInt64(b: Uint8Array, at: number): number {
  return readInt32(b, at) * two32 + (readInt32(b, at + 4) >>> 0);
}

export function writeInt16(b: Uint8Array, at: number, value: number): void {
  b[at] = value >>> 8;
  b[at + 1] = value;
}

export function writeInt32(b: Uint8Array, at: number, value: number): void {
  b[at] = value >>> 24;
  b[at + 1] = value >>> 16;
  b[at + 2] = value >>> 8;
  b[at + 3] = value;
}

export function writeInt64(b: Uint8Array, at: number, value: number): void {
  const high = Math.floor(value / two32);
  if (high >= 0x8000_0000) {
    writeInt32(b, at, 0x7fff_ffff);
    writeInt32(b, at + 4, -1);
    return;
  }
  writeInt32(b, at, high);
  writeInt32(b, at + 4, value - high * two32);
}

/** The size of `value` as a zigzag varint. */
export function varintBytes(value: number): number {
  let rest = value >= 0 ? value * 2 : -value * 2 - 1;
  let count = 1;
  while (rest >= 128) {
    rest = Math.floor(rest / 128);
    count++;
  }
  return count;
}

/** Writes any safe integer as a zigzag varint. Returns the position after it. */
export function writeVarint(b: Uint8Array, at: number, value: number): number {
  let p = at;
  if (value >= -0x4000_0000 && value < 0x4000_0000) {
    let rest = ((value << 1) ^ (value >> 31)) >>> 0;
    while (rest > 127) {
      b[p++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    b[p++] = rest;
    return p;
  }
  let rest = value >= 0 ? value * 2 : -value * 2 - 1;
  while (rest > 127) {
    b[p++] = (rest % 128) | 128;
    rest = Math.floor(rest / 128);
  }
  b[p++] = rest;
  return p;
}

/** Reads varints one after the other, up to `end`. Throws `DecodeError` at the end. */
export class VarintReader {
  readonly bytes: Uint8Array;
  readonly end: number;
  position: number;

  constructor(bytes: Uint8Array, position: number, end: number) {
    this.bytes = bytes;
    this.position = position;
    this.end = end;
  }

  byte(): number {
    if (this.position >= this.end) throw new DecodeError(`record ends early at ${this.position}`);
    return this.bytes[this.position++] as number;
  }

  /** Reads a zigzag varint of up to 32 bits. */
  varint(): number {
    let byte = this.byte();
    let value = byte & 127;
    for (let shift = 7; byte > 127; shift += 7) {
      if (shift > 28) throw new DecodeError(`varint at ${this.position} is longer than 5 bytes`);
      byte = this.byte();
      value |= (byte & 127) << shift;
    }
    return (value >>> 1) ^ -(value & 1);
  }

  /** Reads a zigzag varint of up to 64 bits. Values beyond ±2^53 are rounded. */
  varlong(): number {
    let byte = this.byte();
    let value = byte & 127;
    let scale = 128;
    for (let count = 1; byte > 127; count++) {
      if (count === 10) throw new DecodeError(`varint at ${this.position} is longer than 10 bytes`);
      byte = this.byte();
      value += (byte & 127) * scale;
      scale *= 128;
    }
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  /** The next `length` bytes, as a view. */
  view(length: number): Uint8Array {
    if (length < 0 || length > this.end - this.position)
      throw new DecodeError(`a field of ${length} bytes at ${this.position}, the record ends at ${this.end}`);
    this.position += length;
    return this.bytes.subarray(this.position - length, this.position);
  }

  /** Like `view`, but returns null for length -1. */
  nullableView(length: number): Uint8Array | null {
    return length === -1 ? null : this.view(length);
  }
}
