import { describe, expect, test } from 'vitest';
import { uuidZero } from '../../src/base/uuid.ts';
import { describeGroup, listGroups } from '../../src/group/describe.ts';
import { fetchOffsets } from '../../src/group/offsets.ts';
import type { OffsetDeleteResponse } from '../../src/group/types.ts';
import { Errors } from '../../src/protocol/errors.ts';
import { decode, encode } from '../../src/protocol/codec/codec.ts';
import { OffsetFetchResponse } from '../../src/protocol/messages/groups/09-offset-fetch.ts';
import { ConsumerProtocolSubscription } from '../../src/protocol/messages/stored/group-records.ts';
import { ConsumerWorld, idOf } from './consumer/harness.ts';
import { durable, errorName, replayed, World } from './harness.ts';

const day = 86_400_000;

function committed(world: World, topic = 't', partition = 0, groupId = 'g'): number | undefined {
  const topics = [{ name: topic, topicId: uuidZero, partitionIndexes: [partition] }];
  return fetchOffsets(world.shard, { groupId, topics }).topics[0]?.partitions[0]?.committedOffset;
}

/** The metadata of a consumer that subscribes to `topics`. */
function reads(...topics: string[]) {
  const body = encode(ConsumerProtocolSubscription, 1, { topics, userData: null, ownedPartitions: [] });
  const metadata = new Uint8Array(2 + body.length);
  metadata[1] = 1;
  metadata.set(body, 2);
  return { protocols: [{ name: 'range', metadata }] };
}

describe('OffsetCommit', () => {
  test('a commit without a member id creates an empty group', () => {
    const world = new World();
    world.autoWrite = false;
    const token = world.commit(42);
    expect(world.commitError(token)).toBeUndefined();
    expect(committed(world)).toBe(-1);
    world.written();
    expect(world.commitError(token)).toBe('NONE');
    expect(committed(world)).toBe(42);
    expect(describeGroup(world.shard, 'g', 6)).toMatchObject({
      groupState: 'Empty',
      protocolType: '',
      members: [],
    });
  });

  test('checks member id, generation and state of the group', () => {
    const world = new World();
    expect(world.commitError(world.commit(1, { generationIdOrMemberEpoch: 0 }, 8))).toBe(
      'ILLEGAL_GENERATION',
    );
    expect(world.commitError(world.commit(1, { generationIdOrMemberEpoch: 0 }, 9))).toBe(
      'GROUP_ID_NOT_FOUND',
    );
    const { ids, generation } = world.stable(2);
    const member = { memberId: ids[0] as string, generationIdOrMemberEpoch: generation };
    expect(world.commitError(world.commit(1))).toBe('UNKNOWN_MEMBER_ID');
    expect(world.commitError(world.commit(1, { ...member, memberId: 'ghost' }))).toBe('UNKNOWN_MEMBER_ID');
    expect(world.commitError(world.commit(1, { ...member, generationIdOrMemberEpoch: generation - 1 }))).toBe(
      'ILLEGAL_GENERATION',
    );
    expect(world.commitError(world.commit(1, member))).toBe('NONE');
    world.join({ memberId: ids[0] as string });
    expect(world.commitError(world.commit(2, member))).toBe('NONE');
    world.join({ memberId: ids[1] as string });
    const next = { ...member, generationIdOrMemberEpoch: generation + 1 };
    expect(world.commitError(world.commit(3, next))).toBe('REBALANCE_IN_PROGRESS');
    expect(committed(world)).toBe(2);
  });

  test.each([2 ** 63, 2 ** 60, -1, -2, -(2 ** 60), -(2 ** 63)])(
    'stores and returns any 64-bit offset: %d',
    (offset) => {
      const world = new World();
      const retentionTimeMs = offset > 0 ? offset : -1;
      expect(world.commitError(world.commit(offset, { retentionTimeMs }, 2))).toBe('NONE');
      expect(committed(world)).toBe(offset);
      world.failOver();
      expect(committed(world)).toBe(offset);
      const topics = [
        {
          name: 't',
          partitions: [{ partitionIndex: 0, committedOffset: offset, metadata: '', errorCode: 0 }],
        },
      ];
      const answer = encode(OffsetFetchResponse, 5, { topics });
      expect(decode(OffsetFetchResponse, 5, answer).topics[0]?.partitions[0]?.committedOffset).toBe(offset);
    },
  );

  test('too long metadata gets OFFSET_METADATA_TOO_LARGE', () => {
    const world = new World({ offsetMetadataMaxBytes: 3 });
    expect(world.commitError(world.commit(1, { metadata: 'long' }))).toBe('OFFSET_METADATA_TOO_LARGE');
    expect(world.commitError(world.commit(1, { metadata: 'fit' }))).toBe('NONE');
    expect(world.commitError(world.commit(2, { metadata: null }))).toBe('NONE');
    expect(fetchOffsets(world.shard, { groupId: 'g', topics: null }).topics[0]?.partitions[0]).toEqual({
      partitionIndex: 0,
      committedOffset: 2,
      committedLeaderEpoch: 3,
      metadata: '',
      errorCode: 0,
    });
  });

  test('a write that fails commits nothing', () => {
    const world = new World();
    world.autoWrite = false;
    const token = world.commit(1);
    world.failed(Errors.COORDINATOR_NOT_AVAILABLE);
    expect(world.commitError(token)).toBe('COORDINATOR_NOT_AVAILABLE');
    expect(committed(world)).toBe(-1);
  });

  test('an offset whose write timed out is committed when the write is replicated later', () => {
    const world = new World();
    world.autoWrite = false;
    const token = world.commit(1);
    const write = world.writes[0] as { id: number };
    world.step({ type: 'timedOut', writeId: write.id, error: Errors.COORDINATOR_NOT_AVAILABLE });
    expect(world.commitError(token)).toBe('COORDINATOR_NOT_AVAILABLE');
    world.written();
    expect(committed(world)).toBe(1);
  });

  test('a commit extends the session of its member', () => {
    const world = new World();
    const { ids, generation } = world.stable(1);
    for (let i = 0; i < 5; i++) {
      world.advance(9_000);
      const token = world.commit(i, { memberId: ids[0] as string, generationIdOrMemberEpoch: generation });
      expect(world.commitError(token)).toBe('NONE');
    }
  });
});

