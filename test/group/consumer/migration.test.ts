/**
 * Online migration (KIP-848): members of the classic protocol in consumer groups, and conversions of groups from one type to
 * the other.
 */
import { describe, expect, test } from 'vitest';
import { defined } from '../../../src/base/assert.ts';
import type { GroupConfig, JoinRequest, JoinResponse, SyncResponse } from '../../../src/group/types.ts';
import { decode, encode } from '../../../src/protocol/codec/codec.ts';
import { Errors } from '../../../src/protocol/errors.ts';
import { ConsumerProtocolAssignment } from '../../../src/protocol/messages/stored/group-records.ts';
import { encodeVersioned, versionedBodyAt } from '../../../src/protocol/records/versioned.ts';
import { config, durable, errorName, replayed, seededRandom } from '../harness.ts';
import { ConsumerWorld, idOf, settle, subscription } from './harness.ts';

function policy(migrationPolicy: GroupConfig['consumer']['migrationPolicy']): Partial<GroupConfig> {
  return { consumer: { ...config.consumer, migrationPolicy } };
}

function assignment(...partitions: number[]): Uint8Array {
  const body = encode(ConsumerProtocolAssignment, 1, { assignedPartitions: [{ topic: 't', partitions }] });
  return encodeVersioned(1, body);
}

function partitionsOf(bytes: Uint8Array): number[] {
  const { assignedPartitions } = decode(ConsumerProtocolAssignment, 1, bytes, versionedBodyAt);
  return assignedPartitions.flatMap(({ partitions }) => partitions);
}

const protocols = (owned: number[] = []) => [
  { name: 'range', metadata: subscription(['t'], [{ topic: 't', partitions: owned }]) },
];

/** A classic client gets its member id and joins. The initial rebalance delay must pass before the first generation. */
function joinClassic(world: ConsumerWorld, request: Partial<JoinRequest>): JoinResponse {
  const { memberId } = world.joinNow(request);
  const token = world.join({ ...request, memberId });
  world.advance(1);
  return defined(world.response<JoinResponse>(token), 'response to JoinGroup');
}

/** A classic group with one member, to which partitions 0 and 1 of `t` are assigned. */
function classicGroup(overrides: Partial<GroupConfig> = {}) {
  const world = new ConsumerWorld(overrides, { t: 2 });
  const joined = joinClassic(world, { protocols: protocols() });
  const { memberId } = joined;
  const sync = world.send((token) => ({
    type: 'sync',
    token,
    request: {
      groupId: 'g',
      generationId: joined.generationId,
      memberId,
      groupInstanceId: null,
      protocolType: 'consumer',
      protocolName: 'range',
      assignments: [{ memberId, assignment: assignment(0, 1) }],
    },
  }));
  expect(world.response<SyncResponse>(sync)?.errorCode).toBe(0);
  return { world, memberId, generation: joined.generationId };
}

/** The classic member joins again, and gets its present assignment with SyncGroup. */
function rejoin(world: ConsumerWorld, memberId: string, owned: number[]) {
  const { errorCode, generationId } = world.joinNow({ memberId, protocols: protocols(owned) });
  expect(errorCode).toBe(0);
  const token = world.sync(memberId, generationId);
  const answer = defined(world.response<SyncResponse>(token));
  return {
    generationId,
    error: errorName(answer),
    partitions: answer.errorCode === 0 ? partitionsOf(answer.assignment) : [],
  };
}

