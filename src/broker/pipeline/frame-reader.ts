/**
 * Splits the bytes of a connection into Kafka frames. A frame is a four-byte size, then that many bytes.
 *
 * - A frame that lies inside one chunk from the socket is a view of the chunk, not a copy. A frame that extends over several
 *   chunks is copied once, into a buffer of its size.
 * - Before a frame is returned or copied, its size is checked and its memory reserved. If the budget has no room, the reader is
 *   `blocked`, and its owner pauses the connection. When the budget has granted the memory, the owner calls `grant` and then
 *   `next`.
 * - This file neither decodes frames nor knows time or sockets.
 */

export class FrameError extends Error {
  override readonly name = 'FrameError';
}

export class FrameReader {
  readonly #sizeBytesMax: number;
  readonly #reserve: (sizeBytes: number) => boolean;
  readonly #chunks: Uint8Array[] = [];
  /** Position of the next byte in the first chunk. */
  #at = 0;
  /** Bytes that have arrived but are not consumed yet. */
  #pendingBytes = 0;
  /** Size of the frame that is being read; -1 while it is not known. */
  #sizeBytes = -1;
  #reserved = false;
  #target: Uint8Array | null = null;
  #filled = 0;

  /** `reserve` reserves memory for a frame. It returns false if the budget has no room now. */
  constructor(sizeBytesMax: number, reserve: (sizeBytes: number) => boolean) {
    this.#sizeBytesMax = sizeBytesMax;
    this.#reserve = reserve;
  }

  /** Whether the size of the next frame is known but its memory is not reserved yet. */
  get blocked(): boolean {
    return this.#sizeBytes >= 0 && !this.#reserved;
  }

  /** Whether bytes have arrived that `next` has not returned. After `next` has returned null, they are a part of a frame. */
  get midFrame(): boolean {
    return this.#sizeBytes >= 0 || this.#pendingBytes > 0;
  }

  /** How many bytes are reserved for the frame that is being read. If the connection closes, the owner releases them. */
  get reservedBytes(): number {
    return this.#reserved ? this.#sizeBytes : 0;
  }

  /** The size of the frame for which memory is missing. */
  get wantedBytes(): number {
    return this.#sizeBytes;
  }

  /** Called by the owner when the budget has granted the memory for the blocked frame. */
  grant(): void {
    this.#reserved = true;
  }

  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.#pendingBytes += chunk.length;
  }

  /** The next complete frame, or null. Throws `FrameError` if its size is invalid. */
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
    if (size < 0) throw new FrameError(`a frame of negative size ${size}`);
    if (size > this.#sizeBytesMax) {
      throw new FrameError(
        `a frame of ${size} bytes is too large: socket.request.max.bytes is ${this.#sizeBytesMax}`,
      );
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

  /** The frame as a view of the first chunk if it is complete there. Otherwise allocates its buffer and starts to copy. */
  #view(): Uint8Array | null {
    const size = this.#sizeBytes;
    if (size === 0) return new Uint8Array(0);
    const chunk = this.#chunks[0];
    if (chunk !== undefined && chunk.length - this.#at >= size) {
      const frame = chunk.subarray(this.#at, this.#at + size);
      this.#consume(size);
      return frame;
    }
    // The buffer must not come from the memory that Node's small buffers share: records of the frame may stay in a log's cache
    // for long, and would keep all of that memory.
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
