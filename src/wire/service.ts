/**
 * Encodes and decodes all messages between nodes. The files in proto/ define them; @grpc/proto-loader makes the codecs from
 * `descriptor.ts`, which is generated from these files. This file adds four conventions:
 *
 * - A frame (`oneof body`) becomes one object with its kind in `type`. For example `{ vote: { epoch: 3 } }` becomes
 *   `{ type: 'vote', epoch: 3 }`.
 * - A frame of a kind that this release does not know decodes to null. Unknown fields are skipped.
 * - Decoding a frame that breaks a rule of proto/ throws `MalformedError` (`checks.ts`).
 * - 64-bit integers are JavaScript numbers; `checks.ts` refuses those that are not safe integers.
 */
import { Buffer } from 'node:buffer';
import type { MethodDefinition } from '@grpc/proto-loader';
import type { ChannelName, PeerMessage } from '../base/network.ts';
import { MalformedError } from '../base/protobuf.ts';
import { type Ack, decodeAck, encodeAck } from './ack.ts';
import { Checks, type MessageType, type Namespace } from './checks.ts';
import { decodePush, encodePush, type Push } from './push.ts';

/** One method of the service, with the codec of both directions. */
export interface PeerMethod {
  readonly path: string;
  encodeRequest(message: PeerMessage): Uint8Array;
  /** Null: a message of a kind that this release does not know. */
  decodeRequest(bytes: Uint8Array): PeerMessage | null;
  encodeResponse(message: PeerMessage): Uint8Array;
  decodeResponse(bytes: Uint8Array): PeerMessage | null;
}

export type PeerService = Readonly<Record<ChannelName, PeerMethod>>;

export const packageName = 'bendemann.v1';
export const methodNames: Readonly<Record<ChannelName, string>> = {
  raft: 'Raft',
  'raft-bulk': 'RaftBulk',
  observe: 'Observe',
  controller: 'Controller',
  broker: 'Broker',
  replication: 'Replication',
};

const loaderOptions = { longs: Number, enums: String, defaults: true, arrays: true, oneofs: true };

type Decoded = Record<string, unknown> & { readonly body?: string };
type Definition = MethodDefinition<object, object>;

/** The types of the package in a descriptor, by name. */
export function typesOf(descriptor: Namespace): Readonly<Record<string, MessageType>> {
  let namespace = descriptor;
  for (const name of packageName.split('.')) namespace = namespace.nested[name] as Namespace;
  return namespace.nested as Readonly<Record<string, MessageType>>;
}

function flatten(frame: Decoded): PeerMessage | null {
  if (frame.body === undefined) return null;
  const message = frame[frame.body] as Record<string, unknown>;
  message['type'] = frame.body;
  return message as unknown as PeerMessage;
}

/** A kind of message with a hand-written codec, because it is sent so often that the generated codec would be too slow. */
interface HandWritten {
  readonly type: string;
  encode(message: PeerMessage): Uint8Array;
  /** Null: the bytes are a message of another kind, or of an unexpected form. The generated codec then decodes them. */
  decode(bytes: Uint8Array): PeerMessage | null;
}

const handWrittenAck: HandWritten = {
  type: 'ack',
  encode: (message) => encodeAck(message as Ack),
  decode: decodeAck,
};
const handWrittenPush: HandWritten = {
  type: 'push',
  encode: (message) => encodePush(message as Push),
  decode: decodePush,
};

function decoder(
  decode: (bytes: Buffer) => object,
  check: (frame: Decoded) => void,
  byHand: HandWritten | null,
) {
  return (bytes: Uint8Array): PeerMessage | null => {
    const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    const message = byHand?.decode(buffer) ?? null;
    if (message !== null) return message;
    let frame: Decoded;
    try {
      frame = decode(buffer) as Decoded;
    } catch (error) {
      throw new MalformedError(error instanceof Error ? error.message : String(error));
    }
    check(frame);
    return flatten(frame);
  };
}

function encoder(encode: (frame: object) => Uint8Array, byHand: HandWritten | null) {
  return (message: PeerMessage): Uint8Array =>
    message.type === byHand?.type ? byHand.encode(message) : encode({ [message.type]: message });
}

/** Loads @grpc/proto-loader and the descriptor. A node calls it when it first opens or accepts a gRPC connection. */
export async function loadPeerService(given?: Namespace): Promise<PeerService> {
  const [loader, { descriptor }] = await Promise.all([
    import('@grpc/proto-loader'),
    import('./descriptor.ts'),
  ]);
  const used = given ?? descriptor;
  const definitions = loader.fromJSON(used as never, loaderOptions);
  const service = definitions[`${packageName}.Peer`] as Record<string, Definition>;
  const types = typesOf(used);
  const checks = new Checks(types);
  const methods = types['Peer']?.methods ?? {};
  const method = (channel: ChannelName): PeerMethod => {
    const name = methodNames[channel];
    const isReplication = channel === 'replication';
    const request = isReplication ? handWrittenAck : null;
    const response = isReplication ? handWrittenPush : null;
    const definition = service[name] as Definition;
    const { requestType = '', responseType = '' } = methods[name] ?? {};
    return {
      path: definition.path,
      encodeRequest: encoder(definition.requestSerialize, request),
      decodeRequest: decoder(
        definition.requestDeserialize,
        (frame) => checks.of(requestType)(frame),
        request,
      ),
      encodeResponse: encoder(definition.responseSerialize, response),
      decodeResponse: decoder(
        definition.responseDeserialize,
        (frame) => checks.of(responseType)(frame),
        response,
      ),
    };
  };
  const channels = Object.keys(methodNames) as ChannelName[];
  return Object.fromEntries(channels.map((channel) => [channel, method(channel)])) as PeerService;
}
