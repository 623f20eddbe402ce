/** Questions about offsets and groups: groups in different states, unusual ids, and requests that name something twice. */
import { absentId } from './setup.mjs';
import { partitionCases } from './topics.mjs';

const groupIds = ['', 'absent', 'offsets', 'x'.repeat(300), '.', 'a b'];

const topicsOf = (topics, version, side, first, make) =>
  topics.map(({ name, partitions }) => ({
    ...(version >= first ? { topicId: side.topicIds.get(name) ?? absentId } : { name }),
    ...make(partitions),
  }));

function commit(groupId, topics, more = {}) {
  return (version, side) => ({
    groupId,
    memberId: '',
    ...more,
    topics: topicsOf(topics, version, side, 10, (partitions) => ({
      partitions: partitions.map((partitionIndex) => ({
        partitionIndex,
        committedOffset: 3,
        committedMetadata: 'm',
      })),
    })),
  });
}

function fetch(groupId, topics) {
  return (version, side) => {
    if (version < 8) {
      return {
        groupId,
        topics: topics?.map(({ name, partitions }) => ({ name, partitionIndexes: partitions })) ?? null,
      };
    }
    const own =
      topics === null
        ? null
        : topicsOf(topics, version, side, 10, (partitionIndexes) => ({ partitionIndexes }));
    return { groups: [{ groupId, topics: own }] };
  };
}

function* offsets() {
  for (const [what, topics] of partitionCases) {
    yield { id: `OffsetCommit: ${what}`, api: 'OffsetCommit', body: commit('offsets', topics) };
    yield { id: `OffsetFetch: ${what}`, api: 'OffsetFetch', body: fetch('offsets', topics) };
  }
  yield {
    id: 'OffsetFetch: all',
    api: 'OffsetFetch',
    versions: (version) => version >= 2,
    body: fetch('offsets', null),
  };
  for (const groupId of groupIds) {
    const there = [{ name: 'full', partitions: [0] }];
    const shown = groupId.slice(0, 20);
    if (groupId !== 'absent') {
      yield { id: `OffsetCommit: group '${shown}'`, api: 'OffsetCommit', body: commit(groupId, there) };
    }
    yield { id: `OffsetFetch: group '${shown}'`, api: 'OffsetFetch', body: fetch(groupId, there) };
    yield {
      id: `OffsetFetch: all of group '${shown}'`,
      api: 'OffsetFetch',
      versions: (version) => version >= 2,
      body: fetch(groupId, null),
    };
  }
  for (const [what, more] of Object.entries({
    'generation 0': { generationIdOrMemberEpoch: 0 },
    'a member': { generationIdOrMemberEpoch: 1, memberId: 'm' },
    'a member without generation': { memberId: 'm' },
    'generation -2': { generationIdOrMemberEpoch: -2 },
  })) {
    for (const groupId of ['offsets', 'absent', '']) {
      yield {
        id: `OffsetCommit: ${what} in '${groupId}'`,
        api: 'OffsetCommit',
        body: commit(groupId, [{ name: 'full', partitions: [0] }], more),
      };
    }
  }
}

function* oddOffsets() {
  for (const size of [4096, 4097]) {
    yield {
      id: `OffsetCommit: ${size} bytes of metadata`,
      api: 'OffsetCommit',
      versions: (version) => version < 10,
      body: () => ({
        groupId: 'offsets',
        topics: [
          {
            name: 'full',
            partitions: [{ partitionIndex: 0, committedOffset: -1, committedMetadata: 'm'.repeat(size) }],
          },
        ],
      }),
    };
  }
  yield {
    id: 'OffsetFetch: groups twice',
    api: 'OffsetFetch',
    versions: (version) => version >= 8,
    body: () => ({ groups: ['offsets', 'offsets', 'absent'].map((groupId) => ({ groupId, topics: null })) }),
  };
}

const lists = [
  [],
  ...groupIds.map((id) => [id]),
  ['offsets', 'offsets'],
  ['offsets', 'absent'],
  ['absent', 'absent'],
];
const shown = (list) => JSON.stringify(list.map((id) => id.slice(0, 20)));

function* describe() {
  for (const list of lists) {
    yield { id: `DescribeGroups: ${shown(list)}`, api: 'DescribeGroups', body: () => ({ groups: list }) };
    yield {
      id: `DescribeGroups: ${shown(list)} with operations`,
      api: 'DescribeGroups',
      versions: (version) => version >= 3,
      body: () => ({ groups: list, includeAuthorizedOperations: true }),
    };
    yield {
      id: `ConsumerGroupDescribe: ${shown(list)}`,
      api: 'ConsumerGroupDescribe',
      body: () => ({ groupIds: list, includeAuthorizedOperations: false }),
    };
  }
  const filters = [[], ['Empty'], ['empty'], ['Stable'], ['nope'], ['Empty', 'Dead'], ['']];
  for (const statesFilter of filters) {
    for (const typesFilter of [[], ['classic'], ['Consumer'], ['nope'], ['share'], ['']]) {
      yield {
        id: `ListGroups: states ${shown(statesFilter)}, types ${shown(typesFilter)}`,
        api: 'ListGroups',
        versions: (version) =>
          (version >= 4 || statesFilter.length === 0) && (version >= 5 || typesFilter.length === 0),
        body: (version) => ({
          ...(version >= 4 ? { statesFilter } : {}),
          ...(version >= 5 ? { typesFilter } : {}),
        }),
      };
    }
  }
}

