/**
 * A metadata snapshot that arrives in chunks. Memory is allocated for received bytes only, not for the size that the
 * peer announced.
 */
import { MalformedError } from '../../base/protobuf.ts';

/** A larger snapshot would exhaust the memory of the process. */
export const snapshotBytesMax = 1024 * 1024 * 1024;

export class SnapshotParts {
  readonly sizeBytes: number;
  readonly #chunks: Uint8Array[] = [];
  #receivedBytes = 0;

  /** Throws `MalformedError` when the announced size is above the limit. */
  constructor(sizeBytes: number) {
    if (sizeBytes > snapshotBytesMax) throw new MalformedError(`a snapshot of ${sizeBytes} bytes`);
    this.sizeBytes = sizeBytes;
  }

  get receivedBytes(): number {
    return this.#receivedBytes;
  }
  get isWhole(): boolean {
    return this.#receivedBytes === this.sizeBytes;
  }

  /** Throws `MalformedError` when the chunks exceed the announced size. */
  add(chunk: Uint8Array): void {
    if (this.#receivedBytes + chunk.length > this.sizeBytes)
      throw new MalformedError('a snapshot is longer than announced');
    this.#chunks.push(chunk);
    this.#receivedBytes += chunk.length;
  }

  whole(): Uint8Array {
    const whole = new Uint8Array(this.#receivedBytes);
    let at = 0;
    for (const chunk of this.#chunks) {
      whole.set(chunk, at);
      at += chunk.length;
    }
    return whole;
  }
}