describe('upgrade', () => {
  test('the first ConsumerGroupHeartbeat turns a classic group into a consumer group with all its members', () => {
    const { world, memberId, generation } = classicGroup();
    const b = world.member('b').join();
    const group = world.consumerGroup();
    expect(group.members.get(memberId)?.metadata.classic).not.toBeNull();
    expect([b.shown, group.epoch]).toEqual(['', generation + 1]);
    expect(world.heartbeat(memberId, generation)).toBe('REBALANCE_IN_PROGRESS');
    // The coordinator tells the member to give up one of its two partitions; the member confirms it with its next JoinGroup.
    const first = rejoin(world, memberId, [0, 1]);
    expect([first.partitions, first.generationId]).toEqual([[0], generation]);
    expect(world.heartbeat(memberId, first.generationId)).toBe('REBALANCE_IN_PROGRESS');
    b.beat();
    expect(b.shown).toBe('');
    const second = rejoin(world, memberId, [0]);
    expect([second.partitions, second.generationId]).toEqual([[0], generation + 1]);
    expect(world.heartbeat(memberId, second.generationId)).toBe('NONE');
    expect(b.beat().shown).toBe('t:1');
  });

  test('the next coordinator reads the same group from the log', () => {
    const { world } = classicGroup();
    world.member('b').join();
    expect(durable(replayed(world.log, world.config, seededRandom(1), world.now))).toEqual(
      durable(world.shard),
    );
    expect(world.log.some(({ key, value }) => key[1] === 2 && value === null)).toBe(true);
  });

  test('during a rebalance: the partitions of a member that left are assigned', () => {
    const { world, memberId } = classicGroup();
    const request = { groupInstanceId: 'seat', protocols: protocols() };
    world.join(request);
    world.leaveNow({ memberId });
    const b = world.member('b', ['t'], { instanceId: 'seat' }).join();
    settle([b]);
    expect(b.shown).toBe('t:0,1');
  });

  test('keeps the committed offsets', () => {
    const { world, memberId, generation } = classicGroup();
    world.commit(7, { memberId, generationIdOrMemberEpoch: generation });
    world.member('b').join();
    expect(world.consumerGroup().offsets.get('t')?.get(0)?.offset).toBe(7);
  });

  test('happens to an empty classic group with any migration policy', () => {
    const world = new ConsumerWorld(policy('disabled'), { t: 2 });
    world.commit(7);
    expect(world.member('a').join().shown).toBe('t:0,1');
    expect(world.consumerGroup().offsets.get('t')?.get(0)?.offset).toBe(7);
  });

  test('when the write fails the group stays classic, and its members join again', () => {
    const { world, memberId, generation } = classicGroup();
    world.autoWrite = false;
    const b = { memberId: 'b', rebalanceTimeoutMs: 60_000, subscribedTopicNames: ['t'], topicPartitions: [] };
    const token = world.beat(b);
    world.failed(Errors.NOT_ENOUGH_REPLICAS);
    expect(errorName(defined(world.response<{ errorCode: number }>(token)))).toBe('NOT_ENOUGH_REPLICAS');
    expect(world.group().members.has(memberId)).toBe(true);
    expect(world.heartbeat(memberId, generation)).toBe('REBALANCE_IN_PROGRESS');
  });

  test.each(['disabled', 'downgrade'] as const)('does not happen with policy %s', (migrationPolicy) => {
    const { world } = classicGroup(policy(migrationPolicy));
    const response = world.beatNow({
      memberId: 'b',
      rebalanceTimeoutMs: 60_000,
      subscribedTopicNames: ['t'],
      topicPartitions: [],
    });
    expect(response).toMatchObject({
      errorCode: Errors.GROUP_ID_NOT_FOUND.code,
      errorMessage: 'Cannot upgrade classic group g to consumer group because online upgrade is disabled.',
    });
    expect(world.group().state).toBe('Stable');
  });

  test('does not happen to a group of another protocol type', () => {
    const world = new ConsumerWorld({}, { t: 2 });
    joinClassic(world, { protocolType: 'connect' });
    expect(
      world.beatNow({ memberId: 'b', rebalanceTimeoutMs: 1, subscribedTopicNames: [], topicPartitions: [] }),
    ).toMatchObject({
      errorMessage:
        'Cannot upgrade classic group g to consumer group because the group does not use the consumer embedded protocol.',
    });
  });

  test('does not happen at a heartbeat with a member epoch above 0', () => {
    const { world } = classicGroup();
    expect(world.beatNow({ memberId: 'b', memberEpoch: 1 }).errorMessage).toBe(
      'Group g is not a consumer group.',
    );
  });
});

