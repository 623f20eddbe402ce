/**
 * Which records of a refused batch the answer names, and with which message. The table holds what Kafka 4.3.1 answered to
 * scripts/ask-both/records.mjs.
 */
import { describe, expect, test } from 'vitest';
import { batchHeader, type CompressionType, updateCrc } from '../../src/protocol/records/batch.ts';
import { buildBatch } from '../../src/protocol/records/builder.ts';
import type { RecordValidationError } from '../../src/log/records/record-checks.ts';
import { Bench, client } from './harness.ts';

const minuteMs = 60_000;
const compact = { cleanupPolicy: { delete: false, compact: true } };
const bounded = { messageTimestampBeforeMaxMs: 60 * minuteMs, messageTimestampAfterMaxMs: minuteMs };
const keyless = 'Compacted topic cannot accept message without key in topic partition t-0';
const late = (index: number) =>
  expect.stringMatching(new RegExp(`^Timestamp \\d+ of message with offset ${index} is`));

type Row = readonly [key: string | null, minutes: number | null];

/**
 * Each row: description, records of the batch, settings of the topic, error of the batch, and the records that the answer
 * names.
 */
const rows: readonly [
  string,
  readonly Row[],
  object,
  string | null,
  readonly (readonly [number, unknown])[],
][] = [
  [
    'all is well',
    [
      ['k', 0],
      ['k', -30],
    ],
    { ...compact, ...bounded },
    null,
    [],
  ],
  [
    'no key',
    [
      ['k', 0],
      [null, 0],
      [null, 0],
    ],
    compact,
    'INVALID_RECORD',
    [
      [1, keyless],
      [2, keyless],
    ],
  ],
  ['an empty key is a key', [['', 0]], compact, null, []],
  ['no key matters elsewhere', [[null, 0]], bounded, null, []],
  [
    'late',
    [
      ['k', 0],
      ['k', -61],
    ],
    bounded,
    'INVALID_TIMESTAMP',
    [[1, late(1)]],
  ],
  [
    'ahead',
    [
      ['k', 2],
      ['k', 0],
    ],
    bounded,
    'INVALID_TIMESTAMP',
    [[0, late(0)]],
  ],
  [
    'late and ahead',
    [
      ['k', -61],
      ['k', 0],
      ['k', 2],
    ],
    bounded,
    'INVALID_TIMESTAMP',
    [
      [0, late(0)],
      [2, late(2)],
    ],
  ],
  [
    'a key that lacks hides that it is late, and any late one decides',
    [
      [null, -61],
      ['k', -61],
      [null, 0],
    ],
    { ...compact, ...bounded },
    'INVALID_TIMESTAMP',
    [
      [0, keyless],
      [1, late(1)],
      [2, keyless],
    ],
  ],
  ['no timestamp', [['k', null]], bounded, null, []],
  [
    'the broker gives the time',
    [['k', -61]],
    { ...bounded, messageTimestampType: 'LogAppendTime' },
    null,
    [],
  ],
];

function batchOf(nowMs: number, records: readonly Row[], compression: CompressionType): Buffer {
  return Buffer.from(
    buildBatch({
      compression,
      records: records.map(([key, minutes]) => ({
        key: key === null ? null : Buffer.from(key),
        value: Buffer.from('v'),
        timestamp: minutes === null ? -1 : nowMs + minutes * minuteMs,
      })),
    }),
  );
}

function refusal(append: () => unknown): RecordValidationError | null {
  try {
    append();
    return null;
  } catch (error) {
    return error as RecordValidationError;
  }
}

