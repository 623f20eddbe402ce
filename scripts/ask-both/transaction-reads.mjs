/** Reads of committed, aborted and open transactions with both isolation levels, and markers as coordinators write them. */
import { buildBatch } from './side.mjs';

const setup = { always: true, ignore: true, once: true };
const topic = 'reads';
/** Fields that are not compared, because ids and the times of markers differ from run to run. */
const skip = ['producerId', 'lastTimestamp', 'baseOffset'];
const startMs = 1_700_000_000_000;

const only = (wanted) => (version) => version === wanted;

function init(tid, index) {
  return {
    ...setup,
    once: false,
    id: `setup: reads, producer ${tid} ${index}`,
    api: 'InitProducerId',
    versions: only(5),
    body: () => ({ transactionalId: tid, transactionTimeoutMs: 900_000 }),
    keep({ producerId, producerEpoch }, side) {
      side.kept[tid] = { producerId, producerEpoch };
    },
  };
}

function produce(tid, sequence, atMs, count = 2) {
  return {
    ...setup,
    once: false,
    id: `setup: reads, produce ${tid} ${sequence} ${atMs}`,
    api: 'Produce',
    versions: only(12),
    body(_version, side) {
      const { producerId, producerEpoch } = side.kept[tid] ?? { producerId: -1, producerEpoch: -1 };
      const isTransactional = producerId >= 0;
      const records = buildBatch({
        records: Array.from({ length: count }, (_, i) => ({
          key: null,
          value: Buffer.from(`${tid} ${sequence + i}`),
          timestamp: startMs + atMs + i,
        })),
        producerId,
        producerEpoch,
        baseSequence: isTransactional ? sequence : -1,
        isTransactional,
      });
      return {
        transactionalId: isTransactional ? tid : null,
        acks: -1,
        timeoutMs: 5000,
        topicData: [{ name: topic, partitionData: [{ index: 0, records }] }],
      };
    },
  };
}

function end(tid, committed, index) {
  return {
    ...setup,
    once: false,
    id: `setup: reads, end ${tid} ${index}`,
    api: 'EndTxn',
    versions: only(5),
    body: (_version, side) => ({ transactionalId: tid, committed, ...side.kept[tid] }),
    keep({ errorCode, producerId, producerEpoch }, side) {
      if (errorCode === 0) side.kept[tid] = { producerId, producerEpoch };
    },
  };
}

function pause(name) {
  return {
    ...setup,
    id: `setup: reads, ${name}`,
    api: 'FindCoordinator',
    body: async () => {
      await new Promise((resolve) => setTimeout(resolve, 1000));
      return { keyType: 1, coordinatorKeys: ['reads-a'] };
    },
  };
}

/**
 * Writes a partition. Offsets: 0-1 plain, 2-3 a (committed by 6), 4-5 b (aborted by 7), 8-9 plain, 10-11 c (open), 12-13 a
 * (committed by 14), 15-16 plain.
 */
function* history() {
  yield {
    ...setup,
    id: 'setup: topic of reads',
    api: 'CreateTopics',
    body: () => ({
      topics: [{ name: topic, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }],
    }),
    keep: (answer, side) => answer.topics.forEach((one) => side.learn(one)),
  };
  for (const tries of [1, 2, 3]) yield pause(`coordinator ${tries}`);
  for (const tid of ['reads-a', 'reads-b', 'reads-c']) yield init(tid, 0);
  yield produce('plain', 0, 0);
  yield produce('reads-a', 0, 100);
  yield produce('reads-b', 0, 200);
  yield end('reads-a', true, 0);
  yield pause('commit');
  yield end('reads-b', false, 0);
  yield pause('abort');
  yield produce('plain', 0, 300);
  yield produce('reads-c', 0, 400);
  yield produce('reads-a', 0, 500);
  yield end('reads-a', true, 1);
  yield pause('second commit');
  yield produce('plain', 0, 600);
}

