/**
 * A table of all rules that Produce has for message formats and timestamps. Each rule says what is sent to which topic, the
 * error of the answer, the records that the answer names, and what the log holds afterwards. `row` is the rule's row in the
 * inventory of Kafka's behaviour, §2.5 (rows 6 and 10 to 21). The rules for requests, leaders and acknowledgements (rows 1 to 9
 * and 22 to 26) are tested in `broker/api/`.
 *
 * To check the table against Apache Kafka, run this file with BROKER_PORT set to the port of a Kafka broker on this machine.
 * Where our answer differs (docs/differences.md), the rule also has Kafka's.
 */
import { afterAll, beforeAll, describe, expect, onTestFailed, test } from 'vitest';
import type { KafkaClient } from '../../../src/client/kafka-client.ts';
import { decode } from '../../../src/protocol/codec/codec.ts';
import { errorOf } from '../../../src/protocol/errors.ts';
import { requestFrame } from '../../../src/protocol/frames.ts';
import { ProduceRequest, ProduceResponse } from '../../../src/protocol/messages/records/00-produce.ts';
import { FetchRequest, FetchResponse } from '../../../src/protocol/messages/records/01-fetch.ts';
import {
  CreateTopicsRequest,
  CreateTopicsResponse,
} from '../../../src/protocol/messages/topics/19-create-topics.ts';
import { batchHeader, type CompressionType, updateCrc } from '../../../src/protocol/records/batch.ts';
import { type BatchOptions, buildBatch } from '../../../src/protocol/records/builder.ts';
import { decodeRecords } from '../../../src/protocol/records/record.ts';
import { bytesOf, type NodeFiles, Workshop } from './harness.ts';
import { RawSocket } from './raw-socket.ts';

const workshop = new Workshop();
const port = process.env.BROKER_PORT;
const isKafka = port !== undefined;
const nowMs = Date.now();
const minuteMs = 60_000;
const mebibyte = 1024 * 1024;
/** A suffix for topic names, so that topics of an earlier run against the same Kafka do not disturb. */
const suffix = isKafka ? `-${nowMs}` : '';

const bounds = {
  'message.timestamp.before.max.ms': String(60 * minuteMs),
  'message.timestamp.after.max.ms': String(5 * minuteMs),
};
const topics = {
  plain: {},
  compacted: { 'cleanup.policy': 'compact' },
  bounded: bounds,
  'compacted and bounded': { ...bounds, 'cleanup.policy': 'compact,delete' },
  stamped: { ...bounds, 'message.timestamp.type': 'LogAppendTime' },
  gzipped: { ...bounds, 'compression.type': 'gzip' },
  'gzipped and stamped': { 'compression.type': 'gzip', 'message.timestamp.type': 'LogAppendTime' },
  tight: { 'max.message.bytes': '200' },
  'small segments': { 'max.message.bytes': String(3 * mebibyte), 'segment.bytes': String(mebibyte) },
} as const;
type Topic = keyof typeof topics;

/** A record's timestamp in minutes from now; null: the record has no timestamp. */
type Minutes = number | null;

interface Rule {
  /** The rule's row in the inventory. */
  readonly row: number;
  readonly what: string;
  readonly topic: Topic;
  readonly records: () => Uint8Array;
  /** Version of the Produce request; 9 by default. */
  readonly version?: number;
  readonly error: string;
  /** The error that Apache Kafka answers, if it differs from ours. */
  readonly kafka?: string;
  /** Indexes in the batch of those records that the answer names. */
  readonly named?: readonly number[];
  /** The batch in the log: timestamp type, largest timestamp, and the records' timestamps ('append': the broker's time). */
  readonly stored?: readonly [
    'CreateTime' | 'LogAppendTime',
    Minutes | 'append',
    readonly (Minutes | 'append')[],
  ];
}

const at = {
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  maxTimestamp: 35,
  producerId: 43,
  count: 57,
};
const logAppendTimeBit = 8;

const timeOf = (minutes: Minutes): number => (minutes === null ? -1 : nowMs + minutes * minuteMs);

