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

  async join(): Promise<TopicPartitions[]> {
    this.heartbeatTimer?.cancel();
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

  commit(offsets: readonly CommitOffset[]): Promise<void> {
    return this.coordinator.commit(offsets, {
      generationIdOrMemberEpoch: this.commitEpoch,
      memberId: this.memberId,
      groupInstanceId: this.options.groupInstanceId,
    });
  }

  committed(partitions: readonly TopicPartitions[]): Promise<Map<string, number>> {
    return this.coordinator.committed(partitions);
  }

  async leave(): Promise<void> {
    this.heartbeatTimer?.cancel();
    try {
      await this.leaveOnce();
    } catch {
      // The coordinator finds out by the session time-out.
    }
  }

  /** Whether another heartbeat follows the one that has ended. */
  protected get isBeating(): boolean {
    return !this.mustJoin;
  }

  private scheduleHeartbeat(): void {
    const { scheduler } = this.client.ports;
    this.heartbeatTimer = scheduler.after(this.heartbeatIntervalMs, () => void this.heartbeat());
  }

  private async heartbeat(): Promise<void> {
    try {
      await this.beatOnce();
    } catch (error) {
      try {
        this.forget(error);
      } catch (fatal) {
        this.failure = fatal as Error;
      }
    }
    if (this.isBeating) this.scheduleHeartbeat();
  }
}
