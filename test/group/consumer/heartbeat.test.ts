/** ConsumerGroupHeartbeat: how members join, how partitions move, how members leave, and every error. */
import { groupConfig } from '../../../src/broker/groups/group-config.ts';
import { NodeConfig } from '../../../src/config/node-config.ts';
import { describe, expect, test } from 'vitest';
import { defined } from '../../../src/base/assert.ts';
import type { ConsumerHeartbeatResponse } from '../../../src/group/consumer/requests.ts';
import { Errors } from '../../../src/protocol/errors.ts';
import { ConsumerWorld, idOf, settle } from './harness.ts';

const first = { rebalanceTimeoutMs: 60_000, subscribedTopicNames: ['t'], topicPartitions: [] };

describe('a single member', () => {
  test('gets all partitions with its first heartbeat', () => {
    const world = new ConsumerWorld({}, { t: 3 });
    const response = world.beatNow({ memberId: 'a', ...first });
    expect(response).toEqual({
      errorCode: 0,
      errorMessage: null,
      memberId: 'a',
      memberEpoch: 2,
      heartbeatIntervalMs: 5_000,
      assignment: { topicPartitions: [{ topicId: idOf('t'), partitions: [0, 1, 2] }] },
    });
    expect(world.consumerGroup().state).toBe('Stable');
  });

  test('causes the same records as in Kafka, in the same order', () => {
    const world = new ConsumerWorld({}, { t: 1 });
    world.beatNow({ memberId: 'a', ...first });
    expect(world.log.map(({ key }) => key[1])).toEqual([5, 3, 7, 6, 8]);
  });

  test('gets no assignment and causes no write while nothing changes', () => {
    const world = new ConsumerWorld({}, { t: 3 });
    world.member('a').join();
    const written = world.log.length;
    expect(world.beatNow({ memberId: 'a', memberEpoch: 2 }).assignment).toBeNull();
    expect(world.log.length).toBe(written);
  });

  test('gets its assignment when its heartbeat has all fields', () => {
    const world = new ConsumerWorld({}, { t: 1 });
    world.member('a').join();
    expect(world.beatNow({ memberId: 'a', memberEpoch: 2, ...first }).assignment).not.toBeNull();
  });

  test('gets its member id from the coordinator in v0', () => {
    const world = new ConsumerWorld({}, { t: 1 });
    expect(world.beatNow({ memberId: '', ...first }, 0).memberId).toHaveLength(22);
  });

  test('gets the response when its records are replicated, not before', () => {
    const world = new ConsumerWorld({}, { t: 1 });
    world.autoWrite = false;
    const token = world.beat({ memberId: 'a', ...first });
    expect(world.response(token)).toBeUndefined();
    world.written();
    expect(world.response(token)).toMatchObject({ errorCode: 0, memberEpoch: 2 });
  });
});

describe('partitions', () => {
  test('move to another member when the first has revoked them', () => {
    const world = new ConsumerWorld({}, { t: 4 });
    const a = world.member('a').join();
    const b = world.member('b').join();
    expect([a.shown, b.shown]).toEqual(['t:0,1,2,3', '']);
    // The coordinator tells `a` to give up two partitions. Until `a` confirms it, they count as owned by `a`.
    a.beat();
    expect([a.shown, a.epoch]).toEqual(['t:0,1', 2]);
    b.beat();
    expect(b.shown).toBe('');
    a.beat();
    expect(a.epoch).toBe(3);
    b.beat();
    expect([b.shown, b.epoch]).toEqual(['t:2,3', 3]);
    expect(world.consumerGroup().state).toBe('Stable');
  });

  test('stay when a heartbeat of the member that must revoke them has no list of owned partitions', () => {
    const world = new ConsumerWorld({}, { t: 4 });
    const a = world.member('a').join();
    const b = world.member('b').join();
    a.beat();
    world.beatNow({ memberId: 'a', memberEpoch: 2 });
    b.beat();
    expect(b.shown).toBe('');
  });

  test('go to the others when a member leaves', () => {
    const world = new ConsumerWorld({}, { t: 4 });
    const members = ['a', 'b'].map((id) => world.member(id).join());
    settle(members);
    members[0]?.leave();
    expect(members[1]?.beat().shown).toBe('t:0,1,2,3');
  });

  test('go to the others when a member does not revoke its own within its rebalance time-out', () => {
    const world = new ConsumerWorld({}, { t: 4 });
    const a = world.member('a').join();
    const b = world.member('b').join();
    a.beat();
    for (let i = 0; i < 7; i++) {
      world.advance(10_000);
      if (i < 5) world.beatNow({ memberId: 'a', memberEpoch: 2 });
      b.beat();
    }
    expect(b.shown).toBe('t:0,1,2,3');
    expect(world.beatError({ memberId: 'a', memberEpoch: 2 })).toBe('UNKNOWN_MEMBER_ID');
  });

  test('go to the others when the session of a member ends', () => {
    const world = new ConsumerWorld({}, { t: 4 });
    const members = ['a', 'b'].map((id) => world.member(id).join());
    settle(members);
    world.advance(44_000);
    members[1]?.beat();
    world.advance(2_000);
    expect(members[1]?.beat().shown).toBe('t:0,1,2,3');
  });
});

