import { describe, expect, test } from 'vitest';
import { sleep } from '../../src/base/clock.ts';
import { ConsumerProtocolMember } from '../../src/client/consumer-protocol-member.ts';
import { GroupMember } from '../../src/client/group-member.ts';
import type { KafkaClient } from '../../src/client/kafka-client.ts';
import { groupDefaults, type HeartbeatingMember } from '../../src/client/group-membership.ts';
import { Errors, KafkaError } from '../../src/protocol/errors.ts';
import { JoinGroupRequest } from '../../src/protocol/messages/groups/11-join-group.ts';
import { HeartbeatRequest } from '../../src/protocol/messages/groups/12-heartbeat.ts';
import { SyncGroupRequest } from '../../src/protocol/messages/groups/14-sync-group.ts';
import { ConsumerGroupHeartbeatRequest } from '../../src/protocol/messages/groups/68-consumer-group-heartbeat.ts';
import { inMacrotask, SimulatedHost, World } from '../../src/testing/index.ts';

const answerMs = 10;
const answersOfOtherApis = new Map<number, object>([
  [
    JoinGroupRequest.key,
    {
      memberId: 'm',
      leader: 'other',
      generationId: 1,
      members: [],
      skipAssignment: false,
    },
  ],
  [SyncGroupRequest.key, { assignment: new Uint8Array(0) }],
]);

/**
 * A group that accepts one member. It answers the heartbeats from `refusedFrom` to `refusedTo`, counted from 1, with `error`.
 */
class FakeGroup {
  readonly world = new World(1);
  readonly life = new SimulatedHost(this.world, 'client').boot();
  heartbeats = 0;
  readonly uses = new Set<string>();
  refusedFrom = Number.POSITIVE_INFINITY;
  refusedTo = Number.POSITIVE_INFINITY;
  error = Errors.GROUP_AUTHORIZATION_FAILED;
  /** When true, heartbeats are answered so that the member must give up its partitions and join again. */
  rebalances = false;

  get client(): KafkaClient {
    const request = async ({ key }: { key: number }) => {
      const isHeartbeat = key === HeartbeatRequest.key || key === ConsumerGroupHeartbeatRequest.key;
      const number = isHeartbeat ? ++this.heartbeats : 0;
      await sleep(this.life, answerMs);
      if (!isHeartbeat) return { errorCode: 0, ...answersOfOtherApis.get(key) };
      const isRefused = number >= this.refusedFrom && number <= this.refusedTo;
      const isClassic = key === HeartbeatRequest.key;
      const error = this.rebalances && isClassic ? Errors.REBALANCE_IN_PROGRESS : Errors.NONE;
      const topicPartitions = this.rebalances ? [{ topicId: 'T'.repeat(22), partitions: [0] }] : [];
      return {
        errorCode: (isRefused ? this.error : error).code,
        memberEpoch: 1,
        heartbeatIntervalMs: 100,
        assignment: { topicPartitions },
      };
    };
    const ports = { clock: this.life, scheduler: this.life };
    return {
      ports,
      coordinator: async () => 1,
      metadata: async () => {
        await sleep(this.life, answerMs);
        throw new KafkaError(Errors.CLUSTER_AUTHORIZATION_FAILED);
      },
      broker: async (_nodeId: number, use: string) => {
        this.uses.add(use);
        return { request };
      },
    } as unknown as KafkaClient;
  }
}

const options = { ...groupDefaults, groupId: 'g', heartbeatIntervalMs: 100 };
const protocols: [string, (client: KafkaClient) => HeartbeatingMember][] = [
  ['classic', (client) => new GroupMember(client, ['t'], options)],
  ['consumer', (client) => new ConsumerProtocolMember(client, ['t'], options, 'm')],
];

describe.each(protocols)('a member of the %s protocol', (_name, memberOf) => {
  /** Lets a member join, runs `then`, and lets another second pass. */
  function run(then: (group: FakeGroup, member: HeartbeatingMember) => void) {
    return inMacrotask(() => {
      const group = new FakeGroup();
      const member = memberOf(group.client);
      void member.join();
      group.world.run(150);
      const before = group.heartbeats;
      then(group, member);
      group.world.run(group.world.nowMs + 1_000);
      return { group, member, heartbeats: group.heartbeats - before };
    });
  }

  test("sends all its requests on the coordinator's connection", async () => {
    const { group } = await run(() => {});
    expect([...group.uses]).toEqual(['coordinator']);
  });

  test('sends heartbeats at the interval', async () => {
    const { heartbeats } = await run(() => {});
    expect(heartbeats).toBeGreaterThan(7);
    expect(heartbeats).toBeLessThan(11);
  });

  test('sends no heartbeat after a non-retriable error, and throws that error', async () => {
    const { member, heartbeats } = await run((group) => {
      group.refusedFrom = group.heartbeats + 1;
    });
    expect(heartbeats).toBe(1);
    expect(() => member.needsJoin).toThrow(Errors.GROUP_AUTHORIZATION_FAILED.message);
  });

  test('sends heartbeats during a rebalance until it joins again', async () => {
    const { member, heartbeats } = await run((group) => {
      group.rebalances = true;
    });
    expect(member.needsJoin).toBe(true);
    expect(heartbeats).toBeGreaterThan(7);
  });

  test('sends no heartbeat after UNKNOWN_MEMBER_ID, and must join again', async () => {
    const { member, heartbeats } = await run((group) => {
      group.error = Errors.UNKNOWN_MEMBER_ID;
      group.refusedFrom = group.heartbeats + 1;
    });
    expect([heartbeats, member.needsJoin]).toEqual([1, true]);
  });

  test('sends no heartbeat after it has left', async () => {
    const { heartbeats } = await run((group, member) => {
      const before = group.heartbeats;
      group.world.run(group.world.nowMs + 150, () => group.heartbeats > before);
      void member.leave();
    });
    // At most two more: the heartbeat already in flight, and in the consumer protocol the one by which the member leaves.
    expect(heartbeats).toBeLessThanOrEqual(2);
  });

  test('ignores the response to a heartbeat from before it joined again', async () => {
    const { member, heartbeats } = await run((group, member) => {
      const before = group.heartbeats;
      group.world.run(group.world.nowMs + 150, () => group.heartbeats > before);
      [group.refusedFrom, group.refusedTo] = [group.heartbeats, group.heartbeats];
      void member.join();
    });
    expect(member.needsJoin).toBe(false);
    expect(heartbeats).toBeGreaterThan(7);
    expect(heartbeats).toBeLessThan(13);
  });

  test('ends when its metadata are refused for good, unless it has joined again since the look-up', async () => {
    const { member: stays } = await run((_group, member) => member.refresh(false));
    expect(() => stays.needsJoin).toThrow(Errors.CLUSTER_AUTHORIZATION_FAILED.message);
    const { member: joinsAgain } = await run((_group, member) => {
      member.refresh(false);
      void member.join();
    });
    expect(joinsAgain.needsJoin).toBe(false);
  });
});
