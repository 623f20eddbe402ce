/**
 * Requests to groups of the consumer protocol in every state, from members and from strangers (clients that are not members),
 * in both protocols; and all fields that a heartbeat can have. Both nodes need `group.consumer.assignment.interval.ms=0`, so
 * that they compute an assignment at once.
 */
import { absentId } from './setup.mjs';

const rebalanceTimeoutMs = 300_000;
const once = { once: true };
/** Our node returns a shorter interval while it expects a change for the member. */
const skip = ['heartbeatIntervalMs'];

const joining = { rebalanceTimeoutMs, topicPartitions: [], subscribedTopicNames: ['full'] };

/** A heartbeat. From version `first` on, the request has all fields of `rest`. */
function beat(id, groupId, memberId, memberEpoch, rest = {}, more = {}) {
  return {
    id: `ConsumerGroupHeartbeat: ${id}`,
    api: 'ConsumerGroupHeartbeat',
    skip,
    body: (_version, side) => {
      const { owned, ...fields } = rest;
      const topicPartitions = owned?.map(([name, ...partitions]) => ({
        topicId: side.topicIds.get(name) ?? absentId,
        partitions,
      }));
      const own = topicPartitions === undefined ? {} : { topicPartitions };
      return { groupId, memberId, memberEpoch, ...fields, ...own };
    },
    ...more,
  };
}

function pause(id, ms) {
  return {
    ...once,
    id: `pause: ${id}`,
    ignore: true,
    api: 'ListGroups',
    body: async () => {
      await new Promise((resolve) => setTimeout(resolve, ms));
      return {};
    },
  };
}

const shown = (value) => JSON.stringify(value).slice(0, 60);

/** First heartbeats with different fields. Each has a group and a member of its own. */
function* firstHeartbeats() {
  const cases = {
    'no member id': { memberId: '' },
    'blanks for a member id': { memberId: '  ' },
    'a member id of 200 letters': { memberId: 'm'.repeat(200) },
    'epoch -3': { memberEpoch: -3 },
    'epoch 1': { memberEpoch: 1 },
    'epoch -1': { memberEpoch: -1 },
    'epoch -2': { memberEpoch: -2 },
    'epoch -2 with an instance': { memberEpoch: -2, instanceId: 'i' },
    'no rebalance time-out': { rebalanceTimeoutMs: -1 },
    'rebalance time-out 0': { rebalanceTimeoutMs: 0 },
    'null partitions': { topicPartitions: null },
    'owned partitions': { owned: [['full', 0]] },
    'no subscription': { subscribedTopicNames: null },
    'no topics': { subscribedTopicNames: [] },
    'an absent topic': { subscribedTopicNames: ['absent'] },
    'a topic twice': { subscribedTopicNames: ['full', 'full'] },
    'an impossible topic': { subscribedTopicNames: ['a b', ''] },
    'internal topics': { subscribedTopicNames: ['__consumer_offsets'] },
    'an empty instance': { instanceId: '' },
    'an empty rack': { rackId: '' },
    'a rack': { rackId: 'r' },
    'an unknown assignor': { serverAssignor: 'x' },
    'an empty assignor': { serverAssignor: '' },
    'assignor range': { serverAssignor: 'range' },
    'assignor UNIFORM': { serverAssignor: 'UNIFORM' },
  };
  for (const [what, fields] of Object.entries(cases)) {
    const groupId = `first ${what}`;
    const { memberId = 'm', memberEpoch = 0, ...rest } = fields;
    yield beat(`first, ${what}`, groupId, memberId, memberEpoch, { ...joining, ...rest }, once);
    yield described(groupId);
    yield { ...deleteGroup(groupId), id: `DeleteGroups: ${groupId}` };
  }
}

