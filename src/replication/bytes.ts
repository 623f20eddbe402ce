/**
 * Variable-length integers for the replication stream: little groups of seven bits, unsigned, up to 2^53 - 1.
 * Reading is bounded: anything past the end, too long or too large throws `StreamError`, which closes the stream.
 */
import { allocate } from '../protocol/codec/native.ts';
import { type Uuid, uuidFromBytes, uuidToBytes } from '../base/uuid.ts';

export class StreamError extends Error {
  override readonly name = 'StreamError';
}

/** A number never takes more. */
export const varintBytesMax = 8;

export class ByteWriter {
  #bytes: Uint8Array;
  #at = 0;

  constructor(capacityBytes: number) {
    this.#bytes = allocate(capacityBytes);
  }

  get sizeBytes(): number {
    return this.#at;
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#at++] = value;
  }

  number(value: number): void {
    this.#reserve(varintBytesMax);
    let rest = value;
    while (rest >= 0x8000_0000) {
      this.#bytes[this.#at++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    while (rest >= 128) {
      this.#bytes[this.#at++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    this.#bytes[this.#at++] = rest;
  }

  /** A number from -1, which stands for "none". */
  optional(value: number): void {
    this.number(value + 1);
  }

  uuid(value: Uuid): void {
    this.#reserve(16);
    uuidToBytes(value, this.#bytes, this.#at);
    this.#at += 16;
  }

  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#at);
  }

  #reserve(count: number): void {
    const needed = this.#at + count;
    if (needed <= this.#bytes.length) return;
    const grown = allocate(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#at));
    this.#bytes = grown;
  }
}

export class ByteReader {
  readonly #bytes: Uint8Array;
  #at: number;

  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = bytes;
    this.#at = at;
  }

  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  byte(): number {
    const value = this.#bytes[this.#at++];
    if (value === undefined) throw new StreamError('message ends early');
    return value;
  }

  number(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < varintBytesMax; i++) {
      const byte = this.byte();
      value += (byte & 127) * scale;
      if (byte < 128) {
        if (!Number.isSafeInteger(value)) break;
        return value;
      }
      scale *= 128;
    }
    throw new StreamError('number too large');
  }

  optional(): number {
    return this.number() - 1;
  }

  uuid(): Uuid {
    if (this.remaining < 16) throw new StreamError('message ends early');
    const value = uuidFromBytes(this.#bytes, this.#at);
    this.#at += 16;
    return value;
  }

  /** How many elements follow, each of which takes `elementBytesMin` at least. */
  count(elementBytesMin: number): number {
    const count = this.number();
    if (count * elementBytesMin > this.remaining) throw new StreamError('array longer than its message');
    return count;
  }

  /** A view of the next bytes; nothing is copied. */
  raw(): Uint8Array {
    const length = this.number();
    if (length > this.remaining) throw new StreamError('bytes longer than their message');
    const view = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return view;
  }
}
