/** All APIs whose requests name topics and partitions, each with unusual topics and partitions. */
import { absentId, topicNames, zeroId } from './setup.mjs';

const p = (name, partitions) => ({ name, partitions });
/**
 * The lists of topics with partitions that each API is asked about, with a description of each list. A list has one unusual
 * value, or the same thing twice.
 *
 * @type {any[]}
 */
export const partitionCases = [
  ['nothing', []],
  ...topicNames.map((name) => [`topic '${name.slice(0, 20)}'`, [p(name, [0])]]),
  ['partition 9', [p('full', [9])]],
  ['partition -1', [p('full', [-1])]],
  ['partition 2147483647', [p('full', [2_147_483_647])]],
  ['no partitions', [p('full', [])]],
  ['a partition twice', [p('full', [0, 0])]],
  ['a partition twice, apart', [p('full', [0]), p('full', [0])]],
  ['a topic twice', [p('full', [0]), p('full', [1])]],
  ['good and bad', [p('full', [0, 1, 9]), p('absent', [0, 1])]],
  ['an absent partition twice', [p('full', [9, 9])]],
  ['an absent topic twice', [p('absent', [0]), p('absent', [0])]],
];

/** For each API: a function from a list of topics with partitions to the request. */
export const partitionApis = {
  ListOffsets: (topics) => ({
    replicaId: -1,
    isolationLevel: 0,
    topics: topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map((partitionIndex) => ({ partitionIndex, timestamp: -1 })),
    })),
    timeoutMs: 3000,
  }),
  OffsetForLeaderEpoch: (topics) => ({
    replicaId: -1,
    topics: topics.map(({ name, partitions }) => ({
      topic: name,
      partitions: partitions.map((partition) => ({ partition, leaderEpoch: 0 })),
    })),
  }),
  DeleteRecords: (topics) => ({
    topics: topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map((partitionIndex) => ({ partitionIndex, offset: 1 })),
    })),
    timeoutMs: 3000,
  }),
  DescribeProducers: (topics) => ({
    topics: topics.map(({ name, partitions }) => ({ name, partitionIndexes: partitions })),
  }),
  ElectLeaders: (topics) => ({
    electionType: 0,
    topicPartitions: topics.map(({ name, partitions }) => ({ topic: name, partitions })),
    timeoutMs: 3000,
  }),
  DescribeLogDirs: (topics) => ({
    topics: topics.map(({ name, partitions }) => ({ topic: name, partitions })),
  }),
  AlterReplicaLogDirs: (topics) => ({
    dirs: [
      { path: '/no/such/directory', topics: topics.map(({ name, partitions }) => ({ name, partitions })) },
    ],
  }),
  AlterPartitionReassignments: (topics) => ({
    timeoutMs: 3000,
    topics: topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map((partitionIndex) => ({ partitionIndex, replicas: null })),
    })),
  }),
  ListPartitionReassignments: (topics) => ({
    timeoutMs: 3000,
    topics: topics.map(({ name, partitions }) => ({ name, partitionIndexes: partitions })),
  }),
  Fetch: (topics, version, side) => ({
    replicaId: -1,
    maxWaitMs: 0,
    minBytes: 0,
    maxBytes: 1_000_000,
    isolationLevel: 0,
    sessionId: 0,
    sessionEpoch: -1,
    topics: topics.map(({ name, partitions }) => ({
      ...(version < 13 ? { topic: name } : { topicId: side.topicIds.get(name) ?? absentId }),
      partitions: partitions.map((partition) => ({ partition, fetchOffset: 0, partitionMaxBytes: 1000 })),
    })),
    forgottenTopicsData: [],
  }),
};

const skips = {
  DescribeLogDirs: ['totalBytes', 'usableBytes', 'partitionSize'],
  DescribeProducers: [],
};

function* ofPartitions() {
  for (const [api, body] of Object.entries(partitionApis)) {
    for (const [what, topics] of partitionCases) {
      yield {
        id: `${api}: ${what}`,
        api,
        skip: skips[api],
        body: (version, side) => body(topics, version, side),
      };
    }
  }
  const nulls = {
    ElectLeaders: 'topicPartitions',
    DescribeLogDirs: 'topics',
    ListPartitionReassignments: 'topics',
  };
  for (const [api, field] of Object.entries(nulls)) {
    yield {
      id: `${api}: null`,
      api,
      skip: [...(skips[api] ?? []), 'topics'],
      body: (version) => ({ ...partitionApis[api]([], version), [field]: null }),
    };
  }
}