describe('a change of topics', () => {
  test('assigns new partitions', () => {
    const world = new ConsumerWorld({}, { t: 1 });
    const a = world.member('a').join();
    world.growTopic('t', 3);
    expect(a.beat().shown).toBe('t:0,1,2');
  });

  test('assigns a topic that is created after the member subscribed', () => {
    const world = new ConsumerWorld();
    const a = world.member('a').join();
    expect(a.shown).toBe('');
    world.createTopic('t', 2);
    expect(a.beat().shown).toBe('t:0,1');
  });

  test('treats a topic that was deleted and created again as another topic', () => {
    const world = new ConsumerWorld({}, { t: 2 });
    const a = world.member('a').join();
    world.deleteTopic('t');
    a.beat();
    expect(a.shown).toBe('');
    world.createTopic('t', 1, 1);
    a.beat();
    a.beat();
    expect([...a.owned.keys()]).toEqual([idOf('t', 1)]);
  });

  test('causes no new group epoch when no member subscribes to the topic', () => {
    const world = new ConsumerWorld({}, { t: 2 });
    const a = world.member('a').join();
    world.createTopic('other', 1);
    a.beat();
    expect(a.epoch).toBe(2);
  });
});

describe('a changed subscription', () => {
  test('revokes the topics that are no longer in it', () => {
    const world = new ConsumerWorld({}, { t: 1, u: 1 });
    const a = world.member('a', ['t', 'u']).join();
    expect(a.shown).toBe('t:0 u:0');
    a.beat({ subscribedTopicNames: ['u'] });
    a.beat();
    expect(a.shown).toBe('u:0');
    expect(world.consumerGroup().state).toBe('Stable');
  });

  test('with the same topics in another order changes nothing', () => {
    const world = new ConsumerWorld({}, { t: 1, u: 1 });
    const a = world.member('a', ['t', 'u']).join();
    a.beat({ subscribedTopicNames: ['u', 't', 'u'] });
    expect(a.epoch).toBe(2);
  });
});