function batch(
  minutes: readonly Minutes[],
  options: BatchOptions & { keyless?: readonly number[] } = {},
): Buffer {
  const { keyless = [], ...rest } = options;
  const records = minutes.map((one, i) => ({
    key: keyless.includes(i) ? null : bytesOf('k'),
    value: bytesOf('v'),
    timestamp: timeOf(one),
  }));
  return Buffer.from(buildBatch({ records, ...rest }));
}

function changed(change: (bytes: Buffer) => void, bytes: Buffer = batch([0, 0])): Buffer {
  change(bytes);
  updateCrc(bytes);
  return bytes;
}

/**
 * A batch whose header claims timestamp type LogAppendTime, as if a broker had set the timestamps; `max`: the largest timestamp
 * in the header.
 */
function marked(minutes: readonly Minutes[], compression: CompressionType, max?: Minutes): Buffer {
  return changed(
    (bytes) => {
      bytes.writeInt16BE(bytes.readInt16BE(at.attributes) | logAppendTimeBit, at.attributes);
      if (max !== undefined) bytes.writeBigInt64BE(BigInt(timeOf(max)), at.maxTimestamp);
    },
    batch(minutes, { compression }),
  );
}

const formRules: readonly Rule[] = [
  { row: 6, what: 'no batch', topic: 'plain', records: () => Buffer.alloc(0), error: 'INVALID_RECORD' },
  {
    row: 6,
    what: 'two batches',
    topic: 'plain',
    records: () => Buffer.concat([batch([0]), batch([0])]),
    error: 'INVALID_RECORD',
  },
  ...[0, 1].map(
    (magic): Rule => ({
      row: 6,
      what: `magic ${magic}`,
      topic: 'plain',
      records: () => batch([0]).fill(magic, at.magic, at.crc),
      error: 'INVALID_RECORD',
    }),
  ),
  {
    row: 6,
    what: 'zstd before v7',
    topic: 'plain',
    version: 6,
    records: () => batch([0], { compression: 'zstd' }),
    error: 'UNSUPPORTED_COMPRESSION_TYPE',
  },
  {
    row: 6,
    what: 'zstd from v7 on',
    topic: 'plain',
    version: 7,
    records: () => batch([0], { compression: 'zstd' }),
    error: 'NONE',
    stored: ['CreateTime', 0, [0]],
  },
  {
    row: 10,
    what: 'a base offset that is not 0',
    topic: 'plain',
    records: () => batch([0], { baseOffset: 7 }),
    error: 'INVALID_RECORD',
  },
  {
    row: 11,
    what: 'larger than max.message.bytes',
    topic: 'tight',
    records: () => batch(Array.from({ length: 20 }, () => 0)),
    error: 'MESSAGE_TOO_LARGE',
  },
  {
    row: 11,
    what: 'larger than max.message.bytes, and damaged: the size is looked at first',
    topic: 'tight',
    records: () => batch(Array.from({ length: 20 }, () => 0)).fill(0, at.crc, at.attributes),
    error: 'MESSAGE_TOO_LARGE',
  },
  {
    row: 12,
    what: 'a wrong checksum',
    topic: 'plain',
    records: () => batch([0]).fill(0, at.crc, at.attributes),
    error: 'CORRUPT_MESSAGE',
  },
  {
    row: 12,
    what: 'magic 3',
    topic: 'plain',
    records: () => batch([0]).fill(3, at.magic, at.crc),
    error: 'CORRUPT_MESSAGE',
  },
  {
    row: 12,
    what: 'a length below a header',
    topic: 'plain',
    records: () => {
      const bytes = batch([0]);
      bytes.writeInt32BE(13, 8);
      return bytes;
    },
    error: 'CORRUPT_MESSAGE',
  },
  ...([1, 5, -1] as const).map(
    (delta): Rule => ({
      row: 13,
      what: `last offset delta ${delta} of 3`,
      topic: 'plain',
      records: () => changed((b) => void b.writeInt32BE(delta, at.lastOffsetDelta), batch([0, 0, 0])),
      error: 'INVALID_RECORD',
    }),
  ),
  ...([0, -1, 2, 4] as const).map(
    (count): Rule => ({
      row: 13,
      what: `count ${count} of 3`,
      topic: 'plain',
      records: () => changed((b) => void b.writeInt32BE(count, at.count), batch([0, 0, 0])),
      error: 'INVALID_RECORD',
    }),
  ),
  {
    row: 13,
    what: 'a record longer than its batch',
    topic: 'plain',
    records: () => changed((b) => void b.writeUInt8(0xfe, 61)),
    error: 'INVALID_RECORD',
  },
  {
    row: 14,
    what: 'a control batch',
    topic: 'plain',
    records: () => batch([0], { isControl: true }),
    error: 'INVALID_RECORD',
  },
  {
    row: 15,
    what: 'a producer id without a sequence',
    topic: 'plain',
    records: () => changed((b) => void b.writeBigInt64BE(5n, at.producerId)),
    error: 'INVALID_RECORD',
  },
  ...(['none', 'gzip'] as const).flatMap((compression): Rule[] => [
    {
      row: 16,
      what: `no key, ${compression}`,
      topic: 'compacted',
      records: () => batch([0, 0, 0], { compression, keyless: [1, 2] }),
      error: 'INVALID_RECORD',
      named: [1, 2],
    },
    {
      row: 16,
      what: `no key where none is needed, ${compression}`,
      topic: 'plain',
      records: () => batch([0, 0], { compression, keyless: [0, 1] }),
      error: 'NONE',
      stored: ['CreateTime', 0, [0, 0]],
    },
  ]),
  {
    row: 18,
    what: 'larger than segment.bytes',
    topic: 'small segments',
    records: () =>
      Buffer.from(buildBatch({ records: [{ value: new Uint8Array(1.5 * mebibyte), timestamp: nowMs }] })),
    error: 'RECORD_LIST_TOO_LARGE',
  },
];

