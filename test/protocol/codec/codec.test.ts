import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  create,
  DecodeError,
  decode,
  decodeWithEnd,
  EncodeError,
  encode,
} from '../../../src/protocol/codec/codec.ts';
import { interpretDecode, interpretEncode } from '../../../src/protocol/codec/interpret.ts';
import { isFlexible, minBytes } from '../../../src/protocol/codec/layout.ts';
import { Reader } from '../../../src/protocol/codec/reader.ts';
import { Writer } from '../../../src/protocol/codec/writer.ts';
import type { Field, Message, Shape } from '../../../src/protocol/schema/fields.ts';
import { allMessages } from '../all-messages.ts';
import { shapeOf } from '../arbitraries.ts';

const seed = Number(process.env.SEED ?? Date.now() % 1_000_000_007);
console.log(`codec.test: SEED=${seed}`);
const runs = Number(process.env.RUNS ?? 6);

function versionsOf(message: Message): number[] {
  return Array.from(
    { length: message.versions.max - message.versions.min + 1 },
    (_, i) => message.versions.min + i,
  );
}

/** Replaces typed arrays by plain ones, so that they compare by content, whatever their class. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return Object.is(value, -0) ? 0 : value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]));
}

function interpreted(message: Message, version: number, value: unknown): Uint8Array {
  const writer = new Writer(16);
  interpretEncode(message, version, value, writer);
  return writer.finishContiguous();
}

describe('compiled codecs give the same bytes and values as the interpreter', () => {
  test.each(allMessages.map((message) => [message.name, message] as const))('%s', (_name, message) => {
    for (const version of versionsOf(message)) {
      fc.assert(
        fc.property(shapeOf(message.fields, version), (value) => {
          const bytes = encode(message, version, value as never);
          expect(Buffer.compare(bytes, interpreted(message, version, value))).toBe(0);
          const { value: back, end } = decodeWithEnd(message, version, bytes);
          expect(end).toBe(bytes.length);
          expect(plain(back)).toEqual(plain(value));
          const reader = new Reader(bytes);
          expect(plain(interpretDecode(message, version, reader))).toEqual(plain(value));
          expect(plain(create(message, value as never))).toEqual(plain(value));
        }),
        { seed, numRuns: runs },
      );
    }
  });
});

describe('both decoders agree on truncated, changed and random bytes', () => {
  test.each(allMessages.map((message) => [message.name, message] as const))('%s', (_name, message) => {
    for (const version of versionsOf(message)) {
      fc.assert(
        fc.property(shapeOf(message.fields, version), fc.nat(), fc.nat(255), (value, where, byte) => {
          const bytes = Uint8Array.from(encode(message, version, value as never));
          const cut = where % (bytes.length + 1);
          if (cut < bytes.length)
            expect(() => decode(message, version, bytes.slice(0, cut))).toThrow(DecodeError);
          if (bytes.length > 0) bytes[where % bytes.length] = byte;
          outcomes(message, version, bytes);
        }),
        { seed, numRuns: runs },
      );
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => outcomes(message, version, bytes)),
        { seed, numRuns: runs },
      );
    }
  });

  /** The compiled and the interpreting decoder either give the same value, or both throw DecodeError. */
  function outcomes(message: Message, version: number, bytes: Uint8Array): void {
    const run = (decoder: () => unknown): unknown => {
      try {
        return plain(decoder());
      } catch (error) {
        if (!(error instanceof DecodeError)) throw error;
        return 'refused';
      }
    };
    expect(run(() => decode(message, version, bytes))).toEqual(
      run(() => interpretDecode(message, version, new Reader(bytes))),
    );
  }
});

test('each array element takes at least one byte, so a claimed length can be checked against the frame', () => {
  const walk = (shape: Shape, message: Message, version: number): void => {
    for (const field of Object.values(shape)) {
      const element: Field | null = field.element;
      if (element) expect(minBytes(element, version, isFlexible(message, version))).toBeGreaterThan(0);
      const inner = field.fields ?? element?.fields;
      if (inner) walk(inner, message, version);
    }
  };
  for (const message of allMessages)
    for (const version of versionsOf(message)) walk(message.fields, message, version);
});

test('a version that the message lacks is refused', () => {
  const message = allMessages[0] as Message;
  expect(() => encode(message, 99, {} as never)).toThrow(EncodeError);
  expect(() => decode(message, 99, new Uint8Array(9))).toThrow(DecodeError);
});
