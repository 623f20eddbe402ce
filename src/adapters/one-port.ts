/**
 * Each listener of a node accepts Kafka's protocol, our gRPC streams and HTTP on one port. The first four bytes of a connection
 * say which protocol it has. `PRI ` begins HTTP/2, which gRPC uses. An HTTP method gets a page if `http.listeners` names the
 * listener, otherwise a 404. Anything else is the length of a Kafka request. A length below 1 GiB cannot be mistaken for a
 * word, because its first byte is smaller than the code of a letter.
 */
import { hostname } from 'node:os';
import type { Socket } from 'node:net';
import type {
  Address,
  Channel,
  ChannelName,
  Connection,
  Listener,
  MessageStream,
  Network,
  PeerMessage,
  PeerNetwork,
} from '../base/network.ts';
import type { Logger } from '../telemetry/logger.ts';
import { openGrpcStream } from './grpc/grpc-client.ts';
import { type CallStream, type GrpcParts, pushOverheadBytes } from './grpc/common.ts';
import type { GrpcServer } from './grpc/grpc-server.ts';
import { HttpAdapter } from './http.ts';
import { createLoopback } from './loopback.ts';
import { connectTcp, listenTcp, TcpConnection } from './tcp-network.ts';

/** A connection is closed when it has sent only a part of its first word this long after it was opened. */
const firstWordMs = 10_000;
const defaultBacklog = 50;
/** The default of socket.request.max.bytes. */
const defaultBatchBytes = 100 * 1024 * 1024;
const firstWords = ['PRI ', 'GET ', 'POST', 'PUT ', 'HEAD', 'DELE', 'OPTI', 'PATC', 'CONN', 'TRAC'];
const loopbackHosts: readonly string[] = ['', 'localhost', '127.0.0.1', '::1'];

const notFound = [
  'HTTP/1.1 404 Not Found',
  'Content-Type: text/plain; charset=utf-8',
  'Connection: close',
  '',
  'This port speaks the Kafka protocol; there is no web page here. Use it as bootstrap server of a Kafka client.',
  '',
].join('\r\n');

export interface TransportOptions {
  readonly logger: Logger;
  /** The value of socket.listen.backlog.size. */
  readonly backlog?: number;
  /** The value of socket.request.max.bytes, which is also the largest record batch that a leader may push to this node. */
  readonly batchBytesMax?: number;
  /**
   * A connection is closed when it has sent only a part of its first word this long after it was opened, a connection of
   * another node when its hello is not accepted by then, and one that got status 404 this long after it. 10 s by default.
   */
  readonly helloTimeoutMs?: number;
}

export interface Transport {
  readonly network: Network;
  readonly peers: PeerNetwork;
  readonly http: HttpAdapter;
  /** Ends all streams and connections, and stops listening. */
  close(): Promise<void>;
}

type Kind = 'kafka' | 'grpc' | 'http' | 'unknown yet';

function kindOf(bytes: Uint8Array): Kind {
  const text = String.fromCharCode(...bytes.subarray(0, 4));
  const words = firstWords.filter((word) => word.startsWith(text));
  if (words.length === 0) return 'kafka';
  if (text.length < 4) return 'unknown yet';
  return text === 'PRI ' ? 'grpc' : 'http';
}

/** Calls `late` after `timeoutMs`, unless the socket is closed or the returned function is called before. */
function whileOpen(socket: Socket, timeoutMs: number, late: () => void): () => void {
  const timer = setTimeout(late, timeoutMs).unref();
  const over = (): void => {
    clearTimeout(timer);
    socket.off('close', over);
  };
  socket.once('close', over);
  return over;
}

/** Responds with status 404. Closes the connection after `timeoutMs` even if the client does not close its side. */
function refuse(socket: Socket, timeoutMs: number): void {
  whileOpen(socket, timeoutMs, () => socket.destroy());
  socket.resume();
  socket.end(notFound);
}

/**
 * Reads from a paused socket until its protocol is known. Then calls `done` with the bytes that were read. The socket is
 * paused again.
 */
function sniff(socket: Socket, timeoutMs: number, done: (kind: Kind, first: Uint8Array) => void): void {
  let first: Buffer = Buffer.alloc(0);
  const over = whileOpen(socket, timeoutMs, () => {
    if (first.length > 0) socket.destroy();
  });
  const ignore = (): void => {};
  const onData = (chunk: Buffer): void => {
    first = first.length === 0 ? chunk : Buffer.concat([first, chunk]);
    const kind = kindOf(first);
    if (kind === 'unknown yet') return;
    over();
    socket.pause();
    socket.off('data', onData);
    socket.off('error', ignore);
    done(kind, first);
  };
  // An error is not reported while the protocol is unknown.
  socket.on('error', ignore);
  socket.on('data', onData);
  socket.resume();
}

class OnePortTransport implements Transport {
  readonly network: Network;
  readonly peers: PeerNetwork;
  readonly http = new HttpAdapter();
  private readonly options: TransportOptions;
  private readonly listeners = new Set<Listener>();
  private readonly acceptors = new Map<ChannelName, (stream: MessageStream) => void>();
  private readonly streams = new Set<CallStream>();
  private grpc: Promise<GrpcParts> | null = null;
  private server: Promise<GrpcServer> | null = null;
  private closed = false;

