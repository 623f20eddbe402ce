import { expect, test } from 'vitest';
import { DecodeError, decode, EncodeError, encode } from '../../../src/protocol/codec/codec.ts';
import { Reader } from '../../../src/protocol/codec/reader.ts';
import { Writer } from '../../../src/protocol/codec/writer.ts';
import { FetchRequest } from '../../../src/protocol/messages/records/01-fetch.ts';
import { MetadataRequest } from '../../../src/protocol/messages/cluster/03-metadata.ts';
import { array, int32, int64, message, string } from '../../../src/protocol/schema/fields.ts';
import { errorOf, Errors, KafkaError } from '../../../src/protocol/errors.ts';

const Old = message('Old', { versions: '0-2', flexible: '1+' }, { a: int32() });
const New = message(
  'New',
  { versions: '0-2', flexible: '1+' },
  {
    a: int32(),
    late: string('2', { default: 'd' }),
    gone: int32('0', { ignorable: true }),
    extra: array(int64(), '1+', { tag: 5 }),
  },
);

test('a value that the version lacks is refused, unless it may be ignored', () => {
  expect(() => encode(New, 1, { a: 1, late: 'x' })).toThrow(
    new EncodeError("New.late can't be expressed in version 1"),
  );
  expect(decode(New, 1, encode(New, 1, { a: 1, late: 'd', gone: 7 }))).toEqual({
    a: 1,
    late: 'd',
    gone: 0,
    extra: [],
  });
});

test('unknown tagged fields are skipped', () => {
  expect(decode(Old, 1, encode(New, 1, { a: 3, extra: [1, 2] }))).toEqual({ a: 3 });
  const many = Array.from({ length: 3000 }, (_, i) => i);
  expect(decode(New, 2, encode(New, 2, { a: 3, extra: many })).extra).toEqual(many);
});

test('encoding errors name the field', () => {
  const bad = {
    maxWaitMs: 1,
    minBytes: 1,
    topics: [{ partitions: [{ partition: 1.5, fetchOffset: 0, partitionMaxBytes: 1 }] }],
  };
  expect(() => encode(FetchRequest, 12, bad)).toThrow(
    'FetchRequest.topics[0].partitions[0].partition: 1.5 is not an int32',
  );
  expect(() => encode(FetchRequest, 12, { minBytes: 1, topics: [] } as never)).toThrow(
    'FetchRequest.maxWaitMs is missing',
  );
  expect(() => encode(MetadataRequest, 0, { topics: null })).toThrow(EncodeError);
  expect(() => encode(Old, 0, { a: 2 ** 31 })).toThrow(EncodeError);
});

/** Values that a client may write into any int64. No request is refused because such a value is too large. */
const longs: [hex: string, value: number][] = [
  ['0000000000000001', 1],
  ['fffffffffffffffe', -2],
  ['001fffffffffffff', Number.MAX_SAFE_INTEGER],
  ['0020000000000000', 2 ** 53],
  ['4000000000000000', 2 ** 62],
  ['7ffffffffffffc00', 2 ** 63 - 1024],
  ['7fffffffffffffff', 2 ** 63],
  ['8000000000000000', -(2 ** 63)],
  ['8000000000000400', -(2 ** 63) + 1024],
  ['ffdfffffffffffff', -(2 ** 53)],
];

test.each(longs)('int64 %s is read as %d and written again', (hex, value) => {
  const bytes = Buffer.from(hex, 'hex');
  expect(new Reader(bytes).int64()).toBe(value);
  const writer = new Writer(8);
  writer.int64(value);
  expect(new Reader(Buffer.concat(writer.finish())).int64()).toBe(value);
});

test('int64: a value that is not a 64-bit integer is refused', () => {
  for (const bad of [1.5, 2 ** 64, -(2 ** 63) - 2048, Number.NaN, Number.POSITIVE_INFINITY])
    expect(() => new Writer(8).int64(bad)).toThrow(EncodeError);
});

test('an array length beyond the frame is refused', () => {
  const frame = Buffer.from('7fffffff', 'hex');
  expect(() => decode(MetadataRequest, 1, frame)).toThrow(DecodeError);
  expect(() => decode(MetadataRequest, 12, Buffer.from('ffffffff0f', 'hex'))).toThrow(DecodeError);
});

test('a string longer than stringMaxBytes is neither read nor written, even in flexible versions', () => {
  const Text = message('Text', { versions: '0', flexible: '0+' }, { text: string() });
  const bytesOf = (length: number): Buffer => {
    // The length plus one as a varint of three bytes, the text, and no tagged fields.
    const size = length + 1;
    const head = [(size & 0x7f) | 0x80, ((size >> 7) & 0x7f) | 0x80, size >> 14];
    return Buffer.concat([Buffer.from(head), Buffer.alloc(length, 'x'), Buffer.from([0])]);
  };
  expect(decode(Text, 0, bytesOf(32_767)).text).toHaveLength(32_767);
  expect(() => decode(Text, 0, bytesOf(32_768))).toThrow(DecodeError);
  expect(() => encode(Text, 0, { text: 'x'.repeat(32_768) })).toThrow(EncodeError);
});

test('errors are found by code; an unknown code is UNKNOWN_SERVER_ERROR', () => {
  expect(errorOf(6)).toBe(Errors.NOT_LEADER_OR_FOLLOWER);
  expect(errorOf(133).name).toBe('SHARE_SESSION_LIMIT_REACHED');
  expect(errorOf(9999)).toBe(Errors.UNKNOWN_SERVER_ERROR);
  expect(Object.keys(Errors).length).toBe(135);
  const error = new KafkaError(Errors.INVALID_TOPIC_EXCEPTION, "bad name '!'");
  expect([error.code, error.message]).toEqual([17, "bad name '!'"]);
});
