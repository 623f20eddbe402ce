import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DecodeError } from '../../../src/protocol/codec/errors.ts';
import {
  batches,
  batchHeader,
  checkCrc,
  compressionTypes,
  sequencePlus,
  setBaseOffset,
  setLogAppendTime,
  setMaxTimestamp,
  setPartitionLeaderEpoch,
} from '../../../src/protocol/records/batch.ts';
import { buildBatch, type NewRecord } from '../../../src/protocol/records/builder.ts';
import { endTransactionBatch, endTransactionOf } from '../../../src/protocol/records/control.ts';
import { crc32c, crc32cScript } from '../../../src/protocol/records/crc32c.ts';
import { VarintReader, varintBytes, writeVarint } from '../../../src/protocol/records/integers.ts';
import { decodeRecords } from '../../../src/protocol/records/record.ts';

const seed = Number(process.env.SEED ?? Date.now() % 1_000_000_007);
console.log(`batch.test: SEED=${seed}`);

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const text = (value: string): Uint8Array => Buffer.from(value);

/** A batch that Kafka's Java classes made. */
const goldenBatch =
  '0000000000000005000000420000000302655ba0540010000000010000018bcfe568000000018bcfe5680500000000000000070001000000000000000210000000026b0276000e000a0201027700';
const goldenMarker =
  '0000000000000007000000420000000302befd48880030000000000000018bcfe5680a0000018bcfe5680a00000000000000070001ffffffff000000012000000008000000010c00000000000400';

describe("bytes are those of Kafka's Java classes:", () => {
  test('a transactional batch', () => {
    const bytes = buildBatch({
      baseOffset: 5,
      partitionLeaderEpoch: 3,
      producerId: 7,
      producerEpoch: 1,
      baseSequence: 0,
      isTransactional: true,
      records: [
        { timestamp: 1_700_000_000_000, key: text('k'), value: text('v') },
        { timestamp: 1_700_000_000_005, key: null, value: text('w') },
      ],
    });
    expect(hex(bytes)).toBe(goldenBatch);
    const header = batchHeader(bytes);
    expect(header.lastOffset).toBe(6);
    expect(header.lastSequence).toBe(1);
    expect(checkCrc(bytes)).toBe(true);
  });

  test('a commit marker', () => {
    const bytes = endTransactionBatch({
      type: 'commit',
      coordinatorEpoch: 4,
      producerId: 7,
      producerEpoch: 1,
      timestamp: 1_700_000_000_010,
    });
    setBaseOffset(bytes, 0, 7);
    setPartitionLeaderEpoch(bytes, 0, 3);
    expect(hex(bytes)).toBe(goldenMarker);
    const [record] = decodeRecords(batchHeader(bytes));
    expect(record && endTransactionOf(record)).toEqual({ type: 'commit', coordinatorEpoch: 4 });
  });
});

test('crc32c gives the check value of the standard, and both implementations agree', () => {
  expect(crc32c(text('123456789'))).toBe(0xe306_9283);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2000, size: 'max' }), fc.nat(100), (bytes, from) => {
      const start = Math.min(from, bytes.length);
      expect(crc32c(bytes, start)).toBe(crc32cScript(bytes, start, bytes.length));
    }),
    { seed },
  );
});

test('varints are read as they were written, in varintBytes bytes', () => {
  const values = fc.oneof(fc.integer({ min: -(2 ** 52), max: 2 ** 52 }), fc.integer());
  fc.assert(
    fc.property(values, (value) => {
      const bytes = new Uint8Array(10);
      const end = writeVarint(bytes, 0, value);
      expect(end).toBe(varintBytes(value));
      expect(new VarintReader(bytes, 0, end).varlong()).toBe(value);
      if ((value | 0) === value) expect(new VarintReader(bytes, 0, end).varint()).toBe(value);
    }),
    {
      seed,
      examples: [[0], [-1], [63], [64], [-64], [-65], [2 ** 31 - 1], [-(2 ** 31)], [2 ** 30], [-(2 ** 30)]],
    },
  );
});

const nullableBytes = fc.option(fc.uint8Array({ maxLength: 300 }), { nil: null });
const newRecord: fc.Arbitrary<NewRecord> = fc.record({
  key: nullableBytes,
  value: nullableBytes,
  headers: fc.array(
    fc.record({ key: fc.string({ unit: 'grapheme', maxLength: 10 }), value: nullableBytes }),
    {
      maxLength: 3,
    },
  ),
  timestamp: fc.integer({ min: -1, max: 2 ** 42 }),
});

