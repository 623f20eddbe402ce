/**
 * A position in the bytes of a message on the hot path (`push.ts`, `ack.ts`).
 *
 * These readers accept only the form that the writers in the same files produce. For anything else (an unknown field, another wire
 * type, an unsafe integer, truncated bytes) they return null, and the generated codec reads the message from its beginning. So only
 * the generated codec decides what is malformed and what is skipped.
 */

/** A varint of more bytes may be larger than a safe integer. */
const safeVarintBytesMax = 8;

export class Cursor {
  readonly bytes: Uint8Array;
  at: number;

  constructor(bytes: Uint8Array, at: number) {
    this.bytes = bytes;
    this.at = at;
  }

  /** Reads an unsigned integer. -1: it is not safe, or the bytes end inside it. */
  varint(): number {
    const { bytes } = this;
    let byte = bytes[this.at++];
    if (byte === undefined) return -1;
    if (byte < 128) return byte;
    let value = byte & 127;
    let scale = 128;
    for (let count = 1; count < safeVarintBytesMax; count++) {
      byte = bytes[this.at++];
      if (byte === undefined) return -1;
      value += (byte & 127) * scale;
      if (byte < 128) return Number.isSafeInteger(value) ? value : -1;
      scale *= 128;
    }
    return -1;
  }

  /** Reads the length of a field and returns the field's end. -1: the end is after `limit`, or the length is invalid. */
  fieldEnd(limit: number): number {
    const sizeBytes = this.varint();
    const end = this.at + sizeBytes;
    return sizeBytes < 0 || end > limit ? -1 : end;
  }

  /** Whether a frame begins here whose only field has `tag` and extends to its end. If so, moves the cursor to the field's content. */
  enterFrame(tag: number): boolean {
    if (this.bytes[this.at++] !== tag) return false;
    return this.fieldEnd(this.bytes.length) === this.bytes.length;
  }
}

export const uint32Max = 0xffff_ffff;
