/**
 * Produce requests with batches whose header or records are unusual, for topics with different settings, in all compressions.
 */
import { recordTopics } from './record-topics.mjs';
import { absentId, topicNames } from './setup.mjs';
import { buildBatch, updateCrc } from './side.mjs';

const hour = 3_600_000;
const at = {
  attributes: 21,
  lastOffsetDelta: 23,
  baseTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
};
const sequenceAt = 53;
const countAt = 57;

/** The records of a batch: [key, minutes from now or null for no timestamp, offset delta]. */
const recordLists = {
  good: [
    ['k', 0],
    ['k', 0],
    ['k', 0],
  ],
  'no key in the second': [
    ['k', 0],
    [null, 0],
    ['k', 0],
  ],
  'no keys': Array.from({ length: 5 }, () => [null, 0]),
  'an empty key': [['', 0]],
  'two hours late': [
    ['k', 0],
    ['k', -120],
    ['k', 0],
  ],
  'two hours ahead': [
    ['k', 0],
    ['k', 0],
    ['k', 120],
  ],
  'late and ahead': [
    ['k', -120],
    ['k', 0],
    ['k', 120],
    ['k', 60 * 24 * 365 * 1000],
  ],
  'no timestamps': [
    ['k', null],
    ['k', null],
  ],
  'late without key': [
    [null, -120],
    ['k', -120],
    [null, 0],
  ],
  'a hundred late': Array.from({ length: 105 }, () => ['k', -120]),
};

function batchOf(list, compression, options = {}) {
  const now = Date.now();
  return buildBatch({
    compression,
    ...options,
    records: list.map(([key, minutes, offsetDelta]) => ({
      key: key === null ? null : Buffer.from(key),
      value: Buffer.from('v'),
      timestamp: minutes === null ? -1 : now + minutes * 60_000,
      ...(offsetDelta === undefined ? {} : { offsetDelta }),
    })),
  });
}

function changed(change, compression) {
  const bytes = Buffer.from(batchOf(recordLists.good, compression));
  change(bytes);
  updateCrc(bytes, 0);
  return bytes;
}

/** Headers that contradict their records. */
const headers = {
  'last offset delta 1 of 3': (batch) => batch.writeInt32BE(1, at.lastOffsetDelta),
  'last offset delta 5 of 3': (batch) => batch.writeInt32BE(5, at.lastOffsetDelta),
  'last offset delta -1': (batch) => batch.writeInt32BE(-1, at.lastOffsetDelta),
  'last offset delta -5': (batch) => batch.writeInt32BE(-5, at.lastOffsetDelta),
  'count 2 of 3': (batch) => batch.writeInt32BE(2, countAt),
  'count 4 of 3': (batch) => batch.writeInt32BE(4, countAt),
  'count 0': (batch) => batch.writeInt32BE(0, countAt),
  'count -1': (batch) => batch.writeInt32BE(-1, countAt),
  'count and delta of 2': (batch) => (
    batch.writeInt32BE(2, countAt), batch.writeInt32BE(1, at.lastOffsetDelta)
  ),
  'count and delta of 4': (batch) => (
    batch.writeInt32BE(4, countAt), batch.writeInt32BE(3, at.lastOffsetDelta)
  ),
  'largest timestamp of next year': (batch) =>
    batch.writeBigInt64BE(BigInt(Date.now() + 8760 * hour), at.maxTimestamp),
  'largest timestamp of 1970': (batch) => batch.writeBigInt64BE(1n, at.maxTimestamp),
  control: (batch) => batch.writeInt16BE(batch.readInt16BE(at.attributes) | 0x20, at.attributes),
  transactional: (batch) => batch.writeInt16BE(batch.readInt16BE(at.attributes) | 0x10, at.attributes),
  'log append time': (batch) => batch.writeInt16BE(batch.readInt16BE(at.attributes) | 8, at.attributes),
  'compression 5': (batch) => batch.writeInt16BE(5, at.attributes),
  'compression 7': (batch) => batch.writeInt16BE(7, at.attributes),
  'another compression than there is': (batch) =>
    batch.writeInt16BE((batch.readInt16BE(at.attributes) & 7) === 0 ? 1 : 0, at.attributes),
  'base offset 1000': (batch) => batch.writeBigInt64BE(1000n, 0),
  'base offset -1': (batch) => batch.writeBigInt64BE(-1n, 0),
  'leader epoch 99': (batch) => batch.writeInt32BE(99, 12),
  'producer without sequence': (batch) => batch.writeBigInt64BE(5n, at.producerId),
  'sequence without producer': (batch) => batch.writeInt32BE(0, sequenceAt),
  'producer -2': (batch) => batch.writeBigInt64BE(-2n, at.producerId),
  'magic 3': (batch) => batch.writeInt8(3, 16),
  'magic 1': (batch) => batch.writeInt8(1, 16),
  'length of 10': (batch) => batch.writeInt32BE(10, 8),
};

