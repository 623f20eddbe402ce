/**
 * Opens streams to other nodes. Each stream has a gRPC client of its own, and so a TCP connection of its own. Therefore bulk
 * data in one stream does not delay another stream, and a failed connection does not make gRPC wait before it opens the next
 * stream.
 */
import type * as GrpcModule from '@grpc/grpc-js';
import type { Address, ChannelName, PeerMessage } from '../../base/network.ts';
import { CallStream, clientOptions, encoded, type GrpcParts } from './common.ts';

/**
 * A decoded message. It is put into an object because null, which stands for a message of an unknown kind, cannot be passed
 * through a gRPC stream.
 */
interface Decoded {
  readonly message: PeerMessage | null;
}

/**
 * A stream whose connection is not established after this time ends with an error, and its owner opens another one. While
 * packets are lost, the operating system sends the first packet of a connection again after 1, 3, 7, 15, 31 and 63 s, so an
 * attempt that began in a network partition may wait for as long again after the end of the partition.
 */
const connectTimeoutMs = 3000;

/** After this node has ended a stream, the peer has this time to end it too. Then the connection is closed. */
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
  const connecting = setTimeout(() => {
    if (client.getChannel().getConnectivityState(false) === grpc.connectivityState.READY) return;
    over(new Error(`no connection to ${address.host}:${address.port} within ${connectTimeoutMs} ms`));
    call.cancel();
  }, connectTimeoutMs);
  connecting.unref();
  const over = (error: Error | null): void => {
    clearTimeout(connecting);
    client.close();
    stream.ended(error);
  };
  call.on('data', ({ message }: Decoded) => stream.deliver(message));
  call.on('error', (error: Error) => over(error));
  // gRPC emits 'status' after 'error'. Only the first call of `over` has an effect, so a broken stream ends with the error.
  call.on('status', () => setImmediate(() => over(null)));
  const end = (): void => {
    call.end();
    setTimeout(() => call.cancel(), endGraceMs).unref();
  };
  stream.attach({ write: (message, done) => call.write(message, done), end }, (message) =>
    method.encodeRequest(message),
  );
}

/**
 * Opens a stream of `channel` to the node at `address`. `load` loads gRPC. A message from the peer that is larger than
 * `responseBytesMax` breaks the stream.
 */
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
        // gRPC throws when it cannot parse the address. Addresses come from the metadata, where another node has written them,
        // so this must not end the process.
        stream.ended(error as Error);
      }
    },
    (error: unknown) => stream.ended(error as Error),
  );
  return stream;
}
