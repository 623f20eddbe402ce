/**
 * Implements `Connection` with TCP sockets: without Nagle's delay, with keep-alive probes, with one system call for many
 * buffers, and with back pressure in both directions. `listenTcp` passes on sockets from which nothing was read yet;
 * `one-port.ts` detects their protocol.
 */
import * as net from 'node:net';
import type { Address, Connection, Listener } from '../base/network.ts';

/** `write` returns false when this many bytes of a socket that was accepted are not sent yet. */
const writeHighWaterBytes = 256 * 1024;
/**
 * How long a connection is idle before the first keep-alive probe. A peer that vanished is detected after this time and the
 * retries of the operating system.
 */
const keepAliveDelayMs = 30_000;

/** Returns an IPv4 address in its usual form when it came through an IPv6 socket. */
function plainHost(host: string | undefined): string {
  if (host === undefined) return '';
  return host.startsWith('::ffff:') ? host.slice(7) : host;
}

function nothing(): void {}

export class TcpConnection implements Connection {
  readonly remote: Address;
  readonly local: Address;
  onData: (chunk: Uint8Array) => void = nothing;
  onClose: (error: Error | null) => void = nothing;
  onDrain: () => void = nothing;
  private readonly socket: net.Socket;
  private error: Error | null = null;
  private paused = false;

  constructor(socket: net.Socket) {
    this.socket = socket;
    this.remote = { host: plainHost(socket.remoteAddress), port: socket.remotePort ?? 0 };
    this.local = { host: plainHost(socket.localAddress), port: socket.localPort ?? 0 };
    socket.on('error', this.failed);
    socket.on('close', this.closed);
    socket.on('drain', this.drained);
  }

  private readonly failed = (error: Error): void => {
    this.error ??= error;
  };
  private readonly closed = (): void => this.onClose(this.error);
  private readonly drained = (): void => this.onDrain();

  /** Gives the socket to another protocol: calls `onClose` of the connection's owner, and the socket stays open. */
  release(): void {
    this.socket.off('error', this.failed).off('close', this.closed).off('drain', this.drained);
    this.onClose(null);
  }

  /** Starts to deliver data. `first` was read from the socket before; it is delivered first. */
  start(first: Uint8Array | null): void {
    if (first !== null) this.onData(first);
    this.socket.on('data', (chunk: Uint8Array) => this.onData(chunk));
    if (!this.paused) this.socket.resume();
  }

  write(buffers: readonly Uint8Array[]): boolean {
    const { socket } = this;
    if (socket.destroyed || socket.writableEnded) return true;
    const only = buffers.length === 1 ? buffers[0] : undefined;
    if (only !== undefined) return socket.write(only);
    // Buffers that are written while the socket is corked are sent with one system call.
    socket.cork();
    let room = true;
    for (const buffer of buffers) room = socket.write(buffer);
    socket.uncork();
    return room;
  }

  pause(): void {
    this.paused = true;
    this.socket.pause();
  }

  resume(): void {
    this.paused = false;
    this.socket.resume();
  }

  end(): void {
    this.socket.end();
  }

  destroy(): void {
    this.socket.destroy();
  }
}

/**
 * Makes a connection of a socket from which the bytes `first` were already read, and passes it to `take`. `take` must set the
 * callbacks; it then misses no data.
 */
export function handOver(
  socket: net.Socket,
  first: Uint8Array | null,
  take: (connection: Connection) => void,
): void {
  const connection = new TcpConnection(socket);
  take(connection);
  connection.start(first);
}

/** Listens at an address. An empty host means every address. The sockets that it passes on are paused. */
export function listenTcp(
  address: Address,
  backlog: number,
  onSocket: (socket: net.Socket) => void,
): Promise<Listener> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer(
    {
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: keepAliveDelayMs,
      highWaterMark: writeHighWaterBytes,
      pauseOnConnect: true,
    },
    (socket) => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
      onSocket(socket);
    },
  );
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    const where = address.host === '' ? { port: address.port, backlog } : { ...address, backlog };
    server.listen(where, () => {
      server.off('error', reject);
      const bound = server.address() as net.AddressInfo;
      resolve({ address: { host: address.host === '' ? '' : bound.address, port: bound.port }, close });
    });
  });
}

/** Connects to an address. Rejects with ETIMEDOUT when that takes longer than `timeoutMs`. */
export function connectTcp(address: Address, timeoutMs: number): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({
      host: address.host === '' ? 'localhost' : address.host,
      port: address.port,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: keepAliveDelayMs,
    });
    const timer = setTimeout(() => {
      const error = new Error(
        `connecting to ${address.host}:${address.port} took longer than ${timeoutMs} ms`,
      );
      socket.destroy(Object.assign(error, { code: 'ETIMEDOUT' }));
    }, timeoutMs);
    const fail = (error: Error): void => {
      clearTimeout(timer);
      reject(error);
    };
    socket.once('error', fail);
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.off('error', fail);
      const connection = new TcpConnection(socket);
      resolve(connection);
      // The caller sets its callbacks when this promise has resolved. Data must not be delivered before that.
      setImmediate(() => connection.start(null));
    });
  });
}