function produce(topic, records, more = {}) {
  return (version, side) => ({
    transactionalId: null,
    acks: -1,
    timeoutMs: 5000,
    topicData: [
      {
        ...(version >= 13 ? { topicId: side.topicIds.get(topic) ?? absentId } : { name: topic }),
        partitionData: [
          {
            index: 0,
            records: typeof records === 'function' ? records() : records,
          },
        ],
      },
    ],
    ...more,
  });
}

/** Fields that are not compared: offsets, which depend on how many batches each system has accepted before, and times. */
const common = {
  api: 'Produce',
  scrub: true,
  ordered: true,
  skip: ['baseOffset', 'logAppendTimeMs', 'currentLeader'],
};

function* recordErrors() {
  for (const topic of Object.keys(recordTopics)) {
    for (const compression of ['none', 'gzip']) {
      for (const [what, list] of Object.entries(recordLists)) {
        yield {
          ...common,
          id: `Produce: ${what}, ${compression}, to ${topic}`,
          versions: (version) => version === 7 || version === 8 || version === 12,
          body: produce(topic, () => batchOf(list, compression)),
        };
      }
    }
  }
}

function* batches() {
  for (const compression of ['none', 'gzip']) {
    for (const [what, change] of Object.entries(headers)) {
      yield {
        ...common,
        id: `Produce: ${what}, ${compression}`,
        versions: (version) => version === 8 || version === 12,
        body: produce('plain', () => changed(change, compression)),
      };
    }
    for (const [what, list] of Object.entries({
      'deltas with a gap': [
        ['k', 0, 0],
        ['k', 0, 2],
      ],
      'deltas from 1': [
        ['k', 0, 1],
        ['k', 0, 2],
      ],
      'a delta twice': [
        ['k', 0, 0],
        ['k', 0, 0],
      ],
      'deltas backwards': [
        ['k', 0, 1],
        ['k', 0, 0],
      ],
    })) {
      yield {
        ...common,
        id: `Produce: ${what}, ${compression}`,
        versions: (version) => version === 8 || version === 12,
        body: produce('plain', () => batchOf(list, compression, { lastOffsetDelta: list.length - 1 })),
      };
    }
  }
  const one = () => batchOf(recordLists.good, 'none');
  const odd = {
    'null records': () => null,
    'no bytes': () => Buffer.alloc(0),
    '5 bytes': () => one().subarray(0, 5),
    'a batch cut off': () => one().subarray(0, -1),
    'two batches': () => Buffer.concat([one(), one()]),
    'a batch and 5 bytes': () => Buffer.concat([one(), Buffer.alloc(5)]),
    'a wrong checksum': () => {
      const bytes = Buffer.from(one());
      bytes[17] ^= 1;
      return bytes;
    },
    zeros: () => Buffer.alloc(100),
  };
  for (const [what, records] of Object.entries(odd)) {
    yield {
      ...common,
      id: `Produce: ${what}`,
      body: produce('plain', records),
    };
  }
}

function* places() {
  for (const name of topicNames) {
    yield {
      ...common,
      id: `Produce: topic '${name.slice(0, 20)}'`,
      body: produce(name, () => batchOf(recordLists.good, 'none')),
    };
  }
  for (const acks of [-2, 1, 2]) {
    yield {
      ...common,
      id: `Produce: acks ${acks}`,
      body: produce('plain', () => batchOf(recordLists.good, 'none'), { acks }),
    };
  }
  for (const transactionalId of ['', 't']) {
    yield {
      ...common,
      id: `Produce: transactional id '${transactionalId}', plain batch`,
      body: produce('plain', () => batchOf(recordLists.good, 'none'), {
        transactionalId,
      }),
    };
  }
  const data = (version, side, list) =>
    list.map(([topic, ...indexes]) => ({
      ...(version >= 13 ? { topicId: side.topicIds.get(topic) ?? absentId } : { name: topic }),
      partitionData: indexes.map((index) => ({
        index,
        records: batchOf(recordLists.good, 'none'),
      })),
    }));
  for (const [what, list] of Object.entries({
    nothing: [],
    'no partitions': [['plain']],
    'partition 9': [['plain', 9]],
    'partition -1': [['plain', -1]],
    'a partition twice': [['plain', 0, 0]],
    'a partition twice, apart': [
      ['plain', 0],
      ['plain', 0],
    ],
    'good and bad': [
      ['plain', 0, 9],
      ['absent', 0],
    ],
  })) {
    yield {
      ...common,
      id: `Produce: ${what}`,
      body: (version, side) => ({
        transactionalId: null,
        acks: -1,
        timeoutMs: 5000,
        topicData: data(version, side, list),
      }),
    };
  }
}

export function* recordQuestions() {
  yield* places();
  yield* recordErrors();
  yield* batches();
}
