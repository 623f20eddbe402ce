/**
 * Writes wire primitives. The result is a list of segments for one vectored write: large record batches are not copied, they
 * stay in the caller's buffers as segments of their own. The caller must not change these buffers before they are sent.
 *
 * A writer can be used again after `finish`; it continues in the memory that is left.
 */
import { uuidToBytes, uuidZero, type Uuid } from '../../base/uuid.ts';
import { EncodeError } from './errors.ts';
import { allocate, utf8Length, type NativeBytes } from './native.ts';

/**
 * Values of kind `records` of at least this size become segments of their own, except in tagged fields. Smaller ones are
 * copied, which costs less than one more segment.
 */
const segmentMinBytes = 2048;
/**
 * Strings with fewer characters than this are tried as ASCII first, in JavaScript, because for them a call into C++ takes
 * longer.
 */
const shortStringLength = 24;
const stringMaxBytes = 0x7fff;
const two32 = 0x1_0000_0000;
const two63 = 2 ** 63;

export class Writer {
  private bytes: NativeBytes;
  /** Where the bytes begin that are not in `segments` yet. */
  private start = 0;
  private position = 0;
  private segments: Uint8Array[] = [];
  private segmentsBytes = 0;
  /**
   * How many tagged fields are being written, one inside the other. Their content must be contiguous, so it gets no segments.
   */
  private tagDepth = 0;

  constructor(initialBytes = 512) {
    this.bytes = allocate(initialBytes);
  }

  /** How many bytes were written since the last `finish`. */
  get sizeBytes(): number {
    return this.segmentsBytes + this.position - this.start;
  }

  /** Returns the segments of everything that was written since the last call, in order. */
  finish(): Uint8Array[] {
    this.flush();
    const segments = this.segments;
    this.segments = [];
    this.segmentsBytes = 0;
    return segments;
  }

  /** Like `finish`, but returns one piece of memory. It copies when there are several segments. */
  finishContiguous(): Uint8Array {
    const sizeBytes = this.sizeBytes;
    const segments = this.finish();
    if (segments.length === 1) return segments[0] as Uint8Array;
    const whole = allocate(sizeBytes);
    let at = 0;
    for (const segment of segments) {
      whole.set(segment, at);
      at += segment.length;
    }
    return whole;
  }

  /** Drops everything that was written since the last `finish`. */
  discard(): void {
    this.position = this.start;
    this.segments = [];
    this.segmentsBytes = 0;
    this.tagDepth = 0;
  }

  private flush(): void {
    if (this.position === this.start) return;
    const piece = this.bytes.subarray(this.start, this.position);
    this.segments.push(piece);
    this.segmentsBytes += piece.length;
    this.start = this.position;
  }

  private need(count: number): void {
    if (this.position + count > this.bytes.length) this.grow(count);
  }

  private grow(count: number): void {
    const used = this.position - this.start;
    const bytes = allocate(Math.max(512, used * 2, used + count));
    bytes.set(this.bytes.subarray(this.start, this.position), 0);
    this.bytes = bytes;
    this.start = 0;
    this.position = used;
  }

  private outOfRange(kind: string, value: unknown): never {
    throw new EncodeError(`${String(value)} is not ${kind}`);
  }

  bool(value: boolean): void {
    this.need(1);
    this.bytes[this.position++] = value ? 1 : 0;
  }

  int8(value: number): void {
    if ((value << 24) >> 24 !== value) this.outOfRange('an int8', value);
    this.need(1);
    this.bytes[this.position++] = value;
  }

  int16(value: number): void {
    if ((value << 16) >> 16 !== value) this.outOfRange('an int16', value);
    this.need(2);
    const p = this.position;
    this.bytes[p] = value >>> 8;
    this.bytes[p + 1] = value;
    this.position = p + 2;
  }

  uint16(value: number): void {
    if ((value & 0xffff) !== value) this.outOfRange('a uint16', value);
    this.int16((value << 16) >> 16);
  }

  int32(value: number): void {
    if ((value | 0) !== value) this.outOfRange('an int32', value);
    this.need(4);
    this.put32(value);
  }

  uint32(value: number): void {
    if (value >>> 0 !== value) this.outOfRange('a uint32', value);
    this.need(4);
    this.put32(value);
  }

  private put32(value: number): void {
    const p = this.position;
    const b = this.bytes;
    b[p] = value >>> 24;
    b[p + 1] = value >>> 16;
    b[p + 2] = value >>> 8;
    b[p + 3] = value;
    this.position = p + 4;
  }

