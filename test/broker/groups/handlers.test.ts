/** Classic groups: requests through the whole pipeline as bytes, in the lowest and the highest versions. */
import { beforeEach, describe, expect, test } from 'vitest';
import { GroupService } from '../../../src/broker/groups/group-service.ts';
import { coordinatorPartition } from '../../../src/coordinator/coordinator-partition.ts';
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
  FindCoordinatorRequest,
  FindCoordinatorResponse,
} from '../../../src/protocol/messages/groups/10-find-coordinator.ts';
import { JoinGroupRequest, JoinGroupResponse } from '../../../src/protocol/messages/groups/11-join-group.ts';
import { HeartbeatRequest, HeartbeatResponse } from '../../../src/protocol/messages/groups/12-heartbeat.ts';
import {
  LeaveGroupRequest,
  LeaveGroupResponse,
} from '../../../src/protocol/messages/groups/13-leave-group.ts';
import { SyncGroupRequest, SyncGroupResponse } from '../../../src/protocol/messages/groups/14-sync-group.ts';
import {
  DescribeGroupsRequest,
  DescribeGroupsResponse,
} from '../../../src/protocol/messages/groups/15-describe-groups.ts';
import {
  ListGroupsRequest,
  ListGroupsResponse,
} from '../../../src/protocol/messages/groups/16-list-groups.ts';
import {
  CreateTopicsRequest,
  CreateTopicsResponse,
} from '../../../src/protocol/messages/topics/19-create-topics.ts';
import {
  DeleteGroupsRequest,
  DeleteGroupsResponse,
} from '../../../src/protocol/messages/groups/42-delete-groups.ts';
import {
  OffsetDeleteRequest,
  OffsetDeleteResponse,
} from '../../../src/protocol/messages/groups/47-offset-delete.ts';
import { idA } from '../harness.ts';
import { GroupBroker, partitionCount } from './group-broker.ts';

const name = (code: number) => errorOf(code).name;

const commitBody = {
  groupId: 'g',
  generationIdOrMemberEpoch: -1,
  memberId: '',
  topics: [
    {
      name: 't',
      topicId: idA,
      partitions: [
        { partitionIndex: 0, committedOffset: 5, committedLeaderEpoch: 2, committedMetadata: 'm' },
      ],
    },
  ],
};

/** The only member of a group joins. From v4 on it first gets its id. */
async function joinAlone({ broker }: GroupBroker, version: number): Promise<JoinGroupResponse> {
  const join = {
    groupId: 'g',
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 10_000,
    memberId: '',
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: Uint8Array.of(1) }],
  };
  let memberId = '';
  if (version >= 4) {
    const id = await broker.inject(JoinGroupRequest, JoinGroupResponse, version, join);
    expect(name(id.errorCode)).toBe('MEMBER_ID_REQUIRED');
    memberId = id.memberId;
  }
  const waiting = broker.inject(JoinGroupRequest, JoinGroupResponse, version, { ...join, memberId });
  await broker.time.advance(1);
  return waiting;
}