  constructor(options: TransportOptions) {
    this.options = options;
    this.network = {
      listen: (address, onConnection) => this.listen(address, onConnection),
      connect: (address, timeoutMs) => connectTcp(address, timeoutMs),
    };
    this.peers = {
      open: <C extends PeerMessage, S extends PeerMessage>(address: Address, channel: Channel<C, S>) =>
        this.open(address, channel.name) as unknown as MessageStream<C, S>,
      accept: <C extends PeerMessage, S extends PeerMessage>(
        channel: Channel<C, S>,
        onStream: (stream: MessageStream<S, C>) => void,
      ) => {
        this.acceptors.set(channel.name, onStream as unknown as (stream: MessageStream) => void);
      },
    };
  }

  async close(): Promise<void> {
    this.closed = true;
    for (const stream of [...this.streams]) stream.close();
    const server = await this.server;
    server?.close();
    await this.http.close();
    await Promise.all([...this.listeners].map((listener) => listener.close()));
    this.listeners.clear();
  }

  private loadGrpc(): Promise<GrpcParts> {
    this.grpc ??= Promise.all([import('@grpc/grpc-js'), import('../wire/service.ts')]).then(
      async ([grpc, { loadPeerService }]) => ({ grpc, service: await loadPeerService() }),
    );
    return this.grpc;
  }

  private async listen(address: Address, onConnection: (connection: Connection) => void): Promise<Listener> {
    const backlog = this.options.backlog ?? defaultBacklog;
    const listener = await listenTcp(address, backlog, (socket) => {
      // The owner gets the connection before its first byte, so that the limits and time-outs for connections also apply to one
      // that sends nothing.
      const connection = new TcpConnection(socket);
      onConnection(connection);
      if (!socket.destroyed) this.sniff(socket, connection);
    });
    this.listeners.add(listener);
    return {
      address: listener.address,
      close: () => {
        this.listeners.delete(listener);
        return listener.close();
      },
    };
  }

  private get timeoutMs(): number {
    return this.options.helloTimeoutMs ?? firstWordMs;
  }

  private sniff(socket: Socket, connection: TcpConnection): void {
    sniff(socket, this.timeoutMs, (kind, first) => this.sort(socket, kind, first, connection));
  }

  private sort(socket: Socket, kind: Kind, first: Uint8Array, connection: TcpConnection): void {
    if (kind === 'kafka') {
      if (first[0] === 0x16) {
        const remote = `${socket.remoteAddress}:${socket.remotePort}`;
        this.options.logger.warn('a client tried TLS on a listener without it', { remote });
      }
      connection.start(first);
      return;
    }
    connection.release();
    socket.on('error', () => socket.destroy());
    if (kind === 'http') {
      if (!this.http.adopt(socket, first)) refuse(socket, this.timeoutMs);
      return;
    }
    this.grpcServer().then(
      (server) => {
        if (socket.destroyed) return;
        // Puts the bytes that were read back into the buffer of the socket. HTTP/2 reads them from there.
        socket.unshift(first);
        server.inject(socket);
      },
      (error: unknown) => {
        this.options.logger.error('gRPC could not be loaded', { error });
        socket.destroy();
      },
    );
  }

  private async grpcServer(): Promise<GrpcServer> {
    this.server ??= Promise.all([this.loadGrpc(), import('./grpc/grpc-server.ts')]).then(
      ([parts, { createGrpcServer }]) =>
        createGrpcServer(
          parts,
          (channel) => {
            const accept = this.acceptors.get(channel);
            if (accept === undefined || this.closed) return undefined;
            return (stream) => accept(this.track(stream));
          },
          this.options.helloTimeoutMs,
        ),
    );
    return this.server;
  }

  private open(address: Address, channel: ChannelName): MessageStream {
    const accept = this.isOwn(address) ? this.acceptors.get(channel) : undefined;
    if (accept === undefined) return this.track(this.openRemote(address, channel));
    const [here, there] = createLoopback();
    setImmediate(() => accept(there));
    return here;
  }

  private openRemote(address: Address, channel: ChannelName): CallStream {
    const batchBytes = Math.max(this.options.batchBytesMax ?? 0, defaultBatchBytes);
    return openGrpcStream(() => this.loadGrpc(), address, channel, batchBytes + pushOverheadBytes);
  }

  private track(stream: CallStream): CallStream {
    this.streams.add(stream);
    stream.onEnded = () => this.streams.delete(stream);
    return stream;
  }

  /** Whether `address` is that of a listener of this process. */
  private isOwn(address: Address): boolean {
    for (const { address: bound } of this.listeners) {
      if (bound.port !== address.port) continue;
      if (bound.host === address.host) return true;
      const everywhere = bound.host === '' || bound.host === '::' || bound.host === '0.0.0.0';
      const local = loopbackHosts.includes(address.host);
      if (everywhere ? local || address.host === hostname() : local && loopbackHosts.includes(bound.host))
        return true;
    }
    return false;
  }
}

/** Makes the network of a node: its listeners, and its streams to other nodes. */
export function createTransport(options: TransportOptions): Transport {
  return new OnePortTransport(options);
}
