/**
 * Being a member of a group, and what members of both protocols do alike: join until it works, heartbeat between rebalances, tell
 * their owner when to join again.
 */
import { type Timer, sleep } from '../base/clock.ts';
import type { TopicPartitions } from './assignor.ts';
import { type CommitOffset, GroupCoordinator } from './group-coordinator.ts';
import type { KafkaClient } from './kafka-client.ts';

export interface GroupOptions {
  readonly groupId: string;
  readonly groupInstanceId: string | null;
  readonly sessionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  readonly rebalanceTimeoutMs: number;
  /** The id of a member of the consumer protocol (KIP-848), which clients choose themselves; null: the classic protocol. */
  readonly consumerProtocolId: string | null;
  /** The assignor that a member of the consumer protocol asks for; null: the group's. */
  readonly remoteAssignor: string | null;
}

export const groupDefaults: Omit<GroupOptions, 'groupId'> = {
  groupInstanceId: null,
  sessionTimeoutMs: 45_000,
  heartbeatIntervalMs: 3_000,
  rebalanceTimeoutMs: 300_000,
  consumerProtocolId: null,
  remoteAssignor: null,
};

/** Java's `ConsumerGroupMetadata`, but for the group itself. */
export interface MemberIdentity {
  /** Empty: a member of the classic protocol that the coordinator has not named yet. */
  readonly memberId: string;
  /** Generation of the classic protocol, member epoch of the consumer protocol. */
  readonly generationId: number;
}

/** Being a member of a group, in either protocol. */
export interface Membership {
  readonly identity: MemberIdentity;
  /** True when what was assigned is no longer ours: commit if wanted, then `join` again. Throws when the group refuses for good. */
  readonly needsJoin: boolean;
  /** Takes part in a rebalance; returns the partitions that are ours until the next one. */
  join(): Promise<TopicPartitions[]>;
  /** `metadata` is kept with the offsets. */
  commit(offsets: readonly CommitOffset[], metadata: string): Promise<void>;
  committed(partitions: readonly TopicPartitions[]): Promise<Map<string, number>>;
  leave(): Promise<void>;
}

const joinAgainMs = 50;

export abstract class HeartbeatingMember implements Membership {
  protected readonly client: KafkaClient;
  protected readonly coordinator: GroupCoordinator;
  protected readonly options: GroupOptions;
  protected readonly topics: readonly string[];
  protected mustJoin = true;
  /** Why the group refuses this member for good. */
  protected failure: Error | null = null;
  private heartbeatTimer: Timer | null = null;
  /** Counts joins and leaves: the outcome of a heartbeat that was sent before is of no interest any more. */
  private heartbeatSeries = 0;

  constructor(client: KafkaClient, topics: readonly string[], options: GroupOptions) {
    this.client = client;
    this.topics = topics;
    this.options = options;
    this.coordinator = new GroupCoordinator(client, options.groupId);
  }

  protected abstract readonly memberId: string;
  /** Generation, or member epoch, that offsets are committed with. */
  protected abstract readonly commitEpoch: number;
  protected abstract readonly heartbeatIntervalMs: number;
  /** One attempt at a rebalance; sets `mustJoin` to false when it is through. */
  protected abstract joinOnce(): Promise<TopicPartitions[]>;
  protected abstract beatOnce(): Promise<void>;
  /** After a failed exchange: joins anew where that helps, throws where nothing does. */
  protected abstract forget(error: unknown): void;
  /** Leaves the group, when this is a member. */
  protected abstract leaveOnce(): Promise<void>;

  get needsJoin(): boolean {
    if (this.failure !== null) throw this.failure;
    return this.mustJoin;
  }

  get identity(): MemberIdentity {
    return { memberId: this.memberId, generationId: this.commitEpoch };
  }

  async join(): Promise<TopicPartitions[]> {
    this.stopHeartbeats();
    for (;;) {
      try {
        const assignment = await this.joinOnce();
        this.scheduleHeartbeat();
        return assignment;
      } catch (error) {
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
      // The coordinator finds out by the session time-out.
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

  /** Heartbeats end when the member has to join again, and when the group refuses it for good, as those of Java's client do. */
  private async heartbeat(series: number): Promise<void> {
    try {
      await this.beatOnce();
    } catch (error) {
      if (series === this.heartbeatSeries) this.refused(error);
    }
    if (series === this.heartbeatSeries && !this.mustJoin && this.failure === null) this.scheduleHeartbeat();
  }

  private refused(error: unknown): void {
    try {
      this.forget(error);
    } catch (fatal) {
      this.failure = fatal as Error;
    }
  }
}