describe.each(['none', 'gzip'] as const)('%s', (compression) => {
  test.each(rows)('%s', async (_what, records, config, error, named) => {
    const bench = new Bench();
    const log = await bench.create(config);
    const refused = refusal(() =>
      log.appendAsLeader(batchOf(bench.clock.nowMs, records, compression), 0, client),
    );
    expect(refused?.error.name ?? null).toBe(error);
    expect((refused?.recordErrors ?? []).map(({ index, message }) => [index, message])).toEqual(named);
  });

  test('the message has the number of errors and the first three', async () => {
    const bench = new Bench();
    const log = await bench.create(compact);
    const records = Array.from({ length: 5 }, (): Row => [null, 0]);
    const refused = refusal(() => log.appendAsLeader(batchOf(0, records, compression), 0, client));
    const shown = [0, 1, 2].map((index) => `RecordError(batchIndex=${index}, message='${keyless}')`);
    expect(refused?.message).toBe(
      `One or more records have been rejected due to 5 record errors in total, and only showing the first three errors at most: [${shown.join(', ')}]`,
    );
    expect(refused?.recordErrors).toHaveLength(5);
  });

  // Bound: recordErrorsMax.
  test('at most 1,000 record errors are returned', async () => {
    const log = await new Bench().create(compact);
    const records = Array.from({ length: 1100 }, (): Row => [null, 0]);
    const refused = refusal(() => log.appendAsLeader(batchOf(0, records, compression), 0, client));
    expect(refused?.message).toContain('1100 record errors');
    expect(refused?.recordErrors).toHaveLength(1000);
  });

  const stamped = { ...bounded, messageTimestampType: 'LogAppendTime' } as const;
  test.each<[string, object, number | null, string | null]>([
    ['a topic without bounds takes it', {}, 0, null],
    ['its own time is within the bounds', bounded, 0, null],
    ['its own time is late', bounded, -61, 'INVALID_TIMESTAMP'],
    ['it has no time', bounded, null, 'INVALID_TIMESTAMP'],
    ['the broker stamps', stamped, 0, 'INVALID_TIMESTAMP'],
  ])('a client that marks its batch LogAppendTime: %s', async (_what, config, minutes, error) => {
    const bench = new Bench();
    const log = await bench.create(config);
    const { nowMs } = bench.clock;
    const batch = batchOf(nowMs, minutes === null ? [['k', null]] : [['k', 0]], compression);
    batch.writeInt16BE(batch.readInt16BE(21) | 8, 21);
    batch.writeBigInt64BE(BigInt(minutes === null ? -1 : nowMs + minutes * minuteMs), 35);
    updateCrc(batch);
    const refused = refusal(() => log.appendAsLeader(batch, 0, client));
    expect([refused?.error.name ?? null, refused?.recordErrors.length ?? 0]).toEqual([
      error,
      error === null ? 0 : 1,
    ]);
    if (error !== null) return;
    await log.close();
    const stored = await bench.fs.readFile('/data/t-0/00000000000000000000.log');
    expect([batchHeader(stored, 0).timestampType, batchHeader(stored, 0).maxTimestamp]).toEqual([
      'CreateTime',
      nowMs,
    ]);
  });

  test.each([
    ['later', (nowMs: number) => nowMs + 1e12],
    ['earlier', () => 1],
  ] as const)('a wrong largest timestamp in the batch header is corrected: %s', async (_what, said) => {
    const bench = new Bench();
    const log = await bench.create(bounded);
    const { nowMs } = bench.clock;
    const batch = batchOf(
      nowMs,
      [
        ['k', -1],
        ['k', -2],
      ],
      compression,
    );
    batch.writeBigInt64BE(BigInt(said(nowMs)), 35);
    updateCrc(batch);
    await log.appendAsLeader(batch, 0, client).written;
    const stored = await bench.fs.readFile('/data/t-0/00000000000000000000.log');
    expect(batchHeader(stored, 0).maxTimestamp).toBe(nowMs - minuteMs);
  });
});

test('offsets inside a compressed batch must count up from 0; in an uncompressed one they are not checked', async () => {
  const odd = (compression: CompressionType) =>
    buildBatch({
      compression,
      lastOffsetDelta: 1,
      records: [0, 2].map((offsetDelta) => ({ offsetDelta, value: Buffer.from('v'), timestamp: 0 })),
    });
  const log = await new Bench().create({});
  const refused = refusal(() => log.appendAsLeader(odd('gzip'), 0, client));
  expect(refused?.error.name).toBe('INVALID_RECORD');
  expect(refused?.recordErrors.map(({ index }) => index)).toEqual([1]);
  expect(refusal(() => log.appendAsLeader(odd('none'), 0, client))).toBeNull();
});

test('a batch with a base offset other than 0 is refused', async () => {
  const log = await new Bench().create({});
  const batch = buildBatch({ baseOffset: 7, records: [{ value: Buffer.from('v'), timestamp: 0 }] });
  const refused = refusal(() => log.appendAsLeader(batch, 0, client));
  expect(refused?.message).toBe('The base offset of a batch should be 0, but it is 7');
});
