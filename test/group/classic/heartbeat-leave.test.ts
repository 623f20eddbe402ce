import { describe, expect, test } from 'vitest';
import type { LeaveResponse, SyncResponse } from '../../../src/group/types.ts';
import { Errors } from '../../../src/protocol/errors.ts';
import { errorName, World } from '../harness.ts';

describe('Heartbeat', () => {
  test('has an error for unknown members, wrong generations and a rebalance', () => {
    const world = new World();
    expect(world.heartbeat('x', 1)).toBe('UNKNOWN_MEMBER_ID');
    const { ids, generation } = world.stable(2);
    const [a, b] = ids as [string, string];
    expect(world.heartbeat(a, generation)).toBe('NONE');
    expect(world.heartbeat(a, generation - 1)).toBe('ILLEGAL_GENERATION');
    expect(world.heartbeat('x', generation)).toBe('UNKNOWN_MEMBER_ID');
    world.join({ memberId: a });
    expect(world.heartbeat(b, generation)).toBe('REBALANCE_IN_PROGRESS');
    world.join({ memberId: b });
    expect(world.group().state).toBe('CompletingRebalance');
    expect(world.heartbeat(b, generation + 1)).toBe('NONE');
    world.leave({ memberId: a }, { memberId: b });
    expect(world.group().state).toBe('Empty');
    expect(world.heartbeat(b, generation + 1)).toBe('UNKNOWN_MEMBER_ID');
  });

  test('a member without heartbeats is removed at its session time-out, not before', () => {
    const world = new World();
    const { ids, generation } = world.stable(2);
    const [a, b] = ids as [string, string];
    for (let i = 0; i < 5; i++) {
      world.advance(3_000);
      world.heartbeat(a, generation);
      if (i === 0) expect(world.heartbeat(b, generation)).toBe('NONE');
    }
    expect(world.heartbeat(a, generation)).toBe('REBALANCE_IN_PROGRESS');
    expect(world.heartbeat(b, generation)).toBe('UNKNOWN_MEMBER_ID');
  });

  test('heartbeats do not add up entries in the queue of deadlines', () => {
    const world = new World();
    const { ids, generation } = world.stable(1);
    for (let i = 0; i < 1_000; i++) {
      world.advance(10);
      world.heartbeat(ids[0] as string, generation);
    }
    expect(world.shard.deadlines.queuedCount).toBeLessThan(8);
  });
});

describe('LeaveGroup', () => {
  test('the last member leaves an empty group with the next generation', () => {
    const world = new World();
    const { ids, generation } = world.stable(1);
    expect(world.leaveNow({ memberId: ids[0] as string })).toEqual({
      errorCode: 0,
      members: [{ memberId: ids[0], groupInstanceId: null, errorCode: 0 }],
    });
    expect(world.group()).toMatchObject({
      state: 'Empty',
      generation: generation + 1,
      protocolType: 'consumer',
    });
  });

  test('each member of a request has its own result', () => {
    const world = new World();
    const { ids } = world.stable(3);
    const answer = world.leaveNow(
      { memberId: ids[0] as string },
      { memberId: 'ghost' },
      { memberId: ids[1] as string },
    );
    expect(answer.members.map((m) => m.errorCode)).toEqual([0, Errors.UNKNOWN_MEMBER_ID.code, 0]);
    expect(world.group().members.size).toBe(1);
    expect(world.group().leaderId).toBe(ids[2]);
  });

  test('an unknown group gives UNKNOWN_MEMBER_ID, an empty group id INVALID_GROUP_ID', () => {
    const world = new World();
    expect(world.leaveNow({ memberId: 'x' }).members[0]?.errorCode).toBe(Errors.UNKNOWN_MEMBER_ID.code);
    const token = world.send((t) => ({ type: 'leave', token: t, request: { groupId: '', members: [] } }));
    expect(errorName(world.response<LeaveResponse>(token) as LeaveResponse)).toBe('INVALID_GROUP_ID');
  });

  test('a member id that has not joined yet can leave', () => {
    const world = new World();
    const { memberId } = world.joinNow({});
    expect(world.leaveNow({ memberId }).members[0]?.errorCode).toBe(0);
    expect(world.group().pendingMembers.size).toBe(0);
  });

  test('the response waits until the empty group is replicated', () => {
    const world = new World();
    const { ids } = world.stable(1);
    world.autoWrite = false;
    const token = world.leave({ memberId: ids[0] as string });
    expect(world.response(token)).toBeUndefined();
    world.written();
    expect(world.response<LeaveResponse>(token)?.errorCode).toBe(0);
  });
});

test('a coordinator that resigns answers pending joins and commits with NOT_COORDINATOR', () => {
  const world = new World({ initialRebalanceDelayMs: 1_000 });
  world.autoWrite = false;
  const join = world.joinDynamic({ groupId: 'g' }).token;
  const commit = world.commit(5, { groupId: 'h' });
  world.step({ type: 'resign', error: Errors.NOT_COORDINATOR });
  expect(errorName(world.response<SyncResponse>(join) as SyncResponse)).toBe('NOT_COORDINATOR');
  expect(world.commitError(commit)).toBe('NOT_COORDINATOR');
});
