import { describe, expect, test } from 'vitest';
import type { JoinResponse, SyncResponse } from '../../../src/group/types.ts';
import { Errors } from '../../../src/protocol/errors.ts';
import { errorName, text, World } from '../harness.ts';

/** A group with two members that have joined but not sent SyncGroup. */
function completing() {
  const world = new World({ initialRebalanceDelayMs: 1_000 });
  const joins = [world.joinDynamic(), world.joinDynamic()] as const;
  world.advance(5_000);
  const [leader, follower] = [joins[0].memberId, joins[1].memberId];
  return { world, leader, follower };
}

describe('SyncGroup', () => {
  test('members get their assignment when it is replicated; one without an entry gets an empty assignment', () => {
    const { world, leader, follower } = completing();
    world.autoWrite = false;
    const waiting = world.sync(follower, 1);
    const leading = world.sync(leader, 1, { [leader]: 'mine' });
    expect(world.syncAnswer(waiting)).toBeUndefined();
    expect(world.group().state).toBe('CompletingRebalance');
    world.written();
    expect(text(world.syncAnswer(leading)?.assignment as Uint8Array)).toBe('mine');
    expect(world.syncAnswer(waiting)).toMatchObject({
      errorCode: 0,
      protocolName: 'range',
      protocolType: 'consumer',
    });
    expect(world.syncAnswer(waiting)?.assignment).toHaveLength(0);
    expect(world.group().state).toBe('Stable');
    // In a stable group another SyncGroup request gets the same assignment.
    expect(text(world.syncAnswer(world.sync(leader, 1))?.assignment as Uint8Array)).toBe('mine');
  });

  test.each([
    [{ memberId: 'ghost' }, 'UNKNOWN_MEMBER_ID'],
    [{ groupId: '' }, 'INVALID_GROUP_ID'],
    [{ groupId: 'other' }, 'UNKNOWN_MEMBER_ID'],
    [{ generationId: 7 }, 'ILLEGAL_GENERATION'],
    [{ protocolName: 'sticky' }, 'INCONSISTENT_GROUP_PROTOCOL'],
    [{ protocolType: 'connect' }, 'INCONSISTENT_GROUP_PROTOCOL'],
    [{ groupInstanceId: 'nobody' }, 'UNKNOWN_MEMBER_ID'],
  ])('refuses %o with %s', (rest, error) => {
    const { world, follower } = completing();
    const token = world.sync(follower, 1, {}, rest);
    expect(errorName(world.syncAnswer(token) as SyncResponse)).toBe(error);
  });

  test('when the write of the assignment fails, all members must join again', () => {
    const { world, leader, follower } = completing();
    world.autoWrite = false;
    const tokens = [world.sync(follower, 1), world.sync(leader, 1, {})];
    world.failed(Errors.COORDINATOR_NOT_AVAILABLE);
    for (const token of tokens)
      expect(errorName(world.syncAnswer(token) as SyncResponse)).toBe('COORDINATOR_NOT_AVAILABLE');
    expect(world.group().state).toBe('PreparingRebalance');
  });

  test('a join during the write of the assignment starts a rebalance', () => {
    const { world, leader, follower } = completing();
    world.autoWrite = false;
    const token = world.sync(leader, 1, {});
    world.joinDynamic();
    expect(errorName(world.syncAnswer(token) as SyncResponse)).toBe('REBALANCE_IN_PROGRESS');
    world.written();
    expect(world.group().state).toBe('PreparingRebalance');
    expect(world.heartbeat(follower, 1)).toBe('REBALANCE_IN_PROGRESS');
  });

  test('a member that never sends SyncGroup is removed after the rebalance time-out', () => {
    const { world, leader, follower } = completing();
    world.sync(leader, 1, {});
    for (let i = 0; i < 12; i++) {
      world.advance(5_000);
      world.heartbeat(leader, 1);
      world.heartbeat(follower, 1);
    }
    expect(world.group().state).toBe('PreparingRebalance');
    expect(world.heartbeat(follower, 1)).toBe('UNKNOWN_MEMBER_ID');
  });

  test("when the leader's session ends before its SyncGroup, a rebalance follows", () => {
    const { world, follower } = completing();
    const waiting = world.sync(follower, 1);
    world.advance(10_001);
    expect(errorName(world.syncAnswer(waiting) as SyncResponse)).toBe('REBALANCE_IN_PROGRESS');
    const again = world.joinNow({ memberId: follower });
    expect(again).toMatchObject({ generationId: 2, leader: follower });
    expect((again as JoinResponse).members).toHaveLength(1);
  });
});