function* timestamps() {
  for (const timestamp of [
    -1, -2, -3, -4, -5, -6, -7, 0, 1_700_000_002_500, 1_700_000_005_000, 1_800_000_000_000,
  ]) {
    for (const isolationLevel of [0, 1]) {
      yield {
        id: `ListOffsets: timestamp ${timestamp}, isolation ${isolationLevel}`,
        api: 'ListOffsets',
        body: (version) => ({
          replicaId: -1,
          ...(version >= 2 ? { isolationLevel } : {}),
          topics: [{ name: 'full', partitions: [{ partitionIndex: 0, timestamp }] }],
        }),
      };
    }
  }
  for (const epoch of [-2, -1, 0, 1, 99]) {
    yield {
      id: `OffsetForLeaderEpoch: leader epoch ${epoch}`,
      api: 'OffsetForLeaderEpoch',
      body: () => ({
        replicaId: -1,
        topics: [{ topic: 'full', partitions: [{ partition: 0, leaderEpoch: epoch }] }],
      }),
    };
    yield {
      id: `OffsetForLeaderEpoch: current leader epoch ${epoch}`,
      api: 'OffsetForLeaderEpoch',
      body: () => ({
        replicaId: -1,
        topics: [
          { topic: 'full', partitions: [{ partition: 0, currentLeaderEpoch: epoch, leaderEpoch: 0 }] },
        ],
      }),
    };
    yield {
      id: `ListOffsets: current leader epoch ${epoch}`,
      api: 'ListOffsets',
      versions: (version) => version >= 4,
      body: () => ({
        replicaId: -1,
        topics: [
          { name: 'full', partitions: [{ partitionIndex: 0, currentLeaderEpoch: epoch, timestamp: -1 }] },
        ],
      }),
    };
  }
}

const metadataSkip = ['clusterId', 'host'];

function* metadata() {
  const lists = [
    ...topicNames.map((name) => [name]),
    ['full', 'full'],
    ['full', 'absent'],
    ['absent', 'absent'],
    [],
  ];
  for (const list of lists) {
    for (const allowAutoTopicCreation of [false, true]) {
      yield {
        id: `Metadata: ${JSON.stringify(list).slice(0, 40)}, create ${allowAutoTopicCreation}`,
        api: 'Metadata',
        skip: metadataSkip,
        versions: (version) => version >= 4 || allowAutoTopicCreation,
        body: (version) => ({
          topics: list.map((name) => ({ name })),
          ...(version >= 4 ? { allowAutoTopicCreation } : {}),
        }),
      };
    }
    yield {
      id: `DescribeTopicPartitions: ${JSON.stringify(list).slice(0, 40)}`,
      api: 'DescribeTopicPartitions',
      body: () => ({ topics: list.map((name) => ({ name })) }),
    };
  }
  for (const limit of [-1, 0, 1]) {
    for (const cursor of [
      null,
      { topicName: 'full', partitionIndex: 1 },
      { topicName: 'full', partitionIndex: -1 },
    ]) {
      yield {
        id: `DescribeTopicPartitions: limit ${limit}, cursor ${cursor?.partitionIndex}`,
        api: 'DescribeTopicPartitions',
        body: () => ({
          topics: [{ name: 'empty' }, { name: 'full' }],
          responsePartitionLimit: limit,
          cursor,
        }),
      };
    }
  }
  for (const [what, topicId, name] of [
    ['absent', absentId, null],
    ['zero', zeroId, null],
    ['absent and a name', absentId, 'full'],
  ]) {
    yield {
      id: `Metadata: id ${what}`,
      api: 'Metadata',
      skip: metadataSkip,
      versions: (version) => version >= 10,
      body: () => ({ topics: [{ topicId, name }] }),
    };
  }
}

