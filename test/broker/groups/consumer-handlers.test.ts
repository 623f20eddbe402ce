/** Consumer groups (KIP-848): requests through the whole pipeline. */
import { beforeEach, describe, expect, test } from 'vitest';
import { defined } from '../../../src/base/assert.ts';
import type { GroupService } from '../../../src/broker/groups/group-service.ts';
import { record } from '../../../src/metadata/records.ts';
import { errorOf } from '../../../src/protocol/errors.ts';
import {
  OffsetCommitRequest,
  OffsetCommitResponse,
} from '../../../src/protocol/messages/groups/08-offset-commit.ts';
import {
  OffsetFetchRequest,
  OffsetFetchResponse,
} from '../../../src/protocol/messages/groups/09-offset-fetch.ts';
import {
  DescribeGroupsRequest,
  DescribeGroupsResponse,
} from '../../../src/protocol/messages/groups/15-describe-groups.ts';
import {
  ListGroupsRequest,
  ListGroupsResponse,
} from '../../../src/protocol/messages/groups/16-list-groups.ts';
import {
  DeleteGroupsRequest,
  DeleteGroupsResponse,
} from '../../../src/protocol/messages/groups/42-delete-groups.ts';
import {
  ConsumerGroupHeartbeatRequest,
  ConsumerGroupHeartbeatResponse,
} from '../../../src/protocol/messages/groups/68-consumer-group-heartbeat.ts';
import {
  ConsumerGroupDescribeRequest,
  ConsumerGroupDescribeResponse,
} from '../../../src/protocol/messages/groups/69-consumer-group-describe.ts';
import { idA, topicRecords } from '../harness.ts';
import { GroupBroker } from './group-broker.ts';

const name = (code: number) => errorOf(code).name;
const groupVersion = (featureLevel: number) =>
  record('FeatureLevelRecord', { name: 'group.version', featureLevel });

let world: GroupBroker;

async function start(more = ''): Promise<void> {
  world = new GroupBroker(more);
  world.broker.apply([groupVersion(1)]);
  await world.lead();
}

async function beat(body: Partial<ConsumerGroupHeartbeatRequest>) {
  const { broker } = world;
  const answer = await broker.inject(ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse, 1, {
    groupId: 'g',
    memberId: 'm',
    memberEpoch: 0,
    ...body,
  });
  return defined(answer);
}

function join(memberId = 'm') {
  return beat({ memberId, rebalanceTimeoutMs: 60_000, subscribedTopicNames: ['t'], topicPartitions: [] });
}

async function commit(memberId: string, generationIdOrMemberEpoch: number, version: number) {
  const answer = await world.broker.inject(OffsetCommitRequest, OffsetCommitResponse, version, {
    groupId: 'g',
    memberId,
    generationIdOrMemberEpoch,
    topics: [
      {
        name: 't',
        topicId: idA,
        partitions: [
          { partitionIndex: 0, committedOffset: 7, committedLeaderEpoch: 0, committedMetadata: '' },
        ],
      },
    ],
  });
  return name(defined(defined(answer).topics[0]?.partitions[0]).errorCode);
}

beforeEach(() => start());

test('a member joins and is assigned topics by id', async () => {
  expect(await join()).toMatchObject({
    errorCode: 0,
    memberId: 'm',
    memberEpoch: 2,
    heartbeatIntervalMs: 5_000,
    assignment: { topicPartitions: [{ topicId: idA, partitions: [0, 1] }] },
  });
});

describe('ConsumerGroupHeartbeat is refused with UNSUPPORTED_VERSION', () => {
  test('while group.version is 0', async () => {
    world.broker.apply([groupVersion(0)]);
    expect(name((await join()).errorCode)).toBe('UNSUPPORTED_VERSION');
    const described = await world.broker.inject(
      ConsumerGroupDescribeRequest,
      ConsumerGroupDescribeResponse,
      1,
      {
        groupIds: ['g'],
        includeAuthorizedOperations: false,
      },
    );
    expect(name(defined(described?.groups[0]).errorCode)).toBe('UNSUPPORTED_VERSION');
  });

  test('when the broker does not offer the protocol', async () => {
    await start('group.coordinator.rebalance.protocols=classic\n');
    expect(name((await join()).errorCode)).toBe('UNSUPPORTED_VERSION');
  });
});

test('ConsumerGroupDescribe shows epochs, both assignments and the protocol of each member', async () => {
  await join();
  const answer = await world.broker.inject(ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse, 1, {
    groupIds: ['g', 'none', ''],
    includeAuthorizedOperations: true,
  });
  const topicPartitions = [{ topicId: idA, topicName: 't', partitions: [0, 1] }];
  expect(answer?.groups).toMatchObject([
    {
      errorCode: 0,
      groupId: 'g',
      groupState: 'Stable',
      groupEpoch: 2,
      assignmentEpoch: 2,
      assignorName: 'uniform',
      authorizedOperations: 3400,
      members: [
        {
          memberId: 'm',
          memberEpoch: 2,
          subscribedTopicNames: ['t'],
          assignment: { topicPartitions },
          targetAssignment: { topicPartitions },
          memberType: 1,
        },
      ],
    },
    { groupId: 'none', errorMessage: 'Group none not found.' },
    { groupId: '' },
  ]);
  expect(answer?.groups.map(({ errorCode }) => name(errorCode))).toEqual([
    'NONE',
    'GROUP_ID_NOT_FOUND',
    'INVALID_GROUP_ID',
  ]);
});

