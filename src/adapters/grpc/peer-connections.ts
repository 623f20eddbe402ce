/**
 * Limits the connections on which other nodes open streams, because any client that reaches the port can open one. Until a
 * connection's first hello is accepted, it may send only some bytes and exists only for some seconds. There may be only few
 * such connections; when there are too many, the oldest is closed. That does not keep nodes out, because a node sends its hello
 * at once.
 */
import type { Socket } from 'node:net';

/** The most connections without an accepted hello. */
export const strangersMax = 64;
/** The most bytes that a connection may send before its hello is accepted. */
const strangerBytesMax = 1024 * 1024;
const helloTimeoutMsDefault = 10_000;
/** How often the limits of bytes and time are checked while there are connections without an accepted hello. */
const checkIntervalMs = 50;
/** The most connections with an accepted hello. Each other node opens at most six, one for each channel. */
export const peersMax = 4096;

/** Returns the name by which gRPC identifies the other end of a call. */
function nameOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress}:${remotePort}`;
}

export class PeerConnections {
  /** The connections without an accepted hello, the oldest first, each with the time when it was opened. */
  readonly #strangers = new Map<Socket, number>();
  readonly #peers = new Set<Socket>();
  readonly #helloTimeoutMs: number;
  #timer: NodeJS.Timeout | null = null;

  constructor(helloTimeoutMs = helloTimeoutMsDefault) {
    this.#helloTimeoutMs = helloTimeoutMs;
  }

  /** Adds a new connection. When too many have no accepted hello, closes the oldest of them. */
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

  /** Called when a hello from `peer`, the other end of a connection, was accepted. */
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
