/**
 * A member of a classic consumer group: joins, leads when asked to (range assignment), heartbeats, commits, leaves. The
 * owner is told what it may read and gives it up when the group rebalances (eager protocol).
 */
import { type Timer, sleep } from '../base/clock.ts';
import { decode, encode } from '../protocol/codec/codec.ts';
import { Errors, type ErrorRow, KafkaError } from '../protocol/errors.ts';
import { JoinGroupRequest, JoinGroupResponse } from '../protocol/messages/11-join-group.ts';
import { HeartbeatRequest, HeartbeatResponse } from '../protocol/messages/12-heartbeat.ts';
import { LeaveGroupRequest, LeaveGroupResponse } from '../protocol/messages/13-leave-group.ts';
import { SyncGroupRequest, SyncGroupResponse } from '../protocol/messages/14-sync-group.ts';
import {
  ConsumerProtocolAssignment,
  ConsumerProtocolSubscription,
} from '../protocol/messages/group-records.ts';
import { encodeVersioned } from '../protocol/records/versioned.ts';
import type { Infer, Init, Message, Shape } from '../protocol/schema/fields.ts';
import { assignRange, type TopicPartitions } from './assignor.ts';
import { type CommitOffset, GroupCoordinator } from './group-coordinator.ts';
import type { KafkaClient } from './kafka-client.ts';
import { isRetriable } from './retry.ts';

export interface GroupOptions {
  readonly groupId: string;
  readonly groupInstanceId: string | null;
  readonly sessionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  readonly rebalanceTimeoutMs: number;
  /** The id of a member of the consumer protocol (KIP-848), which clients choose themselves; null: the classic protocol. */
  readonly consumerProtocolId: string | null;
}

export const groupDefaults: Omit<GroupOptions, 'groupId'> = {
  groupInstanceId: null,
  sessionTimeoutMs: 45_000,
  heartbeatIntervalMs: 3_000,
  rebalanceTimeoutMs: 300_000,
  consumerProtocolId: null,
};

/** Being a member of a group, in either protocol. */
export interface Membership {
  /** True when what was assigned is no longer ours: commit if wanted, then `join` again. Throws when the group refuses for good. */
  readonly needsJoin: boolean;
  /** Takes part in a rebalance; returns the partitions that are ours until the next one. */
  join(): Promise<TopicPartitions[]>;
  commit(offsets: readonly CommitOffset[]): Promise<void>;
  committed(partitions: readonly TopicPartitions[]): Promise<Map<string, number>>;
  leave(): Promise<void>;
}

/** The group asks this member to join again. */
const rejoinErrors: readonly ErrorRow[] = [
  Errors.REBALANCE_IN_PROGRESS,
  Errors.ILLEGAL_GENERATION,
  Errors.UNKNOWN_MEMBER_ID,
];
const subscriptionVersion = 0;

export class GroupMember implements Membership {
  private readonly client: KafkaClient;
  private readonly coordinator: GroupCoordinator;
  private readonly options: GroupOptions;
  private readonly topics: readonly string[];
  private memberId = '';
  private generationId = -1;
  private heartbeatTimer: Timer | null = null;
  private mustJoin = true;
  private failure: Error | null = null;

  constructor(client: KafkaClient, topics: readonly string[], options: GroupOptions) {
    this.client = client;
    this.topics = topics;
    this.options = options;
    this.coordinator = new GroupCoordinator(client, options.groupId);
  }

  get needsJoin(): boolean {
    if (this.failure !== null) throw this.failure;
    return this.mustJoin;
  }

  async join(): Promise<TopicPartitions[]> {
    this.heartbeatTimer?.cancel();
    for (;;) {
      try {
        const assignment = await this.joinOnce();
        this.mustJoin = false;
        this.scheduleHeartbeat();
        return assignment;
      } catch (error) {
        this.forget(error);
        await sleep(this.client.ports.scheduler, 50);
      }
    }
  }

  commit(offsets: readonly CommitOffset[]): Promise<void> {
    const { groupInstanceId } = this.options;
    return this.coordinator.commit(offsets, {
      generationIdOrMemberEpoch: this.generationId,
      memberId: this.memberId,
      groupInstanceId,
    });
  }

  committed(partitions: readonly TopicPartitions[]): Promise<Map<string, number>> {
    return this.coordinator.committed(partitions);
  }

