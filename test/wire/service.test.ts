import { join } from 'node:path';
import protoLoader from '@grpc/proto-loader';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ChannelName, PeerMessage } from '../../src/base/network.ts';
import { MalformedError, ProtoWriter } from '../../src/base/protobuf.ts';
import { descriptor } from '../../src/wire/descriptor.ts';
import { encodePush } from '../../src/wire/push.ts';
import { loadPeerService, methodNames, typesOf } from '../../src/wire/service.ts';
import { messages, push } from './messages.ts';

const service = await loadPeerService();
const channels = Object.keys(messages) as ChannelName[];
const proto = protoLoader.loadSync(join(import.meta.dirname, '../../proto/peer.proto'), { longs: Number });

/** Every channel in both directions: its messages, and the codec that the other side has. */
const directions = channels.flatMap((channel) => {
  const method = service[channel];
  const { request, response } = messages[channel];
  return [
    { name: `${channel} request`, all: request, encode: method.encodeRequest, decode: method.decodeRequest },
    {
      name: `${channel} response`,
      all: response,
      encode: method.encodeResponse,
      decode: method.decodeResponse,
    },
  ];
});

describe.each(directions)('$name', ({ all, encode, decode }) => {
  const message = fc.oneof(...all);

  test('every message comes back as it was', () => {
    fc.assert(
      fc.property(message, (one) => {
        expect(decode(encode(one))).toEqual(one);
      }),
      { numRuns: 200 },
    );
  });

  test('cut, lengthened or damaged bytes are malformed, or read as another message, and nothing else', () => {
    fc.assert(
      fc.property(message, fc.nat(), fc.nat(), fc.nat(255), (one, cut, at, value) => {
        const bytes = encode(one);
        const damaged = bytes.slice(0, cut % (bytes.length + 1));
        if (damaged.length > 0) damaged[at % damaged.length] = value;
        for (const input of [damaged, Uint8Array.of(...bytes, 0)]) {
          try {
            decode(input);
          } catch (error) {
            expect(error).toBeInstanceOf(MalformedError);
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  test('unknown fields are skipped, unknown kinds of message are null', () => {
    fc.assert(
      fc.property(message, (one) => {
        const unknown = new ProtoWriter();
        unknown.uint(500, 7);
        unknown.text(501, 'of a later release');
        unknown.fixed32(502, 1);
        expect(decode(Buffer.concat([encode(one), unknown.finish()]))).toEqual(one);
        const later = new ProtoWriter();
        later.message(400, encode(one));
        expect(decode(later.finish())).toBeNull();
      }),
      { numRuns: 20 },
    );
  });
});

test('there is an arbitrary of every kind of message that proto/ has', () => {
  const types = typesOf(descriptor);
  for (const channel of channels) {
    const { requestType = '', responseType = '' } = types['Peer']?.methods?.[methodNames[channel]] ?? {};
    const kindsOf = (all: fc.Arbitrary<PeerMessage>[]): Set<string> =>
      new Set(all.map((one) => fc.sample(one, 1)[0]?.type ?? ''));
    const declared = (type: string): Set<string> => new Set(types[type]?.oneofs?.['body']?.oneof);
    expect(kindsOf(messages[channel].request)).toEqual(declared(requestType));
    expect(kindsOf(messages[channel].response)).toEqual(declared(responseType));
  }
});

describe('a push, which is written by hand', () => {
  const method = (proto['bendemann.v1.Peer'] as protoLoader.ServiceDefinition)['Replication'];
  const read = (bytes: Uint8Array) => method?.responseDeserialize(bytes as Buffer) as { push: unknown };

  test('is read by the codec of proto/, whatever the pieces of its records', () => {
    fc.assert(
      fc.property(push, fc.nat(20), (one, at) => {
        const pieces = one.entries.map((entry) => ({
          ...entry,
          records: entry.records.flatMap((bytes) => [bytes.subarray(0, at), bytes.subarray(at)]),
        }));
        const plain = one.entries.map(({ slot, highWatermark, logStartOffset, records }) => ({
          ...(slot === 0 ? {} : { slot }),
          ...(highWatermark === 0 ? {} : { highWatermark }),
          ...(logStartOffset === 0 ? {} : { logStartOffset }),
          ...(records.length === 0 ? {} : { records }),
        }));
        const { push: got } = read(encodePush(pieces)) as { push: { entries?: object[] } };
        const given = (got.entries ?? []).map((entry) =>
          Object.fromEntries(Object.entries(entry).filter(([, value]) => value !== 0)),
        );
        expect(given).toEqual(plain);
      }),
    );
  });

  test('is read as the codec of proto/ writes it', () => {
    fc.assert(
      fc.property(push, (one) => {
        expect(
          service.replication.decodeResponse(method?.responseSerialize({ push: one }) as Buffer),
        ).toEqual(one);
      }),
    );
  });
});

test('what the types of protobuf allow and our code does not is malformed', () => {
  const vote = (fields: object): Uint8Array =>
    (proto['bendemann.v1.Peer'] as protoLoader.ServiceDefinition)['Raft']?.requestSerialize(fields) as Buffer;
  for (const fields of [
    { vote: { epoch: '9223372036854775807' } },
    { heartbeat: { epoch: 1, directoryId: 'no id' } },
    { join: { epoch: 1 } },
    { append: { epoch: 1, entries: [{ offset: 1, kind: 17 }] } },
  ])
    expect(() => service.raft.decodeRequest(vote(fields)), JSON.stringify(fields)).toThrow(MalformedError);
});