function* membership() {
  for (const groupId of groupIds) {
    const id = `'${groupId.slice(0, 20)}'`;
    for (const memberId of ['', 'm']) {
      for (const groupInstanceId of [null, 'i']) {
        const more = (version, first) =>
          version >= first && groupInstanceId !== null ? { groupInstanceId } : {};
        const has = (first) => (version) => groupInstanceId === null || version >= first;
        const name = `${id}, member '${memberId}', instance ${groupInstanceId}`;
        yield {
          id: `Heartbeat: ${name}`,
          api: 'Heartbeat',
          versions: has(3),
          body: (version) => ({ groupId, generationId: 0, memberId, ...more(version, 3) }),
        };
        yield {
          id: `SyncGroup: ${name}`,
          api: 'SyncGroup',
          versions: has(3),
          body: (version) => ({
            groupId,
            generationId: 0,
            memberId,
            ...more(version, 3),
            ...(version >= 5 ? { protocolType: 'consumer', protocolName: 'range' } : {}),
            assignments: [],
          }),
        };
        yield {
          id: `LeaveGroup: ${name}`,
          api: 'LeaveGroup',
          versions: has(3),
          body: (version) =>
            version < 3 ? { groupId, memberId } : { groupId, members: [{ memberId, groupInstanceId }] },
        };
      }
    }
    yield {
      id: `LeaveGroup: ${id}, nobody`,
      api: 'LeaveGroup',
      versions: (version) => version >= 3,
      body: () => ({ groupId, members: [] }),
    };
    yield {
      id: `JoinGroup: ${id}, unknown member`,
      api: 'JoinGroup',
      body: () => ({
        groupId,
        sessionTimeoutMs: 10_000,
        rebalanceTimeoutMs: 10_000,
        memberId: 'm',
        protocolType: 'consumer',
        protocols: [{ name: 'range', metadata: Buffer.from('x') }],
      }),
    };
  }
}

function* joining() {
  for (const [what, more] of Object.entries({
    'no protocols': { protocols: [] },
    'empty protocol type': { protocolType: '' },
    'session too short': { sessionTimeoutMs: 1 },
    'session too long': { sessionTimeoutMs: 2_000_000_000 },
    'negative session': { sessionTimeoutMs: -1 },
  })) {
    yield {
      id: `JoinGroup: ${what}`,
      api: 'JoinGroup',
      skip: ['memberId'],
      body: () => ({
        groupId: 'joining',
        sessionTimeoutMs: 10_000,
        rebalanceTimeoutMs: 10_000,
        memberId: '',
        protocolType: 'consumer',
        protocols: [{ name: 'range', metadata: Buffer.from('x') }],
        ...more,
      }),
      versions: (version) => version >= 4,
    };
  }
}

function* coordinators() {
  for (const keyType of [0, 1, 2, 3, -1]) {
    for (const key of ['', 'g', 'x'.repeat(300), `${absentId}:0`, `g:${absentId}:0`]) {
      yield {
        id: `FindCoordinator: type ${keyType}, '${key.slice(0, 30)}'`,
        api: 'FindCoordinator',
        skip: ['host'],
        versions: (version) => (version >= 1 || keyType === 0) && keyType !== 1,
        body: (version) => ({
          ...(version >= 4 ? { coordinatorKeys: [key] } : { key }),
          ...(version >= 1 ? { keyType } : {}),
        }),
      };
    }
  }
  for (const keys of [[], ['g', 'g'], ['', 'g']]) {
    yield {
      id: `FindCoordinator: keys '${keys}'`,
      api: 'FindCoordinator',
      skip: ['host'],
      versions: (version) => version >= 4,
      body: () => ({ coordinatorKeys: keys }),
    };
  }
}

function* deletes() {
  for (const groupId of groupIds) {
    for (const [what, topics] of partitionCases) {
      if (groupId !== 'offsets' && what !== "topic 'full'" && what !== 'nothing') continue;
      yield {
        id: `OffsetDelete: ${what} in '${groupId.slice(0, 20)}'`,
        api: 'OffsetDelete',
        body: () => ({
          groupId,
          topics: topics.map(({ name, partitions }) => ({
            name,
            partitions: partitions.map((partitionIndex) => ({ partitionIndex })),
          })),
        }),
      };
    }
  }
  for (const list of lists.filter((one) => one[0] !== 'offsets')) {
    yield { id: `DeleteGroups: ${shown(list)}`, api: 'DeleteGroups', body: () => ({ groupsNames: list }) };
  }
  yield {
    id: 'DeleteGroups: twice',
    api: 'DeleteGroups',
    body: () => ({ groupsNames: ['offsets', 'offsets'] }),
  };
}

export function* groupQuestions() {
  yield* offsets();
  yield* oddOffsets();
  yield* describe();
  yield* membership();
  yield* joining();
  yield* coordinators();
  yield* deletes();
}
