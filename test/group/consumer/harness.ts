/** A shard with topics, and short functions for the requests of members of the consumer protocol. */
import { assert, defined } from '../../../src/base/assert.ts';
import type { Uuid } from '../../../src/base/uuid.ts';
import type { ConsumerHeartbeatResponse } from '../../../src/group/consumer/requests.ts';
import type { ConsumerHeartbeatRequest, GroupConfig } from '../../../src/group/types.ts';
import { encode } from '../../../src/protocol/codec/codec.ts';
import { ConsumerProtocolSubscription } from '../../../src/protocol/messages/stored/group-records.ts';
import { encodeVersioned } from '../../../src/protocol/records/versioned.ts';
import { MetadataDelta } from '../../../src/metadata/delta.ts';
import { errorName, World } from '../harness.ts';

/** A topic id that contains the name of the topic, so that failures of tests can be read. */
export function idOf(topic: string, incarnation = 0): Uuid {
  return `${topic}${'_'.repeat(20 - topic.length)}${incarnation}A`;
}

export class ConsumerWorld extends World {
  constructor(overrides: Partial<GroupConfig> = {}, topics: Record<string, number> = {}, seed = 1) {
    super(overrides, seed);
    for (const [name, count] of Object.entries(topics)) this.createTopic(name, count);
  }

  createTopic(name: string, count: number, incarnation = 0): void {
    const topicId = idOf(name, incarnation);
    this.#change((delta) => {
      delta.replay({ type: 'TopicRecord', topicId, name });
      for (let index = 0; index < count; index++) delta.replay(partition(topicId, index));
    });
  }

  growTopic(name: string, count: number): void {
    const topic = defined(this.image.topics.byName(name));
    this.#change((delta) => {
      for (let index = topic.partitions.length; index < count; index++)
        delta.replay(partition(topic.id, index));
    });
  }

  deleteTopic(name: string): void {
    const { id } = defined(this.image.topics.byName(name));
    this.#change((delta) => delta.replay({ type: 'RemoveTopicRecord', topicId: id }));
  }

  #change(records: (delta: MetadataDelta) => void): void {
    const delta = new MetadataDelta(this.image);
    records(delta);
    this.image = delta.apply(this.image.offset + 1, 0);
    this.step({ type: 'metadata', delta });
  }

  beat(request: Partial<ConsumerHeartbeatRequest>, apiVersion = 1, clientId = 'c'): number {
    return this.send((token) => ({
      type: 'consumerHeartbeat',
      token,
      caller: { apiVersion, clientId, clientHost: '/127.0.0.1' },
      request: {
        groupId: 'g',
        memberId: 'm1',
        memberEpoch: 0,
        instanceId: null,
        rackId: null,
        rebalanceTimeoutMs: -1,
        subscribedTopicNames: null,
        subscribedTopicRegex: null,
        serverAssignor: null,
        topicPartitions: null,
        ...request,
      },
    }));
  }

  beatNow(request: Partial<ConsumerHeartbeatRequest>, apiVersion = 1): ConsumerHeartbeatResponse {
    const token = this.beat(request, apiVersion);
    return defined(this.response<ConsumerHeartbeatResponse>(token), 'response to the heartbeat');
  }

  /** The name of the error in the heartbeat response. */
  beatError(request: Partial<ConsumerHeartbeatRequest>, apiVersion = 1): string {
    return errorName(this.beatNow(request, apiVersion));
  }

  member(
    memberId: string,
    topics: readonly string[] = ['t'],
    rest: Partial<ConsumerHeartbeatRequest> = {},
  ): Member {
    return new Member(this, memberId, topics, rest);
  }
}

function partition(topicId: Uuid, index: number) {
  return {
    type: 'PartitionRecord' as const,
    topicId,
    partitionId: index,
    replicas: [1],
    directories: [],
    isr: [1],
    removingReplicas: [],
    addingReplicas: [],
    eligibleLeaderReplicas: null,
    lastKnownElr: null,
    formerIsr: null,
    leader: 1,
    leaderRecoveryState: 0,
    leaderEpoch: 0,
    partitionEpoch: 0,
  };
}

/** A client: it owns what it was assigned, and gives up at once what is no longer assigned to it. */
export class Member {
  readonly world: ConsumerWorld;
  memberId: string;
  epoch = -1;
  /** Owned partitions by topic id. */
  owned = new Map<Uuid, number[]>();
  readonly topics: readonly string[];
  readonly rest: Partial<ConsumerHeartbeatRequest>;

  constructor(
    world: ConsumerWorld,
    memberId: string,
    topics: readonly string[],
    rest: Partial<ConsumerHeartbeatRequest>,
  ) {
    this.world = world;
    this.memberId = memberId;
    this.topics = topics;
    this.rest = rest;
  }

  join(): this {
    this.owned = new Map();
    this.epoch = 0;
    return this.beat({
      rebalanceTimeoutMs: 60_000,
      subscribedTopicNames: this.topics,
      topicPartitions: [],
      ...this.rest,
    });
  }

  beat(request: Partial<ConsumerHeartbeatRequest> = {}): this {
    this.take(this.world.beatNow(this.request(request)));
    return this;
  }

  request(request: Partial<ConsumerHeartbeatRequest> = {}): Partial<ConsumerHeartbeatRequest> {
    return {
      memberId: this.memberId,
      memberEpoch: this.epoch,
      instanceId: this.rest.instanceId ?? null,
      topicPartitions: [...this.owned].map(([topicId, partitions]) => ({ topicId, partitions })),
      ...request,
    };
  }

  take(response: ConsumerHeartbeatResponse): void {
    assert(
      response.errorCode === 0,
      `heartbeat of ${this.memberId}: ${errorName(response)} ${response.errorMessage}`,
    );
    this.epoch = response.memberEpoch;
    if (response.assignment === null) return;
    this.owned = new Map(
      response.assignment.topicPartitions.map(({ topicId, partitions }) => [topicId, partitions]),
    );
  }

  leave(epoch = -1): void {
    const response = this.world.beatNow({
      memberId: this.memberId,
      memberEpoch: epoch,
      instanceId: this.rest.instanceId ?? null,
    });
    assert(response.errorCode === 0, 'left');
    this.owned = new Map();
  }

  /** The owned partitions in the format `t:0,1 u:2`. */
  get shown(): string {
    return [...this.owned]
      .filter(([, partitions]) => partitions.length > 0)
      .map(
        ([id, partitions]) =>
          `${id.replace(/_+\d?A?$/u, '')}:${[...partitions].sort((a, b) => a - b).join(',')}`,
      )
      .sort()
      .join(' ');
  }
}

/** Lets all members send heartbeats until nothing changes any more. */
export function settle(members: readonly Member[], roundsMax = 20): number {
  for (let round = 1; round <= roundsMax; round++) {
    const before = members.map(({ epoch, shown }) => `${epoch} ${shown}`).join(';');
    for (const member of members) member.beat();
    if (members.map(({ epoch, shown }) => `${epoch} ${shown}`).join(';') === before) return round;
  }
  throw new Error(`the group did not settle in ${roundsMax} rounds`);
}

/** The subscription in the format that classic consumers send. */
export function subscription(
  topics: readonly string[],
  owned: { topic: string; partitions: number[] }[] = [],
): Uint8Array {
  const body = encode(ConsumerProtocolSubscription, 1, { topics: [...topics], ownedPartitions: owned });
  return encodeVersioned(1, body);
}