function* firstExpressions() {
  const expressions = [
    '',
    '[',
    '(?=full)',
    '.*',
    'fu(l+)',
    '^full$',
    'FULL',
    '(?i)FULL',
    '__.*',
    '\\d',
    'full|empty',
  ];
  for (const subscribedTopicRegex of expressions) {
    const groupId = `expression ${subscribedTopicRegex}`;
    const rest = { ...joining, subscribedTopicNames: null, subscribedTopicRegex };
    yield beat(`first, ${groupId}`, groupId, 'm', 0, rest, once);
    yield pause(groupId, 700);
    yield beat(`again, ${groupId}`, groupId, 'm', 1, {}, once);
    yield beat(`once more, ${groupId}`, groupId, 'm', 2, {}, once);
    yield described(groupId);
  }
  yield beat(
    'first, names and an expression',
    'both',
    'm',
    0,
    { ...joining, subscribedTopicRegex: 'emp.*' },
    once,
  );
  yield pause('both', 700);
  yield beat('again, names and an expression', 'both', 'm', 1, {}, once);
  yield described('both');
}

const oddIds = [
  '',
  ' ',
  '.',
  '..',
  'a/b',
  'é😀',
  'nul\u0000',
  'x'.repeat(249),
  'x'.repeat(5_000),
  '"quoted"',
  '\n',
];

function* oddGroups() {
  for (const groupId of oddIds) {
    const what = `${shown(groupId)} of ${groupId.length}`;
    yield beat(`group ${what}`, groupId, 'm', 0, joining, once);
    yield beat(`group ${what} leaves`, groupId, 'm', -1, {}, once);
    yield { ...described(groupId), id: `ConsumerGroupDescribe: group ${what}` };
    yield { ...one(groupId), id: `DescribeGroups: odd group ${what}` };
    yield { ...deleteGroup(groupId), id: `DeleteGroups: odd group ${what}` };
  }
}

const one = (groupId) => ({ api: 'DescribeGroups', body: () => ({ groups: [groupId] }) });

function described(groupId) {
  return {
    id: `ConsumerGroupDescribe: ${groupId}`,
    api: 'ConsumerGroupDescribe',
    body: () => ({ groupIds: [groupId], includeAuthorizedOperations: false }),
  };
}

function deleteGroup(groupId) {
  return { ...once, api: 'DeleteGroups', body: () => ({ groupsNames: [groupId] }) };
}

/** For each group, the steps that bring it into its state: [member, epoch, fields of the heartbeat]. */
const groups = {
  'c.stable': [
    ['a', 0, joining],
    ['a', 1, { owned: [['full', 0, 1]] }],
  ],
  'c.revoking': [
    ['a', 0, joining],
    ['a', 1, { owned: [['full', 0, 1]] }],
    ['b', 0, joining],
    ['a', 1, {}],
  ],
  'c.two': [
    ['a', 0, joining],
    ['a', 1, { owned: [['full', 0, 1]] }],
    ['b', 0, joining],
    ['a', 1, {}],
    ['a', 1, { owned: [['full', 0]] }],
    ['b', 2, {}],
    ['b', 2, { owned: [['full', 1]] }],
  ],
  'c.static': [
    ['a', 0, { ...joining, instanceId: 'i' }],
    ['a', 1, { instanceId: 'i', owned: [['full', 0, 1]] }],
  ],
  'c.away': [
    ['a', 0, { ...joining, instanceId: 'i' }],
    ['a', 1, { instanceId: 'i', owned: [['full', 0, 1]] }],
    ['a', -2, { instanceId: 'i' }],
  ],
  'c.left': [
    ['a', 0, joining],
    ['a', -1, {}],
  ],
  'c.nothing': [],
};

function* members() {
  for (const [groupId, steps] of Object.entries(groups))
    for (const [at, [memberId, epoch, rest]] of steps.entries())
      yield beat(`${groupId}, step ${at}`, groupId, memberId, epoch, rest, {
        ...once,
        versions: (v) => v === 1,
      });
}