function* create() {
  const topic = (name, numPartitions, replicationFactor, assignments = [], configs = []) => ({
    name,
    numPartitions,
    replicationFactor,
    assignments,
    configs,
  });
  const at = (partitionIndex, ...brokerIds) => ({ partitionIndex, brokerIds });
  const cases = [
    ...topicNames.map((name) => [`name '${name.slice(0, 20)}'`, [topic(name, 1, 1)]]),
    ['nothing', []],
    ['0 partitions', [topic('new', 0, 1)]],
    ['-2 partitions', [topic('new', -2, 1)]],
    ['-1 partitions', [topic('new', -1, -1)]],
    ['factor 0', [topic('new', 1, 0)]],
    ['factor 2', [topic('new', 1, 2)]],
    ['factor -2', [topic('new', 1, -2)]],
    ['twice', [topic('new', 1, 1), topic('new', 1, 1)]],
    ['colliding', [topic('new.a', 1, 1), topic('new_a', 1, 1)]],
    ['assigned', [topic('new', -1, -1, [at(0, 1)])]],
    ['assigned and counted', [topic('new', 1, 1, [at(0, 1)])]],
    ['assigned twice', [topic('new', -1, -1, [at(0, 1), at(0, 1)])]],
    ['assigned to one twice', [topic('new', -1, -1, [at(0, 1, 1)])]],
    ['assigned to nobody', [topic('new', -1, -1, [at(0)])]],
    ['assigned to an absent broker', [topic('new', -1, -1, [at(0, 9)])]],
    ['assigned to a negative broker', [topic('new', -1, -1, [at(0, -1)])]],
    ['assigned with a gap', [topic('new', -1, -1, [at(0, 1), at(2, 1)])]],
    ['assigned unevenly', [topic('new', -1, -1, [at(0, 1), at(1, 1, 9)])]],
    ['unknown config', [topic('new', 1, 1, [], [{ name: 'nope', value: '1' }])]],
    ['null config', [topic('new', 1, 1, [], [{ name: 'retention.ms', value: null }])]],
    [
      'config twice',
      [
        topic(
          'new',
          1,
          1,
          [],
          ['1', '2'].map((value) => ({ name: 'retention.ms', value })),
        ),
      ],
    ],
    ['empty config name', [topic('new', 1, 1, [], [{ name: '', value: '1' }])]],
  ];
  for (const [what, topics] of cases) {
    yield {
      id: `CreateTopics: ${what}`,
      api: 'CreateTopics',
      body: () => ({ topics, validateOnly: true }),
      skip: ['topicId', 'configs'],
    };
  }
}

function* createPartitions() {
  const counts = [
    ...topicNames.map((name) => [`name '${name.slice(0, 20)}'`, [{ name, count: 3, assignments: null }]]),
    ['nothing', []],
    ...[-1, 0, 1, 2, 20_000].map((count) => [`count ${count}`, [{ name: 'full', count, assignments: null }]]),
    ['twice', [3, 4].map((count) => ({ name: 'full', count, assignments: null }))],
    ['no assignments', [{ name: 'full', count: 3, assignments: [] }]],
    [
      'too many assignments',
      [{ name: 'full', count: 3, assignments: [{ brokerIds: [1] }, { brokerIds: [1] }] }],
    ],
    ['assigned to nobody', [{ name: 'full', count: 3, assignments: [{ brokerIds: [] }] }]],
    ['assigned to an absent broker', [{ name: 'full', count: 3, assignments: [{ brokerIds: [9] }] }]],
    ['assigned to one twice', [{ name: 'full', count: 3, assignments: [{ brokerIds: [1, 1] }] }]],
  ];
  for (const [what, topics] of counts) {
    yield {
      id: `CreatePartitions: ${what}`,
      api: 'CreatePartitions',
      body: () => ({ topics, timeoutMs: 3000, validateOnly: true }),
    };
  }
}

function* deletes() {
  /** @type {[what: string, names: string[]][]} */
  const cases = [
    ['absent', ['absent']],
    ['empty name', ['']],
    ['deleted', ['gone']],
    ['absent twice', ['absent', 'absent']],
    ['there twice', ['small', 'small']],
    ['nothing', []],
  ];
  for (const [what, names] of cases) {
    yield {
      id: `DeleteTopics: ${what}`,
      api: 'DeleteTopics',
      body: (version) =>
        version >= 6
          ? { topics: names.map((name) => ({ name, topicId: zeroId })), timeoutMs: 3000 }
          : { topicNames: names, timeoutMs: 3000 },
    };
  }
  /** @type {[what: string, topics: (side: import('./side.mjs').Side) => object[]][]} */
  const byId = [
    ['absent id', () => [{ name: null, topicId: absentId }]],
    ['zero id', () => [{ name: null, topicId: zeroId }]],
    ['id and name', () => [{ name: 'full', topicId: absentId }]],
    [
      'id twice',
      () => [
        { name: null, topicId: absentId },
        { name: null, topicId: absentId },
      ],
    ],
    [
      'id and name apart',
      (side) => [
        { name: null, topicId: side.topicIds.get('small') },
        { name: 'small', topicId: zeroId },
      ],
    ],
  ];
  for (const [what, topics] of byId) {
    yield {
      id: `DeleteTopics: ${what}`,
      api: 'DeleteTopics',
      versions: (version) => version >= 6,
      body: (version, side) => ({ topics: topics(side), timeoutMs: 3000 }),
    };
  }
}

export function* topicQuestions() {
  yield* ofPartitions();
  yield* timestamps();
  yield* metadata();
  yield* create();
  yield* createPartitions();
  yield* deletes();
}
