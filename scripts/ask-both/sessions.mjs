/**
 * Fetch sessions with topics that are deleted and created again, by name (version 12) and by id (version 17); and two topics
 * whose names collide.
 */
import { zeroId } from './setup.mjs';

const byId = 17;
const byName = 12;
const setup = { ignore: true, once: true };
const topic = (name) => ({ name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] });
const pause = () => new Promise((resolve) => setTimeout(resolve, 500));

function create(id, names) {
  return {
    id,
    api: 'CreateTopics',
    once: true,
    skip: ['topicId', 'configs'],
    body: () => ({ topics: names.map(topic) }),
    async keep(answer, side) {
      answer.topics.forEach((one) => side.learn(one));
      await pause();
    },
  };
}

/** One fetch in the session for `version`. Without `name` it changes nothing about the partitions of the session. */
function fetch(id, version, name) {
  const kept = `session of v${version}`;
  return {
    id: `Fetch: ${id}`,
    api: 'Fetch',
    versions: (one) => one === version,
    body: (_version, side) => ({
      replicaId: -1,
      maxWaitMs: 100,
      minBytes: 0,
      maxBytes: 1_000_000,
      isolationLevel: 0,
      sessionId: side.sessions?.[version]?.id ?? 0,
      sessionEpoch: side.sessions?.[version]?.epoch ?? 0,
      topics:
        name === undefined
          ? []
          : [
              {
                ...(version < 13 ? { topic: name } : { topicId: side.topicIds.get(name) }),
                partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }],
              },
            ],
      forgottenTopicsData: [],
    }),
    keep({ sessionId }, side) {
      const before = side.sessions?.[version];
      side.sessions = {
        ...side.sessions,
        [version]: { id: sessionId || before?.id || 0, epoch: (before?.epoch ?? 0) + 1 },
      };
      side.kept[kept] = sessionId;
    },
    skip: ['sessionId'],
  };
}

export function* sessionQuestions() {
  yield create('CreateTopics: one that will be made again', ['again']);
  for (const version of [byName, byId]) {
    yield fetch(`session of v${version} begins`, version, 'again');
    yield fetch(`session of v${version} without news`, version);
  }
  yield {
    ...setup,
    id: 'DeleteTopics: one that will be made again',
    api: 'DeleteTopics',
    body: () => ({ topics: [{ name: 'again', topicId: zeroId }], timeoutMs: 5000 }),
    keep: pause,
  };
  for (const version of [byName, byId]) {
    yield fetch(`session of v${version}, topic deleted`, version);
    yield fetch(`session of v${version}, topic still deleted`, version);
  }
  yield create('CreateTopics: made again', ['again']);
  for (const version of [byName, byId]) {
    yield fetch(`session of v${version}, topic made again`, version);
    yield fetch(`session of v${version}, topic made again and asked for`, version, 'again');
    yield fetch(`session of v${version}, at last`, version);
  }
  yield create('CreateTopics: colliding, made', ['collide.a', 'collide_a']);
}