describe('refusals', () => {
  test.each([
    [{ memberId: '' }, "MemberId can't be empty."],
    [{ groupId: ' ' }, "GroupId can't be empty."],
    [{ instanceId: '' }, "InstanceId can't be empty."],
    [{ rackId: '' }, "RackId can't be empty."],
    [{ rebalanceTimeoutMs: -1 }, 'RebalanceTimeoutMs must be provided in first request.'],
    [{ topicPartitions: null }, 'TopicPartitions must be empty when (re-)joining.'],
    [
      { topicPartitions: [{ topicId: idOf('t'), partitions: [0] }] },
      'TopicPartitions must be empty when (re-)joining.',
    ],
    [
      { subscribedTopicNames: null },
      'Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.',
    ],
    [{ memberEpoch: -2 }, "InstanceId can't be null."],
    [{ memberEpoch: -3 }, 'MemberEpoch is invalid.'],
  ])('INVALID_REQUEST for %j', (request, message) => {
    const world = new ConsumerWorld({}, { t: 1 });
    const response = world.beatNow({ memberId: 'a', ...first, ...request });
    expect(response).toMatchObject({ errorCode: Errors.INVALID_REQUEST.code, errorMessage: message });
    expect(world.shard.groups.size).toBe(0);
  });

  test('UNSUPPORTED_ASSIGNOR names the supported assignors', () => {
    const world = new ConsumerWorld({}, { t: 1 });
    expect(world.beatNow({ memberId: 'a', ...first, serverAssignor: 'mine' })).toMatchObject({
      errorCode: Errors.UNSUPPORTED_ASSIGNOR.code,
      errorMessage: 'ServerAssignor mine is not supported. Supported assignors: uniform, range.',
    });
  });

  test('GROUP_ID_NOT_FOUND for a member of a group that does not exist', () => {
    const world = new ConsumerWorld();
    expect(world.beatNow({ memberId: 'a', memberEpoch: 4 })).toMatchObject({
      errorCode: Errors.GROUP_ID_NOT_FOUND.code,
      errorMessage: 'Consumer group g not found.',
    });
    expect(world.beatError({ memberId: 'a', memberEpoch: -1 })).toBe('GROUP_ID_NOT_FOUND');
  });

  test('UNKNOWN_MEMBER_ID for a member id that the group does not have', () => {
    const world = new ConsumerWorld({}, { t: 1 });
    world.member('a').join();
    expect(world.beatError({ memberId: 'b', memberEpoch: 2 })).toBe('UNKNOWN_MEMBER_ID');
    expect(world.beatError({ memberId: 'b', memberEpoch: -1 })).toBe('UNKNOWN_MEMBER_ID');
  });

  // Bound: group.consumer.max.size.
  test('GROUP_MAX_SIZE_REACHED for a member above the limit, not for present members', () => {
    const world = new ConsumerWorld(
      {
        consumer: {
          maxSize: 1,
          assignors: ['uniform'],
          migrationPolicy: 'disabled',
          regexRefreshIntervalMs: 1,
        },
      },
      { t: 1 },
    );
    world.member('a').join();
    expect(world.beatError({ memberId: 'b', ...first })).toBe('GROUP_MAX_SIZE_REACHED');
    expect(world.beatError({ memberId: 'a', memberEpoch: 2 })).toBe('NONE');
  });

  describe('FENCED_MEMBER_EPOCH', () => {
    function moved() {
      const world = new ConsumerWorld({}, { t: 4 });
      const a = world.member('a').join();
      const b = world.member('b').join();
      settle([a, b]);
      expect(a.epoch).toBe(3);
      return { world, a };
    }

    test('for an epoch above the current one', () => {
      const { world } = moved();
      expect(world.beatError({ memberId: 'a', memberEpoch: 4 })).toBe('FENCED_MEMBER_EPOCH');
    });

    test('for the previous epoch with revoked partitions or without a list of owned partitions', () => {
      const { world } = moved();
      const topicPartitions = [{ topicId: idOf('t'), partitions: [0, 1, 2] }];
      expect(world.beatError({ memberId: 'a', memberEpoch: 2, topicPartitions })).toBe('FENCED_MEMBER_EPOCH');
      expect(world.beatError({ memberId: 'a', memberEpoch: 2 })).toBe('FENCED_MEMBER_EPOCH');
    });

    test('not for the previous epoch with the assigned partitions: the response may have been lost', () => {
      const { world, a } = moved();
      const topicPartitions = [...a.owned].map(([topicId, partitions]) => ({ topicId, partitions }));
      expect(world.beatNow({ memberId: 'a', memberEpoch: 2, topicPartitions })).toMatchObject({
        errorCode: 0,
        memberEpoch: 3,
      });
    });

    test('not for epoch 0, with which the member joins again', () => {
      const { world } = moved();
      expect(world.member('a').join().shown).toBe('t:0,1');
    });
  });
});

