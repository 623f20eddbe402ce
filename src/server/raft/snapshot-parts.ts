/** A snapshot of the metadata that arrives in chunks. What a peer announces is not believed: memory is taken for what came. */
import { MalformedError } from '../../base/protobuf.ts';

/** One in memory beyond this would end the process. */
export const snapshotBytesMax = 1024 * 1024 * 1024;

export class SnapshotParts {
  readonly sizeBytes: number;
  readonly #chunks: Uint8Array[] = [];
  #receivedBytes = 0;

  /** Throws `MalformedError` for an impossible size. */
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

  /** Throws `MalformedError` when more comes than was announced. */
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
