/**
 * Serves streams to peers on connections that `one-port.ts` recognised as HTTP/2. A channel that nobody here accepts is
 * answered UNIMPLEMENTED, which closes the peer's stream with an error.
 */
import type { Socket } from 'node:net';
import type * as GrpcModule from '@grpc/grpc-js';
import type { ConnectionInjector, ServerDuplexStream } from '@grpc/grpc-js';
import type { Channel } from '../../base/network.ts';
import { CallStream, commonOptions, identity, methodNames, serviceName } from './frames.ts';

type Grpc = typeof GrpcModule;

export interface GrpcServer {
  /** Takes over a socket with its first bytes put back. */
  inject(socket: Socket): void;
  close(): void;
}

function serve(call: ServerDuplexStream<Buffer, Buffer>, accept: (stream: CallStream) => void): void {
  const stream = new CallStream();
  let finished = false;
  call.on('data', (message: Buffer) => stream.deliver(message));
  const gone = (): void => stream.ended(new Error('the peer is gone'));
  call.on('end', () => {
    // A broken connection also ends what can be read; that it was broken is known a moment later.
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
  stream.attach({
    write: (message, done) => call.write(message, done),
    end: () => {
      if (finished) return;
      finished = true;
      // The trailers tell the client; its own end, or that of its connection, is not waited for.
      call.end();
      setImmediate(() => stream.ended(null));
    },
  });
}

/** A gRPC server without a port of its own. `acceptor` is asked at each stream. */
export function createGrpcServer(
  grpc: Grpc,
  acceptor: (channel: Channel) => ((stream: CallStream) => void) | undefined,
): GrpcServer {
  const server = new grpc.Server({ ...commonOptions, 'grpc.max_concurrent_streams': 64 });
  const method = (channel: Channel) => ({
    path: `/${serviceName}/${methodNames[channel]}`,
    requestStream: true,
    responseStream: true,
    requestSerialize: identity,
    requestDeserialize: identity,
    responseSerialize: identity,
    responseDeserialize: identity,
  });
  const channels = Object.keys(methodNames) as Channel[];
  const definition = Object.fromEntries(channels.map((channel) => [methodNames[channel], method(channel)]));
  const handler = (channel: Channel) => (call: ServerDuplexStream<Buffer, Buffer>) => {
    const accept = acceptor(channel);
    if (accept !== undefined) serve(call, accept);
    else
      call.emit('error', {
        code: grpc.status.UNIMPLEMENTED,
        details: `this node does not serve channel ${channel}`,
      });
  };
  server.addService(
    definition,
    Object.fromEntries(channels.map((channel) => [methodNames[channel], handler(channel)])),
  );
  const injector: ConnectionInjector = server.createConnectionInjector(
    grpc.ServerCredentials.createInsecure(),
  );
  return {
    inject: (socket) => injector.injectConnection(socket),
    close: () => {
      injector.destroy();
      server.forceShutdown();
    },
  };
}