describe('a classic member in a consumer group', () => {
  function mixed(overrides: Partial<GroupConfig> = {}) {
    const world = new ConsumerWorld(overrides, { t: 2 });
    const a = world.member('a').join();
    const { memberId, errorCode } = world.joinNow({ protocols: protocols() });
    return { world, a, memberId, errorCode };
  }

  test('gets a member id, joins, and gets its partition when the other member has revoked it', () => {
    const { world, a, memberId, errorCode } = mixed();
    expect(errorName({ errorCode })).toBe('MEMBER_ID_REQUIRED');
    const first = rejoin(world, memberId, []);
    expect(first.partitions).toEqual([]);
    a.beat();
    expect(a.shown).toBe('t:0');
    expect(world.heartbeat(memberId, first.generationId)).toBe('NONE');
    a.beat();
    expect(world.heartbeat(memberId, first.generationId)).toBe('REBALANCE_IN_PROGRESS');
    expect(rejoin(world, memberId, []).partitions).toEqual([1]);
    expect(world.consumerGroup().state).toBe('Stable');
  });

  test('is removed when its own session time-out has passed', () => {
    const { world, a, memberId } = mixed();
    const { generationId } = rejoin(world, memberId, []);
    world.advance(9_000);
    a.beat();
    expect(world.consumerGroup().members.has(memberId)).toBe(true);
    world.advance(2_000);
    expect(world.consumerGroup().members.has(memberId)).toBe(false);
    expect(world.heartbeat(memberId, generationId)).toBe('UNKNOWN_MEMBER_ID');
  });

  test('is removed when it does not rejoin within its rebalance time-out', () => {
    const { world, memberId } = mixed();
    const { generationId } = rejoin(world, memberId, []);
    world.member('c').join();
    for (let i = 0; i < 6; i++) {
      world.heartbeat(memberId, generationId);
      world.advance(9_000);
      world.heartbeat(memberId, generationId);
    }
    world.advance(9_000);
    expect(world.heartbeat(memberId, generationId)).toBe('UNKNOWN_MEMBER_ID');
  });

  test('gets ILLEGAL_GENERATION, INCONSISTENT_GROUP_PROTOCOL, UNKNOWN_MEMBER_ID as in a classic group', () => {
    const { world, memberId } = mixed();
    const { generationId } = rejoin(world, memberId, []);
    expect(world.heartbeat(memberId, generationId + 1)).toBe('ILLEGAL_GENERATION');
    expect(world.heartbeat('nobody', generationId)).toBe('UNKNOWN_MEMBER_ID');
    expect(world.heartbeat('a', generationId)).toBe('UNKNOWN_MEMBER_ID');
    const other = world.joinNow({ memberId: 'x', protocolType: 'connect', protocols: protocols() });
    expect(errorName(other)).toBe('INCONSISTENT_GROUP_PROTOCOL');
    const token = world.sync(memberId, generationId, {}, { protocolName: 'other' });
    expect(errorName(defined(world.syncAnswer(token)))).toBe('INCONSISTENT_GROUP_PROTOCOL');
  });

  test('gets INCONSISTENT_GROUP_PROTOCOL when migration is disabled', () => {
    const { errorCode } = mixed(policy('disabled'));
    expect(errorName({ errorCode })).toBe('INCONSISTENT_GROUP_PROTOCOL');
  });

  test('commits with its generation, and gets ILLEGAL_GENERATION with another one', () => {
    const { world, memberId } = mixed();
    const { generationId } = rejoin(world, memberId, []);
    const topics = (committedOffset: number) => [
      {
        name: 't',
        topicId: idOf('t'),
        partitions: [{ partitionIndex: 0, committedOffset, committedLeaderEpoch: 0, committedMetadata: '' }],
      },
    ];
    const commit = (generation: number) =>
      world.commitError(
        world.commit(1, { memberId, generationIdOrMemberEpoch: generation, topics: topics(1) }, 8),
      );
    expect(commit(generationId)).toBe('NONE');
    expect(commit(generationId + 1)).toBe('ILLEGAL_GENERATION');
    expect(commit(generationId - 1)).toBe('ILLEGAL_GENERATION');
  });
});

