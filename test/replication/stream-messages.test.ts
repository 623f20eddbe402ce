import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { uuidFromBytes } from '../../src/base/uuid.ts';
import { ByteReader, ByteWriter, StreamError } from '../../src/replication/bytes.ts';
import {
  decodeFollowerMessage,
  decodeLeaderMessage,
  encodeAck,
  encodeHello,
  encodePush,
  encodeRefuse,
  encodeSubscribe,
  encodeUnsubscribe,
} from '../../src/replication/stream-messages.ts';

const count = fc.nat({ max: 2 ** 31 - 1 });
const offset = fc.oneof(fc.nat({ max: 300 }), fc.maxSafeNat());
const offsetOrNone = fc.oneof(
  fc.constant(-1),
  fc.maxSafeNat().map((n) => n - 1),
);
const uuid = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => uuidFromBytes(bytes));

describe('numbers', () => {
  test('come back as they were', () => {
    fc.assert(
      fc.property(fc.array(offset), (values) => {
        const writer = new ByteWriter(1);
        for (const value of values) writer.number(value);
        const reader = new ByteReader(writer.finish());
        expect(values.map(() => reader.number())).toEqual(values);
        expect(reader.remaining).toBe(0);
      }),
    );
  });

  test('too long, too large or torn ones are refused', () => {
    const read = (...bytes: number[]): number => new ByteReader(Uint8Array.from(bytes)).number();
    expect(() => read(255, 255, 255, 255, 255, 255, 255, 255, 1)).toThrow(StreamError);
    expect(() => read(255, 255, 255, 255, 255, 255, 255, 127)).toThrow(StreamError);
    expect(() => read(128)).toThrow(StreamError);
  });
});

describe('messages', () => {
  test('hello', () => {
    const shape = fc.record({ brokerId: count, brokerEpoch: offset, leaderId: count, windowBytes: count });
    fc.assert(
      fc.property(shape, (hello) => {
        expect(decodeFollowerMessage(encodeHello(hello))).toEqual({ type: 'hello', hello });
      }),
    );
  });

  test('subscribe and unsubscribe', () => {
    const row = fc.record({
      slot: count,
      topicId: uuid,
      index: count,
      leaderEpoch: count,
      fetchOffset: offset,
      lastFetchedEpoch: offsetOrNone,
      logStartOffset: offset,
    });
    fc.assert(
      fc.property(fc.array(row), (slots) => {
        expect(decodeFollowerMessage(encodeSubscribe(slots))).toEqual({ type: 'subscribe', slots });
        const ids = slots.map((slot) => slot.slot);
        expect(decodeFollowerMessage(encodeUnsubscribe(ids))).toEqual({ type: 'unsubscribe', slots: ids });
      }),
    );
  });

  test('ack', () => {
    const slot = fc.record({ slot: count, logEndOffset: offset, logStartOffset: offset });
    const shape = fc.record({ pushes: count, creditBytes: offset, slots: fc.array(slot) });
    fc.assert(
      fc.property(shape, (ack) => {
        expect(decodeFollowerMessage(encodeAck(ack))).toEqual({ type: 'ack', ack });
      }),
    );
  });

  test('push', () => {
    const entry = fc.record({
      slot: count,
      highWatermark: offset,
      logStartOffset: offset,
      records: fc.uint8Array({ maxLength: 200 }),
    });
    fc.assert(
      fc.property(fc.array(entry), (entries) => {
        const sizeBytes = entries.reduce((sum, one) => sum + one.records.length, 0);
        const parts = entries.map(({ records, ...rest }) => ({
          ...rest,
          parts: [records.subarray(0, 7), records.subarray(7)],
          sizeBytes: records.length,
        }));
        const decoded = decodeLeaderMessage(encodePush(parts, sizeBytes));
        if (decoded.type !== 'push') throw new Error('not a push');
        const plain = decoded.entries.map((one) => ({ ...one, records: Uint8Array.from(one.records) }));
        expect(plain).toEqual(entries);
      }),
    );
  });

  test('refuse', () => {
    const refusal = fc.record({
      slot: count,
      errorCode: fc.nat(133),
      divergingEpoch: offsetOrNone,
      divergingEndOffset: offsetOrNone,
      leaderStartOffset: offsetOrNone,
      leaderEndOffset: offsetOrNone,
    });
    fc.assert(
      fc.property(fc.array(refusal), (refusals) => {
        expect(decodeLeaderMessage(encodeRefuse(refusals))).toEqual({ type: 'refuse', refusals });
      }),
    );
  });

  test('garbage is refused and never read beyond its end', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(7), (bytes, type) => {
        const message = Uint8Array.from([1, type, ...bytes]);
        for (const decode of [decodeFollowerMessage, decodeLeaderMessage]) {
          try {
            decode(message);
          } catch (error) {
            expect(error).toBeInstanceOf(StreamError);
          }
        }
      }),
    );
    expect(() => decodeLeaderMessage(Uint8Array.from([2, 5]))).toThrow('version 2');
    // A count that the message can't hold.
    expect(() => decodeFollowerMessage(Uint8Array.from([1, 3, 255, 127, 1]))).toThrow(StreamError);
  });
});