  /** Accepts every result of `Reader.int64`. 2^63 is written as Long.MAX_VALUE, -2^63 as Long.MIN_VALUE. */
  int64(value: number): void {
    if (!Number.isInteger(value) || Math.abs(value) > two63) this.outOfRange('an int64', value);
    this.need(8);
    const high = Math.floor(value / two32);
    const isMax = value === two63;
    this.put32(isMax ? 0x7fff_ffff : high);
    this.put32(isMax ? 0xffff_ffff : value - high * two32);
  }

  float64(value: number): void {
    if (typeof value !== 'number') this.outOfRange('a float64', value);
    this.need(8);
    this.bytes.writeDoubleBE(value, this.position);
    this.position += 8;
  }

  uvarint(value: number): void {
    this.need(5);
    const b = this.bytes;
    let p = this.position;
    let rest = value;
    while (rest > 127) {
      b[p++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    b[p++] = rest;
    this.position = p;
  }

  /** Writes ASCII text of `length` characters; returns false and writes nothing when a character is not ASCII. */
  private ascii(text: string, length: number): boolean {
    this.need(length);
    const b = this.bytes;
    const p = this.position;
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code > 127) return false;
      b[p + i] = code;
    }
    this.position = p + length;
    return true;
  }

  private utf8(text: string, length: number): void {
    this.need(length);
    this.position += this.bytes.utf8Write(text, this.position, length);
  }

  /** Writes text with its length in bytes as int16. */
  string(text: string): void {
    const length = text.length;
    if (length < shortStringLength) {
      const at = this.position - this.start;
      this.int16(length);
      if (this.ascii(text, length)) return;
      this.position = this.start + at;
    }
    const sizeBytes = utf8Length(text);
    if (sizeBytes > stringMaxBytes) this.outOfRange('a string of at most 32767 bytes', sizeBytes);
    this.int16(sizeBytes);
    this.utf8(text, sizeBytes);
  }

  /** Writes text with its length in bytes plus 1 as a varint (compact encoding). */
  compactString(text: string): void {
    const length = text.length;
    if (length < shortStringLength) {
      const at = this.position - this.start;
      this.uvarint(length + 1);
      if (this.ascii(text, length)) return;
      this.position = this.start + at;
    }
    const sizeBytes = utf8Length(text);
    if (sizeBytes > stringMaxBytes) this.outOfRange('a string of at most 32767 bytes', sizeBytes);
    this.uvarint(sizeBytes + 1);
    this.utf8(text, sizeBytes);
  }

  uuid(value: Uuid): void {
    this.need(16);
    if (value === uuidZero) this.bytes.fill(0, this.position, this.position + 16);
    else uuidToBytes(value, this.bytes, this.position);
    this.position += 16;
  }

  /** Copies bytes, without writing their length. */
  raw(value: Uint8Array): void {
    this.need(value.length);
    this.bytes.set(value, this.position);
    this.position += value.length;
  }

  /** Writes bytes without their length. Large ones become a segment of their own and are not copied (`segmentMinBytes`). */
  records(value: Uint8Array): void {
    if (value.length < segmentMinBytes || this.tagDepth > 0) {
      this.raw(value);
      return;
    }
    this.flush();
    this.segments.push(value);
    this.segmentsBytes += value.length;
  }

  /** Begins a tagged field. Returns a position, which the caller passes to `endTag`. */
  beginTag(tag: number): number {
    this.uvarint(tag);
    this.need(1);
    this.position++;
    this.tagDepth++;
    return this.position - this.start;
  }

  /**
   * Ends a tagged field by writing its length in front of its content. One byte was reserved; a longer length moves the
   * content.
   */
  endTag(begin: number): void {
    this.tagDepth--;
    const from = this.start + begin;
    const length = this.position - from;
    const extra = length < 128 ? 0 : length < 16_384 ? 1 : length < 2_097_152 ? 2 : 3;
    if (extra > 0) {
      this.need(extra);
      const at = this.start + begin;
      this.bytes.copyWithin(at + extra, at, at + length);
    }
    const end = this.position + extra;
    this.position = this.start + begin - 1;
    this.uvarintPadded(length, extra + 1);
    this.position = end;
  }

  private uvarintPadded(value: number, width: number): void {
    const b = this.bytes;
    let rest = value;
    for (let i = 0; i < width - 1; i++) {
      b[this.position++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    b[this.position++] = rest;
  }
}