test('ListGroups, DescribeGroups and DeleteGroups treat the group as a consumer group', async () => {
  await join();
  const listed = await world.broker.inject(ListGroupsRequest, ListGroupsResponse, 5, {
    statesFilter: [],
    typesFilter: ['Consumer'],
  });
  expect(listed?.groups).toEqual([
    { groupId: 'g', protocolType: 'consumer', groupState: 'Stable', groupType: 'consumer' },
  ]);
  const described = await world.broker.inject(DescribeGroupsRequest, DescribeGroupsResponse, 6, {
    groups: ['g'],
    includeAuthorizedOperations: false,
  });
  expect(described?.groups[0]).toMatchObject({
    groupState: 'Dead',
    errorMessage: 'Group g is not a classic group.',
  });
  const { results } = defined(
    await world.broker.inject(DeleteGroupsRequest, DeleteGroupsResponse, 2, { groupsNames: ['g'] }),
  );
  expect(name(defined(results[0]).errorCode)).toBe('NON_EMPTY_GROUP');
});

test('an empty group is deleted with all its records', async () => {
  await join();
  await commit('m', 2, 9);
  await beat({ memberEpoch: -1 });
  const { results } = defined(
    await world.broker.inject(DeleteGroupsRequest, DeleteGroupsResponse, 2, { groupsNames: ['g'] }),
  );
  expect(name(defined(results[0]).errorCode)).toBe('NONE');
  expect(name((await beat({ memberEpoch: 2 })).errorCode)).toBe('GROUP_ID_NOT_FOUND');
});

describe('offsets of a consumer group', () => {
  test.each([9, 10])('are committed by member epoch, v%i', async (version) => {
    await join();
    expect(await commit('m', 2, version)).toBe('NONE');
    expect(await commit('m', 3, version)).toBe('STALE_MEMBER_EPOCH');
    expect(await commit('m', 1, version)).toBe('STALE_MEMBER_EPOCH');
    expect(await commit('x', 1, version)).toBe('UNKNOWN_MEMBER_ID');
    expect(await commit('', -1, version)).toBe('UNKNOWN_MEMBER_ID');
  });

  test('cannot be committed by members before v9', async () => {
    await join();
    expect(await commit('m', 1, 8)).toBe('UNSUPPORTED_VERSION');
  });

  test('can be committed with the previous member epoch for partitions that the member has held since', async () => {
    await join();
    world.broker.apply(topicRecords('t2', 'AAAAAAAAAAAAAAAAAAABDA', 1));
    const response = await beat({
      memberEpoch: 2,
      subscribedTopicNames: ['t', 't2'],
      topicPartitions: [{ topicId: idA, partitions: [0, 1] }],
    });
    await world.broker.time.advance(2_000);
    const { memberEpoch } = await beat({ memberEpoch: response.memberEpoch });
    expect(memberEpoch).toBe(3);
    expect(await commit('m', 2, 9)).toBe('NONE');
  });

  test('can be fetched by a member with its epoch, and without member id and epoch', async () => {
    await join();
    await commit('m', 2, 9);
    const fetch = async (memberId: string | null, memberEpoch: number) => {
      const answer = await world.broker.inject(OffsetFetchRequest, OffsetFetchResponse, 9, {
        groups: [{ groupId: 'g', memberId, memberEpoch, topics: [{ name: 't', partitionIndexes: [0] }] }],
      });
      const group = defined(answer?.groups[0]);
      return group.errorCode === 0 ? group.topics[0]?.partitions[0]?.committedOffset : name(group.errorCode);
    };
    expect(await fetch('m', 2)).toBe(7);
    expect(await fetch(null, -1)).toBe(7);
    expect(await fetch('m', 0)).toBe('STALE_MEMBER_EPOCH');
    expect(await fetch('x', 1)).toBe('UNKNOWN_MEMBER_ID');
  });
});

test("configurations of a group override those of the broker, within the broker's limits", async () => {
  const set = (key: string, value: string) =>
    world.broker.apply([record('ConfigRecord', { resourceType: 32, resourceName: 'g', name: key, value })]);
  set('consumer.heartbeat.interval.ms', '7000');
  expect((await join()).heartbeatIntervalMs).toBe(7_000);
  set('consumer.heartbeat.interval.ms', '20000');
  expect((await join()).heartbeatIntervalMs).toBe(15_000);
});

test('a coordinator that takes over restores the group', async () => {
  await join();
  const partition = defined(world.groups.partitionOf('g', world.broker.image));
  await world.changeLeader(partition, false);
  await world.changeLeader(partition, true);
  const groups: GroupService = world.groups;
  expect(groups.list([], [])).toHaveLength(1);
  expect(await beat({ memberEpoch: 2 })).toMatchObject({ errorCode: 0, memberEpoch: 2 });
});
