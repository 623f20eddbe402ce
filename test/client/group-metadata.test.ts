/**
 * What a group member does when the metadata of its topics change. The group and the cluster are scripted, and time is virtual.
 */
import { describe, expect, test } from 'vitest';
import { sleep } from '../../src/base/clock.ts';
import { ConsumerProtocolMember } from '../../src/client/consumer-protocol-member.ts';
import { GroupMember } from '../../src/client/group-member.ts';
import type { KafkaClient } from '../../src/client/kafka-client.ts';
import {
  type GroupOptions,
  groupDefaults,
  type HeartbeatingMember,
} from '../../src/client/group-membership.ts';
import type { Subscription } from '../../src/client/subscribed-topics.ts';
import { Errors } from '../../src/protocol/errors.ts';
import { JoinGroupRequest } from '../../src/protocol/messages/groups/11-join-group.ts';
import { HeartbeatRequest } from '../../src/protocol/messages/groups/12-heartbeat.ts';
import { SyncGroupRequest } from '../../src/protocol/messages/groups/14-sync-group.ts';
import { ConsumerGroupHeartbeatRequest } from '../../src/protocol/messages/groups/68-consumer-group-heartbeat.ts';
import { inMacrotask, SimulatedHost, World } from '../../src/testing/index.ts';

const maxAgeMs = 2_000;
const options: GroupOptions = {
  ...groupDefaults,
  groupId: 'g',
  heartbeatIntervalMs: 100,
  metadataMaxAgeMs: maxAgeMs,
};

/** What a test needs of a ConsumerGroupHeartbeat request; fields that the member leaves out have their defaults. */
interface Heartbeat {
  readonly subscribedTopicNames?: readonly string[] | null;
  readonly rebalanceTimeoutMs?: number;
  readonly topicPartitions?: readonly unknown[] | null;
}

interface Topic {
  readonly id: string;
  readonly count: number;
}

/** One coordinator and its cluster. The member is the leader of its classic group unless `isFollower`. */
class ScriptedGroup {
  readonly world = new World(1);
  readonly host = new SimulatedHost(this.world, 'client').boot();
  topics = new Map<string, Topic>([['t', { id: 'id-t', count: 1 }]]);
  /** Topics that the coordinator knows already and assigns, while the metadata that the brokers return do not have them yet. */
  ahead = new Map<string, Topic>();
  isFollower = false;
  skipAssignment = false;
  lookups = 0;
  failLookups = false;
  joins = 0;
  /** When true, the coordinator carries out heartbeats, but its responses do not arrive. */
  losesResponses = false;
  private subscribed: readonly string[] = [];
  private sent = '';

  get client(): KafkaClient {
    return {
      ports: { clock: this.host, scheduler: this.host },
      coordinator: async () => 1,
      broker: async () => ({ request: this.request.bind(this) }),
      metadata: this.metadata.bind(this),
    } as unknown as KafkaClient;
  }

  private async metadata(names: readonly string[] | null): Promise<object> {
    this.lookups++;
    await sleep(this.host, 10);
    if (this.failLookups) throw Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
    const topics = (names ?? [...this.topics.keys()]).map((name) => {
      const topic = this.topics.get(name);
      const partitions = Array.from({ length: topic?.count ?? 0 }, (_, index) => ({ index }));
      const errorCode = topic === undefined ? Errors.UNKNOWN_TOPIC_OR_PARTITION.code : 0;
      return [name, { name, id: topic?.id ?? '', isInternal: name.startsWith('__'), errorCode, partitions }];
    });
    return { topics: new Map(topics as never) };
  }

  private async request({ key }: { key: number }, _response: unknown, body: never): Promise<object> {
    await sleep(this.host, 10);
    if (key === JoinGroupRequest.key) return this.joined(body);
    if (key === SyncGroupRequest.key) {
      const { assignments } = body as { assignments: { assignment: Uint8Array }[] };
      return { errorCode: 0, assignment: assignments[0]?.assignment ?? new Uint8Array(0) };
    }
    if (key === HeartbeatRequest.key) return { errorCode: 0 };
    if (key === ConsumerGroupHeartbeatRequest.key) {
      const response = this.beaten(body);
      if (this.losesResponses) throw Object.assign(new Error('reset'), { code: 'ECONNRESET' });
      return response;
    }
    return { errorCode: 0 };
  }

