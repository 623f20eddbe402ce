/**
 * Decoded objects of all versions of a message have one hidden class of V8. With several, the code that reads them would be
 * slow.
 */
import { setFlagsFromString } from 'node:v8';
import { expect, test } from 'vitest';
import { create, decode, encode } from '../../../src/protocol/codec/codec.ts';
import { FetchRequest } from '../../../src/protocol/messages/records/01-fetch.ts';

test('decoded and created messages have one hidden class in all versions', () => {
  setFlagsFromString('--allow-natives-syntax');
  const sameMap = new Function('a', 'b', 'return %HaveSameMap(a, b)') as (a: unknown, b: unknown) => boolean;
  const init = {
    maxWaitMs: 1,
    minBytes: 1,
    topics: [{ partitions: [{ partition: 1, fetchOffset: 2, partitionMaxBytes: 3 }] }],
  };
  const objects = Array.from({ length: 15 }, (_, i) =>
    decode(FetchRequest, i + 4, encode(FetchRequest, i + 4, init)),
  );
  const first = objects[0];
  for (const object of objects) {
    expect(sameMap(object, first)).toBe(true);
    expect(sameMap(object.topics[0]?.partitions[0], first?.topics[0]?.partitions[0])).toBe(true);
  }
  expect(sameMap(create(FetchRequest, init), create(FetchRequest, init))).toBe(true);
});
