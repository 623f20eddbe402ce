import { describe, expect, test } from 'vitest';
import type { JoinResponse } from '../../../src/group/types.ts';
import { bytes, errorName, World } from '../harness.ts';

describe('JoinGroup', () => {
  test('a dynamic member gets MEMBER_ID_REQUIRED from v4 on, and joins at once before', () => {
    const world = new World();
    const first = world.joinNow({}, 4);
    expect(errorName(first)).toBe('MEMBER_ID_REQUIRED');
    expect(first.memberId).toMatch(/^c-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    const old = world.join({ groupId: 'h' }, 3);
    world.advance(1);
    expect(world.response<JoinResponse>(old)).toMatchObject({ errorCode: 0, generationId: 1 });
  });

  test('the response has generation, protocol and leader, and for the leader the members', () => {
    const world = new World({ initialRebalanceDelayMs: 3_000 });
    const a = world.joinDynamic();
    const b = world.joinDynamic();
    world.advance(2_999);
    expect(world.response(a.token)).toBeUndefined();
    // The second member has extended the initial delay.
    world.advance(3_001);
    const toLeader = world.response<JoinResponse>(a.token);
    expect(toLeader).toMatchObject({
      errorCode: 0,
      generationId: 1,
      protocolType: 'consumer',
      protocolName: 'range',
      leader: a.memberId,
      memberId: a.memberId,
      skipAssignment: false,
    });
    expect(toLeader?.members.map((m) => m.memberId)).toEqual([a.memberId, b.memberId]);
    expect(world.response<JoinResponse>(b.token)).toMatchObject({ leader: a.memberId, members: [] });
  });

  test('the initial rebalance delay ends at the rebalance time-out, even when members keep joining', () => {
    const world = new World({ initialRebalanceDelayMs: 3_000 });
    const a = world.joinDynamic({ rebalanceTimeoutMs: 5_000 });
    for (let i = 0; i < 4; i++) {
      world.advance(1_200);
      world.joinDynamic({ rebalanceTimeoutMs: 5_000 });
    }
    expect(world.response(a.token)).toBeUndefined();
    world.advance(300);
    expect(world.response<JoinResponse>(a.token)?.generationId).toBe(1);
  });

  test.each([
    [{ groupId: '' }, 'INVALID_GROUP_ID'],
    [{ sessionTimeoutMs: 5_999 }, 'INVALID_SESSION_TIMEOUT'],
    [{ sessionTimeoutMs: 1_800_001 }, 'INVALID_SESSION_TIMEOUT'],
    [{ memberId: 'ghost' }, 'UNKNOWN_MEMBER_ID'],
    [{ protocolType: '' }, 'INCONSISTENT_GROUP_PROTOCOL'],
    [{ protocols: [] }, 'INCONSISTENT_GROUP_PROTOCOL'],
  ])('refuses %o with %s', (request, error) => {
    const world = new World();
    expect(errorName(world.joinNow(request))).toBe(error);
    expect(world.shard.groups.size).toBe(0);
  });

  test('refuses another protocol type, and protocols that the other members do not support', () => {
    const world = new World();
    world.stable(1);
    expect(errorName(world.joinNow({ protocolType: 'connect' }))).toBe('INCONSISTENT_GROUP_PROTOCOL');
    const other = [{ name: 'sticky', metadata: bytes('') }];
    expect(errorName(world.joinNow({ protocols: other }))).toBe('INCONSISTENT_GROUP_PROTOCOL');
  });

  test('an empty group accepts another protocol type', () => {
    const world = new World();
    const { ids } = world.stable(1);
    world.leaveNow({ memberId: ids[0] as string });
    const connect = world.joinDynamic({
      protocolType: 'connect',
      protocols: [{ name: 'sessioned', metadata: bytes('') }],
    });
    world.advance(1);
    expect(world.response<JoinResponse>(connect.token)).toMatchObject({
      protocolType: 'connect',
      protocolName: 'sessioned',
      generationId: 3,
    });
  });

  test('chooses the protocol that most members prefer among those that all support', () => {
    const world = new World({ initialRebalanceDelayMs: 1_000 });
    const of = (...names: string[]) => ({
      protocols: names.map((name) => ({ name, metadata: bytes(name) })),
    });
    const a = world.joinDynamic(of('only-a', 'range', 'roundrobin'));
    world.joinDynamic(of('roundrobin', 'range'));
    world.joinDynamic(of('roundrobin', 'range'));
    world.advance(60_000);
    expect(world.response<JoinResponse>(a.token)?.protocolName).toBe('roundrobin');
  });

  test('a follower that joins a stable group gets the same generation; its leader starts a rebalance', () => {
    const world = new World();
    const { ids, generation } = world.stable(2);
    const [leader, follower] = ids as [string, string];
    expect(world.joinNow({ memberId: follower })).toMatchObject({ generationId: generation, members: [] });
    expect(world.group().state).toBe('Stable');
    const token = world.join({ memberId: leader });
    expect(world.response(token)).toBeUndefined();
    expect(world.heartbeat(follower, generation)).toBe('REBALANCE_IN_PROGRESS');
    const again = world.joinNow({ memberId: follower });
    expect(again.generationId).toBe(generation + 1);
    // In state CompletingRebalance the same request gets the same response again.
    expect(world.joinNow({ memberId: leader }).members).toHaveLength(2);
  });

  test('a follower with new metadata starts a rebalance', () => {
    const world = new World();
    const { ids } = world.stable(2);
    world.join({ memberId: ids[1] as string, protocols: [{ name: 'range', metadata: bytes('new') }] });
    expect(world.group().state).toBe('PreparingRebalance');
  });

  test('a member that does not rejoin within the rebalance time-out is removed', () => {
    const world = new World();
    const { ids, generation } = world.stable(2, { sessionTimeoutMs: 100_000, rebalanceTimeoutMs: 20_000 });
    const token = world.join({
      memberId: ids[0] as string,
      sessionTimeoutMs: 100_000,
      rebalanceTimeoutMs: 20_000,
    });
    world.advance(19_999);
    expect(world.response(token)).toBeUndefined();
    world.advance(1);
    const answer = world.response<JoinResponse>(token);
    expect(answer).toMatchObject({ generationId: generation + 1 });
    expect(answer?.members).toHaveLength(1);
    expect(world.heartbeat(ids[1] as string, generation)).toBe('UNKNOWN_MEMBER_ID');
  });

  test('in v0 the session time-out is also the rebalance time-out', () => {
    const world = new World();
    world.join({ sessionTimeoutMs: 7_000, rebalanceTimeoutMs: -1 }, 0);
    expect(world.group().rebalanceTimeoutMs).toBe(7_000);
  });

  test('a member id that was given but never joins delays the rebalance until its session ends', () => {
    const world = new World();
    const { ids } = world.stable(1);
    world.joinNow({}); // takes an id, and is not heard of again
    const token = world.join({ memberId: ids[0] as string });
    expect(world.response(token)).toBeUndefined();
    world.advance(10_000);
    expect(world.response<JoinResponse>(token)?.members).toHaveLength(1);
  });

  test('refuses more members than group.max.size', () => {
    const world = new World({ maxSize: 1 });
    const { ids } = world.stable(1);
    expect(errorName(world.joinNow({}))).toBe('GROUP_MAX_SIZE_REACHED');
    expect(world.joinNow({ memberId: ids[0] as string }).errorCode).toBe(0);
  });

  test('a second JoinGroup of a member replaces the first, which gets REBALANCE_IN_PROGRESS', () => {
    const world = new World({ initialRebalanceDelayMs: 1_000 });
    const a = world.joinDynamic();
    const again = world.join({ memberId: a.memberId });
    expect(errorName(world.response<JoinResponse>(a.token) as JoinResponse)).toBe('REBALANCE_IN_PROGRESS');
    world.advance(1_000);
    expect(world.response<JoinResponse>(again)?.generationId).toBe(1);
  });
});
