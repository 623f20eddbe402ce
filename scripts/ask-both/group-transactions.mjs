/**
 * TxnOffsetCommit within an open transaction: to groups of both protocols in every state, from different members, with
 * different generations or epochs.
 */
import { absentId } from './setup.mjs';

const minutes = 60_000;
const setup = { always: true, ignore: true, once: true };
/** A subscription to the topic `full` as consumers encode it. */
const subscription = Buffer.concat([
  Buffer.from([0, 0, 0, 0, 0, 1, 0, 4]),
  Buffer.from('full'),
  Buffer.from([255, 255, 255, 255]),
]);

/**
 * For each group, how its members are made: [kind of member, member id or the name under which the id from the broker is kept,
 * instance id].
 */
const groups = {
  'txn.never': [],
  'txn.classic': [['classic', 'txn.classic']],
  'txn.classic.static': [['classic', 'txn.classic.static', 'instance']],
  'txn.classic.left': [['classic', 'txn.classic.left'], ['leaves']],
  'txn.consumer': [
    ['consumer', 'first'],
    ['consumer', 'second'],
  ],
  'txn.consumer.static': [['consumer', 'first', 'instance']],
  'txn.consumer.left': [['consumer', 'first'], ['consumer leaves']],
  'txn.mixed': [
    ['consumer', 'first'],
    ['classic', 'txn.mixed'],
  ],
};

const id = (name) => ({ ...setup, id: `setup: ${name}` });

function pause(name) {
  return {
    ...id(name),
    api: 'FindCoordinator',
    body: async () => {
      await new Promise((resolve) => setTimeout(resolve, 1100));
      return { keyType: 1, coordinatorKeys: ['t'] };
    },
  };
}

function* classicMember(groupId, kept, groupInstanceId = null) {
  for (const step of ['id', 'join']) {
    yield {
      ...id(`${groupId} ${step}`),
      api: 'JoinGroup',
      body: (_version, side) => ({
        groupId,
        sessionTimeoutMs: 25 * minutes,
        rebalanceTimeoutMs: 25 * minutes,
        memberId: side.kept[kept] ?? '',
        groupInstanceId,
        protocolType: 'consumer',
        protocols: [{ name: 'range', metadata: subscription }],
      }),
      keep({ memberId, generationId }, side) {
        side.kept[kept] = memberId;
        side.kept[`${kept} generation`] = { generationId };
      },
    };
  }
  yield {
    ...id(`${groupId} sync`),
    api: 'SyncGroup',
    body: (_version, side) => ({
      groupId,
      ...side.kept[`${kept} generation`],
      memberId: side.kept[kept],
      groupInstanceId,
      protocolType: 'consumer',
      protocolName: 'range',
      assignments: [],
    }),
  };
}

const partitionsOf = (side, groupId, memberId) => side.kept[`${groupId} ${memberId} partitions`] ?? [];

/** A heartbeat. The first one joins; each later one reports the partitions that the response before it assigned. */
function beat(groupId, memberId, what, change = {}) {
  return {
    ...id(`${groupId} ${memberId} ${what}`),
    api: 'ConsumerGroupHeartbeat',
    body(_version, side) {
      const memberEpoch = side.kept[`${groupId} ${memberId}`]?.memberEpoch ?? 0;
      const topicPartitions = partitionsOf(side, groupId, memberId);
      const subscribed = { subscribedTopicNames: ['full'], rebalanceTimeoutMs: 25 * minutes };
      return {
        groupId,
        memberId,
        memberEpoch,
        ...(memberEpoch === 0 ? subscribed : {}),
        topicPartitions,
        ...change,
      };
    },
    keep({ errorCode, memberEpoch, assignment }, side) {
      if (errorCode !== 0) return;
      side.kept[`${groupId} ${memberId}`] = { memberEpoch };
      if (assignment !== null)
        side.kept[`${groupId} ${memberId} partitions`] = assignment.topicPartitions.map(
          ({ topicId, partitions }) => ({ topicId, partitions }),
        );
    },
  };
}

