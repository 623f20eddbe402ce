/**
 * Reads protobuf's encoding, for the hand-written decoders in `push.ts` and `ack.ts`.
 *
 * These decoders know only the fields that the encoders in the same files write. For anything else (an unknown field, another
 * wire type, an integer that is not safe, truncated bytes) they return null, and the generated codec reads the message from its
 * beginning. So only the generated codec decides what is malformed and what is skipped.
 */

/** The longest varint that `varint` reads: a longer one may be larger than a safe integer. */
const safeVarintBytesMax = 8;

export class Cursor {
  readonly bytes: Uint8Array;
  at: number;

  constructor(bytes: Uint8Array, at: number) {
    this.bytes = bytes;
    this.at = at;
  }

  /** Reads an unsigned integer; returns -1 when it is not safe, or when the bytes end inside it. */
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

  /**
   * Reads the length of a field and returns the position of its end; -1 when that is after `limit` or the length is invalid.
   */
  fieldEnd(limit: number): number {
    const sizeBytes = this.varint();
    const end = this.at + sizeBytes;
    return sizeBytes < 0 || end > limit ? -1 : end;
  }

  /**
   * Reads the beginning of a frame, the outermost message, which has one field. Returns true when the field has `tag` and ends
   * with the frame. The cursor is then at the field's content.
   */
  enterFrame(tag: number): boolean {
    if (this.bytes[this.at++] !== tag) return false;
    return this.fieldEnd(this.bytes.length) === this.bytes.length;
  }
}

export const uint32Max = 0xffff_ffff;