/** Heartbeats that are refused, or that do not change the group. */
function* heartbeats(groupId) {
  /** @type {Record<string, [memberId: string, epoch: number, rest: any]>} */
  const cases = {
    'a stranger of epoch 0 without a subscription': ['x', 0, {}],
    'a stranger of epoch 1': ['x', 1, {}],
    'a stranger leaves': ['x', -1, {}],
    'a stranger leaves for a while': ['x', -2, { instanceId: 'i' }],
    'a stranger under the same instance': ['x', 0, { ...joining, instanceId: 'i' }],
    'a stranger under the same instance at epoch 1': ['x', 1, { instanceId: 'i' }],
    'epoch 9': ['a', 9, {}],
    'epoch -5': ['a', -5, {}],
    'another instance': ['a', 1, { instanceId: 'j' }],
    'owned partitions of an absent topic': ['a', 1, { owned: [['absent', 0]] }],
    'an unknown assignor': ['a', 1, { serverAssignor: 'x' }],
    'a bad expression': ['a', 1, { subscribedTopicRegex: '[' }],
  };
  for (const [what, [memberId, epoch, rest]] of Object.entries(cases)) {
    // Another member with this instance id would change the groups that have no static member.
    if (/stranger under the same instance$/.test(what) && groupId !== 'c.static') continue;
    yield beat(`${groupId}, ${what}`, groupId, memberId, epoch, rest, rest.subscribedTopicRegex ? once : {});
  }
}

const classicSubscription = Buffer.from([0, 0, 0, 0, 0, 1, 0, 4, ...Buffer.from('full'), 255, 255, 255, 255]);

/** Requests of the classic protocol that do not change a member. */
function* classicRequests(groupId) {
  const join = (what, rest) => ({
    ...once,
    id: `JoinGroup: ${groupId}, ${what}`,
    api: 'JoinGroup',
    body: () => ({
      groupId,
      sessionTimeoutMs: 45_000,
      rebalanceTimeoutMs,
      memberId: '',
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: classicSubscription }],
      ...rest,
    }),
  });
  if (groupId !== 'c.left' && groupId !== 'c.nothing') {
    yield join('type connect', { protocolType: 'connect' });
    yield join('no protocols', { protocols: [] });
    const unreadable = join('unreadable metadata', {
      protocols: [{ name: 'range', metadata: Buffer.from([9]) }],
    });
    yield { ...unreadable, skip: ['memberId'] };
    yield join('an unknown member', { memberId: 'x' });
    yield join('a member of the other protocol', { memberId: 'a' });
    yield join('a short session', { sessionTimeoutMs: 1 });
  }
  for (const memberId of ['', 'x', 'a']) {
    for (const generationId of [-1, 1, 2]) {
      const id = `${groupId}, '${memberId}' of generation ${generationId}`;
      yield {
        id: `Heartbeat: ${id}`,
        api: 'Heartbeat',
        body: () => ({ groupId, generationId, memberId }),
      };
      yield {
        id: `SyncGroup: ${id}`,
        api: 'SyncGroup',
        body: (version) => ({
          groupId,
          generationId,
          memberId,
          ...(version >= 5 ? { protocolType: 'consumer', protocolName: 'range' } : {}),
          assignments: [],
        }),
      };
    }
  }
  for (const [what, member] of [
    ['a stranger', { memberId: 'x', groupInstanceId: null }],
    ['another instance', { memberId: '', groupInstanceId: 'j' }],
    ['a stranger under the instance', { memberId: 'x', groupInstanceId: 'i' }],
  ]) {
    yield {
      id: `LeaveGroup: ${groupId}, ${what}`,
      api: 'LeaveGroup',
      versions: (version) => version >= 3,
      body: () => ({ groupId, members: [member] }),
    };
  }
}

function* offsets(groupId) {
  const topic = (version, side, rest, name = 'full') =>
    version >= 10 ? { topicId: side.topicIds.get(name) ?? absentId, ...rest } : { name, ...rest };
  for (const memberId of ['', 'x', 'a', 'b']) {
    for (const epoch of [-1, 0, 1, 2, 3]) {
      for (const index of [0, 1]) {
        const partitions = [{ partitionIndex: index, committedOffset: 3, committedMetadata: 'm' }];
        yield {
          id: `OffsetCommit: ${groupId}, '${memberId}' of epoch ${epoch} for ${index}`,
          api: 'OffsetCommit',
          versions: (version) => version >= 8,
          body: (version, side) => ({
            groupId,
            generationIdOrMemberEpoch: epoch,
            memberId,
            topics: [topic(version, side, { partitions })],
          }),
        };
      }
      yield {
        id: `OffsetFetch: ${groupId}, '${memberId}' of epoch ${epoch}`,
        api: 'OffsetFetch',
        versions: (version) => version >= 8,
        body: (version, side) => ({
          groups: [
            {
              groupId,
              ...(version >= 9 ? { memberId, memberEpoch: epoch } : {}),
              topics: ['full', 'absent'].map((name) =>
                topic(version, side, { partitionIndexes: [0, 1, 9] }, name),
              ),
            },
          ],
        }),
      };
    }
  }
  for (const [name, partitionIndex] of [
    ['full', 0],
    ['empty', 0],
    ['absent', 0],
  ]) {
    yield {
      id: `OffsetDelete: ${groupId}, ${name}`,
      api: 'OffsetDelete',
      body: () => ({ groupId, topics: [{ name, partitions: [{ partitionIndex }] }] }),
    };
  }
}

