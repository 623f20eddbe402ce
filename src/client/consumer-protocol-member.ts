/**
 * A member of a consumer group of the consumer protocol (KIP-848). The coordinator assigns partitions. With heartbeats the
 * member joins the group, reports the partitions that it owns, and leaves. The consumer that owns this member uses it like a
 * member of the classic protocol: when the assignment changes, the consumer commits and calls `join`, and only then does the
 * member report to the coordinator that it no longer owns the revoked partitions.
 */
import { sameElements } from '../base/collections.ts';
import type { Uuid } from '../base/uuid.ts';
import { Errors, type ErrorRow, KafkaError } from '../protocol/errors.ts';
import {
  ConsumerGroupHeartbeatRequest,
  ConsumerGroupHeartbeatResponse,
} from '../protocol/messages/groups/68-consumer-group-heartbeat.ts';
import type { Init } from '../protocol/schema/fields.ts';
import type { TopicPartitions } from './assignor.ts';
import type { ClusterInfo, KafkaClient } from './kafka-client.ts';
import { type GroupOptions, HeartbeatingMember } from './group-membership.ts';
import { isRetriable } from './retry.ts';
import type { Subscription } from './subscribed-topics.ts';

type Owned = NonNullable<ConsumerGroupHeartbeatRequest['topicPartitions']>;

const joinEpoch = 0;
const leaveEpoch = -1;
const leaveStaticEpoch = -2;
/** The coordinator has removed or fenced this member: it must join again, without partitions. */
const rejoinErrors: readonly ErrorRow[] = [Errors.FENCED_MEMBER_EPOCH, Errors.UNKNOWN_MEMBER_ID];

export class ConsumerProtocolMember extends HeartbeatingMember {
  protected readonly memberId: string;
  protected heartbeatIntervalMs = 0;
  private epoch = joinEpoch;
  private owned: Owned = [];
  /** The partitions that the coordinator has assigned last; null: none since this member joined. */
  private assigned: Owned | null = null;
  /** The subscribed topics of which the coordinator knows. */
  private sentTopics: readonly string[] = [];
  /** Whether the last heartbeat has no response, or an error: the coordinator may have sent an assignment that was lost. */
  private mayHaveMissed = false;

  constructor(client: KafkaClient, subscription: Subscription, options: GroupOptions, memberId: string) {
    super(client, subscription, options);
    this.memberId = memberId;
  }

  protected get commitEpoch(): number {
    return this.epoch;
  }

  /** Joins the group, or accepts the changed assignment; partitions that are not in it have been revoked. */
  protected async joinOnce(): Promise<TopicPartitions[]> {
    if (this.epoch === joinEpoch) {
      if (this.subscribed.isPattern) await this.subscribed.lookUp();
      await this.beat({ ...this.everything(), topicPartitions: [] });
    }
    // Reset before the next heartbeat, whose response may have another assignment and set it again.
    this.mustJoin = false;
    const assigned = this.assigned ?? [];
    const names = assigned.length === 0 ? new Map<Uuid, string>() : namesOf(await this.subscribed.lookUp());
    this.owned = assigned.filter(({ topicId }) => names.has(topicId));
    if (this.owned.length < assigned.length) this.subscribed.expire();
    await this.beat({ topicPartitions: this.owned });
    // The rest of this package identifies topics by name.
    return this.owned
      .filter(({ partitions }) => partitions.length > 0)
      .map(({ topicId, partitions }) => ({
        topic: names.get(topicId) as string,
        partitions: [...partitions],
      }));
  }

  /** A static member leaves with the epoch -2: the coordinator keeps its assignment until its session ends. */
  protected async leaveOnce(): Promise<void> {
    if (this.epoch === joinEpoch) return;
    await this.ask({ memberEpoch: this.options.groupInstanceId === null ? leaveEpoch : leaveStaticEpoch });
  }

  protected beatOnce(): Promise<void> {
    const { names } = this.subscribed;
    return this.beat(sameElements(names, this.sentTopics) ? {} : { subscribedTopicNames: [...names] });
  }

  protected get watched(): readonly string[] {
    return [];
  }

  /**
   * The coordinator assigns new partitions and topics by itself. From new metadata this member learns the names of assigned
   * topics that it did not know yet. When the list of subscribed topics has changed, its next heartbeat sends the new list.
   */
  protected takeMetadata(cluster: ClusterInfo): void {
    const unnamed = (this.assigned ?? []).filter((one) => !this.owned.includes(one));
    if (unnamed.length === 0) return;
    const names = namesOf(cluster);
    if (unnamed.some(({ topicId }) => names.has(topicId))) this.mustJoin = true;
    else this.subscribed.expire();
  }

  private everything(): Partial<Init<typeof ConsumerGroupHeartbeatRequest>> {
    return {
      rebalanceTimeoutMs: this.options.rebalanceTimeoutMs,
      subscribedTopicNames: [...this.subscribed.names],
      serverAssignor: this.options.remoteAssignor,
    };
  }

  private async ask(init: Partial<Init<typeof ConsumerGroupHeartbeatRequest>>) {
    const answer = await this.coordinator.request(
      ConsumerGroupHeartbeatRequest,
      ConsumerGroupHeartbeatResponse,
      {
        groupId: this.options.groupId,
        memberId: this.memberId,
        memberEpoch: this.epoch,
        instanceId: this.options.groupInstanceId,
        ...init,
      },
    );
    this.coordinator.check(answer.errorCode);
    return answer;
  }

  /**
   * The coordinator sends an assignment only once, unless a heartbeat has all fields. So the first heartbeat after a failed one
   * has them all, as that of Java's client does.
   */
  private async beat(changes: Partial<Init<typeof ConsumerGroupHeartbeatRequest>>): Promise<void> {
    const all = this.mayHaveMissed ? { ...this.everything(), topicPartitions: this.owned } : {};
    const init = { ...all, ...changes };
    this.mayHaveMissed = true;
    const answer = await this.ask(init);
    this.mayHaveMissed = false;
    this.epoch = answer.memberEpoch;
    this.heartbeatIntervalMs = answer.heartbeatIntervalMs;
    this.sentTopics = init.subscribedTopicNames ?? this.sentTopics;
    const assigned = answer.assignment?.topicPartitions ?? null;
    if (assigned === null || isSame(assigned, this.assigned ?? [])) return;
    this.assigned = assigned;
    this.mustJoin = true;
  }

  protected forget(error: unknown): void {
    if (error instanceof KafkaError && rejoinErrors.includes(error.error)) {
      this.epoch = joinEpoch;
      this.owned = [];
      this.assigned = null;
      this.mustJoin = true;
      this.isMember = false;
    } else if (!isRetriable(error)) throw error;
  }
}

function namesOf({ topics }: ClusterInfo): Map<Uuid, string> {
  return new Map([...topics.values()].map(({ id, name }) => [id, name]));
}

function isSame(a: Owned, b: Owned): boolean {
  const text = (owned: Owned): string =>
    owned
      .filter(({ partitions }) => partitions.length > 0)
      .map(({ topicId, partitions }) => `${topicId}:${[...partitions].sort((x, y) => x - y).join()}`)
      .sort()
      .join(' ');
  return text(a) === text(b);
}