describe('static members', () => {
  const instanceId = 'i1';

  test('keep their assignment when they rejoin with a new member id', () => {
    const world = new ConsumerWorld({}, { t: 4 });
    const a = world.member('a', ['t'], { instanceId }).join();
    const b = world.member('b').join();
    settle([a, b]);
    const before = a.shown;
    const epoch = world.consumerGroup().epoch;
    a.leave(-2);
    expect(b.beat().shown).toBe('t:2,3');
    const again = world.member('a2', ['t'], { instanceId }).join();
    expect(again.shown).toBe(before);
    expect(world.consumerGroup().epoch).toBe(epoch);
    expect(world.consumerGroup().members.has('a')).toBe(false);
  });

  test('get UNRELEASED_INSTANCE_ID while another member has the instance id', () => {
    const world = new ConsumerWorld({}, { t: 1 });
    world.member('a', ['t'], { instanceId }).join();
    expect(world.beatError({ memberId: 'b', instanceId, ...first })).toBe('UNRELEASED_INSTANCE_ID');
  });

  test('get FENCED_INSTANCE_ID with a member id that was replaced', () => {
    const world = new ConsumerWorld({}, { t: 1 });
    const a = world.member('a', ['t'], { instanceId }).join();
    a.leave(-2);
    world.member('b', ['t'], { instanceId }).join();
    expect(world.beatError({ memberId: 'a', instanceId, memberEpoch: 2 })).toBe('FENCED_INSTANCE_ID');
    expect(world.beatError({ memberId: 'x', instanceId: 'nobody', memberEpoch: 2 })).toBe(
      'UNKNOWN_MEMBER_ID',
    );
  });

  test('lose their assignment when they are away for a session time-out', () => {
    const world = new ConsumerWorld({}, { t: 2 });
    const a = world.member('a', ['t'], { instanceId }).join();
    const b = world.member('b').join();
    settle([a, b]);
    a.leave(-2);
    for (let i = 0; i < 5; i++) {
      world.advance(10_000);
      b.beat();
    }
    expect(b.shown).toBe('t:0,1');
  });
});

describe('regular expressions', () => {
  const regex = (subscribedTopicRegex: string) => ({ subscribedTopicNames: null, subscribedTopicRegex });

  test('match whole topic names, in the same turn when there are few topics', () => {
    const world = new ConsumerWorld({}, { t1: 1, t2: 1, xt1: 1 });
    const a = world.member('a', [], regex('t.*')).join();
    expect(a.shown).toBe('t1:0 t2:0');
    expect(world.log.some(({ key }) => key[1] === 16)).toBe(true);
  });

  test('get INVALID_REGULAR_EXPRESSION when RE2 refuses them or they are larger than regexSizeMax', () => {
    const world = new ConsumerWorld({}, { t1: 1 });
    for (const bad of ['(', '(?=t)', 't\\1', 't'.repeat(5_000), '(?:t?){1000}'.repeat(5)]) {
      expect(world.beatError({ memberId: 'a', ...first, ...regex(bad) })).toBe('INVALID_REGULAR_EXPRESSION');
    }
    expect(world.shard.groups.size).toBe(0);
  });

  test('match topics that are created later, after a pause', () => {
    const world = new ConsumerWorld({}, { t1: 1 });
    const a = world.member('a', [], regex('t.*')).join();
    world.createTopic('t2', 1);
    expect(a.beat().shown).toBe('t1:0');
    world.advance(11_000);
    expect(a.beat().shown).toBe('t1:0 t2:0');
  });

  test('are removed when no member subscribes with them any more', () => {
    const world = new ConsumerWorld({}, { t1: 1, u: 1 });
    const a = world.member('a', [], regex('t.*')).join();
    a.beat({ subscribedTopicRegex: '', subscribedTopicNames: ['u'] });
    a.beat();
    expect(a.shown).toBe('u:0');
    expect(world.consumerGroup().regexes.size).toBe(0);
  });

  test('over many topics are matched in several turns', () => {
    const world = new ConsumerWorld({}, { t: 1 });
    for (let i = 0; i < 1_200; i++) world.createTopic(`n${i}`, 1);
    const a = world.member('a', [], regex('n1[01]0.')).join();
    expect(a.shown).toBe('');
    world.advance(1);
    expect([...a.beat().owned.keys()]).toHaveLength(20);
  });

  test('that are large are matched against fewer names in a turn (workPerTurn)', () => {
    const world = new ConsumerWorld({}, { t: 1 });
    for (let i = 0; i < 100; i++) world.createTopic(`n${i}`, 1);
    const a = world.member('a', [], regex('(?:(?:x|y){600})?n1.')).join();
    expect(a.shown).toBe('');
    world.advance(1);
    expect([...a.beat().owned.keys()]).toHaveLength(10);
  });
});

