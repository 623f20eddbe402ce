/**
 * A position in the bytes of a message on the hot path (`push.ts`, `ack.ts`).
 *
 * These readers know only what the writers beside them produce. At anything else (an unknown field, another wire type, an unsafe
 * integer, bytes that end too early) they return null, and the generated codec reads the message from its beginning. So there is one
 * answer to the question what is malformed and what is skipped: the generated codec's.
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

  /** Reads an unsigned integer. -1: it is not safe, or the bytes end within it. */
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

  /** Reads the length of a field and returns where the field ends. -1: after `limit`, or nowhere. */
  fieldEnd(limit: number): number {
    const sizeBytes = this.varint();
    const end = this.at + sizeBytes;
    return sizeBytes < 0 || end > limit ? -1 : end;
  }

  /** Is this the first byte of a frame whose only field has `tag` and reaches to the end? Then the cursor is at its content. */
  enterFrame(tag: number): boolean {
    if (this.bytes[this.at++] !== tag) return false;
    return this.fieldEnd(this.bytes.length) === this.bytes.length;
  }
}

export const uint32Max = 0xffff_ffff;