  private joined({ protocols }: { protocols: { metadata: Uint8Array }[] }): object {
    this.joins++;
    const leader = this.isFollower ? 'other' : 'm';
    const members = this.isFollower ? [] : [{ memberId: 'm', metadata: protocols[0]?.metadata }];
    const { skipAssignment } = this;
    return { errorCode: 0, memberId: 'm', leader, generationId: 1, members, skipAssignment };
  }

  /**
   * Answers a ConsumerGroupHeartbeat: the member gets all partitions of its topics. The assignment is in the answer only when
   * it has changed, or when the request has all fields.
   */
  private beaten(request: Heartbeat): object {
    const { subscribedTopicNames = null, rebalanceTimeoutMs = -1, topicPartitions: owned = null } = request;
    const isFull = subscribedTopicNames !== null && rebalanceTimeoutMs !== -1 && owned !== null;
    this.subscribed = subscribedTopicNames ?? this.subscribed;
    const topicPartitions = this.subscribed.flatMap((name) => {
      const topic = this.ahead.get(name) ?? this.topics.get(name);
      return topic === undefined
        ? []
        : [{ topicId: topic.id, partitions: Array.from({ length: topic.count }, (_, index) => index) }];
    });
    const text = JSON.stringify(topicPartitions);
    const assignment = text === this.sent && !isFull ? null : { topicPartitions };
    this.sent = text;
    return { errorCode: 0, memberEpoch: 1, heartbeatIntervalMs: 100, assignment };
  }
}

/** A member whose owner polls it every 50 ms and joins again when it must. */
class Polled {
  readonly group = new ScriptedGroup();
  readonly assignments: string[] = [];
  private readonly member: HeartbeatingMember;
  private isStale = false;
  private isJoining = false;

  constructor(protocol: string, subscription: Subscription) {
    this.member =
      protocol === 'classic'
        ? new GroupMember(this.group.client, subscription, options)
        : new ConsumerProtocolMember(this.group.client, subscription, options, 'm');
  }

  get last(): string {
    return this.assignments.at(-1) ?? 'none';
  }

  run(ms: number): this {
    const { world } = this.group;
    for (const endMs = world.nowMs + ms; world.nowMs < endMs; ) {
      this.poll();
      world.run(world.nowMs + 50);
    }
    return this;
  }

  misdirected(): this {
    this.isStale = true;
    return this;
  }

  private poll(): void {
    if (this.isJoining) return;
    this.member.refresh(this.isStale);
    this.isStale = false;
    if (!this.member.needsJoin) return;
    this.isJoining = true;
    void this.member.join().then((topics) => {
      this.isJoining = false;
      this.assignments.push(topics.map(({ topic, partitions }) => `${topic}:${partitions.join()}`).join(' '));
    });
  }
}

