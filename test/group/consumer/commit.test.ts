/** Which members may commit offsets in a consumer group, and for which partitions (KIP-848, KIP-1251). */
import { describe, expect, test } from 'vitest';
import { defined } from '../../../src/base/assert.ts';
import type { OffsetCommitResponse, TxnOffsetCommitResponse } from '../../../src/group/types.ts';
import { commitRule } from '../../../src/group/consumer/commit.ts';
import { errorName } from '../harness.ts';
import { ConsumerWorld, idOf, settle } from './harness.ts';

function twoMembers() {
  const world = new ConsumerWorld({}, { t: 4 });
  const a = world.member('a').join();
  const before = a.epoch;
  const b = world.member('b').join();
  return { world, a, b, before };
}

/** The name of the error for a commit for one partition of topic `t`; null if the commit is allowed. */
function refused(world: ConsumerWorld, memberId: string, epoch: number, partition: number, apiVersion = 9) {
  const who = { memberId, groupInstanceId: null, generationIdOrMemberEpoch: epoch };
  const rule = commitRule(world.consumerGroup(), who, apiVersion);
  const error = typeof rule === 'function' ? rule(idOf('t'), partition) : rule;
  return error?.name ?? null;
}

describe('a commit with the previous member epoch', () => {
  test('is accepted for a partition that the member has held since', () => {
    const { world, a, b, before } = twoMembers();
    settle([a, b]);
    expect(a.shown).toBe('t:0,1');
    expect(refused(world, 'a', before, 0)).toBeNull();
  });

  test('is accepted for a partition that the member has yet to revoke', () => {
    const { world, a, before } = twoMembers();
    a.beat();
    expect(refused(world, 'a', before, 3)).toBeNull();
  });

  test('gets STALE_MEMBER_EPOCH for a partition that the member has revoked', () => {
    const { world, a, b, before } = twoMembers();
    settle([a, b]);
    expect(refused(world, 'a', before, 3)).toBe('STALE_MEMBER_EPOCH');
  });

  test('gets STALE_MEMBER_EPOCH for a partition that was revoked and assigned again', () => {
    const { world, a, b, before } = twoMembers();
    settle([a, b]);
    b.leave();
    a.beat();
    expect(a.shown).toBe('t:0,1,2,3');
    expect(refused(world, 'a', before, 3)).toBe('STALE_MEMBER_EPOCH');
    expect(refused(world, 'a', before, 0)).toBeNull();
    expect(refused(world, 'a', a.epoch, 3)).toBeNull();
  });
});

test('a partition with STALE_MEMBER_EPOCH fails the whole commit; too long metadata fails its partition only', () => {
  const { world, a, b, before } = twoMembers();
  settle([a, b]);
  expect(a.shown).toBe('t:0,1');
  const tooLong = 'm'.repeat(5000);
  const committed = (partitions: readonly (readonly [number, string])[], epoch = before) => {
    const list = partitions.map(([partitionIndex, committedMetadata]) => ({
      partitionIndex,
      committedOffset: 7,
      committedLeaderEpoch: -1,
      committedMetadata,
    }));
    const topics = [{ name: 't', topicId: idOf('t'), partitions: list }];
    const token = world.commit(7, { memberId: 'a', generationIdOrMemberEpoch: epoch, topics });
    const answer = defined(world.response<OffsetCommitResponse>(token));
    return answer.topics.flatMap((topic) => topic.partitions.map(errorName));
  };
  const stale = ['STALE_MEMBER_EPOCH', 'STALE_MEMBER_EPOCH'];
  const held = [0, ''] as const;
  expect(committed([held, [1, '']])).toEqual(['NONE', 'NONE']);
  expect(committed([held, [3, '']])).toEqual(stale);
  expect(committed([[3, ''], held])).toEqual(stale);
  // Bound: offset.metadata.max.bytes.
  expect(committed([held, [3, tooLong]])).toEqual(['NONE', 'OFFSET_METADATA_TOO_LARGE']);
  expect(committed([held, [3, '']], a.epoch)).toEqual(['NONE', 'NONE']);
});

test('TxnOffsetCommit with a stale epoch gets ILLEGAL_GENERATION up to v5, STALE_MEMBER_EPOCH from v6', () => {
  const { world, a, b, before } = twoMembers();
  settle([a, b]);
  const committed = (memberId: string, generationId: number, numbers: readonly number[], apiVersion = 5) => {
    const partitions = numbers.map((partitionIndex) => ({
      partitionIndex,
      committedOffset: 7,
      committedLeaderEpoch: -1,
      committedMetadata: '',
    }));
    const request = {
      transactionalId: 'x',
      groupId: 'g',
      producerId: 1,
      producerEpoch: 0,
      generationId,
      memberId,
      groupInstanceId: null,
      topics: [{ name: 't', partitions }],
    };
    const token = world.send((of) => ({
      type: 'txnCommit',
      token: of,
      apiVersion,
      verification: undefined,
      request,
    }));
    const answer = defined(world.response<TxnOffsetCommitResponse>(token));
    return answer.topics.flatMap((topic) => topic.partitions.map(errorName));
  };
  expect(committed('a', a.epoch, [0, 3])).toEqual(['NONE', 'NONE']);
  expect(committed('a', before, [0, 1])).toEqual(['NONE', 'NONE']);
  expect(committed('a', before, [0, 3])).toEqual(['ILLEGAL_GENERATION', 'ILLEGAL_GENERATION']);
  expect(committed('a', a.epoch + 1, [0])).toEqual(['ILLEGAL_GENERATION']);
  expect(committed('a', before, [0, 3], 6)).toEqual(['STALE_MEMBER_EPOCH', 'STALE_MEMBER_EPOCH']);
  expect(committed('x', a.epoch, [0])).toEqual(['UNKNOWN_MEMBER_ID']);
});

test('an epoch above the current one gets STALE_MEMBER_EPOCH, an unknown member id UNKNOWN_MEMBER_ID', () => {
  const { world, a } = twoMembers();
  expect(refused(world, 'a', a.epoch + 1, 0)).toBe('STALE_MEMBER_EPOCH');
  expect(refused(world, 'x', a.epoch, 0)).toBe('UNKNOWN_MEMBER_ID');
});

test('a commit without a member id is accepted in an empty group; from old TxnOffsetCommit clients always', () => {
  const world = new ConsumerWorld({}, { t: 1 });
  world.member('a').join().leave();
  const who = { memberId: '', groupInstanceId: null, generationIdOrMemberEpoch: -1 };
  expect(typeof commitRule(world.consumerGroup(), who, 9)).toBe('function');
  world.member('b').join();
  expect(commitRule(world.consumerGroup(), who, 9)).toMatchObject({ name: 'UNKNOWN_MEMBER_ID' });
  // TxnOffsetCommit of old clients, which send no member id and epoch.
  expect(typeof commitRule(world.consumerGroup(), who, 2, true)).toBe('function');
  expect(defined(world.consumerGroup()).members.size).toBe(1);
});
