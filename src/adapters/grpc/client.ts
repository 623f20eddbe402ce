/**
 * Opens streams to peers. Every stream has a client, and so a TCP connection, of its own: bulk on one channel doesn't delay
 * another, and a new stream after a failure is never held up by gRPC's connection back-off.
 */
import type * as GrpcModule from '@grpc/grpc-js';
import type { Address, ChannelName, PeerMessage } from '../../base/network.ts';
import { CallStream, clientOptions, encoded, type GrpcParts } from './frames.ts';

/** A stream of objects can carry no null. */
interface Decoded {
  readonly message: PeerMessage | null;
}

/** After this node has ended a stream it waits so long for the peer's end, then it closes the connection. */
const endGraceMs = 1000;

function target(address: Address): string {
  const host = address.host === '' ? 'localhost' : address.host;
  if (/^[\d.]+$/.test(host)) return `ipv4:${host}:${address.port}`;
  return host.includes(':') ? `ipv6:[${host}]:${address.port}` : `dns:${host}:${address.port}`;
}

function start(
  { grpc, service }: GrpcParts,
  stream: CallStream,
  address: Address,
  channel: ChannelName,
  responseBytesMax: number,
): void {
  const client: GrpcModule.Client = new grpc.Client(target(address), grpc.credentials.createInsecure(), {
    ...clientOptions,
    'grpc.max_receive_message_length': responseBytesMax,
  });
  const method = service[channel];
  const call = client.makeBidiStreamRequest<Buffer, Decoded>(method.path, encoded, (bytes) => ({
    message: method.decodeResponse(bytes),
  }));
  const over = (error: Error | null): void => {
    client.close();
    stream.ended(error);
  };
  call.on('data', ({ message }: Decoded) => stream.deliver(message));
  call.on('error', (error: Error) => over(error));
  // Comes after 'error' when there was one; `over` counts once.
  call.on('status', () => setImmediate(() => over(null)));
  const end = (): void => {
    call.end();
    setTimeout(() => call.cancel(), endGraceMs).unref();
  };
  stream.attach({ write: (message, done) => call.write(message, done), end }, (message) =>
    method.encodeRequest(message),
  );
}

/** Opens a stream of `channel` to the node at `address`; gRPC is loaded by the first one. A longer response breaks the stream. */
export function openGrpcStream(
  load: () => Promise<GrpcParts>,
  address: Address,
  channel: ChannelName,
  responseBytesMax: number,
): CallStream {
  const stream = new CallStream();
  load().then(
    (parts) => {
      if (stream.isClosing) return stream.ended(null);
      try {
        start(parts, stream, address, channel, responseBytesMax);
      } catch (error) {
        // gRPC throws for an address that it can not parse. Addresses come from the metadata, and so from others.
        stream.ended(error as Error);
      }
    },
    (error: unknown) => stream.ended(error as Error),
  );
  return stream;
}