const late = { error: 'INVALID_TIMESTAMP' };

type Make = (topic: Topic, what: string, records: () => Uint8Array, more: Partial<Rule>) => Rule;

const timeRule =
  (compression: CompressionType): Make =>
  (topic, what, records, more) => ({
    row: 17,
    what: `${what}, ${compression}`,
    topic,
    records,
    error: 'NONE',
    ...more,
  });

/** The rules about the records' timestamps, for topics with CreateTime and with LogAppendTime. */
function timesOf(compression: CompressionType): Rule[] {
  const rule = timeRule(compression);
  const times = (minutes: readonly Minutes[]) => () => batch(minutes, { compression });
  const untouched = ['CreateTime', 0, [-1, 0, -30]] as const;
  return [
    rule('bounded', 'in time', times([-1, 0, -30]), { stored: untouched }),
    rule('gzipped', 'in time', times([-1, 0, -30]), { stored: untouched }),
    rule('bounded', 'late', times([0, -61, 0]), { ...late, named: [1] }),
    rule('bounded', 'ahead', times([0, 0, 6]), { ...late, named: [2] }),
    rule('bounded', 'late and ahead', times([-61, 0, 6]), { ...late, named: [0, 2] }),
    rule('gzipped', 'late', times([0, -61]), { ...late, named: [1] }),
    rule('plain', 'late where nothing bounds it', times([-61 * 24 * 365, 0]), {
      stored: ['CreateTime', 0, [-61 * 24 * 365, 0]],
    }),
    rule('plain', 'more than an hour ahead, which is the default bound', times([0, 61]), {
      ...late,
      named: [1],
    }),
    rule('bounded', 'no timestamps', times([null, null]), { stored: ['CreateTime', null, [null, null]] }),
    rule('bounded', 'no timestamp beside one', times([0, null]), { stored: ['CreateTime', 0, [0, null]] }),
    rule(
      'compacted and bounded',
      'late and without key: the time decides',
      () => batch([-61, -61, 0], { compression, keyless: [0, 2] }),
      { ...late, named: [0, 1, 2] },
    ),
    rule('stamped', 'late, and the broker stamps', times([-61, 0]), {
      stored: ['LogAppendTime', 'append', ['append', 'append']],
    }),
    rule('stamped', 'no timestamps, and the broker stamps', times([null]), {
      stored: ['LogAppendTime', 'append', ['append']],
    }),
    rule('gzipped and stamped', 'compressed anew and stamped', times([0, -1]), {
      stored: ['LogAppendTime', 'append', ['append', 'append']],
    }),
  ];
}

