/**
 * Makes what the questions of the other tables need: topics, records, a deleted topic, committed offsets. It runs even when
 * `--only` selects other questions.
 */
import { recordTopics } from './record-topics.mjs';
import { buildBatch } from './side.mjs';

export const zeroId = 'AAAAAAAAAAAAAAAAAAAAAA';
export const absentId = 'AAAAAAAAAAAAAAAAAAAB9w';
/** Names of topics that exist, do not exist, were deleted, or are invalid. `full` has two partitions with five records each. */
export const topicNames = ['full', 'absent', 'gone', '', '.', 'a b', 'x'.repeat(250), '__consumer_offsets'];

/** Asked first, because Kafka has no block of producer ids at its first request. */
const producer = { transactionalId: null, transactionTimeoutMs: 1000, producerId: -1, producerEpoch: -1 };
/** The records have timestamps of 2023. Without this setting, retention would delete them during a long run. */
const keepAll = { name: 'retention.ms', value: '-1' };
const setup = { always: true, ignore: true, once: true };

export function* setupQuestions() {
  yield {
    ...setup,
    id: 'setup: create',
    api: 'CreateTopics',
    body: () => ({
      topics: ['full', 'gone', 'empty', 'small'].map((name) => ({
        name,
        numPartitions: 2,
        replicationFactor: 1,
        assignments: [],
        configs: [keepAll],
      })),
    }),
    keep: (answer, side) => answer.topics.forEach((topic) => side.learn(topic)),
  };
  yield {
    ...setup,
    id: 'setup: topics of records',
    api: 'CreateTopics',
    body: () => ({
      topics: Object.entries(recordTopics).map(([name, configs]) => ({
        name,
        numPartitions: 1,
        replicationFactor: 1,
        assignments: [],
        configs: [...configs, keepAll],
      })),
    }),
    keep: (answer, side) => answer.topics.forEach((topic) => side.learn(topic)),
  };
  yield {
    ...setup,
    id: 'setup: coordinator',
    api: 'FindCoordinator',
    body: () => ({ coordinatorKeys: ['g'] }),
  };
  yield* records();
  yield {
    ...setup,
    id: 'setup: ids',
    api: 'Metadata',
    body: () => ({ topics: null }),
    keep: (answer, side) => answer.topics.forEach((topic) => side.learn(topic)),
  };
}

function* records() {
  for (let tries = 0; tries < 3; tries++) {
    yield { ...setup, id: `setup: producer id ${tries}`, api: 'InitProducerId', body: () => producer };
    yield {
      ...setup,
      id: `setup: wait ${tries}`,
      api: 'Metadata',
      body: async () => {
        await new Promise((resolve) => setTimeout(resolve, 1000));
        return { topics: null };
      },
    };
  }
  yield {
    ...setup,
    id: 'setup: produce',
    api: 'Produce',
    versions: (version) => version === 12,
    once: false,
    body: () => ({
      transactionalId: null,
      acks: -1,
      timeoutMs: 5000,
      topicData: [
        {
          name: 'full',
          partitionData: [0, 1].map((index) => ({
            index,
            records: buildBatch({
              records: [1000, 2000, 3000, 4000, 5000].map((timestamp) => ({
                key: Buffer.from('k'),
                value: Buffer.from('v'),
                timestamp: 1_700_000_000_000 + timestamp,
              })),
            }),
          })),
        },
      ],
    }),
  };
  yield {
    ...setup,
    id: 'setup: delete',
    api: 'DeleteTopics',
    body: () => ({ topics: [{ name: 'gone', topicId: zeroId }], timeoutMs: 5000 }),
  };
}
