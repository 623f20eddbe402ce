/**
 * One end of a simulated stream, and a byte connection built on one. A stream breaks at most once: by a `close` of either side,
 * by the crash of a host, or by a reset of the network.
 */
import type { Address, Connection } from '../base/network.ts';
import type { Carried } from './carried.ts';
import type { Link, LinkEnd } from './link.ts';

/**
 * One end of a stream. It has the methods of `MessageStream`, and `network.ts` casts it to that; a byte connection
 * (`StreamConnection`) uses one too.
 */
export class StreamEnd {
  onMessage: (message: Carried) => void = () => {};
  onClose: (error: Error | null) => void = () => {};
  onDrain: () => void = () => {};
  readonly place: LinkEnd;
  private readonly out: Link;
  private readonly onShut: (from: StreamEnd, error: Error | null) => void;
  private isClosed = false;

  constructor(
    place: LinkEnd,
    out: Link,
    incoming: Link,
    onShut: (from: StreamEnd, error: Error | null) => void,
  ) {
    this.place = place;
    this.out = out;
    this.onShut = onShut;
    out.onDrain = (): void => this.onDrain();
    incoming.deliver = (message): void => {
      if (!this.isClosed) this.onMessage(message);
    };
  }

  send(message: Carried): boolean {
    return this.isClosed || this.out.send(message);
  }

  close(reason?: string): void {
    if (this.isClosed) return;
    this.onShut(this, reason === undefined ? null : new Error(reason));
    this.closed(null);
  }

  /** Called by the network when the stream has ended. */
  closed(error: Error | null): void {
    if (this.isClosed) return;
    this.isClosed = true;
    if (this.place.life.isAlive) this.place.life.soon(() => this.onClose(error));
  }
}

/** A byte connection. Chunks arrive as they were written; a real network may split or join them. */
export class StreamConnection implements Connection {
  onData: (chunk: Uint8Array) => void = () => {};
  onClose: (error: Error | null) => void = () => {};
  onDrain: () => void = () => {};
  readonly local: Address;
  readonly remote: Address;
  private readonly stream: StreamEnd;
  private readonly held: Uint8Array[] = [];
  private isPaused = false;

  constructor(stream: StreamEnd, local: Address, remote: Address) {
    this.stream = stream;
    this.local = local;
    this.remote = remote;
    stream.onMessage = (chunk): void => {
      this.held.push(chunk as Uint8Array);
      this.pump();
    };
    stream.onClose = (error): void => this.onClose(error);
    stream.onDrain = (): void => this.onDrain();
  }

  write(buffers: readonly Uint8Array[]): boolean {
    let hasRoom = true;
    for (const buffer of buffers) hasRoom = this.stream.send(buffer);
    return hasRoom;
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
    this.pump();
  }

  end(): void {
    this.stream.close();
  }

  destroy(): void {
    this.stream.close();
  }

  private pump(): void {
    while (!this.isPaused && this.held.length > 0) this.onData(this.held.shift() as Uint8Array);
  }
}