describe('group requests through the pipeline', () => {
  let world: GroupBroker;
  beforeEach(() => {
    world = new GroupBroker();
  });

  test.each([0, 1, 3, 4, 6])(
    'FindCoordinator v%i creates the internal topic, then names the leader of the partition',
    async (version) => {
      const { broker } = world;
      broker.controller.on(CreateTopicsRequest, CreateTopicsResponse, () => ({ topics: [] }));
      const body = version < 4 ? { key: 'g' } : { keyType: 0, coordinatorKeys: ['g'] };
      const ask = () => broker.inject(FindCoordinatorRequest, FindCoordinatorResponse, version, body);
      const before = await ask();
      expect(name(version < 4 ? before.errorCode : (before.coordinators[0]?.errorCode ?? 0))).toBe(
        'COORDINATOR_NOT_AVAILABLE',
      );
      expect(broker.controller.requests.map(({ apiKey }) => apiKey)).toEqual([CreateTopicsRequest.key]);
      await world.lead();
      const after = await ask();
      const found = version < 4 ? after : after.coordinators[0];
      expect(found).toMatchObject({ errorCode: 0, nodeId: 1, host: 'host1', port: 9091 });
    },
  );

  test('FindCoordinator refuses unknown key types and keys', async () => {
    const ask = async (keyType: number, key = 'k') => {
      const body = { keyType, coordinatorKeys: [key] };
      const answer = await world.broker.inject(FindCoordinatorRequest, FindCoordinatorResponse, 6, body);
      return name(answer.coordinators[0]?.errorCode ?? 0);
    };
    expect([await ask(1), await ask(2), await ask(2, `g:${idA}:0`), await ask(9)]).toEqual([
      'UNSUPPORTED_VERSION',
      'INVALID_REQUEST',
      'COORDINATOR_NOT_AVAILABLE',
      'INVALID_REQUEST',
    ]);
  });

  test.each([2, 5, 8, 9, 10])(
    'OffsetCommit v%i commits offsets that OffsetFetch of the same Kafka release returns',
    async (version) => {
      await world.lead();
      const { broker } = world;
      const committed = await broker.inject(OffsetCommitRequest, OffsetCommitResponse, version, commitBody);
      expect(committed.topics[0]?.partitions).toEqual([{ partitionIndex: 0, errorCode: 0 }]);
      const topics = [{ name: 't', topicId: idA, partitionIndexes: [0, 1] }];
      const expected = [
        { partitionIndex: 0, committedOffset: 5, metadata: 'm', errorCode: 0 },
        { partitionIndex: 1, committedOffset: -1, metadata: '', errorCode: 0 },
      ];
      if (version < 8) {
        const body = { groupId: 'g', topics: topics.map(({ topicId: _, ...rest }) => rest) };
        const answer = await broker.inject(OffsetFetchRequest, OffsetFetchResponse, version - 1, body);
        expect(answer.topics[0]?.partitions).toMatchObject(expected);
      } else {
        const body = {
          groups: [
            { groupId: 'g', topics },
            { groupId: 'nobody', topics: null },
          ],
        };
        const answer = await broker.inject(OffsetFetchRequest, OffsetFetchResponse, version, body);
        expect(answer.groups[0]?.topics[0]?.partitions).toMatchObject(expected);
        expect(answer.groups[1]).toMatchObject({ groupId: 'nobody', errorCode: 0, topics: [] });
      }
    },
  );

  test.each([2, 9, 10])('OffsetCommit v%i refuses only the partitions that do not exist', async (version) => {
    await world.lead();
    const topic = commitBody.topics[0] as (typeof commitBody.topics)[number];
    const partitions = [99, 0, -1].map((partitionIndex) => ({
      ...topic.partitions[0],
      partitionIndex,
      committedOffset: 5,
      committedMetadata: 'm',
    }));
    const body = { ...commitBody, topics: [{ ...topic, partitions }] };
    const answer = await world.broker.inject(OffsetCommitRequest, OffsetCommitResponse, version, body);
    expect(answer.topics[0]?.partitions.map((one) => [one.partitionIndex, name(one.errorCode)])).toEqual([
      [99, 'UNKNOWN_TOPIC_OR_PARTITION'],
      [0, 'NONE'],
      [-1, 'UNKNOWN_TOPIC_OR_PARTITION'],
    ]);
  });

  test('OffsetCommit and OffsetFetch refuse only the topics that do not exist, by name and by id', async () => {
    await world.lead();
    const topic = commitBody.topics[0] as (typeof commitBody.topics)[number];
    const ghost = { ...topic, name: 'ghost', topicId: 'AAAAAAAAAAAAAAAAAAAZZQ' };
    const body = { ...commitBody, topics: [ghost, topic] };
    const byName = await world.broker.inject(OffsetCommitRequest, OffsetCommitResponse, 9, body);
    expect(byName.topics.map((t) => [t.name, name(t.partitions[0]?.errorCode ?? 0)])).toEqual([
      ['ghost', 'UNKNOWN_TOPIC_OR_PARTITION'],
      ['t', 'NONE'],
    ]);
    const byId = await world.broker.inject(OffsetCommitRequest, OffsetCommitResponse, 10, body);
    expect(byId.topics.map((t) => name(t.partitions[0]?.errorCode ?? 0))).toEqual([
      'UNKNOWN_TOPIC_ID',
      'NONE',
    ]);
    const all = await world.broker.inject(OffsetFetchRequest, OffsetFetchResponse, 10, {
      groups: [
        { groupId: 'g', topics: null },
        { groupId: 'g', topics: [{ topicId: ghost.topicId, partitionIndexes: [0] }] },
      ],
    });
    expect(all.groups[0]?.topics.map((t) => t.topicId)).toEqual([idA]);
    expect(name(all.groups[1]?.topics[0]?.partitions[0]?.errorCode ?? 0)).toBe('UNKNOWN_TOPIC_ID');
  });

  test.each([0, 5, 9])(
    'a member joins, syncs, sends heartbeats and leaves (JoinGroup v%i)',
    async (version) => {
      await world.lead();
      const { broker } = world;
      const joined = await joinAlone(world, version);
      expect(joined).toMatchObject({
        errorCode: 0,
        generationId: 1,
        leader: joined.memberId,
        protocolName: 'range',
      });
      const member = { groupId: 'g', generationId: 1, memberId: joined.memberId };
      const sync = {
        ...member,
        protocolType: 'consumer',
        protocolName: 'range',
        assignments: [{ memberId: joined.memberId, assignment: Uint8Array.of(7) }],
      };
      const synced = await broker.inject(SyncGroupRequest, SyncGroupResponse, 5, sync);
      expect([synced.errorCode, [...synced.assignment]]).toEqual([0, [7]]);
      expect(name((await broker.inject(HeartbeatRequest, HeartbeatResponse, 4, member)).errorCode)).toBe(
        'NONE',
      );
      const described = await broker.inject(DescribeGroupsRequest, DescribeGroupsResponse, 6, {
        groups: ['g'],
        includeAuthorizedOperations: true,
      });
      expect(described.groups[0]).toMatchObject({
        groupState: 'Stable',
        protocolData: 'range',
        authorizedOperations: 3400,
      });
      expect(described.groups[0]?.members[0]).toMatchObject({ clientId: 'test', clientHost: '/10.0.0.9' });
      const left = await broker.inject(LeaveGroupRequest, LeaveGroupResponse, 2, {
        groupId: 'g',
        memberId: joined.memberId,
      });
      expect(left.errorCode).toBe(0);
      const listed = await broker.inject(ListGroupsRequest, ListGroupsResponse, 5, {
        statesFilter: ['empty'],
      });
      expect(listed.groups).toEqual([
        { groupId: 'g', protocolType: 'consumer', groupState: 'Empty', groupType: 'classic' },
      ]);
      const again = await broker.inject(LeaveGroupRequest, LeaveGroupResponse, 2, {
        groupId: 'g',
        memberId: 'ghost',
      });
      expect(name(again.errorCode)).toBe('UNKNOWN_MEMBER_ID');
    },
  );

  test('SyncGroup from v5 on must name the protocol of the group', async () => {
    await world.lead();
    const body = { groupId: 'g', generationId: 1, memberId: 'm', assignments: [] };
    const answer = await world.broker.inject(SyncGroupRequest, SyncGroupResponse, 5, body);
    expect(name(answer.errorCode)).toBe('INCONSISTENT_GROUP_PROTOCOL');
  });

  test('OffsetDelete deletes offsets and DeleteGroups groups; unknown ones are refused one by one', async () => {
    await world.lead();
    const { broker } = world;
    await broker.inject(OffsetCommitRequest, OffsetCommitResponse, 9, commitBody);
    const partitions = [{ partitionIndex: 0 }];
    const deleted = await broker.inject(OffsetDeleteRequest, OffsetDeleteResponse, 0, {
      groupId: 'g',
      topics: [
        { name: 't', partitions },
        { name: 'ghost', partitions },
      ],
    });
    expect(deleted.topics.map((t) => name(t.partitions[0]?.errorCode ?? 0))).toEqual([
      'NONE',
      'UNKNOWN_TOPIC_OR_PARTITION',
    ]);
    const groupsNames = ['g', '', 'nobody'];
    const answer = await broker.inject(DeleteGroupsRequest, DeleteGroupsResponse, 2, { groupsNames });
    expect(answer.results.map(({ errorCode }) => name(errorCode))).toEqual([
      'NONE',
      'GROUP_ID_NOT_FOUND',
      'GROUP_ID_NOT_FOUND',
    ]);
  });

  test('the group with the empty name, which commits can create, can be described and deleted', async () => {
    await world.lead();
    const { broker } = world;
    const body = { ...commitBody, groupId: '' };
    await broker.inject(OffsetCommitRequest, OffsetCommitResponse, 9, body);
    const { groups } = await broker.inject(DescribeGroupsRequest, DescribeGroupsResponse, 6, {
      groups: [''],
    });
    expect(groups).toMatchObject([{ errorCode: 0, groupId: '', groupState: 'Empty' }]);
    const { results } = await broker.inject(DeleteGroupsRequest, DeleteGroupsResponse, 2, {
      groupsNames: [''],
    });
    expect(results).toMatchObject([{ errorCode: 0, groupId: '' }]);
  });

  test('a coordinator that lost its partition answers each API with NOT_COORDINATOR; the next one has the group', async () => {
    await world.lead();
    const { broker } = world;
    await broker.inject(OffsetCommitRequest, OffsetCommitResponse, 9, commitBody);
    const index = coordinatorPartition('g', partitionCount);
    await world.changeLeader(index, false);
    const commit = await broker.inject(OffsetCommitRequest, OffsetCommitResponse, 9, commitBody);
    expect(name(commit.topics[0]?.partitions[0]?.errorCode ?? 0)).toBe('NOT_COORDINATOR');
    const [topic] = commitBody.topics;
    const mixed = { ...commitBody, topics: [{ ...topic, name: 'ghost' }, topic] } as typeof commitBody;
    const both = await broker.inject(OffsetCommitRequest, OffsetCommitResponse, 9, mixed);
    expect(both.topics.map((one) => name(one.partitions[0]?.errorCode ?? 0))).toEqual([
      'UNKNOWN_TOPIC_OR_PARTITION',
      'NOT_COORDINATOR',
    ]);
    const groups = [{ groupId: 'g', topics: null }];
    const fetched = await broker.inject(OffsetFetchRequest, OffsetFetchResponse, 9, { groups });
    expect(name(fetched.groups[0]?.errorCode ?? 0)).toBe('NOT_COORDINATOR');
    const one = { groupId: 'g', topics: [{ name: 't', partitionIndexes: [0] }] };
    const oldest = await broker.inject(OffsetFetchRequest, OffsetFetchResponse, 1, one);
    expect(name(oldest.topics[0]?.partitions[0]?.errorCode ?? 0)).toBe('NOT_COORDINATOR');
    const join = {
      groupId: 'g',
      sessionTimeoutMs: 10_000,
      memberId: '',
      protocolType: 'consumer',
      protocols: [],
    };
    for (const version of [0, 9])
      expect(name((await broker.inject(JoinGroupRequest, JoinGroupResponse, version, join)).errorCode)).toBe(
        'NOT_COORDINATOR',
      );
    const described = await broker.inject(DescribeGroupsRequest, DescribeGroupsResponse, 5, {
      groups: ['g'],
    });
    expect(name(described.groups[0]?.errorCode ?? 0)).toBe('NOT_COORDINATOR');
    const deleted = await broker.inject(DeleteGroupsRequest, DeleteGroupsResponse, 2, { groupsNames: ['g'] });
    expect(name(deleted.results[0]?.errorCode ?? 0)).toBe('NOT_COORDINATOR');
    expect((await broker.inject(ListGroupsRequest, ListGroupsResponse, 5, {})).groups).toEqual([]);
    await world.changeLeader(index, true);
    const again = await broker.inject(OffsetFetchRequest, OffsetFetchResponse, 9, { groups });
    expect(again.groups[0]?.topics[0]?.partitions[0]).toMatchObject({
      committedOffset: 5,
      committedLeaderEpoch: 2,
    });
  });

  test('the deletion of a topic deletes its committed offsets', async () => {
    await world.lead();
    await world.broker.inject(OffsetCommitRequest, OffsetCommitResponse, 9, commitBody);
    const { broker, groups } = world;
    const { image } = broker;
    const delta = {
      removedTopics: new Set([idA]),
      changedTopics: new Set(),
      before: image,
    } as unknown as Parameters<GroupService['onMetadataUpdate']>[0];
    groups.onMetadataUpdate(delta);
    await broker.time.advance(1);
    const answer = await broker.inject(OffsetFetchRequest, OffsetFetchResponse, 9, {
      groups: [{ groupId: 'g', topics: null }],
    });
    expect(answer.groups[0]?.topics).toEqual([]);
  });
});