function* membersOf(groupId, members) {
  /** The members of the consumer protocol, each with the other fields of its heartbeats. */
  const beating = [];
  for (const [kind, name, instance = null] of members) {
    if (kind === 'classic') yield* classicMember(groupId, name, instance);
    if (kind === 'leaves') {
      yield {
        ...id(`${groupId} leaves`),
        api: 'LeaveGroup',
        body: (_version, side) => ({ groupId, members: [{ memberId: side.kept[groupId] }] }),
      };
    }
    if (kind === 'consumer') {
      beating.push([name, { instanceId: instance }]);
      yield beat(groupId, name, 'joins', { instanceId: instance });
    }
    if (kind === 'consumer leaves') yield beat(groupId, 'first', 'leaves', { memberEpoch: -1 });
  }
  // Brokers compute at most one assignment a second. After it, the first member revokes the partitions that the other one gets.
  for (const round of beating.length > 0 ? [1, 2, 3] : []) {
    yield pause(`${groupId} round ${round}`);
    for (const [member, change] of beating) yield beat(groupId, member, `round ${round}`, change);
  }
}

function* transactionOf(groupId) {
  yield {
    ...id(`${groupId} producer`),
    api: 'InitProducerId',
    versions: (version) => version === 5,
    once: false,
    body: () => ({ transactionalId: groupId, transactionTimeoutMs: 15 * minutes }),
    keep({ producerId, producerEpoch }, side) {
      side.kept[`${groupId} producer`] = { producerId, producerEpoch };
    },
  };
  yield {
    ...id(`${groupId} offsets`),
    api: 'AddOffsetsToTxn',
    versions: (version) => version === 3,
    once: false,
    body: (_version, side) => ({ transactionalId: groupId, groupId, ...side.kept[`${groupId} producer`] }),
  };
}

const askers = (groupId, instance) => [
  ['nobody', () => '', null],
  ['a stranger', () => 'm', null],
  ['the member', (side) => side.kept[groupId] ?? 'first', null],
  ['the first', () => 'first', null],
  ['the member as instance', (side) => side.kept[groupId] ?? 'first', instance ?? 'instance'],
  ['another instance', (side) => side.kept[groupId] ?? 'first', 'other'],
  ['a stranger as instance', () => 'm', instance ?? 'instance'],
];

const partitionSets = {
  'full-0': [['full', [0]]],
  'full-1': [['full', [1]]],
  'two of full': [['full', [0, 1]]],
  'an absent topic': [
    ['full', [0]],
    ['absent', [0]],
  ],
};

function* commits(groupId, instance) {
  for (const [who, memberId, groupInstanceId] of askers(groupId, instance)) {
    for (const generation of [-2, -1, 0, 1, 2, 3, 9]) {
      for (const [what, topics] of Object.entries(partitionSets)) {
        if (what !== 'full-0' && (groupId !== 'txn.consumer' || who !== 'the first')) continue;
        const name = `${groupId}, ${who}, generation ${generation}, ${what}`;
        const partitions = (numbers, rest) => numbers.map((partitionIndex) => ({ partitionIndex, ...rest }));
        const offset = { committedOffset: 3, committedMetadata: 'm' };
        const member = (side) => ({ memberId: memberId(side), groupInstanceId });
        yield {
          id: `TxnOffsetCommit: ${name}`,
          api: 'TxnOffsetCommit',
          versions: (version) => version >= 3 || (who === 'nobody' && generation === -1),
          body: (version, side) => ({
            transactionalId: groupId,
            groupId,
            ...side.kept[`${groupId} producer`],
            ...(version >= 3 ? { generationId: generation, ...member(side) } : {}),
            topics: topics.map(([topic, numbers]) => ({
              name: topic,
              partitions: partitions(numbers, offset),
            })),
          }),
        };
        yield {
          id: `OffsetCommit: ${name}`,
          api: 'OffsetCommit',
          versions: (version) => version >= 8,
          body: (version, side) => ({
            groupId,
            generationIdOrMemberEpoch: generation,
            ...member(side),
            topics: topics.map(([topic, numbers]) => ({
              ...(version >= 10 ? { topicId: side.topicIds.get(topic) ?? absentId } : { name: topic }),
              partitions: partitions(numbers, offset),
            })),
          }),
        };
      }
    }
  }
}

export function* groupTransactionQuestions() {
  // Both systems create their topic of transactions when a coordinator is asked for the first time.
  for (const tries of [1, 2, 3]) yield pause(`coordinator of group transactions ${tries}`);
  for (const [groupId, members] of Object.entries(groups)) {
    yield* membersOf(groupId, members);
    yield* transactionOf(groupId);
  }
  for (const groupId of Object.keys(groups)) {
    yield {
      id: `ConsumerGroupDescribe: ${groupId}`,
      api: 'ConsumerGroupDescribe',
      skip: ['memberId'],
      body: () => ({ groupIds: [groupId], includeAuthorizedOperations: false }),
    };
    yield* commits(groupId, groupId.endsWith('static') ? 'instance' : null);
  }
}
