import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DecodeError } from '../../../src/protocol/codec/errors.ts';
import { compressionTypes } from '../../../src/protocol/records/batch.ts';
import { compress, decompress } from '../../../src/protocol/records/compression.ts';

const seed = Number(process.env.SEED ?? Date.now() % 1_000_000_007);
console.log(`compression.test: SEED=${seed}`);

const codecs = compressionTypes.filter((type) => type !== 'none');

describe.each(codecs)('%s', (type) => {
  test('decompresses what it compressed', () => {
    const content = fc.oneof(
      fc.uint8Array({ maxLength: 5000, size: 'max' }),
      fc.string({ minLength: 1, maxLength: 20 }).map((part) => Buffer.from(part.repeat(20_000))),
      fc
        .tuple(fc.uint8Array({ maxLength: 300 }), fc.nat(4000))
        .map(([head, zeros]) => Buffer.concat([head, Buffer.alloc(zeros), head])),
    );
    fc.assert(
      fc.property(content, (bytes) => {
        expect(Buffer.compare(decompress(type, compress(type, bytes), bytes.length + 1), bytes)).toBe(0);
      }),
      { seed, numRuns: 150 },
    );
  });

  test('refuses bytes that unpack to more than the limit', () => {
    const bomb = compress(type, Buffer.alloc(20_000_000));
    expect(() => decompress(type, bomb, 1_000_000)).toThrow(DecodeError);
    expect(decompress(type, bomb, 20_000_000).length).toBe(20_000_000);
  });

  test('throws nothing but DecodeError for damaged bytes', () => {
    const good = compress(type, Buffer.from('a mouse is a mouse is a mouse is a house '.repeat(20)));
    fc.assert(
      fc.property(fc.nat(), fc.nat(255), fc.nat(), (where, byte, cut) => {
        const bad = Buffer.from(good);
        bad[where % bad.length] = byte;
        for (const input of [bad, good.subarray(0, cut % good.length)]) {
          try {
            decompress(type, input, 100_000);
          } catch (error) {
            expect(error).toBeInstanceOf(DecodeError);
          }
        }
      }),
      { seed, numRuns: 400 },
    );
  });
});

test("snappy without Java's framing is decompressed", () => {
  expect(
    Buffer.from(
      decompress('snappy', Buffer.from('0b28616161616161616161616161', 'hex').subarray(0, 13), 100),
    ).toString(),
  ).toBe('aaaaaaaaaaa');
});