  async leave(): Promise<void> {
    this.heartbeatTimer?.cancel();
    if (this.memberId === '' || this.options.groupInstanceId !== null) return;
    try {
      const { groupId } = this.options;
      const member = { memberId: this.memberId, groupInstanceId: null };
      await this.coordinator.ask(LeaveGroupRequest, LeaveGroupResponse, { groupId, members: [member] });
    } catch {
      // The coordinator finds out by the session time-out.
    }
  }

  private async joinOnce(): Promise<TopicPartitions[]> {
    const subscription = { topics: [...this.topics].sort(), userData: null };
    const join = {
      groupId: this.options.groupId,
      sessionTimeoutMs: this.options.sessionTimeoutMs,
      rebalanceTimeoutMs: this.options.rebalanceTimeoutMs,
      memberId: this.memberId,
      groupInstanceId: this.options.groupInstanceId,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: embedded(ConsumerProtocolSubscription, subscription) }],
    };
    const timeoutMs = this.options.rebalanceTimeoutMs + 5_000;
    const joined = await this.coordinator.ask(JoinGroupRequest, JoinGroupResponse, join, timeoutMs);
    if (joined.memberId !== '') this.memberId = joined.memberId;
    this.coordinator.check(joined.errorCode);
    this.generationId = joined.generationId;
    const isLeader = joined.leader === joined.memberId && !joined.skipAssignment;
    const synced = await this.coordinator.ask(
      SyncGroupRequest,
      SyncGroupResponse,
      {
        groupId: this.options.groupId,
        generationId: this.generationId,
        memberId: this.memberId,
        groupInstanceId: this.options.groupInstanceId,
        protocolType: 'consumer',
        protocolName: 'range',
        assignments: isLeader ? await this.assignAll(joined) : [],
      },
      timeoutMs,
    );
    this.coordinator.check(synced.errorCode);
    if (synced.assignment.length === 0) return [];
    const assignment = decode(ConsumerProtocolAssignment, subscriptionVersion, synced.assignment, 2);
    return assignment.assignedPartitions.map(({ topic, partitions }) => ({
      topic,
      partitions: [...partitions],
    }));
  }

  /** We lead the group: decides who reads what. */
  private async assignAll(joined: Infer<typeof JoinGroupResponse>) {
    const subscriptions = new Map(
      joined.members.map(({ memberId, metadata }) => [
        memberId,
        decode(ConsumerProtocolSubscription, subscriptionVersion, metadata, 2).topics,
      ]),
    );
    const cluster = await this.client.metadata([...new Set([...subscriptions.values()].flat())]);
    const counts = new Map(
      [...cluster.topics.values()].map(({ name, partitions }) => [name, partitions.length]),
    );
    return [...assignRange(subscriptions, counts)].map(([memberId, assignedPartitions]) => ({
      memberId,
      assignment: embedded(ConsumerProtocolAssignment, { assignedPartitions, userData: null }),
    }));
  }

  private scheduleHeartbeat(): void {
    const { scheduler } = this.client.ports;
    this.heartbeatTimer = scheduler.after(this.options.heartbeatIntervalMs, () => void this.heartbeat());
  }

  private async heartbeat(): Promise<void> {
    try {
      const answer = await this.coordinator.ask(HeartbeatRequest, HeartbeatResponse, {
        groupId: this.options.groupId,
        generationId: this.generationId,
        memberId: this.memberId,
        groupInstanceId: this.options.groupInstanceId,
      });
      this.coordinator.check(answer.errorCode);
    } catch (error) {
      try {
        this.forget(error);
      } catch (fatal) {
        this.failure = fatal as Error;
      }
    }
    if (!this.mustJoin) this.scheduleHeartbeat();
  }

  /** After a failed exchange: joins anew where that helps, throws where nothing does. */
  private forget(error: unknown): void {
    if (error instanceof KafkaError && error.error === Errors.MEMBER_ID_REQUIRED) return;
    if (error instanceof KafkaError && rejoinErrors.includes(error.error)) {
      this.mustJoin = true;
      if (error.error === Errors.UNKNOWN_MEMBER_ID) this.memberId = '';
    } else if (!isRetriable(error)) throw error;
  }
}

/** Embedded consumer protocol data begin with their version. */
function embedded<S extends Shape>(message: Message<S>, init: Init<Message<S>>): Uint8Array {
  return encodeVersioned(subscriptionVersion, encode(message, subscriptionVersion, init));
}
