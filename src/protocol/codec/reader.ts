/**
 * Reads wire primitives from one piece of memory. Every read is checked against the end: an access after the end of a typed
 * array gives `undefined`, which would silently become 0.
 */
import { uuidFromBytes, uuidZero, type Uuid } from '../../base/uuid.ts';
import { DecodeError } from './errors.ts';
import { nativeView, type NativeBytes } from './native.ts';

/** Strings of up to this many bytes are built in JavaScript, because for them a call into C++ takes longer. */
const shortStringBytes = 16;
/** Kafka limits strings to 32767 bytes, the largest int16 length, even in the compact encoding. */
const stringMaxBytes = 0x7fff;

export class Reader {
  readonly bytes: NativeBytes;
  readonly end: number;
  position: number;

  constructor(bytes: Uint8Array, position = 0, end: number = bytes.length) {
    this.bytes = nativeView(bytes);
    this.position = position;
    this.end = end;
    if (position < 0 || end > bytes.length || position > end) this.overrun(0);
  }

  get remaining(): number {
    return this.end - this.position;
  }

  private overrun(need: number): never {
    throw new DecodeError(`${need} bytes needed at ${this.position}, the message ends at ${this.end}`);
  }

  private take(count: number): number {
    const position = this.position;
    if (count > this.end - position) this.overrun(count);
    this.position = position + count;
    return position;
  }

  bool(): boolean {
    return this.bytes[this.take(1)] !== 0;
  }

  int8(): number {
    return ((this.bytes[this.take(1)] as number) << 24) >> 24;
  }

  int16(): number {
    const p = this.take(2);
    const b = this.bytes;
    return (((b[p] as number) << 24) | ((b[p + 1] as number) << 16)) >> 16;
  }

  uint16(): number {
    const p = this.take(2);
    const b = this.bytes;
    return ((b[p] as number) << 8) | (b[p + 1] as number);
  }

  int32(): number {
    const p = this.take(4);
    const b = this.bytes;
    return (
      ((b[p] as number) << 24) |
      ((b[p + 1] as number) << 16) |
      ((b[p + 2] as number) << 8) |
      (b[p + 3] as number)
    );
  }

  uint32(): number {
    return this.int32() >>> 0;
  }

  /**
   * Every 64-bit value is legal in Kafka. A value beyond ±2^53 is rounded to the nearest number, so Long.MAX_VALUE becomes
   * 2^63.
   */
  int64(): number {
    const p = this.take(8);
    const b = this.bytes;
    const high =
      ((b[p] as number) << 24) |
      ((b[p + 1] as number) << 16) |
      ((b[p + 2] as number) << 8) |
      (b[p + 3] as number);
    const low =
      (((b[p + 4] as number) << 24) |
        ((b[p + 5] as number) << 16) |
        ((b[p + 6] as number) << 8) |
        (b[p + 7] as number)) >>>
      0;
    return high * 0x1_0000_0000 + low;
  }

  float64(): number {
    return this.bytes.readDoubleBE(this.take(8));
  }

  uvarint(): number {
    const b = this.bytes;
    let byte = b[this.take(1)] as number;
    if (byte < 0x80) return byte;
    let value = byte & 0x7f;
    let shift = 7;
    do {
      if (shift > 28) throw new DecodeError(`varint at ${this.position} is longer than 5 bytes`);
      byte = b[this.take(1)] as number;
      value |= (byte & 0x7f) << shift;
      shift += 7;
    } while (byte >= 0x80);
    return value >>> 0;
  }

  /** Reads `length` bytes of UTF-8 text. */
  utf8(length: number): string {
    if (length < 0 || length > stringMaxBytes)
      throw new DecodeError(`string of ${length} bytes, at most ${stringMaxBytes} are allowed`);
    const p = this.take(length);
    if (length > shortStringBytes) return this.bytes.utf8Slice(p, p + length);
    const b = this.bytes;
    let text = '';
    for (let i = p; i < p + length; i++) {
      const code = b[i] as number;
      if (code > 127) return b.utf8Slice(p, p + length);
      text += String.fromCharCode(code);
    }
    return text;
  }

  uuid(): Uuid {
    const p = this.take(16);
    const b = this.bytes;
    for (let i = p; i < p + 16; i++) {
      if (b[i] !== 0) return uuidFromBytes(b, p);
    }
    return uuidZero;
  }

  /** Returns the next `length` bytes as a view, not a copy. */
  view(length: number): NativeBytes {
    if (length < 0) throw new DecodeError(`a field cannot have ${length} bytes`);
    const p = this.take(length);
    return this.bytes.subarray(p, p + length);
  }

  /**
   * Throws if an array of `count` elements cannot fit into the remaining bytes. Each element has at least `elementMinBytes`.
   */
  checkCount(count: number, elementMinBytes: number): void {
    if (count < 0 || count * elementMinBytes > this.end - this.position)
      throw new DecodeError(`array of ${count} elements with only ${this.end - this.position} bytes left`);
  }

  skip(length: number): void {
    this.take(length);
  }

  /** Skips a section of tagged fields. */
  skipTags(): void {
    let count = this.uvarint();
    this.checkCount(count, 2);
    while (count-- > 0) {
      this.uvarint();
      this.take(this.uvarint());
    }
  }
}