const same = (a: Uint8Array | null, b: Uint8Array | null | undefined): boolean =>
  a === null || b === null || b === undefined ? a === (b ?? null) : Buffer.compare(a, b) === 0;

test('decodeRecords reads what buildBatch built, with every codec', () => {
  fc.assert(
    fc.property(
      fc.array(newRecord, { maxLength: 20 }),
      fc.constantFrom(...compressionTypes),
      fc.nat(2 ** 40),
      (records, compression, baseOffset) => {
        const bytes = buildBatch({ records, compression, baseOffset });
        const header = batchHeader(bytes);
        expect(checkCrc(bytes)).toBe(true);
        expect(header.compression).toBe(records.length === 0 ? 'none' : compression);
        expect(header.sizeBytes).toBe(bytes.length);
        const back = decodeRecords(header);
        expect(back.length).toBe(records.length);
        back.forEach((record, i) => {
          const wanted = records[i] as NewRecord;
          expect(record.offset).toBe(baseOffset + i);
          expect(record.timestamp).toBe(wanted.timestamp);
          expect(same(record.key, wanted.key)).toBe(true);
          expect(same(record.value, wanted.value)).toBe(true);
          expect(record.headers.map((h) => h.key)).toEqual((wanted.headers ?? []).map((h) => h.key));
          expect(record.headers.every((h, j) => same(h.value, wanted.headers?.[j]?.value))).toBe(true);
        });
      },
    ),
    { seed, numRuns: 300 },
  );
});

test('offset, leader epoch and timestamps are changed in place, with a valid checksum', () => {
  const bytes = buildBatch({ records: [{ value: text('x'), timestamp: 5 }] });
  const header = batchHeader(bytes);
  setBaseOffset(bytes, 0, 2 ** 40 + 3);
  setPartitionLeaderEpoch(bytes, 0, 9);
  expect([header.baseOffset, header.partitionLeaderEpoch, checkCrc(bytes)]).toEqual([2 ** 40 + 3, 9, true]);
  setLogAppendTime(bytes, 0, 777);
  expect([header.timestampType, header.maxTimestamp, checkCrc(bytes)]).toEqual(['LogAppendTime', 777, true]);
  expect(decodeRecords(header)[0]?.timestamp).toBe(777);
  setMaxTimestamp(bytes, 0, 6);
  expect([header.timestampType, header.maxTimestamp, checkCrc(bytes)]).toEqual(['CreateTime', 6, true]);
  expect(sequencePlus(0x7fff_ffff, 1)).toBe(0);
});

test('batches() finds all complete batches, and says whether the rest is partial or corrupt', () => {
  const one = buildBatch({ records: [{ value: text('a'), timestamp: 1 }] });
  const two = buildBatch({ records: [{ value: text('bb'), timestamp: 1 }], baseOffset: 1 });
  const all = Buffer.concat([one, two]);
  expect(batches(all)).toMatchObject({ end: all.length, stop: 'end' });
  expect(batches(all).headers.map((header) => header.baseOffset)).toEqual([0, 1]);
  for (let cut = one.length + 1; cut < all.length; cut++)
    expect(batches(all.subarray(0, cut))).toMatchObject({ end: one.length, stop: 'partial' });
  const zeros = Buffer.concat([one, Buffer.alloc(100)]);
  expect(batches(zeros)).toMatchObject({ end: one.length, stop: 'corrupt' });
});

test.each(['gzip', 'zstd'] as const)(
  'a batch from a log is read whatever its size when decompressed (%s)',
  (compression) => {
    const value = new Uint8Array(130 * 1024 * 1024);
    const bytes = buildBatch({ records: [{ value, timestamp: 1 }], compression });
    expect(decodeRecords(batchHeader(bytes))[0]?.value?.length).toBe(value.length);
  },
);

test('damaged records throw nothing but DecodeError', () => {
  fc.assert(
    fc.property(
      fc.array(newRecord, { minLength: 1, maxLength: 5 }),
      fc.constantFrom(...compressionTypes),
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }),
      (records, compression, damage) => {
        const bytes = Uint8Array.from(buildBatch({ records, compression }));
        for (const [where, byte] of damage) bytes[61 + (where % (bytes.length - 61))] = byte;
        try {
          decodeRecords(batchHeader(bytes), 1_000_000);
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError);
        }
      },
    ),
    { seed, numRuns: 500 },
  );
});