/** The rules about a batch header that makes false claims about the records' timestamps. */
function claimsOf(compression: CompressionType): Rule[] {
  const rule = timeRule(compression);
  return [
    rule(
      'bounded',
      'a largest timestamp of tomorrow',
      () =>
        changed(
          (b) => void b.writeBigInt64BE(BigInt(timeOf(1440)), at.maxTimestamp),
          batch([0, -2], { compression }),
        ),
      { stored: ['CreateTime', 0, [0, -2]] },
    ),
    rule(
      'bounded',
      'a largest timestamp of 1970',
      () => changed((b) => void b.writeBigInt64BE(1n, at.maxTimestamp), batch([0, -2], { compression })),
      { stored: ['CreateTime', 0, [0, -2]] },
    ),
    // The header claims that a broker has set the timestamps, but the batch comes from a client.
    rule('plain', 'marked LogAppendTime', () => marked([0, -1], compression), {
      stored: ['CreateTime', 0, [0, -1]],
    }),
    rule('bounded', 'marked LogAppendTime', () => marked([0, -1], compression), {
      stored: ['CreateTime', 0, [0, -1]],
    }),
    rule('bounded', 'marked LogAppendTime, a record late', () => marked([0, -61], compression), {
      stored: ['CreateTime', 0, [0, -61]],
    }),
    rule('bounded', 'marked LogAppendTime, its own time late', () => marked([0, 0], compression, -61), {
      ...late,
      named: [0, 1],
    }),
    rule('bounded', 'marked LogAppendTime without a time', () => marked([null, null], compression), {
      ...late,
      named: [0, 1],
    }),
    rule('stamped', 'marked LogAppendTime, and the broker stamps', () => marked([0, -1], compression), {
      ...late,
      named: [0, 1],
    }),
  ];
}

const timeRules = (['none', 'gzip'] as const).flatMap((compression) => [
  ...timesOf(compression),
  ...claimsOf(compression),
]);

let node: Pick<NodeFiles, 'broker'>;
let socket: RawSocket;
let client: KafkaClient;

beforeAll(async () => {
  if (isKafka) node = { broker: { host: '127.0.0.1', port: Number(port) } };
  else {
    const nodes = await workshop.nodes(1);
    await workshop.format(nodes);
    await workshop.startAll(nodes);
    node = nodes[0] as NodeFiles;
  }
  client = workshop.client(node);
  const answer = await client.request(CreateTopicsRequest, CreateTopicsResponse, {
    topics: Object.entries(topics).map(([name, configs]) => ({
      name: nameOf(name),
      numPartitions: 1,
      replicationFactor: 1,
      assignments: [],
      configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
    })),
    timeoutMs: 20_000,
    validateOnly: false,
  });
  expect(answer.topics.map(({ errorCode }) => errorCode)).toEqual(Object.keys(topics).map(() => 0));
  socket = await RawSocket.open(node.broker);
});

afterAll(async () => {
  socket.close();
  await workshop.close();
});

const nameOf = (topic: string): string => topic.replaceAll(' ', '.') + suffix;

async function produce(topic: string, records: Uint8Array, version: number) {
  const topicData = [{ name: nameOf(topic), partitionData: [{ index: 0, records }] }];
  for (;;) {
    const head = { apiVersion: version, correlationId: 5, clientId: 'x' };
    socket.send(...requestFrame(ProduceRequest, head, { acks: -1, timeoutMs: 5000, topicData }));
    // Flexible versions have tagged fields behind the correlation id.
    const { responses } = decode(ProduceResponse, version, await socket.frame(), version >= 9 ? 5 : 4);
    const [answer] = responses[0]?.partitionResponses ?? [];
    if (answer === undefined) throw new Error('no answer for the partition');
    // The topic was just created, so the broker may not have its partition yet. Then send again.
    const isThere = !['UNKNOWN_TOPIC_OR_PARTITION', 'NOT_LEADER_OR_FOLLOWER'].includes(
      errorOf(answer.errorCode).name,
    );
    if (isThere) return answer;
  }
}

