/** The exact bytes of the files in a partition directory that Kafka reads, too. */
import { describe, expect, test } from 'vitest';
import type { Scheduler } from '../../src/base/clock.ts';
import {
  decodeEpochCheckpoint,
  decodeOffsetCheckpoint,
  encodeEpochCheckpoint,
  encodeOffsetCheckpoint,
  encodePartitionMetadata,
} from '../../src/log/directories/checkpoints.ts';
import {
  markedDirectoryName,
  parsePartitionDirectoryName,
  parseSegmentFileName,
  segmentFileName,
} from '../../src/log/names.ts';
import { decodeProducerSnapshot, encodeProducerSnapshot } from '../../src/log/producers/producer-snapshot.ts';
import { OffsetIndex, parseOffsetIndex } from '../../src/log/segment/offset-index.ts';
import { parseTimeIndex, TimeIndex } from '../../src/log/segment/time-index.ts';
import { decodeAborted, encodeAborted } from '../../src/log/segment/transaction-index.ts';
import { LeaderEpochCache } from '../../src/log/leader-epoch-cache.ts';

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const atOnce: Scheduler = {
  after: () => ({ cancel: () => undefined }),
  soon: (callback) => queueMicrotask(callback),
};
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

test("a producer snapshot has the bytes of Kafka's Java classes", () => {
  const golden =
    '00019b4c56dc0000000100000000000000070001000000010000000000000006000000010000018bcfe5680a00000004ffffffffffffffff';
  const entry = {
    producerId: 7,
    epoch: 1,
    lastSequence: 1,
    lastOffset: 6,
    offsetDelta: 1,
    timestamp: 1700000000010,
    coordinatorEpoch: 4,
    currentTxnFirstOffset: -1,
  };
  expect(hex(encodeProducerSnapshot([entry]))).toBe(golden);
  expect(decodeProducerSnapshot(Buffer.from(golden, 'hex'))).toEqual([entry]);
  for (let i = 0; i < golden.length / 2; i++) {
    const damaged = Buffer.from(golden, 'hex');
    damaged[i] = (damaged[i] as number) ^ 4;
    expect(decodeProducerSnapshot(damaged)).toBe(null);
  }
});

test("index entries are Kafka's", () => {
  const offsets = new OffsetIndex(1000, null);
  offsets.append(1009, 0x1234);
  offsets.append(1020, 0x2345);
  const offsetBytes = offsets.file.bytes.subarray(0, offsets.file.lengthBytes);
  expect(hex(offsetBytes)).toBe('00000009000012340000001400002345');
  expect([1000, 1009, 1015, 1020, 5000].map((offset) => offsets.lookup(offset))).toEqual([
    0, 0x1234, 0x1234, 0x2345, 0x2345,
  ]);
  const times = new TimeIndex(1000, null);
  times.maybeAppend(1700000000005, 1009);
  times.maybeAppend(1700000000005, 1020);
  times.maybeAppend(1700000000006, 1020);
  const timeBytes = times.file.bytes.subarray(0, times.file.lengthBytes);
  expect(hex(timeBytes)).toBe('0000018bcfe56805000000090000018bcfe5680600000014');
  const preallocated = Buffer.concat([offsetBytes, Buffer.alloc(64)]);
  expect(parseOffsetIndex(1000, preallocated, 0x10000)?.count).toBe(2);
  expect(parseTimeIndex(1000, Buffer.concat([timeBytes, Buffer.alloc(24)]))?.count).toBe(2);
  expect(parseOffsetIndex(1000, Buffer.from(offsetBytes.subarray(0, 15)), 0x10000)).toBe(null);
  expect(parseOffsetIndex(1000, Buffer.from(offsetBytes), 0x2000)).toBe(null);
  expect(parseTimeIndex(1000, Buffer.alloc(36, 0xff))).toBe(null);
});

test("transaction index entries are Kafka's", () => {
  const entry = { producerId: 1, firstOffset: 4, lastOffset: 8, lastStableOffset: 9 };
  const bytes = encodeAborted([entry]);
  expect(hex(bytes)).toBe('00000000000000000001000000000000000400000000000000080000000000000009');
  expect(decodeAborted(bytes)).toEqual([entry]);
  expect(decodeAborted(bytes.subarray(1))).toBe(null);
});