describe('assignors', () => {
  test('the group uses the one that most members ask for', () => {
    const world = new ConsumerWorld({}, { t: 3, u: 3 });
    const topics = ['t', 'u'];
    const members = ['a', 'b'].map((id) => world.member(id, topics, { serverAssignor: 'range' }).join());
    settle(members);
    expect(members.map(({ shown }) => shown)).toEqual(['t:0,1 u:0,1', 't:2 u:2']);
  });

  test('the target is computed at most once in group.consumer.assignment.interval.ms', () => {
    const config = NodeConfig.parse(
      'process.roles=broker\nnode.id=1\ncontroller.quorum.voters=2@n2:1\nlisteners=PLAINTEXT://n1:1\ncontroller.listener.names=C\nlistener.security.protocol.map=C:PLAINTEXT,PLAINTEXT:PLAINTEXT\nlog.dirs=/a\ngroup.consumer.assignment.interval.ms=1000',
    );
    const world = new ConsumerWorld({ ofGroup: groupConfig(config).ofGroup }, { t: 4 });
    const a = world.member('a').join();
    world.advance(500);
    const b = world.member('b').join();
    expect([b.epoch, b.shown, world.consumerGroup().state]).toEqual([2, '', 'Assigning']);
    world.advance(500);
    settle([b, a]);
    expect([a.shown, b.shown]).toEqual(['t:0,1', 't:2,3']);
  });

  test("the next assignment is not delayed when the former coordinator's clock was ahead", () => {
    const intervals = {
      sessionTimeoutMs: 45_000,
      heartbeatIntervalMs: 5_000,
      assignmentIntervalMs: 1_000,
    };
    const world = new ConsumerWorld({ ofGroup: () => intervals }, { t: 4 });
    world.advance(3_600_000);
    const a = world.member('a').join();
    // The clock of the next coordinator is right.
    world.nowMs -= 3_600_000;
    const b = world.member('b').join();
    settle([b, a]);
    expect([a.shown, b.shown]).toEqual(['t:0,1', 't:2,3']);
  });

  // Bound: assignAtOnceMax.
  test('a large group is assigned in a later turn; heartbeats are answered meanwhile', () => {
    const world = new ConsumerWorld({}, { t: 3_000 });
    const a = world.member('a');
    // A heartbeat waits for the first assignment: a response with epoch 0 would make the member join again.
    const token = world.beat({ memberId: 'a', ...first });
    expect(world.response(token)).toBeUndefined();
    world.advance(1);
    a.take(defined(world.response<ConsumerHeartbeatResponse>(token)));
    expect(a.epoch).toBe(2);
    const b = world.member('b').join();
    expect([b.epoch, b.shown]).toEqual([2, '']);
    world.advance(1);
    settle([a, b]);
    expect([...a.owned.values()].flat()).toHaveLength(1_500);
    expect([...b.owned.values()].flat()).toHaveLength(1_500);
  });
});

describe('the heartbeat interval', () => {
  const interval = (world: ConsumerWorld, member: { memberId: string; epoch: number }): number =>
    world.beatNow({ memberId: member.memberId, memberEpoch: member.epoch }).heartbeatIntervalMs;

  test('is the configured one while no change is pending', () => {
    const world = new ConsumerWorld({}, { t: 4 });
    const a = world.member('a').join();
    const b = world.member('b').join();
    settle([b, a]);
    world.advance(5_000);
    expect([interval(world, a), interval(world, b)]).toEqual([5_000, 5_000]);
  });

  test('is short while other members must revoke partitions for this one', () => {
    const world = new ConsumerWorld({}, { t: 4 });
    const a = world.member('a').join();
    const b = world.member('b').join();
    expect(b.shown).toBe('');
    expect(interval(world, b)).toBeLessThan(600);
    settle([b, a]);
    expect(interval(world, b)).toBe(5_000);
  });

  test('ends when the session of another member would end', () => {
    const world = new ConsumerWorld({}, { t: 4 });
    const a = world.member('a').join();
    settle([world.member('b').join(), a]);
    // The clock has fractions of milliseconds, the response has whole ones.
    world.advance(41_000.25);
    const waitMs = interval(world, a);
    expect(Number.isInteger(waitMs)).toBe(true);
    expect(waitMs).toBeGreaterThan(3_999);
    expect(waitMs).toBeLessThan(4_100);
    world.advance(waitMs);
    expect(a.beat().shown).toBe('t:0,1,2,3');
  });

  test('ends when the next assignment is due', () => {
    const intervals = { sessionTimeoutMs: 45_000, heartbeatIntervalMs: 5_000, assignmentIntervalMs: 1_000 };
    const world = new ConsumerWorld({ ofGroup: () => intervals }, { t: 4 });
    world.member('a').join();
    world.advance(300);
    const b = world.member('b').join();
    const waitMs = interval(world, b);
    expect(waitMs).toBeGreaterThan(700);
    expect(waitMs).toBeLessThan(800);
  });
});
