/** Requests to classic groups in every state. The members stay as they are until the last questions. */
import { absentId } from './setup.mjs';
import { Side } from './side.mjs';

const minutes = 60_000;
const setup = { always: true, ignore: true, once: true };
/** A subscription to the topic `full` as consumers encode it, and an assignment of its partition 0. */
const topicFull = Buffer.concat([Buffer.from([0, 4]), Buffer.from('full')]);
const subscription = Buffer.concat([
  Buffer.from([0, 0, 0, 0, 0, 1]),
  topicFull,
  Buffer.from([255, 255, 255, 255]),
]);
const assignment = Buffer.concat([
  Buffer.from([0, 0, 0, 0, 0, 1]),
  topicFull,
  Buffer.from([0, 0, 0, 1, 0, 0, 0, 0, 255, 255, 255, 255]),
]);

/** For each group, the kind of its members and the state to which they bring it. */
const groups = {
  'stable.consumers': ['consumer', 'stable'],
  'stable.static': ['consumer', 'stable', 'instance'],
  'stable.connect': ['connect', 'stable'],
  completing: ['consumer', 'completing'],
  preparing: ['consumer', 'preparing'],
  left: ['consumer', 'left'],
  'offsets.only': ['consumer', 'offsets'],
  'never.was': ['consumer', 'nothing'],
};

const join = (groupId, type, memberId, groupInstanceId = null) => ({
  groupId,
  sessionTimeoutMs: 25 * minutes,
  rebalanceTimeoutMs: 25 * minutes,
  memberId,
  groupInstanceId,
  protocolType: type,
  protocols: [{ name: 'range', metadata: subscription }],
});

function member(id, body, keep) {
  return { ...setup, id: `setup: ${id}`, body, ...keep };
}

function* members() {
  for (const [groupId, [type, until, instance = null]] of Object.entries(groups)) {
    const own = (side) => side.kept[groupId];
    if (until === 'offsets' || until === 'nothing') continue;
    for (const step of ['id', 'join']) {
      yield member(`${groupId} ${step}`, (_version, side) => join(groupId, type, own(side) ?? '', instance), {
        api: 'JoinGroup',
        keep(answer, side) {
          side.kept[groupId] = answer.memberId;
        },
      });
    }
    if (until === 'completing') continue;
    yield member(
      `${groupId} sync`,
      (_version, side) => ({
        groupId,
        generationId: 1,
        memberId: own(side),
        groupInstanceId: instance,
        protocolType: type,
        protocolName: 'range',
        assignments: [{ memberId: own(side), assignment }],
      }),
      { api: 'SyncGroup' },
    );
    if (until === 'preparing') yield* secondMember(groupId, type);
    if (until === 'left') {
      yield member(
        `${groupId} leave`,
        (_version, side) => ({ groupId, members: [{ memberId: own(side) }] }),
        { api: 'LeaveGroup' },
      );
    }
  }
}

/** A second member. Its JoinGroup waits for the first member, so it is not answered while the questions are asked. */
function* secondMember(groupId, type) {
  yield member(`${groupId} second id`, () => join(groupId, type, ''), {
    api: 'JoinGroup',
    keep(answer, side) {
      side.kept[`${groupId} second`] = answer.memberId;
    },
  });
  yield member(
    `${groupId} second joins`,
    async (_version, side) => {
      side.other = await Side.open(side.address);
      side.other.send(11, 9, join(groupId, type, side.kept[`${groupId} second`]));
      await new Promise((resolve) => setTimeout(resolve, 1000));
      return {};
    },
    { api: 'ListGroups' },
  );
}

const full = (version, side, rest) =>
  version >= 10 ? { topicId: side.topicIds.get('full') ?? absentId, ...rest } : { name: 'full', ...rest };

const commit = (groupId, memberId, generation, groupInstanceId = null) => ({
  api: 'OffsetCommit',
  versions: (version) => groupInstanceId === null || version >= 7,
  body: (version, side) => ({
    groupId,
    generationIdOrMemberEpoch: generation,
    memberId: memberId(side),
    ...(version >= 7 ? { groupInstanceId } : {}),
    topics: [
      full(version, side, {
        partitions: [{ partitionIndex: 0, committedOffset: 3, committedMetadata: 'm' }],
      }),
    ],
  }),
});