async function storedAt(topic: string, offset: number): Promise<Uint8Array> {
  const head = { apiVersion: 11, correlationId: 6, clientId: 'x' };
  const partitions = [{ partition: 0, fetchOffset: offset, partitionMaxBytes: mebibyte }];
  const body = {
    maxWaitMs: 100,
    minBytes: 1,
    topics: [{ topic: nameOf(topic), partitions }],
    forgottenTopicsData: [],
  };
  socket.send(...requestFrame(FetchRequest, head, body));
  const { responses } = decode(FetchResponse, 11, await socket.frame(), 4);
  return responses[0]?.partitions[0]?.records ?? new Uint8Array(0);
}

describe.each([
  ['forms', formRules],
  ['timestamps', timeRules],
])('%s', (_name, rules) => {
  test.each(rules.map((rule) => [`${rule.row}: ${rule.what}, to ${rule.topic}`, rule] as const))(
    '%s',
    async (_what, rule) => {
      onTestFailed(() => console.log(workshop.story()));
      const before = Date.now();
      const answer = await produce(rule.topic, rule.records(), rule.version ?? 9);
      const error = isKafka ? (rule.kafka ?? rule.error) : rule.error;
      const named = answer.recordErrors.map(({ batchIndex }) => batchIndex);
      expect([errorOf(answer.errorCode).name, named]).toEqual([error, rule.named ?? []]);
      if (error !== 'NONE') {
        expect([answer.baseOffset, answer.logAppendTimeMs]).toEqual([-1, -1]);
        return;
      }
      const [type, max, times] = rule.stored ?? ['CreateTime', 0, []];
      const appendMs = answer.logAppendTimeMs;
      if (type === 'CreateTime') expect(appendMs).toBe(-1);
      else expect(appendMs).toBeGreaterThanOrEqual(before);
      const expected = (one: Minutes | 'append'): number => (one === 'append' ? appendMs : timeOf(one));
      const header = batchHeader(await storedAt(rule.topic, answer.baseOffset));
      const stamps = decodeRecords(header).map(({ timestamp }) => timestamp);
      expect([header.baseOffset, header.timestampType, header.maxTimestamp, stamps]).toEqual([
        answer.baseOffset,
        type,
        expected(max),
        times.map(expected),
      ]);
    },
  );
});

describe('idempotent producers', () => {
  const producerId = 4_000_000_000_000;
  const from = (baseSequence: number, producerEpoch = 3) =>
    batch([0, 0], { producerId, producerEpoch, baseSequence });

  test('19, 20, 21: old epochs and gaps are refused; the last five batches are detected as duplicates', async () => {
    onTestFailed(() => console.log(workshop.story()));
    const send = async (records: Uint8Array): Promise<[string, number]> => {
      const { errorCode, baseOffset } = await produce('plain', records, 9);
      return [errorOf(errorCode).name, baseOffset];
    };
    const offsets: number[] = [];
    for (let i = 0; i < 6; i++) {
      const [error, offset] = await send(from(2 * i));
      expect(error).toBe('NONE');
      offsets.push(offset);
    }
    expect(await send(from(14))).toEqual(['OUT_OF_ORDER_SEQUENCE_NUMBER', -1]);
    expect(await send(from(12, 2))).toEqual(['INVALID_PRODUCER_EPOCH', -1]);
    for (let i = 1; i < 6; i++) expect(await send(from(2 * i))).toEqual(['NONE', offsets[i]]);
    // The broker remembers only a producer's last five batches, so it does not recognise the sixth from the end as repeated.
    expect(await send(from(0))).toEqual(['OUT_OF_ORDER_SEQUENCE_NUMBER', -1]);
    expect(await send(from(4, 4))).toEqual(['OUT_OF_ORDER_SEQUENCE_NUMBER', -1]);
    expect((await send(from(0, 4)))[0]).toBe('NONE');
  });
});
