import { describe, expect, test } from 'vitest';
import type { JoinResponse } from '../../../src/group/types.ts';
import { Errors } from '../../../src/protocol/errors.ts';
import { errorName, text, World } from '../harness.ts';

/** A stable group with two static members. */
function staticPair() {
  const world = new World({ initialRebalanceDelayMs: 1_000 });
  const tokens = ['i1', 'i2'].map((groupInstanceId) =>
    world.join({ groupInstanceId, sessionTimeoutMs: 30_000 }),
  );
  world.advance(5_000);
  const [a, b] = tokens.map((token) => world.response<JoinResponse>(token) as JoinResponse) as [
    JoinResponse,
    JoinResponse,
  ];
  world.sync(a.memberId, 1, { [a.memberId]: 'A', [b.memberId]: 'B' }, { groupInstanceId: 'i1' });
  world.sync(b.memberId, 1, {}, { groupInstanceId: 'i2' });
  return { world, a: a.memberId, b: b.memberId };
}

describe('static members', () => {
  test('a member that rejoins keeps its assignment without a rebalance; its old member id is fenced', () => {
    const { world, a, b } = staticPair();
    const back = world.joinNow({ groupInstanceId: 'i2' });
    expect(back).toMatchObject({
      errorCode: 0,
      generationId: 1,
      leader: a,
      members: [],
      skipAssignment: false,
    });
    expect(back.memberId).toMatch(/^i2-/);
    expect(back.memberId).not.toBe(b);
    const again = world.syncAnswer(world.sync(back.memberId, 1, {}, { groupInstanceId: 'i2' }));
    expect(text(again?.assignment as Uint8Array)).toBe('B');
    expect(world.heartbeat(b, 1, 'i2')).toBe('FENCED_INSTANCE_ID');
    expect(world.heartbeat(a, 1, 'i1')).toBe('NONE');
    const fenced = world.commit(1, { memberId: b, groupInstanceId: 'i2', generationIdOrMemberEpoch: 1 });
    expect(world.commitError(fenced)).toBe('FENCED_INSTANCE_ID');
  });

  test('a leader that rejoins gets skipAssignment from v9 on, and its old id as leader before', () => {
    const { world, a } = staticPair();
    const back = world.joinNow({ groupInstanceId: 'i1' }, 9);
    expect(back).toMatchObject({ skipAssignment: true, leader: back.memberId });
    expect(back.members).toHaveLength(2);
    const old = staticPair();
    expect(old.world.joinNow({ groupInstanceId: 'i1' }, 8)).toMatchObject({
      skipAssignment: false,
      leader: old.a,
      members: [],
    });
    expect(a).toBe(old.a);
  });

  test('the new member id is written to the log, so the next coordinator has it', () => {
    const { world } = staticPair();
    const back = world.joinNow({ groupInstanceId: 'i2' });
    world.failOver();
    expect(world.heartbeat(back.memberId, 1, 'i2')).toBe('NONE');
  });

  test('when the write of the new member id fails, the old one stays', () => {
    const { world, b } = staticPair();
    world.autoWrite = false;
    const token = world.join({ groupInstanceId: 'i2' });
    world.failed(Errors.COORDINATOR_NOT_AVAILABLE);
    expect(errorName(world.response<JoinResponse>(token) as JoinResponse)).toBe('COORDINATOR_NOT_AVAILABLE');
    expect(world.heartbeat(b, 1, 'i2')).toBe('NONE');
  });

  test('a pending request of the old member id gets FENCED_INSTANCE_ID', () => {
    const { world, a, b } = staticPair();
    const leader = world.join({ groupInstanceId: 'i1', memberId: a });
    const parked = world.join({ groupInstanceId: 'i2', memberId: b, sessionTimeoutMs: 30_000 });
    expect(world.response<JoinResponse>(leader)?.generationId).toBe(2);
    expect(world.response<JoinResponse>(parked)?.generationId).toBe(2);
    const waiting = world.sync(b, 2, {}, { groupInstanceId: 'i2' });
    world.join({ groupInstanceId: 'i2' });
    expect(errorName(world.syncAnswer(waiting) as { errorCode: number })).toBe('FENCED_INSTANCE_ID');
    expect(world.group().state).toBe('PreparingRebalance');
  });

  test('a rebalance waits for an absent static member until its session ends', () => {
    const { world, a } = staticPair();
    world.heartbeat(a, 1, 'i1');
    const token = world.join({
      groupInstanceId: 'i1',
      memberId: a,
      rebalanceTimeoutMs: 5_000,
      sessionTimeoutMs: 30_000,
    });
    world.advance(26_000);
    expect(world.response(token)).toBeUndefined();
    world.advance(2_000);
    expect(world.response<JoinResponse>(token)?.members).toHaveLength(1);
  });

  test('LeaveGroup removes a member by its instance id', () => {
    const { world, a } = staticPair();
    expect(
      world.leaveNow({ groupInstanceId: 'i2' }, { groupInstanceId: 'ghost' }).members.map((m) => m.errorCode),
    ).toEqual([0, Errors.UNKNOWN_MEMBER_ID.code]);
    expect(world.heartbeat(a, 1, 'i1')).toBe('REBALANCE_IN_PROGRESS');
    expect(world.group().staticMembers.size).toBe(1);
  });
});
