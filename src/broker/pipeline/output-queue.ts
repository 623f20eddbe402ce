/**
 * The unsent responses of a connection. Bytes are passed to the socket in slices of at most `writeBytesMax`. Once the socket is
 * full, the next slice waits until the socket has sent all its bytes. So the socket holds little more than one slice, and each
 * call of `drained` shows that a slow client makes progress. The buffers are not copied.
 */
import { writeBytesMax } from '../limits.ts';

export interface Sink {
  /** Returns false if the socket is full. Then the owner calls `drained` when the socket has sent all its bytes. */
  write(buffers: readonly Uint8Array[]): boolean;
}

interface Message {
  readonly buffers: readonly Uint8Array[];
  readonly onSent: (() => void) | null;
}

export class OutputQueue {
  readonly #sink: Sink;
  #messages: Message[] = [];
  /** Position in the first message: the index of the buffer, and the offset in that buffer. */
  #bufferIndex = 0;
  #bufferAt = 0;
  #full = false;

  constructor(sink: Sink) {
    this.#sink = sink;
  }

  /** Whether the socket accepts no more bytes now. */
  get full(): boolean {
    return this.#full;
  }

  get empty(): boolean {
    return this.#messages.length === 0;
  }

  /** Adds a message. `onSent` is called when its last byte was passed to the socket, or when the queue is closed. */
  add(buffers: readonly Uint8Array[], onSent: (() => void) | null): void {
    this.#messages.push({ buffers, onSent });
  }

  /** Passes bytes to the socket, as many as it accepts. */
  flush(): void {
    while (!this.#full && this.#messages.length > 0) {
      const sent: (() => void)[] = [];
      const slices = this.#take(sent);
      if (slices.length > 0) this.#full = !this.#sink.write(slices);
      for (const callback of sent) callback();
    }
  }

  drained(): void {
    this.#full = false;
    this.flush();
  }

  close(): void {
    const messages = this.#messages;
    this.#messages = [];
    for (const message of messages) message.onSent?.();
  }

  #take(sent: (() => void)[]): Uint8Array[] {
    const slices: Uint8Array[] = [];
    let room = writeBytesMax;
    let done = 0;
    while (done < this.#messages.length && room > 0) {
      const message = this.#messages[done] as Message;
      room = this.#takeFrom(message, slices, room);
      if (this.#bufferIndex < message.buffers.length) break;
      this.#bufferIndex = 0;
      done++;
      if (message.onSent !== null) sent.push(message.onSent);
    }
    if (done === this.#messages.length) this.#messages = [];
    else if (done > 0) this.#messages.splice(0, done);
    return slices;
  }

  #takeFrom(message: Message, slices: Uint8Array[], roomBytes: number): number {
    let room = roomBytes;
    while (this.#bufferIndex < message.buffers.length && room > 0) {
      const buffer = message.buffers[this.#bufferIndex] as Uint8Array;
      const left = buffer.length - this.#bufferAt;
      if (left <= room) {
        slices.push(this.#bufferAt === 0 ? buffer : buffer.subarray(this.#bufferAt));
        room -= left;
        this.#bufferIndex++;
        this.#bufferAt = 0;
      } else {
        slices.push(buffer.subarray(this.#bufferAt, this.#bufferAt + room));
        this.#bufferAt += room;
        room = 0;
      }
    }
    return room;
  }
}
