import { expect, test } from 'vitest';
import { DecodeError, decode, EncodeError, encode } from '../../../src/protocol/codec/codec.ts';
import { Reader } from '../../../src/protocol/codec/reader.ts';
import { FetchRequest } from '../../../src/protocol/messages/01-fetch.ts';
import { ListOffsetsRequest } from '../../../src/protocol/messages/02-list-offsets.ts';
import { MetadataRequest } from '../../../src/protocol/messages/03-metadata.ts';
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

test('tagged fields that are not known are skipped', () => {
  expect(decode(Old, 1, encode(New, 1, { a: 3, extra: [1, 2] }))).toEqual({ a: 3 });
  const many = Array.from({ length: 3000 }, (_, i) => i);
  expect(decode(New, 2, encode(New, 2, { a: 3, extra: many })).extra).toEqual(many);
});

test('errors name the field', () => {
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

test('int64: exact or refused; sentinels are rounded', () => {
  const ask = (timestamp: number): number | undefined => {
    const bytes = encode(ListOffsetsRequest, 5, {
      replicaId: -1,
      topics: [{ name: 't', partitions: [{ partitionIndex: 0, timestamp }] }],
    });
    return decode(ListOffsetsRequest, 5, bytes).topics[0]?.partitions[0]?.timestamp;
  };
  expect([ask(-2), ask(2 ** 63), ask(-(2 ** 63)), ask(Number.MAX_SAFE_INTEGER)]).toEqual([
    -2,
    2 ** 63,
    -(2 ** 63),
    Number.MAX_SAFE_INTEGER,
  ]);
  expect(() => new Reader(Buffer.from('7fffffffffffffff', 'hex')).int64()).toThrow(DecodeError);
  expect(new Reader(Buffer.from('fffffffffffffffe', 'hex')).int64()).toBe(-2);
});

test('a claimed length beyond the frame is refused before anything is allocated', () => {
  const frame = Buffer.from('7fffffff', 'hex');
  expect(() => decode(MetadataRequest, 1, frame)).toThrow(DecodeError);
  expect(() => decode(MetadataRequest, 12, Buffer.from('ffffffff0f', 'hex'))).toThrow(DecodeError);
});

test('error codes', () => {
  expect(errorOf(6)).toBe(Errors.NOT_LEADER_OR_FOLLOWER);
  expect(errorOf(133).name).toBe('SHARE_SESSION_LIMIT_REACHED');
  expect(errorOf(9999)).toBe(Errors.UNKNOWN_SERVER_ERROR);
  expect(Object.keys(Errors).length).toBe(135);
  const error = new KafkaError(Errors.INVALID_TOPIC_EXCEPTION, "bad name '!'");
  expect([error.code, error.message]).toEqual([17, "bad name '!'"]);
});