function* looks(groupId, when) {
  yield { ...described(groupId), id: `ConsumerGroupDescribe: ${groupId} ${when}` };
  yield { ...one(groupId), id: `DescribeGroups: ${groupId} ${when}` };
}

/** The state of the group "both" differs, as `ConsumerGroupDescribe: both` shows; all other groups must be alike. */
const withoutBoth = (response) =>
  Array.isArray(response?.groups)
    ? { ...response, groups: response.groups.filter(({ groupId }) => groupId !== 'both') }
    : response;

function* lists() {
  for (const typesFilter of [[], ['consumer'], ['classic'], ['CONSUMER'], ['share'], ['x']]) {
    for (const statesFilter of [[], ['Stable'], ['Reconciling', 'Assigning'], ['empty']]) {
      yield {
        id: `ListGroups: of consumers, ${shown(typesFilter)}, ${shown(statesFilter)}`,
        api: 'ListGroups',
        versions: (version) => version >= 5,
        body: () => ({ statesFilter, typesFilter }),
        compared: withoutBoth,
      };
    }
  }
}

/**
 * A new static member takes the place of the one of `c.away`, which has left for a while, and of the one of `c.static`, which
 * has not. Members of the other groups change their topics, give up partitions or leave.
 */
function* endings() {
  const back = { ...joining, instanceId: 'i' };
  yield beat('c.away, back', 'c.away', 'a2', 0, back, once);
  yield beat('c.away, the old id', 'c.away', 'a', 1, { instanceId: 'i' }, once);
  yield beat('c.away, the new id', 'c.away', 'a2', 1, { instanceId: 'i', owned: [['full', 0, 1]] }, once);
  yield beat('c.static, back too soon', 'c.static', 'a2', 0, back, once);
  yield beat('c.stable, as it is', 'c.stable', 'a', 1, {}, once);
  yield beat('c.stable, other topics', 'c.stable', 'a', 1, { subscribedTopicNames: ['empty'] }, once);
  yield beat('c.stable, gave up', 'c.stable', 'a', 1, { owned: [] }, once);
  yield beat('c.stable, the epoch before', 'c.stable', 'a', 1, { owned: [] }, once);
  yield beat('c.two, a leaves', 'c.two', 'a', -1, {}, once);
  yield beat('c.two, b gets all', 'c.two', 'b', 2, {}, once);
  yield beat('c.revoking, b goes before it had any', 'c.revoking', 'b', -1, {}, once);
  yield beat(
    'c.revoking, a keeps what it was to give up',
    'c.revoking',
    'a',
    1,
    { owned: [['full', 0, 1]] },
    once,
  );
  for (const groupId of Object.keys(groups)) yield* looks(groupId, 'later');
  for (const groupId of Object.keys(groups))
    yield { ...deleteGroup(groupId), id: `DeleteGroups: ${groupId}` };
}

export function* consumerGroupStateQuestions() {
  yield* firstHeartbeats();
  yield* firstExpressions();
  yield* oddGroups();
  yield* members();
  for (const groupId of Object.keys(groups)) {
    yield* looks(groupId, 'in its state');
    yield* heartbeats(groupId);
    yield* classicRequests(groupId);
    yield* offsets(groupId);
    yield* looks(groupId, 'after that');
  }
  yield* lists();
  yield* endings();
}
