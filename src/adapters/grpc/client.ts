/**
 * Opens streams to peers. Every stream has its own client, and so its own TCP connection. So bulk data on one channel does not
 * delay another, and gRPC's connection back-off never delays a new stream after a failure.
 */
import type * as GrpcModule from '@grpc/grpc-js';
import type { Address, ChannelName, PeerMessage } from '../../base/network.ts';
import { CallStream, clientOptions, encoded, type GrpcParts } from './frames.ts';

/** gRPC streams of objects cannot carry null, so a decoded message is wrapped. */
interface Decoded {
  readonly message: PeerMessage | null;
}

/** After this node has ended a stream, it closes the connection when the peer has not ended it within this time. */
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
  // 'status' follows 'error' if there was one; only the first call of `over` has an effect.
  call.on('status', () => setImmediate(() => over(null)));
  const end = (): void => {
    call.end();
    setTimeout(() => call.cancel(), endGraceMs).unref();
  };
  stream.attach({ write: (message, done) => call.write(message, done), end }, (message) =>
    method.encodeRequest(message),
  );
}

/** Opens a stream of `channel` to the node at `address`; the first stream loads gRPC. A response above the limit breaks the stream. */
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
        // gRPC throws for an address that it cannot parse. Addresses come from the metadata, which other nodes wrote.
        stream.ended(error as Error);
      }
    },
    (error: unknown) => stream.ended(error as Error),
  );
  return stream;
}