/** The senders of requests: [description, member id, instance id]. */
const askers = (groupId, instance) => [
  ['nobody', () => '', null],
  ['a stranger', () => 'm', null],
  ['the member', (side) => side.kept[groupId] ?? 'm', null],
  ['the member as instance', (side) => side.kept[groupId] ?? 'm', instance ?? 'instance'],
  ['another instance', (side) => side.kept[groupId] ?? 'm', 'other'],
  ['a stranger as instance', () => 'm', instance ?? 'instance'],
];

function* ofMembers(groupId, instance) {
  for (const [who, memberId, groupInstanceId] of askers(groupId, instance)) {
    const has = (first) => (version) => groupInstanceId === null || version >= first;
    const more = (version, first) => (version >= first ? { groupInstanceId } : {});
    for (const generation of [-1, 0, 1, 2]) {
      const id = `${groupId}, ${who}, generation ${generation}`;
      yield { id: `OffsetCommit: ${id}`, ...commit(groupId, memberId, generation, groupInstanceId) };
      yield {
        id: `Heartbeat: ${id}`,
        api: 'Heartbeat',
        versions: has(3),
        body: (version, side) => ({
          groupId,
          generationId: generation,
          memberId: memberId(side),
          ...more(version, 3),
        }),
      };
      if (generation === 1) continue;
      yield {
        id: `SyncGroup: ${id}`,
        api: 'SyncGroup',
        versions: has(3),
        body: (version, side) => ({
          groupId,
          generationId: generation,
          memberId: memberId(side),
          ...more(version, 3),
          ...(version >= 5 ? { protocolType: 'consumer', protocolName: 'range' } : {}),
          assignments: [],
        }),
      };
    }
  }
}

function* described(groupId) {
  yield { id: `DescribeGroups: ${groupId}`, ...one(groupId) };
  yield {
    id: `ConsumerGroupDescribe: ${groupId}`,
    api: 'ConsumerGroupDescribe',
    body: () => ({ groupIds: [groupId], includeAuthorizedOperations: false }),
  };
  yield {
    id: `OffsetFetch: all of ${groupId}`,
    api: 'OffsetFetch',
    versions: (version) => version >= 2,
    body: (version) => (version < 8 ? { groupId, topics: null } : { groups: [{ groupId, topics: null }] }),
  };
  for (const [memberId, memberEpoch] of [
    ['m', 0],
    ['m', 1],
    ['', 0],
  ]) {
    yield {
      id: `OffsetFetch: ${groupId}, member '${memberId}' of epoch ${memberEpoch}`,
      api: 'OffsetFetch',
      versions: (version) => version === 9,
      body: () => ({ groups: [{ groupId, memberId, memberEpoch, topics: null }] }),
    };
  }
}

function* endings(groupId) {
  yield {
    id: `LeaveGroup: ${groupId}, strangers`,
    api: 'LeaveGroup',
    versions: (version) => version >= 3,
    body: () => ({
      groupId,
      members: [
        { memberId: 'm', groupInstanceId: null },
        { memberId: '', groupInstanceId: 'i' },
        { memberId: '', groupInstanceId: null },
      ],
    }),
  };
  for (const [what, name, index] of [
    ['read', 'full', 0],
    ['not read', 'empty', 0],
    ['absent', 'absent', 0],
    ['absent partition', 'full', 9],
  ]) {
    yield {
      id: `OffsetDelete: ${groupId}, ${what}`,
      api: 'OffsetDelete',
      body: () => ({ groupId, topics: [{ name, partitions: [{ partitionIndex: index }] }] }),
    };
  }
  yield { id: `DeleteGroups: ${groupId}`, api: 'DeleteGroups', body: () => ({ groupsNames: [groupId] }) };
}

export function* groupStateQuestions() {
  yield* members();
  yield { ...setup, id: 'setup: offsets.only', ...commit('offsets.only', () => '', -1) };
  for (const groupId of Object.keys(groups)) yield* described(groupId);
  const states = ['Stable', 'CompletingRebalance', 'preparingrebalance', 'Empty', 'Dead', 'Assigning'];
  for (const state of states) {
    yield {
      id: `ListGroups: all, state ${state}`,
      api: 'ListGroups',
      versions: (version) => version >= 4,
      body: () => ({ statesFilter: [state] }),
    };
  }
  for (const [groupId, [, , instance]] of Object.entries(groups)) yield* ofMembers(groupId, instance);
  for (const groupId of Object.keys(groups)) yield* endings(groupId);
  for (const groupId of Object.keys(groups))
    yield { id: `DescribeGroups: ${groupId} at the end`, ...one(groupId) };
}

const one = (groupId) => ({ api: 'DescribeGroups', body: () => ({ groups: [groupId] }) });
