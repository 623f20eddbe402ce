/**
 * Splits a connection's byte stream into Kafka frames: a four-byte size, then that many bytes.
 *
 * - A frame inside one chunk is a view of the chunk (no copy); a frame over several chunks is copied once into a buffer of its
 *   size.
 * - The size is checked, and the memory reserved, before a byte of the frame is kept. When the budget has no room, the reader is
 *   `blocked` and the owner pauses the connection; the owner calls `next` again when the budget has granted the memory.
 * - It does not decode frames, and knows neither time nor sockets.
 */

export class FrameError extends Error {
  override readonly name = 'FrameError';
}

export class FrameReader {
  readonly #sizeBytesMax: number;
  readonly #reserve: (sizeBytes: number) => boolean;
  readonly #chunks: Uint8Array[] = [];
  /** Position in the first chunk. */
  #at = 0;
  /** Bytes that were pushed and not consumed. */
  #pendingBytes = 0;
  /** Size of the frame being read, -1 before it is known. */
  #sizeBytes = -1;
  #reserved = false;
  #target: Uint8Array | null = null;
  #filled = 0;

  /** `reserve` returns false when the budget has no room now. */
  constructor(sizeBytesMax: number, reserve: (sizeBytes: number) => boolean) {
    this.#sizeBytesMax = sizeBytesMax;
    this.#reserve = reserve;
  }

  /** The next frame, whose size is known, waits for memory. */
  get blocked(): boolean {
    return this.#sizeBytes >= 0 && !this.#reserved;
  }

  /** Some bytes of a frame have arrived and the rest has not. */
  get midFrame(): boolean {
    return this.#sizeBytes >= 0 || this.#pendingBytes > 0;
  }

  /** Bytes reserved for the frame that is being read; the owner releases them when the connection closes. */
  get reservedBytes(): number {
    return this.#reserved ? this.#sizeBytes : 0;
  }

  /** Size of the frame that waits for memory. */
  get wantedBytes(): number {
    return this.#sizeBytes;
  }

  /** The owner got the memory for the blocked frame from the budget's queue. */
  grant(): void {
    this.#reserved = true;
  }

  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.#pendingBytes += chunk.length;
  }

  /** The next whole frame, or null. Throws `FrameError` when the size is invalid. */
  next(): Uint8Array | null {
    if (this.#sizeBytes < 0 && !this.#readSize()) return null;
    if (!this.#reserved) {
      this.#reserved = this.#reserve(this.#sizeBytes);
      if (!this.#reserved) return null;
    }
    const frame = this.#target === null ? this.#view() : this.#gather();
    if (frame === null) return null;
    this.#sizeBytes = -1;
    this.#reserved = false;
    this.#target = null;
    this.#filled = 0;
    return frame;
  }

  #readSize(): boolean {
    if (this.#pendingBytes < 4) return false;
    let size = 0;
    for (let i = 0; i < 4; i++) size = (size << 8) | this.#takeByte();
    if (size < 0) throw new FrameError(`frame of negative size ${size}`);
    if (size > this.#sizeBytesMax) {
      throw new FrameError(`frame of ${size} bytes, socket.request.max.bytes is ${this.#sizeBytesMax}`);
    }
    this.#sizeBytes = size;
    return true;
  }

  #takeByte(): number {
    const chunk = this.#chunks[0] as Uint8Array;
    const byte = chunk[this.#at] as number;
    this.#consume(1);
    return byte;
  }

  #consume(count: number): void {
    this.#at += count;
    this.#pendingBytes -= count;
    if (this.#at === (this.#chunks[0] as Uint8Array).length) {
      this.#chunks.shift();
      this.#at = 0;
    }
  }

  /** The frame as a view of the first chunk when it is complete there; else starts to copy. */
  #view(): Uint8Array | null {
    const size = this.#sizeBytes;
    if (size === 0) return new Uint8Array(0);
    const chunk = this.#chunks[0];
    if (chunk !== undefined && chunk.length - this.#at >= size) {
      const frame = chunk.subarray(this.#at, this.#at + size);
      this.#consume(size);
      return frame;
    }
    // Not from Buffer's shared slab, because records of the frame may stay in a log's cache for long.
    this.#target = Buffer.allocUnsafeSlow(size);
    return this.#gather();
  }

  #gather(): Uint8Array | null {
    const target = this.#target as Uint8Array;
    while (this.#pendingBytes > 0 && this.#filled < target.length) {
      const chunk = this.#chunks[0] as Uint8Array;
      const count = Math.min(chunk.length - this.#at, target.length - this.#filled);
      target.set(chunk.subarray(this.#at, this.#at + count), this.#filled);
      this.#filled += count;
      this.#consume(count);
    }
    return this.#filled === target.length ? target : null;
  }
}