test("checkpoint files are Kafka's", async () => {
  const offsets = new Map([
    ['a-b-3', 17],
    ['c-0', 0],
  ]);
  expect(text(await encodeOffsetCheckpoint(offsets, atOnce))).toBe('0\n2\na-b 3 17\nc 0 0\n');
  const many = new Map(Array.from({ length: 3000 }, (_, i) => [`orders-${i}`, i * i]));
  expect(decodeOffsetCheckpoint(text(await encodeOffsetCheckpoint(many, atOnce)))).toEqual(many);
  expect(decodeOffsetCheckpoint('0\n1\na-b 3 17\n')).toEqual(new Map([['a-b-3', 17]]));
  for (const bad of ['', '0\n', '1\n0\n', '0\n2\na 3 17\n', '0\n1\na 3\n', '0\n1\na 3 x\n'])
    expect(decodeOffsetCheckpoint(bad)).toBe(null);
  const epochs = [
    { epoch: 0, startOffset: 0 },
    { epoch: 4, startOffset: 9 },
  ];
  expect(text(encodeEpochCheckpoint(epochs))).toBe('0\n2\n0 0\n4 9\n');
  expect(decodeEpochCheckpoint('0\n2\n0 0\n4 9\n')).toEqual(epochs);
  // Epochs 2 and 3 have no records, so they are left out, as by Kafka's reader.
  expect(decodeEpochCheckpoint('0\n4\n0 0\n2 9\n3 9\n4 9\n')).toEqual(epochs);
  for (const bad of ['0\n2\n4 0\n4 9\n', '0\n2\n0 9\n4 8\n', '0\n1\n0 0'])
    expect(decodeEpochCheckpoint(bad)?.length ?? null).toBe(bad === '0\n1\n0 0' ? 1 : null);
  expect(text(encodePartitionMetadata('sIwPhf7eRmGKij2_-IkFVg'))).toBe(
    'version: 0\ntopic_id: sIwPhf7eRmGKij2_-IkFVg',
  );
});

test("names of files and directories are Kafka's", () => {
  expect(segmentFileName(42, 'timeindex', '.deleted')).toBe('00000000000000000042.timeindex.deleted');
  expect(parseSegmentFileName('00000000000000000042.log.swap')).toEqual({
    offset: 42,
    extension: 'log',
    suffix: '.swap',
  });
  for (const name of ['42.log', '00000000000000000042.log.lost', 'x', '00000000000000000042.checkpoint'])
    expect(parseSegmentFileName(name)).toBe(null);
  expect(parsePartitionDirectoryName('a-b.c_d-12')).toEqual({ topic: 'a-b.c_d', partition: 12 });
  for (const name of ['a', 'a-', 'a-01', 'a-0.0123456789abcdef0123456789abcdef-delete', 'ü-1'])
    expect(parsePartitionDirectoryName(name)).toBe(null);
  expect(markedDirectoryName('orders', 0, 'sIwPhf7eRmGKij2_-IkFVg', 'delete')).toMatch(
    /^orders-0\.[0-9a-f]{32}-delete$/,
  );
  expect(markedDirectoryName('x'.repeat(249), 12345, 'sIwPhf7eRmGKij2_-IkFVg', 'stray')).toHaveLength(255);
});

describe('leader epochs', () => {
  test('assign removes entries that contradict the new one', () => {
    const epochs = new LeaderEpochCache([]);
    epochs.assign(1, 0);
    epochs.assign(2, 10);
    epochs.assign(3, 10);
    expect(epochs.entries).toEqual([
      { epoch: 1, startOffset: 0 },
      { epoch: 3, startOffset: 10 },
    ]);
    epochs.assign(3, 12);
    expect(epochs.entries).toHaveLength(2);
  });

  test('endOffsetFor known, unknown, older and newer epochs', () => {
    const epochs = new LeaderEpochCache([
      { epoch: 2, startOffset: 5 },
      { epoch: 4, startOffset: 9 },
    ]);
    const end = (epoch: number): number[] => Object.values(epochs.endOffsetFor(epoch, 20));
    expect([-1, 1, 2, 3, 4, 5].map(end)).toEqual([
      [-1, -1],
      [1, 5],
      [2, 9],
      [2, 9],
      [4, 20],
      [-1, -1],
    ]);
  });

  test('entries are removed by a truncation and by a new log start offset', () => {
    const epochs = new LeaderEpochCache([
      { epoch: 2, startOffset: 5 },
      { epoch: 4, startOffset: 9 },
      { epoch: 6, startOffset: 30 },
    ]);
    epochs.truncateFromEnd(30);
    epochs.truncateFromStart(7);
    expect(epochs.entries).toEqual([
      { epoch: 2, startOffset: 7 },
      { epoch: 4, startOffset: 9 },
    ]);
    epochs.truncateFromStart(9);
    expect(epochs.entries).toEqual([{ epoch: 4, startOffset: 9 }]);
  });

  test('an epoch is written to the file when it has records', () => {
    const epochs = new LeaderEpochCache([]);
    epochs.assign(1, 0, false);
    expect(epochs.isDirty).toBe(false);
    epochs.assign(1, 0);
    expect(epochs.isDirty).toBe(true);
  });
});