describe.each(['classic', 'consumer'])('a member of the %s protocol', (protocol) => {
  test('gets partitions that are added to its topic', async () => {
    const { before, after } = await inMacrotask(() => {
      const polled = new Polled(protocol, ['t']).run(500);
      const before = polled.last;
      polled.group.topics.set('t', { id: 'id-t', count: 3 });
      return { before, after: polled.run(maxAgeMs + 500).last };
    });
    expect([before, after]).toEqual(['t:0', 't:0,1,2']);
  });

  test('gets all partitions of a topic that was deleted and created again', async () => {
    const last = await inMacrotask(() => {
      const polled = new Polled(protocol, ['t']).run(500);
      polled.group.topics.delete('t');
      polled.run(maxAgeMs + 500);
      polled.group.topics.set('t', { id: 'id-2', count: 2 });
      return polled.run(maxAgeMs + 500).last;
    });
    expect(last).toBe('t:0,1');
  });

  test('gets new topics that match its pattern, except internal ones, and loses deleted ones', async () => {
    const all = await inMacrotask(() => {
      const polled = new Polled(protocol, { matches: (topic) => /^[t_]/.test(topic) }).run(500);
      polled.group.topics.set('t2', { id: 'id-t2', count: 1 });
      polled.group.topics.set('__offsets', { id: 'id-o', count: 1 });
      polled.group.topics.set('other', { id: 'id-other', count: 1 });
      polled.run(maxAgeMs + 500);
      polled.group.topics.delete('t');
      return polled.run(maxAgeMs + 500).assignments;
    });
    expect(all).toEqual(['t:0', 't:0 t2:0', 't2:0']);
  });

  test('does not join again, and looks up the metadata once per maximum age, while nothing changes', async () => {
    const { group, assignments } = await inMacrotask(() => new Polled(protocol, ['t']).run(10 * maxAgeMs));
    expect(assignments).toEqual(['t:0']);
    expect(group.lookups).toBeGreaterThan(8);
    expect(group.lookups).toBeLessThan(13);
  });

  test('looks up a missing topic every second, even with a longer maximum age of the metadata', async () => {
    const last = await inMacrotask(() => {
      const polled = new Polled(protocol, ['new']).run(500);
      polled.group.topics.set('new', { id: 'id-new', count: 1 });
      return polled.run(1_300).last;
    });
    expect(last).toBe('new:0');
  });

  test('looks up the metadata again after lookups that failed', async () => {
    const { group, last } = await inMacrotask(() => {
      const polled = new Polled(protocol, ['t']).run(500);
      polled.group.failLookups = true;
      polled.run(3 * maxAgeMs);
      polled.group.failLookups = false;
      polled.group.topics.set('t', { id: 'id-t', count: 2 });
      return polled.run(1_500);
    });
    expect(last).toBe('t:0,1');
    expect(group.lookups).toBeLessThan(12);
  });
});

describe('the leader of a classic group', () => {
  test('looks up the metadata at once after a broker refused a request, at most ten times a second', async () => {
    const { group, last, before } = await inMacrotask(() => {
      const polled = new Polled('classic', ['t']).run(500);
      polled.group.topics.set('t', { id: 'id-t', count: 2 });
      polled.misdirected().run(300);
      const before = polled.group.lookups;
      for (let step = 0; step < 40; step++) polled.misdirected().run(50);
      return { group: polled.group, last: polled.last, before };
    });
    expect(last).toBe('t:0,1');
    expect(group.lookups - before).toBeLessThanOrEqual(21);
  });

  test('joins again for a new partition also after a join that skipped the assignment (KIP-814)', async () => {
    const { joins } = await inMacrotask(() => {
      const polled = new Polled('classic', ['t']);
      polled.group.skipAssignment = true;
      polled.run(500);
      polled.group.topics.set('t', { id: 'id-t', count: 2 });
      return polled.run(maxAgeMs + 500).group;
    });
    expect(joins).toBe(2);
  });

  test('alone joins again for new partitions; a follower does not', async () => {
    const { joins } = await inMacrotask(() => {
      const polled = new Polled('classic', ['t']);
      polled.group.isFollower = true;
      polled.run(500);
      polled.group.topics.set('t', { id: 'id-t', count: 2 });
      return polled.run(2 * maxAgeMs).group;
    });
    expect(joins).toBe(1);
  });
});

test('a member of the consumer protocol reads an assigned topic when the metadata has its name', async () => {
  const { assignments, group } = await inMacrotask(() => {
    const polled = new Polled('consumer', ['t']).run(500);
    polled.group.ahead.set('t', { id: 'id-2', count: 2 });
    polled.run(1_000);
    polled.group.topics.set('t', { id: 'id-2', count: 2 });
    return polled.run(500);
  });
  expect(assignments).toEqual(['t:0', '', 't:0,1']);
  expect(group.lookups).toBeLessThan(20);
});

test('a member of the consumer protocol gets its assignment again after the response was lost', async () => {
  const { assignments } = await inMacrotask(() => {
    const polled = new Polled('consumer', ['t']).run(500);
    polled.group.losesResponses = true;
    polled.group.topics.set('t', { id: 'id-t', count: 2 });
    polled.run(500);
    polled.group.losesResponses = false;
    return polled.run(500);
  });
  expect(assignments).toEqual(['t:0', 't:0,1']);
});
