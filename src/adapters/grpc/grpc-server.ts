/**
 * Accepts streams from other nodes, on connections that `one-port.ts` recognised as HTTP/2. When this node does not serve the
 * channel of a stream, the peer's stream ends with the error UNIMPLEMENTED.
 */
import type { Socket } from 'node:net';
import type * as GrpcModule from '@grpc/grpc-js';
import type { ConnectionInjector, ServerDuplexStream } from '@grpc/grpc-js';
import type { ChannelName, PeerMessage } from '../../base/network.ts';
import { methodNames, type PeerMethod } from '../../wire/service.ts';
import { CallStream, commonOptions, encoded, type GrpcParts, peerRequestBytesMax } from './common.ts';
import { PeerConnections } from './peer-connections.ts';

type Grpc = typeof GrpcModule;
/**
 * A decoded message. It is put into an object because null, which stands for a message of an unknown kind, cannot be passed
 * through a gRPC stream.
 */
interface Decoded {
  readonly message: PeerMessage | null;
}
type ServerCall = ServerDuplexStream<Decoded, Buffer>;

export interface GrpcServer {
  /** Takes over a socket. The bytes that were read from it must have been put back into its buffer. */
  inject(socket: Socket): void;
  close(): void;
}

/** The most streams of one connection. Our own client opens only one. */
const streamsPerConnectionMax = 8;
/** A connection that has no stream for this long is closed. */
const idleConnectionMs = 10_000;

interface CallHooks {
  /** Gets the stream of the call. */
  readonly accept: (stream: CallStream) => void;
  /** Called when the hello of the peer was accepted. */
  readonly greeted: () => void;
}

function serve(grpc: Grpc, method: PeerMethod, call: ServerCall, { accept, greeted }: CallHooks): void {
  const stream = new CallStream();
  let finished = false;
  let isHelloPending = true;
  call.on('data', ({ message }: Decoded) => {
    stream.deliver(message);
    if (!isHelloPending || message === null || stream.isClosing) return;
    isHelloPending = false;
    greeted();
  });
  const gone = (): void => stream.ended(new Error('the peer is gone'));
  call.on('end', () => {
    // When a connection breaks, gRPC emits 'end' first, and in the same turn of the event loop it cancels the call. So the code
    // below runs in a later turn.
    setImmediate(() => {
      if (call.cancelled) return gone();
      if (!finished) call.end();
      finished = true;
      stream.ended(null);
    });
  });
  call.on('cancelled', gone);
  call.on('error', (error: Error) => stream.ended(error));
  accept(stream);
  const end = (reason?: string): void => {
    if (finished) return;
    finished = true;
    // The status that the server sends ends the call for the client. The server does not wait for the client to end it too.
    if (reason === undefined) call.end();
    else call.emit('error', { code: grpc.status.FAILED_PRECONDITION, details: reason });
    setImmediate(() => stream.ended(null));
  };
  stream.attach({ write: (message, done) => call.write(message, done), end }, (message) =>
    method.encodeResponse(message),
  );
}

/**
 * Makes a gRPC server that has no port: sockets are passed to `inject`. `acceptFor` returns the function that gets the
 * streams of a channel; undefined when the channel is not served.
 */
export function createGrpcServer(
  { grpc, service }: GrpcParts,
  acceptFor: (channel: ChannelName) => ((stream: CallStream) => void) | undefined,
  helloTimeoutMs?: number,
): GrpcServer {
  const connections = new PeerConnections(helloTimeoutMs);
  const server = new grpc.Server({
    ...commonOptions,
    'grpc.max_receive_message_length': peerRequestBytesMax,
    'grpc.max_concurrent_streams': streamsPerConnectionMax,
    'grpc.max_connection_idle_ms': idleConnectionMs,
  });
  const definitionOf = (method: PeerMethod) => ({
    path: method.path,
    requestStream: true,
    responseStream: true,
    requestSerialize: encoded,
    requestDeserialize: (bytes: Buffer): Decoded => ({ message: method.decodeRequest(bytes) }),
    responseSerialize: encoded,
    responseDeserialize: encoded,
  });
  const handler = (channel: ChannelName) => (call: ServerCall) => {
    const accept = acceptFor(channel);
    const peer = call.getPeer();
    const greeted = (): void => connections.greeted(peer);
    if (accept !== undefined) serve(grpc, service[channel], call, { accept, greeted });
    else
      call.emit('error', {
        code: grpc.status.UNIMPLEMENTED,
        details: `this node does not serve channel ${channel}`,
      });
  };
  const channels = Object.keys(methodNames) as ChannelName[];
  server.addService(
    Object.fromEntries(channels.map((channel) => [methodNames[channel], definitionOf(service[channel])])),
    Object.fromEntries(channels.map((channel) => [methodNames[channel], handler(channel)])),
  );
  const injector: ConnectionInjector = server.createConnectionInjector(
    grpc.ServerCredentials.createInsecure(),
  );
  return {
    inject: (socket) => {
      connections.add(socket);
      injector.injectConnection(socket);
    },
    close: () => {
      connections.close();
      injector.destroy();
      server.forceShutdown();
    },
  };
}