test('OffsetFetch returns no error and no offset for an unknown group or partition', () => {
  const world = new World();
  expect(committed(world)).toBe(-1);
  expect(fetchOffsets(world.shard, { groupId: 'nobody', topics: null }).topics).toEqual([]);
  world.commit(7);
  expect(committed(world, 't', 1)).toBe(-1);
});

describe('expiry', () => {
  test('a group without members: counts from the commit; the group is deleted with its last offset', () => {
    const world = new World({ offsetsRetentionMs: day });
    world.commit(1);
    world.advance(day / 2);
    world.commit(2, { partition: 1 });
    world.advance(day / 2 + 600_000);
    expect(committed(world, 't', 0)).toBe(-1);
    expect(committed(world, 't', 1)).toBe(2);
    world.advance(day / 2 + 600_000);
    expect(world.shard.groups.size).toBe(0);
    world.failOver();
    expect(world.shard.groups.size).toBe(0);
  });

  test('a group that had members: counts from the time when it became empty', () => {
    const world = new World({ offsetsRetentionMs: day });
    const { ids, generation } = world.stable(1, { sessionTimeoutMs: 1_800_000 });
    world.commit(1, { memberId: ids[0] as string, generationIdOrMemberEpoch: generation });
    for (let i = 0; i < 200; i++) {
      world.advance(1_000_000);
      world.heartbeat(ids[0] as string, generation);
    }
    expect(committed(world)).toBe(1);
    world.leave({ memberId: ids[0] as string });
    world.advance(day - 600_000);
    expect(committed(world)).toBe(1);
    world.advance(1_200_001);
    expect(world.shard.groups.size).toBe(0);
  });

  test('a stable group keeps the offsets of topics to which its members subscribe', () => {
    const world = new World({ offsetsRetentionMs: day });
    const { ids, generation } = world.stable(1, { sessionTimeoutMs: 1_800_000, ...reads('t') });
    const member = { memberId: ids[0] as string, generationIdOrMemberEpoch: generation };
    world.commit(1, member);
    world.commit(2, { ...member, topic: 'u' });
    for (let i = 0; i < 100; i++) {
      world.advance(1_000_000);
      world.heartbeat(ids[0] as string, generation);
    }
    expect(committed(world, 't')).toBe(1);
    expect(committed(world, 'u')).toBe(-1);
  });

  test('an offset with retentionTimeMs expires after that time', () => {
    const world = new World();
    world.commit(1, { retentionTimeMs: 3_600_000 }, 4);
    world.advance(3_000_000);
    expect(committed(world)).toBe(1);
    world.failOver();
    world.advance(1_200_001);
    expect(committed(world)).toBe(-1);
  });
});

