/**
 * A member of a classic consumer group: joins, computes the assignment when it is the group leader (range), sends heartbeats,
 * commits, leaves (unless it is static). It follows the eager protocol: all partitions are revoked at every rebalance.
 */
import { sameElements } from '../base/collections.ts';
import { decode, encode } from '../protocol/codec/codec.ts';
import { Errors, type ErrorRow, KafkaError } from '../protocol/errors.ts';
import { JoinGroupRequest, JoinGroupResponse } from '../protocol/messages/groups/11-join-group.ts';
import { HeartbeatRequest, HeartbeatResponse } from '../protocol/messages/groups/12-heartbeat.ts';
import { LeaveGroupRequest, LeaveGroupResponse } from '../protocol/messages/groups/13-leave-group.ts';
import { SyncGroupRequest, SyncGroupResponse } from '../protocol/messages/groups/14-sync-group.ts';
import {
  ConsumerProtocolAssignment,
  ConsumerProtocolSubscription,
} from '../protocol/messages/stored/group-records.ts';
import { encodeVersioned } from '../protocol/records/versioned.ts';
import type { Infer, Init, Message, Shape } from '../protocol/schema/fields.ts';
import { assignRange, type TopicPartitions } from './assignor.ts';
import type { ClusterInfo } from './kafka-client.ts';
import { HeartbeatingMember } from './group-membership.ts';
import { isRetriable } from './retry.ts';

/** The coordinator requires this member to join again. */
const rejoinErrors: readonly ErrorRow[] = [
  Errors.REBALANCE_IN_PROGRESS,
  Errors.ILLEGAL_GENERATION,
  Errors.UNKNOWN_MEMBER_ID,
];
const subscriptionVersion = 0;

export class GroupMember extends HeartbeatingMember {
  protected memberId = '';
  private generationId = -1;
  /** The topics with which this member joined. */
  private joinedTopics: readonly string[] = [];
  /**
   * As group leader: the partition counts of the group's topics when this member last computed an assignment, even if the group
   * did not use it; else null.
   */
  private assignedCounts: ReadonlyMap<string, number> | null = null;

  protected get commitEpoch(): number {
    return this.generationId;
  }

  protected get heartbeatIntervalMs(): number {
    return this.options.heartbeatIntervalMs;
  }

  protected async joinOnce(): Promise<TopicPartitions[]> {
    this.mustJoin = false;
    return this.joinAndSync();
  }

  protected async leaveOnce(): Promise<void> {
    if (this.memberId === '' || this.options.groupInstanceId !== null) return;
    const { groupId } = this.options;
    const member = { memberId: this.memberId, groupInstanceId: null };
    await this.coordinator.request(LeaveGroupRequest, LeaveGroupResponse, { groupId, members: [member] });
  }

  protected get watched(): readonly string[] {
    return [...(this.assignedCounts?.keys() ?? [])];
  }

  /**
   * Every member joins again when its pattern matches other topics; the group leader also when a partition count has changed.
   */
  protected takeMetadata(cluster: ClusterInfo): void {
    const counts = countsOf(cluster);
    const isChanged = [...(this.assignedCounts ?? [])].some(
      ([topic, count]) => (counts.get(topic) ?? 0) !== count,
    );
    if (isChanged || this.isOutdated) this.mustJoin = true;
  }

  /** Whether the group knows other topics of this member than it is subscribed to now. */
  private get isOutdated(): boolean {
    return !sameElements(this.subscribed.names, this.joinedTopics);
  }

  private async joinAndSync(): Promise<TopicPartitions[]> {
    if (this.subscribed.isPattern) await this.subscribed.lookUp();
    this.joinedTopics = this.subscribed.names;
    this.assignedCounts = null;
    const subscription = { topics: [...this.joinedTopics], userData: null };
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
    const joined = await this.coordinator.request(JoinGroupRequest, JoinGroupResponse, join, timeoutMs);
    if (joined.memberId !== '') this.memberId = joined.memberId;
    this.coordinator.check(joined.errorCode);
    this.generationId = joined.generationId;
    const assignments = joined.leader === joined.memberId ? await this.assignAll(joined) : [];
    const synced = await this.coordinator.request(
      SyncGroupRequest,
      SyncGroupResponse,
      {
        groupId: this.options.groupId,
        generationId: this.generationId,
        memberId: this.memberId,
        groupInstanceId: this.options.groupInstanceId,
        protocolType: 'consumer',
        protocolName: 'range',
        // A static leader that came back must not replace the assignment of the group (KIP-814). This member has computed one
        // all the same, because that records the partition counts: when they change, it must join again.
        assignments: joined.skipAssignment ? [] : assignments,
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

  /** As group leader: computes the assignment of all members, and records the partition counts that it is based on. */
  private async assignAll(joined: Infer<typeof JoinGroupResponse>) {
    const subscriptions = new Map(
      joined.members.map(({ memberId, metadata }) => [
        memberId,
        decode(ConsumerProtocolSubscription, subscriptionVersion, metadata, 2).topics,
      ]),
    );
    const topics = [...new Set([...subscriptions.values()].flat())];
    const known = countsOf(await this.subscribed.lookUp(topics));
    // The pattern matches other topics than those with which this member joined; the next look-up makes it join again.
    if (this.isOutdated) this.subscribed.expire();
    const counts = new Map(topics.map((topic) => [topic, known.get(topic) ?? 0]));
    this.assignedCounts = counts;
    return [...assignRange(subscriptions, counts)].map(([memberId, assignedPartitions]) => ({
      memberId,
      assignment: embedded(ConsumerProtocolAssignment, { assignedPartitions, userData: null }),
    }));
  }

  protected async beatOnce(): Promise<void> {
    const answer = await this.coordinator.request(HeartbeatRequest, HeartbeatResponse, {
      groupId: this.options.groupId,
      generationId: this.generationId,
      memberId: this.memberId,
      groupInstanceId: this.options.groupInstanceId,
    });
    this.coordinator.check(answer.errorCode);
  }

  protected forget(error: unknown): void {
    if (error instanceof KafkaError && error.error === Errors.MEMBER_ID_REQUIRED) return;
    if (error instanceof KafkaError && rejoinErrors.includes(error.error)) {
      this.mustJoin = true;
      this.isMember &&= error.error === Errors.REBALANCE_IN_PROGRESS;
      if (error.error === Errors.UNKNOWN_MEMBER_ID) this.memberId = '';
    } else if (!isRetriable(error)) throw error;
  }
}

function countsOf({ topics }: ClusterInfo): Map<string, number> {
  return new Map([...topics.values()].map(({ name, partitions }) => [name, partitions.length]));
}

/**
 * Encodes subscriptions and assignments, which begin with their version: the messages of the protocol type `consumer` that
 * JoinGroup and SyncGroup contain.
 */
function embedded<S extends Shape>(message: Message<S>, init: Init<Message<S>>): Uint8Array {
  return encodeVersioned(subscriptionVersion, encode(message, subscriptionVersion, init));
}