function* reads(when) {
  for (const isolationLevel of [0, 1]) {
    const times = [
      -1,
      -2,
      -3,
      ...[0, 1, 100, 101, 201, 250, 300, 302, 400, 401, 500, 600].map((ms) => startMs + ms),
    ];
    for (const timestamp of [...times, 1_750_000_000_000, 4_000_000_000_000]) {
      yield {
        id: `ListOffsets: ${when}, isolation ${isolationLevel}, time ${timestamp}`,
        api: 'ListOffsets',
        versions: (version) => version >= 2,
        body: () => ({
          replicaId: -1,
          isolationLevel,
          topics: [{ name: topic, partitions: [{ partitionIndex: 0, timestamp, currentLeaderEpoch: -1 }] }],
        }),
      };
    }
    for (const fetchOffset of [0, 3, 5, 7, 8, 10, 12, 16, 17, 18, 99]) {
      yield {
        id: `Fetch: ${when}, isolation ${isolationLevel}, from ${fetchOffset}`,
        api: 'Fetch',
        skip,
        body: (version, side) => ({
          maxWaitMs: 0,
          minBytes: 0,
          maxBytes: 1 << 20,
          isolationLevel,
          topics: [
            {
              ...(version >= 13 ? { topicId: side.topicIds.get(topic) } : { topic }),
              partitions: [{ partition: 0, fetchOffset, partitionMaxBytes: 1 << 20 }],
            },
          ],
          forgottenTopicsData: [],
        }),
      };
    }
  }
  yield {
    id: `DescribeProducers: ${when}`,
    api: 'DescribeProducers',
    skip,
    body: () => ({ topics: [{ name: topic, partitionIndexes: [0, 7] }] }),
  };
}

/**
 * [description, coordinator epoch, change of the producer epoch, topics, the producer whose transaction it ends].
 *
 * @type {[string, number, number, Record<string, number[]>, string | null][]}
 */
const markers = [
  ['a stranger', 0, 0, { [topic]: [0] }, null],
  ['nothing', 0, 0, {}, 'reads-c'],
  ['an absent topic and partition', 0, 0, { absent: [0], [topic]: [7, -1] }, 'reads-c'],
  ['an epoch before', 0, -1, { [topic]: [0] }, 'reads-c'],
  ['negative coordinator', -1, 0, { [topic]: [0] }, 'reads-c'],
  ['its own epoch', 5, 0, { [topic]: [0] }, 'reads-c'],
  ['an older coordinator', 4, 1, { [topic]: [0] }, 'reads-c'],
  ['the same coordinator, next epoch', 5, 1, { [topic]: [0] }, 'reads-c'],
  ['again', 5, 1, { [topic]: [0] }, 'reads-c'],
  ['a newer coordinator', 6, 2, { [topic]: [0] }, 'reads-c'],
  ['the coordinator before', 5, 3, { [topic]: [0] }, 'reads-c'],
];

function* written(version) {
  for (const transactionVersion of version >= 2 ? [0, 1, 2, 3] : [0]) {
    for (const [what, coordinatorEpoch, change, topics, tid] of markers) {
      const name = `version ${transactionVersion}, ${what}`;
      yield {
        id: `WriteTxnMarkers: v${version}, ${name}`,
        api: 'WriteTxnMarkers',
        versions: only(version),
        skip,
        body(_version, side) {
          const { producerId, producerEpoch } = side.kept[tid] ?? { producerId: 777_777, producerEpoch: 3 };
          return {
            markers: [
              {
                producerId,
                producerEpoch: producerEpoch + change + 10 * transactionVersion,
                transactionResult: false,
                topics: Object.entries(topics).map(([of, partitionIndexes]) => ({
                  name: of,
                  partitionIndexes,
                })),
                coordinatorEpoch,
                transactionVersion,
              },
            ],
          };
        },
      };
      yield {
        id: `DescribeProducers: v${version}, ${name}`,
        api: 'DescribeProducers',
        skip,
        body: () => ({ topics: [{ name: topic, partitionIndexes: [0] }] }),
      };
    }
  }
}

export function* transactionReadQuestions() {
  yield* history();
  yield* reads('an open transaction');
  yield* written(2);
  yield* reads('all ended');
  yield* written(1);
}
