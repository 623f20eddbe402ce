/**
 * A metadata snapshot that arrives in chunks. Memory is allocated for the received bytes only, so that a peer cannot exhaust it
 * by announcing a large size.
 */
import { MalformedError } from '../../base/protobuf.ts';

/** The maximum size of a snapshot: a larger one would exhaust the memory of the process. */
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