describe('deleted topics', () => {
  const topicIds = { old: idOf('t'), new: idOf('t', 1) };
  /** The committed offset as a client of v10 or later requests it, by topic id. */
  const ofId = (world: World, topicId: string): number | undefined => {
    const topics = [{ name: 't', topicId, partitionIndexes: [0] }];
    return fetchOffsets(world.shard, { groupId: 'g', topics }).topics[0]?.partitions[0]?.committedOffset;
  };
  const agrees = (world: World) =>
    expect(durable(replayed(world.log, world.config, world.random, world.now))).toEqual(durable(world.shard));

  test('their offsets are deleted in the next turn', () => {
    const world = new ConsumerWorld({}, { t: 1, u: 1 });
    world.commit(1);
    world.commit(2, { topic: 'u' });
    world.deleteTopic('t');
    world.advance(1);
    expect(fetchOffsets(world.shard, { groupId: 'g', topics: null }).topics.map((t) => t.name)).toEqual([
      'u',
    ]);
    agrees(world);
  });

  test('offsets of a new topic with the same name are kept', () => {
    const world = new ConsumerWorld({}, { t: 2 });
    world.commit(1);
    world.commit(2, { partition: 1 });
    world.deleteTopic('t');
    world.createTopic('t', 2, 1);
    world.commit(3);
    world.advance(1);
    expect([committed(world), committed(world, 't', 1)]).toEqual([3, -1]);
    agrees(world);
  });

  test.each(['written', 'failed'] as const)(
    'an offset of a new topic with the same name is kept when its write is pending and then %s',
    (outcome) => {
      const world = new ConsumerWorld({}, { t: 1 });
      world.commit(1);
      world.deleteTopic('t');
      world.createTopic('t', 1, 1);
      world.autoWrite = false;
      world.commit(3);
      world.advance(1);
      expect(world.writes).toHaveLength(1);
      if (outcome === 'written') world.written();
      else world.failed(Errors.NOT_ENOUGH_REPLICAS);
      world.autoWrite = true;
      world.advance(1);
      expect(committed(world)).toBe(outcome === 'written' ? 3 : -1);
      agrees(world);
    },
  );

  test('an offset whose write was pending when its topic was deleted is deleted', () => {
    const world = new ConsumerWorld({}, { t: 1 });
    world.autoWrite = false;
    world.commit(1);
    world.deleteTopic('t');
    world.advance(1);
    world.autoWrite = true;
    world.written();
    expect(committed(world)).toBe(1);
    world.advance(1);
    expect(committed(world)).toBe(-1);
    agrees(world);
  });

  test("a coordinator that did not see the deletion returns no offset for the new topic's id", () => {
    const world = new ConsumerWorld({}, { t: 1 });
    world.commit(1);
    world.failOver();
    expect([ofId(world, topicIds.old), ofId(world, topicIds.new), committed(world)]).toEqual([1, -1, 1]);
  });
});

