import { join } from 'node:path';
import protoLoader from '@grpc/proto-loader';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ChannelName, PeerMessage } from '../../src/base/network.ts';
import { MalformedError, ProtoWriter } from '../../src/base/protobuf.ts';
import { descriptor } from '../../src/wire/descriptor.ts';
import { type Ack, decodeAck, encodeAck } from '../../src/wire/ack.ts';
import { decodePush, encodePush, type Push } from '../../src/wire/push.ts';
import { loadPeerService, methodNames, typesOf } from '../../src/wire/service.ts';
import { ack, messages, push } from './messages.ts';

const service = await loadPeerService();
const channels = Object.keys(messages) as ChannelName[];
const proto = protoLoader.loadSync(join(import.meta.dirname, '../../proto/peer.proto'), { longs: Number });

/** For every channel and direction: the messages, and the codec with which the receiver reads them. */
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

  test('decodes every message that it encodes', () => {
    fc.assert(
      fc.property(message, (one) => {
        expect(decode(encode(one))).toEqual(one);
      }),
      { numRuns: 200 },
    );
  });

  test('throws nothing but MalformedError for truncated, extended or damaged bytes', () => {
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

  test('skips unknown fields, and returns null for an unknown kind of message', () => {
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

test('these tests generate every kind of message that proto/ declares', () => {
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

/** Removes fields with the value zero, because proto3 does not write them and so the decoded message lacks them. */
const withoutZeros = (value: object): object =>
  Object.fromEntries(
    Object.entries(value).filter(([, field]) => field !== 0 && !(Array.isArray(field) && field.length === 0)),
  );

describe('pushes and acknowledgements, whose codec is written by hand', () => {
  const plain = (proto['bendemann.v1.Peer'] as protoLoader.ServiceDefinition)['Replication'];
  const plainAck = (one: Ack): Uint8Array => plain?.requestSerialize({ ack: one }) as Buffer;
  const plainPush = (one: Push): Uint8Array => plain?.responseSerialize({ push: one }) as Buffer;

  test('the codec of proto/ reads a push, with its records in any number of pieces', () => {
    fc.assert(
      fc.property(push, fc.nat(20), (one, at) => {
        const entries = one.entries.map((entry) => ({
          ...entry,
          records: entry.records.flatMap((bytes) => [bytes.subarray(0, at), bytes.subarray(at)]),
        }));
        const read = plain?.responseDeserialize(encodePush({ type: 'push', entries }) as Buffer) as {
          push: { entries?: object[] };
        };
        expect((read.push.entries ?? []).map(withoutZeros)).toEqual(one.entries.map(withoutZeros));
      }),
    );
  });

  test('the codec of proto/ reads an acknowledgement', () => {
    fc.assert(
      fc.property(ack, (one) => {
        const read = plain?.requestDeserialize(encodeAck(one) as Buffer) as { ack: { slots?: object[] } };
        const { type: _, ...expected } = { ...one, slots: one.slots.map(withoutZeros) };
        const slots = (read.ack.slots ?? []).map(withoutZeros);
        expect(withoutZeros({ ...read.ack, slots })).toEqual(withoutZeros(expected));
      }),
    );
  });

  test('the hand-written codec reads both as the codec of proto/ writes them', () => {
    fc.assert(
      fc.property(push, ack, (onePush, oneAck) => {
        expect(decodePush(plainPush(onePush))).toEqual(onePush);
        expect(decodeAck(plainAck(oneAck))).toEqual(oneAck);
      }),
    );
  });

  test('decoded records are views of the received bytes', () => {
    const bytes = encodePush({
      type: 'push',
      entries: [{ slot: 1, highWatermark: 2, logStartOffset: 0, records: [Buffer.from('abc')] }],
    });
    expect(decodePush(bytes)?.entries[0]?.records[0]?.buffer).toBe(bytes.buffer);
  });

  /**
   * Input that our own encoders never write: random bytes, damaged messages, and fields in unusual order, of unusual size or
   * repeated.
   */
  const field = fc
    .tuple(fc.nat(6), fc.oneof(fc.nat(300), fc.maxSafeNat()), fc.uint8Array({ maxLength: 6 }), fc.boolean())
    .map(([number, value, bytes, isBytes]) => {
      const writer = new ProtoWriter();
      if (isBytes) writer.message(number + 1, bytes);
      else writer.uint(number + 1, value);
      return writer.finish();
    });
  const fields = fc.array(field, { maxLength: 4 }).map((some) => Buffer.concat(some));
  const nested = fc.tuple(fc.nat(6), fields, fields).map(([number, before, inner]) => {
    const writer = new ProtoWriter();
    writer.message(number + 1, inner);
    return Buffer.concat([before, writer.finish()]);
  });
  const frame = fc
    .tuple(fc.constantFrom(2, 5), nested, fc.boolean(), fields)
    .map(([number, content, ends, after]) => {
      const writer = new ProtoWriter();
      writer.message(number, content);
      return ends ? Buffer.from(writer.finish()) : Buffer.concat([writer.finish(), after]);
    });
  const damaged = fc
    .tuple(fc.oneof(push.map(plainPush), ack.map(plainAck)), fc.nat(), fc.nat(), fc.nat(255))
    .map(([whole, cut, at, value]) => {
      const bytes = Buffer.from(whole.subarray(0, whole.length - (cut % 3)));
      if (bytes.length > 0) bytes[at % bytes.length] = value;
      return bytes;
    });
  const anything = fc.oneof(
    frame,
    damaged,
    fc.uint8Array({ maxLength: 30 }).map((some) => Buffer.from(some)),
  );

  const unknownField = new ProtoWriter();
  unknownField.uint(500, 7);
  const unknown = unknownField.finish();

  test('for any bytes, the hand-written codec gives what the codec of proto/ gives, or leaves them to it', () => {
    fc.assert(
      fc.property(anything, (bytes) => {
        for (const [decode, generated] of [
          [decodePush, service.replication.decodeResponse],
          [decodeAck, service.replication.decodeRequest],
        ] as const) {
          const byHand = decode(bytes);
          // An unknown field is added at the end, because then the generated codec decodes the message instead of our
          // hand-written one.
          if (byHand !== null) expect(byHand).toEqual(generated(Buffer.concat([bytes, unknown])));
        }
      }),
      { numRuns: 3000 },
    );
  });
});

test('values that protobuf allows but our types do not are malformed', () => {
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
