/**
 * Membership in a group: what is the same in the classic and in the consumer protocol. It joins with retries, sends heartbeats
 * between rebalances, and shows its owner, the consumer, when it must join again (`needsJoin`).
 */
import { type Timer, sleep } from '../base/clock.ts';
import type { TopicPartitions } from './assignor.ts';
import { type CommitOffset, GroupCoordinator } from './group-coordinator.ts';
import type { ClusterInfo, KafkaClient } from './kafka-client.ts';
import { SubscribedTopics, type Subscription } from './subscribed-topics.ts';

export interface GroupOptions {
  readonly groupId: string;
  readonly groupInstanceId: string | null;
  readonly sessionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  readonly rebalanceTimeoutMs: number;
  /** The member id of the consumer protocol (KIP-848), which the client generates; null: the classic protocol. */
  readonly consumerProtocolId: string | null;
  /** The server-side assignor that a member of the consumer protocol requests; null: the group's default. */
  readonly remoteAssignor: string | null;
  /** `metadata.max.age.ms`: interval at which the subscribed topics are looked up again. */
  readonly metadataMaxAgeMs: number;
}

export const groupDefaults: Omit<GroupOptions, 'groupId'> = {
  groupInstanceId: null,
  sessionTimeoutMs: 45_000,
  heartbeatIntervalMs: 3_000,
  rebalanceTimeoutMs: 300_000,
  consumerProtocolId: null,
  remoteAssignor: null,
  metadataMaxAgeMs: 300_000,
};

/** The fields of Java's `ConsumerGroupMetadata` without the group id. */
export interface MemberIdentity {
  /** Empty for a member of the classic protocol to which the coordinator has not assigned an id yet. */
  readonly memberId: string;
  /** Generation of the classic protocol, member epoch of the consumer protocol. */
  readonly generationId: number;
}

/** Membership in a group, in either protocol. */
export interface Membership {
  readonly identity: MemberIdentity;
  /**
   * True when this member must join again: commit first if wanted, then call `join`. Throws when the coordinator has refused
   * this member permanently.
   */
  readonly needsJoin: boolean;
  /**
   * Starts to look up the metadata of the subscribed topics when they are too old, or when `isStale`: a broker's answer did not
   * fit them. `needsJoin` becomes true when they require another assignment. The owner calls this before each poll.
   */
  refresh(isStale: boolean): void;
  /** Takes part in a rebalance; returns the partitions that are assigned until the next one. */
  join(): Promise<TopicPartitions[]>;
  /** Commits offsets; `metadata` is a text that is stored with them. */
  commit(offsets: readonly CommitOffset[], metadata: string): Promise<void>;
  committed(partitions: readonly TopicPartitions[]): Promise<Map<string, number>>;
  leave(): Promise<void>;
}

const joinAgainMs = 50;

export abstract class HeartbeatingMember implements Membership {
  protected readonly client: KafkaClient;
  protected readonly coordinator: GroupCoordinator;
  protected readonly options: GroupOptions;
  protected readonly subscribed: SubscribedTopics;
  protected mustJoin = true;
  /** True from a successful join until the coordinator says that it does not know this member. */
  protected isMember = false;
  /** Why the coordinator refuses this member permanently. */
  protected failure: Error | null = null;
  private heartbeatTimer: Timer | null = null;
  /** Counts joins and leaves, so that the response to a heartbeat or look-up from before the last one is ignored. */
  private heartbeatSeries = 0;

  constructor(client: KafkaClient, subscription: Subscription, options: GroupOptions) {
    this.client = client;
    this.subscribed = new SubscribedTopics(client, subscription, options.metadataMaxAgeMs);
    this.options = options;
    this.coordinator = new GroupCoordinator(client, options.groupId);
  }

  protected abstract readonly memberId: string;
  /** The generation or member epoch that commits carry. */
  protected abstract readonly commitEpoch: number;
  protected abstract readonly heartbeatIntervalMs: number;
  /** One attempt to join; sets `mustJoin` to false before it takes the assignment. */
  protected abstract joinOnce(): Promise<TopicPartitions[]>;
  protected abstract beatOnce(): Promise<void>;
  /**
   * Handles a failed request: prepares to join again if that can resolve the error, else throws it. Sets `isMember` to false
   * when the coordinator does not know this member.
   */
  protected abstract forget(error: unknown): void;
  /** Leaves the group if this is a member. A static member of the classic protocol sends nothing. */
  protected abstract leaveOnce(): Promise<void>;
  /** Topics of which this member follows the metadata besides the subscribed ones. */
  protected abstract readonly watched: readonly string[];
  /** Takes new metadata of the subscribed and the watched topics; sets `mustJoin` when they require another assignment. */
  protected abstract takeMetadata(cluster: ClusterInfo): void;

  get needsJoin(): boolean {
    if (this.failure !== null) throw this.failure;
    return this.mustJoin;
  }

  get identity(): MemberIdentity {
    return { memberId: this.memberId, generationId: this.commitEpoch };
  }

  refresh(isStale: boolean): void {
    if (!this.isMember || this.mustJoin) return;
    if (isStale) this.subscribed.expire();
    const series = this.heartbeatSeries;
    const take = (cluster: ClusterInfo): void => {
      if (series === this.heartbeatSeries) this.takeMetadata(cluster);
    };
    this.subscribed.refresh(this.watched, take).catch((error: unknown) => {
      if (series === this.heartbeatSeries) this.failure ??= error as Error;
    });
  }

  async join(): Promise<TopicPartitions[]> {
    this.stopHeartbeats();
    for (;;) {
      try {
        const assignment = await this.joinOnce();
        this.isMember = true;
        this.scheduleHeartbeat();
        return assignment;
      } catch (error) {
        this.mustJoin = true;
        this.forget(error);
        await sleep(this.client.ports.scheduler, joinAgainMs);
      }
    }
  }

  commit(offsets: readonly CommitOffset[], metadata: string): Promise<void> {
    const committer = {
      generationIdOrMemberEpoch: this.commitEpoch,
      memberId: this.memberId,
      groupInstanceId: this.options.groupInstanceId,
    };
    return this.coordinator.commit(offsets, committer, metadata);
  }

  committed(partitions: readonly TopicPartitions[]): Promise<Map<string, number>> {
    return this.coordinator.committed(partitions);
  }

  async leave(): Promise<void> {
    this.stopHeartbeats();
    try {
      await this.leaveOnce();
    } catch {
      // The coordinator removes the member after the session time-out.
    }
  }

  private stopHeartbeats(): void {
    this.heartbeatSeries++;
    this.heartbeatTimer?.cancel();
  }

  private scheduleHeartbeat(): void {
    const { scheduler } = this.client.ports;
    const series = this.heartbeatSeries;
    this.heartbeatTimer = scheduler.after(this.heartbeatIntervalMs, () => void this.heartbeat(series));
  }

  /**
   * Sends a heartbeat and schedules the next one. As in Java's client, heartbeats continue during a rebalance until the
   * application joins again; the coordinator removes the member when this takes longer than the rebalance time-out. They end
   * when the coordinator does not know the member or refuses it permanently.
   */
  private async heartbeat(series: number): Promise<void> {
    try {
      await this.beatOnce();
    } catch (error) {
      if (series === this.heartbeatSeries) this.refused(error);
    }
    if (series === this.heartbeatSeries && this.isMember && this.failure === null) this.scheduleHeartbeat();
  }

  private refused(error: unknown): void {
    try {
      this.forget(error);
    } catch (fatal) {
      this.failure = fatal as Error;
    }
  }
}