describe('OffsetDelete and DeleteGroups', () => {
  const remove = (world: World, name: string) => {
    const request = { groupId: 'g', topics: [{ name, partitions: [{ partitionIndex: 0 }] }] };
    const token = world.send((t) => ({ type: 'deleteOffsets', token: t, request }));
    return world.response<OffsetDeleteResponse>(token) as OffsetDeleteResponse;
  };
  const removeGroup = (world: World, groupId = 'g') => {
    const token = world.send((t) => ({ type: 'deleteGroup', token: t, groupId }));
    return world.response<{ errorCode: number }>(token);
  };

  test('OffsetDelete gets GROUP_SUBSCRIBED_TO_TOPIC for topics to which members subscribe', () => {
    const world = new World();
    expect(errorName(remove(world, 't'))).toBe('GROUP_ID_NOT_FOUND');
    const { ids, generation } = world.stable(1, reads('t'));
    const member = { memberId: ids[0] as string, generationIdOrMemberEpoch: generation };
    world.commit(1, member);
    world.commit(2, { ...member, topic: 'u' });
    expect(remove(world, 't').topics[0]?.partitions[0]?.errorCode).toBe(
      Errors.GROUP_SUBSCRIBED_TO_TOPIC.code,
    );
    expect(remove(world, 'u').topics[0]?.partitions[0]?.errorCode).toBe(0);
    expect([committed(world, 't'), committed(world, 'u')]).toEqual([1, -1]);
  });

  test('OffsetDelete gets NON_EMPTY_GROUP when the members are not consumers', () => {
    const world = new World();
    world.stable(1, { protocolType: 'connect' });
    expect(errorName(remove(world, 't'))).toBe('NON_EMPTY_GROUP');
  });

  test('DeleteGroups deletes empty groups only, with their offsets', () => {
    const world = new World();
    expect(errorName(removeGroup(world) as { errorCode: number })).toBe('GROUP_ID_NOT_FOUND');
    const { ids, generation } = world.stable(1);
    world.commit(1, { memberId: ids[0] as string, generationIdOrMemberEpoch: generation });
    expect(errorName(removeGroup(world) as { errorCode: number })).toBe('NON_EMPTY_GROUP');
    world.leave({ memberId: ids[0] as string });
    expect(errorName(removeGroup(world) as { errorCode: number })).toBe('NONE');
    expect(world.shard.groups.size).toBe(0);
    world.failOver();
    expect(world.shard.groups.size).toBe(0);
  });

  test('joins and commits get COORDINATOR_NOT_AVAILABLE while the deletion is being written', () => {
    const world = new World();
    world.commit(1);
    world.autoWrite = false;
    const token = world.send((t) => ({ type: 'deleteGroup', token: t, groupId: 'g' }));
    expect(world.commitError(world.commit(2))).toBe('COORDINATOR_NOT_AVAILABLE');
    expect(errorName(world.joinNow({}))).toBe('COORDINATOR_NOT_AVAILABLE');
    world.failed(Errors.COORDINATOR_NOT_AVAILABLE);
    expect(errorName(world.response(token) as { errorCode: number })).toBe('COORDINATOR_NOT_AVAILABLE');
    expect(committed(world)).toBe(1);
  });
});

describe('DescribeGroups and ListGroups', () => {
  test('a stable group has protocol and assignments; an unknown one is Dead up to v5, an error in v6', () => {
    const world = new World();
    world.stable(2);
    const stable = describeGroup(world.shard, 'g', 5);
    expect(stable).toMatchObject({ groupState: 'Stable', protocolType: 'consumer', protocolData: 'range' });
    expect(stable.members.map((m) => [m.clientId, m.clientHost, m.memberAssignment.length])).toEqual([
      ['c', '/127.0.0.1', 2],
      ['c', '/127.0.0.1', 2],
    ]);
    expect(describeGroup(world.shard, 'x', 5)).toMatchObject({ errorCode: 0, groupState: 'Dead' });
    expect(describeGroup(world.shard, 'x', 6)).toMatchObject({
      errorCode: Errors.GROUP_ID_NOT_FOUND.code,
      errorMessage: 'Group x not found.',
    });
  });

  test('ListGroups filters by state and type, ignoring case', () => {
    const world = new World();
    world.stable(1);
    world.commit(1, { groupId: 'h' });
    const names = (states: string[], types: string[]) =>
      listGroups(world.shard.groups.values(), states, types).map((g) => g.groupId);
    expect(names([], [])).toEqual(['g', 'h']);
    expect(names(['STABLE'], [])).toEqual(['g']);
    expect(names(['empty'], ['Classic'])).toEqual(['h']);
    expect(names([], ['consumer'])).toEqual([]);
  });
});
