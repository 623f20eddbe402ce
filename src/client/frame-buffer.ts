/**
 * Splits a byte stream into length-prefixed frames. Invariant: `chunks` hold exactly the bytes after the frame that `shift`
 * returned last.
 */
import { KafkaError, Errors } from '../protocol/errors.ts';

/** A greater length is refused: the peer does not speak Kafka's protocol. */
const frameBytesMax = 1024 * 1024 * 1024;

export class FrameBuffer {
  private chunks: Uint8Array[] = [];
  private sizeBytes = 0;

  push(chunk: Uint8Array): void {
    this.chunks.push(chunk);
    this.sizeBytes += chunk.length;
  }

  /** The next whole frame without its length prefix, or null. Throws when the length is negative or too great. */
  shift(): Uint8Array | null {
    if (this.sizeBytes < 4) return null;
    const head = this.join(4);
    const length = new DataView(head.buffer, head.byteOffset, 4).getInt32(0);
    if (length < 0 || length > frameBytesMax) {
      throw new KafkaError(Errors.INVALID_REQUEST, `a response of ${length} bytes`);
    }
    if (this.sizeBytes < 4 + length) return null;
    const whole = this.join(4 + length);
    const rest = whole.subarray(4 + length);
    this.chunks = rest.length > 0 ? [rest, ...this.chunks.slice(1)] : this.chunks.slice(1);
    this.sizeBytes -= 4 + length;
    return whole.subarray(4, 4 + length);
  }

  /** Returns the first chunk, extended to at least `count` bytes. */
  private join(count: number): Uint8Array {
    const first = this.chunks[0];
    if (first !== undefined && first.length >= count) return first;
    const joined = new Uint8Array(this.sizeBytes);
    let at = 0;
    for (const chunk of this.chunks) {
      joined.set(chunk, at);
      at += chunk.length;
    }
    this.chunks = [joined];
    return joined;
  }
}
