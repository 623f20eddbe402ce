/**
 * Opens streams to peers. Every stream has a client, and so a TCP connection, of its own: bulk on one channel doesn't delay
 * another, and a new stream after a failure is never held up by gRPC's connection back-off.
 */
import type * as GrpcModule from '@grpc/grpc-js';
import type { Address, Channel } from '../../base/network.ts';
import { CallStream, clientOptions, identity, methodNames, serviceName } from './frames.ts';

type Grpc = typeof GrpcModule;
/** After our own end of a stream the peer's answer is awaited this long, then the connection is cut. */
const endGraceMs = 1000;

function target(address: Address): string {
  const host = address.host === '' ? 'localhost' : address.host;
  if (/^[\d.]+$/.test(host)) return `ipv4:${host}:${address.port}`;
  return host.includes(':') ? `ipv6:[${host}]:${address.port}` : `dns:${host}:${address.port}`;
}

function start(grpc: Grpc, stream: CallStream, address: Address, channel: Channel): void {
  const client: GrpcModule.Client = new grpc.Client(
    target(address),
    grpc.credentials.createInsecure(),
    clientOptions,
  );
  const path = `/${serviceName}/${methodNames[channel]}`;
  const call = client.makeBidiStreamRequest<Buffer, Buffer>(path, identity, identity);
  const over = (error: Error | null): void => {
    client.close();
    stream.ended(error);
  };
  call.on('data', (message: Buffer) => stream.deliver(message));
  call.on('error', (error: Error) => over(error));
  // Comes after 'error' when there was one; `over` counts once.
  call.on('status', () => setImmediate(() => over(null)));
  stream.attach({
    write: (message, done) => call.write(message, done),
    end: () => {
      call.end();
      setTimeout(() => call.cancel(), endGraceMs).unref();
    },
  });
}

/** Opens a stream of `channel` to the node at `address`; gRPC is loaded by the first one. */
export function openGrpcStream(load: () => Promise<Grpc>, address: Address, channel: Channel): CallStream {
  const stream = new CallStream();
  load().then(
    (grpc) => {
      if (stream.isClosing) stream.ended(null);
      else start(grpc, stream, address, channel);
    },
    (error: unknown) => stream.ended(error as Error),
  );
  return stream;
}