describe('downgrade', () => {
  function withOneOfEach(overrides: Partial<GroupConfig> = {}) {
    const { world, memberId } = classicGroup(overrides);
    const b = world.member('b').join();
    rejoin(world, memberId, [0, 1]);
    const { generationId } = rejoin(world, memberId, [0]);
    b.beat();
    return { world, memberId, b, generationId };
  }

  test('happens when the last member of the consumer protocol leaves; the others join again', () => {
    const { world, memberId, b, generationId } = withOneOfEach();
    b.leave();
    const group = world.group();
    expect([group.state, group.members.size, group.generation]).toEqual([
      'PreparingRebalance',
      1,
      generationId,
    ]);
    expect(world.heartbeat(memberId, generationId)).toBe('REBALANCE_IN_PROGRESS');
    const joined = world.joinNow({ memberId, protocols: protocols([0]) });
    expect([joined.errorCode, joined.leader, joined.generationId]).toEqual([0, memberId, generationId + 1]);
  });

  test('the next coordinator reads the same group from the log', () => {
    const { world, b } = withOneOfEach();
    b.leave();
    world.failOver();
    expect([world.group().state, world.group().members.size]).toEqual(['Stable', 1]);
  });

  test('happens when the session of the last member of the consumer protocol ends', () => {
    const { world, memberId, generationId } = withOneOfEach();
    for (let i = 0; i < 6; i++) {
      world.advance(8_000);
      world.heartbeat(memberId, generationId);
    }
    expect(world.group().members.size).toBe(1);
  });

  test('the removed member can commit nothing even before the records are replicated', () => {
    const { world, memberId, b, generationId } = withOneOfEach();
    world.autoWrite = false;
    world.beat({ memberId: 'b', memberEpoch: -1 });
    const zombie = world.commit(5, {
      memberId: 'b',
      generationIdOrMemberEpoch: b.epoch,
      partition: 1,
    });
    const classic = world.commit(6, {
      memberId,
      generationIdOrMemberEpoch: generationId,
    });
    while (world.writes.length > 0) world.written();
    expect([world.commitError(zombie), world.commitError(classic)]).toEqual(['UNKNOWN_MEMBER_ID', 'NONE']);
  });

  test.each([false, true])(
    'a static member rejoins with the classic protocol; each member has its partitions: %s',
    (isSettled) => {
      const instanceId = 'i1';
      const world = new ConsumerWorld({}, { t: 2 });
      const a = world.member('a', ['t'], { instanceId }).join();
      const { memberId } = world.joinNow({ protocols: protocols() });
      // It waits for a partition that the other member has not given up yet.
      expect(rejoin(world, memberId, []).partitions).toEqual([]);
      let owned: number[] = [];
      if (isSettled) {
        a.beat().beat();
        owned = rejoin(world, memberId, owned).partitions;
        expect(owned).toHaveLength(1);
      }
      const generation = world.consumerGroup().epoch;
      world.joinNow({ groupInstanceId: instanceId, protocols: protocols() });
      expect(world.group().members.size).toBe(2);
      const news = isSettled ? 'NONE' : 'REBALANCE_IN_PROGRESS';
      expect(world.heartbeat(memberId, generation)).toBe(news);
    },
  );

  test('does not happen with policy upgrade', () => {
    const { world, b, memberId } = withOneOfEach(policy('upgrade'));
    b.leave();
    expect(world.consumerGroup().members.has(memberId)).toBe(true);
  });

  test('when the write fails the group is unchanged', () => {
    const { world, memberId, b } = withOneOfEach();
    world.autoWrite = false;
    const token = world.beat({ memberId: 'b', memberEpoch: -1 });
    world.failed(Errors.NOT_ENOUGH_REPLICAS);
    expect(errorName(defined(world.response<{ errorCode: number }>(token)))).toBe('NOT_ENOUGH_REPLICAS');
    world.autoWrite = true;
    expect(world.consumerGroup().members.has(memberId)).toBe(true);
    expect(b.beat().shown).toBe('t:1');
  });

  test('an empty consumer group becomes a classic one with the first JoinGroup', () => {
    const world = new ConsumerWorld({}, { t: 2 });
    const a = world.member('a').join();
    world.commit(3, {
      memberId: 'a',
      generationIdOrMemberEpoch: a.epoch,
      topics: [
        {
          name: 't',
          topicId: idOf('t'),
          partitions: [
            { partitionIndex: 0, committedOffset: 3, committedLeaderEpoch: 0, committedMetadata: '' },
          ],
        },
      ],
    });
    a.leave();
    expect(joinClassic(world, { protocols: protocols() }).errorCode).toBe(0);
    expect(world.group().offsets.get('t')?.get(0)?.offset).toBe(3);
    world.failOver();
    expect(world.shard.groups.get('g')?.kind).toBe('classic');
  });
});

test('members of both protocols end up with equal shares', () => {
  const world = new ConsumerWorld({}, { t: 6 });
  const members = ['a', 'b'].map((id) => world.member(id).join());
  const { memberId } = world.joinNow({ protocols: protocols() });
  let owned: number[] = rejoin(world, memberId, []).partitions;
  for (let i = 0; i < 6; i++) {
    settle(members);
    owned = rejoin(world, memberId, owned).partitions;
  }
  expect(owned).toHaveLength(2);
  expect(members.map(({ owned: mine }) => [...mine.values()].flat().length)).toEqual([2, 2]);
});
