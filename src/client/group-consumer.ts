/**
 * A consumer in a group: it joins the group, reads its assigned partitions from the committed offsets on (where there are none,
 * `auto.offset.reset` decides), and commits periodically. When the group rebalances, the consumer drops all partitions and
 * joins again.
 */
import {
  type ConsumedRecord,
  Fetcher,
  type FetcherOptions,
  offsetEarliest,
  offsetLatest,
} from './fetcher.ts';
import { ConsumerProtocolMember } from './consumer-protocol-member.ts';
import { GroupMember } from './group-member.ts';
import type { CommitOffset } from './group-coordinator.ts';
import type { KafkaClient } from './kafka-client.ts';
import type { GroupOptions, MemberIdentity, Membership } from './group-membership.ts';
import type { Subscription } from './subscribed-topics.ts';

export interface AssignedPartition {
  readonly topic: string;
  readonly partition: number;
}

export interface GroupConsumerOptions {
  readonly group: GroupOptions;
  readonly fetch: Partial<FetcherOptions>;
  /**
   * Interval after which returned records are committed; they are also committed at a rebalance and by `close`. Null: no
   * automatic commits.
   */
  readonly autoCommitIntervalMs: number | null;
  /** Called before each join, with the partitions that this member gives up; none before the first join. */
  readonly onRebalance?: (revoked: readonly AssignedPartition[]) => void;
  /** Called after each join, with the assigned partitions. */
  readonly onAssigned?: (assigned: readonly AssignedPartition[]) => void;
}

/** Partitions have no committed offset, and `auto.offset.reset` is `none`. */
export class NoOffsetError extends Error {
  override readonly name = 'NoOffsetError';
}

export class GroupConsumer {
  private readonly client: KafkaClient;
  private readonly fetcher: Fetcher;
  private readonly member: Membership;
  private readonly options: GroupConsumerOptions;
  private assigned: readonly AssignedPartition[] = [];
  private committedMs: number;

  constructor(client: KafkaClient, subscription: Subscription, options: GroupConsumerOptions) {
    this.client = client;
    this.options = options;
    this.fetcher = new Fetcher(client, options.fetch);
    const { consumerProtocolId } = options.group;
    this.member =
      consumerProtocolId === null
        ? new GroupMember(client, subscription, options.group)
        : new ConsumerProtocolMember(client, subscription, options.group, consumerProtocolId);
    this.committedMs = client.ports.clock.monotonicMs();
  }

  async poll(maxWaitMs: number, maxRecords = 500): Promise<ConsumedRecord[]> {
    this.member.refresh(this.fetcher.takeMetadataError());
    if (this.member.needsJoin) await this.rejoin();
    const records = await this.fetcher.poll(maxWaitMs, maxRecords);
    const { autoCommitIntervalMs } = this.options;
    const nowMs = this.client.ports.clock.monotonicMs();
    if (autoCommitIntervalMs !== null && nowMs - this.committedMs >= autoCommitIntervalMs) {
      this.committedMs = nowMs;
      await this.autoCommit();
    }
    return records;
  }

  /** Commits the offsets after the last records that `poll` returned; `metadata` is stored with them. */
  async commit(metadata = ''): Promise<void> {
    await this.member.commit(this.fetcher.positions(), metadata);
  }

  /** The identity of this consumer in its group. */
  groupMetadata(): MemberIdentity {
    return this.member.identity;
  }

  /** The offset at which the next `poll` continues, for each assigned partition. */
  positions(): CommitOffset[] {
    return this.fetcher.positions();
  }

  /** Sets the positions back to the committed offsets; where there are none, `auto.offset.reset` decides. */
  async reset(): Promise<void> {
    await this.startAt(this.assigned);
  }

  async close(): Promise<void> {
    await this.autoCommit();
    await this.member.leave();
  }

  /** As in Java's client, a failed automatic commit is left to the next one. */
  private async autoCommit(): Promise<void> {
    if (this.options.autoCommitIntervalMs === null || this.assigned.length === 0) return;
    await this.member.commit(this.fetcher.existingPositions(), '').catch(() => {});
  }

  private async rejoin(): Promise<void> {
    await this.autoCommit();
    for (const { topic, partition } of this.assigned) this.fetcher.unassign(topic, partition);
    this.options.onRebalance?.(this.assigned);
    const assignment = await this.member.join();
    this.assigned = assignment.flatMap(({ topic, partitions }) =>
      partitions.map((partition) => ({ topic, partition })),
    );
    this.options.onAssigned?.(this.assigned);
    await this.startAt(this.assigned);
  }

  private async startAt(partitions: readonly AssignedPartition[]): Promise<void> {
    if (partitions.length === 0) return;
    const topics = [...new Set(partitions.map(({ topic }) => topic))].map((name) => ({
      topic: name,
      partitions: partitions.filter(({ topic }) => topic === name).map(({ partition }) => partition),
    }));
    const committed = await this.member.committed(topics);
    const fresh = partitions.filter(({ topic, partition }) => !committed.has(`${topic}-${partition}`));
    if (this.fetcher.options.reset === 'none' && fresh.length > 0) {
      const names = fresh.map(({ topic, partition }) => `${topic}-${partition}`).join(', ');
      throw new NoOffsetError(`Undefined offset with no reset policy for partitions: [${names}]`);
    }
    const timestamp = this.fetcher.options.reset === 'earliest' ? offsetEarliest : offsetLatest;
    const starts = await this.fetcher.offsets(fresh.map((one) => ({ ...one, timestamp })));
    for (const { topic, partition } of partitions) {
      const key = `${topic}-${partition}`;
      this.fetcher.assign(topic, partition, committed.get(key) ?? starts.get(key)?.offset ?? 0);
    }
  }
}
