/**
 * The connections on which other nodes open streams. Any client that reaches the port can open one. Until the hello of its first
 * stream is accepted, a connection has a deadline and a bound of bytes, and there may be only few of them. When there are too many,
 * the oldest is closed. A node sends its hello at once, so connections that send nothing do not keep nodes out.
 */
import type { Socket } from 'node:net';

/** Connections without an accepted hello. */
export const strangersMax = 64;
/** Bytes that such a connection may send. */
const strangerBytesMax = 1024 * 1024;
const helloTimeoutMsDefault = 10_000;
/** Interval at which bytes and deadlines are checked while there are such connections. */
const checkIntervalMs = 50;
/** Connections with an accepted hello. A node opens one for each of at most six channels. */
export const peersMax = 4096;

/** The name by which gRPC identifies the peer of a call. */
function nameOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress}:${remotePort}`;
}

export class PeerConnections {
  /** Connections without an accepted hello, by the time at which they were opened, the oldest first. */
  readonly #strangers = new Map<Socket, number>();
  readonly #peers = new Set<Socket>();
  readonly #helloTimeoutMs: number;
  #timer: NodeJS.Timeout | null = null;

  constructor(helloTimeoutMs = helloTimeoutMsDefault) {
    this.#helloTimeoutMs = helloTimeoutMs;
  }

  /** Adds a new connection; when there are too many without an accepted hello, closes the oldest of them. */
  add(socket: Socket): void {
    const [oldest] = this.#strangers.keys();
    if (oldest !== undefined && this.#strangers.size >= strangersMax) this.#drop(oldest);
    this.#strangers.set(socket, performance.now());
    socket.once('close', () => {
      this.#strangers.delete(socket);
      this.#peers.delete(socket);
    });
    this.#timer ??= setInterval(() => this.#check(), checkIntervalMs).unref();
  }

  /** A stream of the connection whose other end is `peer` was accepted. */
  greeted(peer: string): void {
    for (const socket of this.#strangers.keys()) {
      if (nameOf(socket) !== peer) continue;
      if (this.#peers.size >= peersMax) return this.#drop(socket);
      this.#strangers.delete(socket);
      this.#peers.add(socket);
    }
  }

  close(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  #drop(socket: Socket): void {
    this.#strangers.delete(socket);
    socket.destroy();
  }

  #check(): void {
    const nowMs = performance.now();
    for (const [socket, sinceMs] of this.#strangers) {
      if (nowMs - sinceMs >= this.#helloTimeoutMs || socket.bytesRead > strangerBytesMax) this.#drop(socket);
    }
    if (this.#strangers.size === 0) this.close();
  }
}
