/**
 * The group coordinator of this broker: one `ShardHost` for each partition of `__consumer_offsets` that it leads. Leadership
 * comes: the partition is loaded, meanwhile its groups answer COORDINATOR_LOAD_IN_PROGRESS. Leadership goes: whoever waits is
 * told NOT_COORDINATOR and finds the next coordinator, which loads the same records.
 *
 * Requests throw `KafkaError` when this broker can't answer for the group; the handlers in `api/` put the error where the
 * version has it.
 */
import type { Clock, Scheduler } from '../../base/clock.ts';
import type { Random } from '../../base/random.ts';
import type { NodeConfig } from '../../config/node-config.ts';
import { coordinatorPartition } from '../../group/coordinator-partition.ts';
import { describeGroup, listGroups } from '../../group/describe.ts';
import { fetchOffsets } from '../../group/offsets.ts';
import type {
  Caller,
  DescribedGroup,
  GroupConfig,
  HeartbeatRequest,
  JoinRequest,
  JoinResponse,
  LeaveRequest,
  LeaveResponse,
  ListedGroup,
  OffsetCommitRequest,
  OffsetCommitResponse,
  OffsetDeleteRequest,
  OffsetDeleteResponse,
  OffsetFetchRequest,
  OffsetFetchResponse,
  SyncRequest,
  SyncResponse,
} from '../../group/types.ts';
import type { MetadataDelta } from '../../metadata/delta.ts';
import type { MetadataImage } from '../../metadata/image.ts';
import type { MetadataPublisher } from '../../metadata/publisher.ts';
import { Errors, KafkaError } from '../../protocol/errors.ts';
import { type CompressionType, compressionTypes } from '../../protocol/records/batch.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { PartitionReplica } from '../services.ts';
import { groupConfig } from './group-config.ts';
import { ShardHost } from './shard-host.ts';

export const offsetsTopic = '__consumer_offsets';

export interface Leadership {
  readonly partition: PartitionReplica;
  readonly isLeader: boolean;
}

/** What the coordinator needs of the replica manager. */
export interface LeadershipSource {
  partitions(): Iterable<PartitionReplica>;
  watchLeadership(callback: (change: Leadership) => void): () => void;
}

export interface GroupServiceOptions {
  readonly config: NodeConfig;
  readonly replicas: LeadershipSource;
  readonly metadata: () => MetadataImage;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly logger: Logger;
}

type Answer<T> = T | Promise<T>;

export class GroupService implements MetadataPublisher {
  readonly #options: GroupServiceOptions;
  readonly #groupConfig: GroupConfig;
  readonly #compression: CompressionType;
  readonly #logger: Logger;
  readonly #hosts = new Map<number, ShardHost>();
  #unwatch: (() => void) | null = null;

  constructor(options: GroupServiceOptions) {
    this.#options = options;
    this.#groupConfig = groupConfig(options.config);
    this.#compression = compressionTypes[options.config.get('offsets.topic.compression.codec')] ?? 'none';
    this.#logger = options.logger.child('GroupCoordinator');
  }

  /** Coordinates from now on, also what this broker leads already. */
  start(): void {
    const { replicas } = this.#options;
    this.#unwatch = replicas.watchLeadership(({ partition, isLeader }) => this.#leads(partition, isLeader));
    for (const partition of replicas.partitions()) if (partition.isLeader) this.#leads(partition, true);
  }

  /** Tells everybody who waits to look for another coordinator. What was appended is with the replicas. */
  stop(): void {
    this.#unwatch?.();
    for (const host of this.#hosts.values()) host.close(Errors.NOT_COORDINATOR);
    this.#hosts.clear();
  }

  /** Topics that are gone take their offsets along. */
  onMetadataUpdate(delta: MetadataDelta): void {
    if (delta.removedTopics.size === 0) return;
    const names = new Set<string>();
    for (const id of delta.removedTopics) {
      const name = delta.before.topics.byId(id)?.name;
      if (name !== undefined) names.add(name);
      for (const host of this.#hosts.values()) if (host.partition.topicId === id) this.#drop(host);
    }
    for (const host of this.#hosts.values()) host.tell({ type: 'topicsDeleted', names });
  }

  #leads(partition: PartitionReplica, isLeader: boolean): void {
    if (partition.topic !== offsetsTopic) return;
    const host = this.#hosts.get(partition.index);
    // A new epoch of the same leadership changes nothing: the log went on.
    if (isLeader && host?.partition === partition) return;
    if (host !== undefined) this.#drop(host);
    if (isLeader) this.#host(partition);
  }

  #host(partition: PartitionReplica): void {
    const { config, clock, scheduler, random } = this.#options;
    const host = new ShardHost({
      partition,
      groupConfig: this.#groupConfig,
      commitTimeoutMs: config.get('offsets.commit.timeout.ms'),
      loadBufferBytes: config.get('offsets.load.buffer.size'),
      compression: this.#compression,
      clock,
      scheduler,
      random,
      logger: this.#logger,
      onLost: (lost) => {
        this.#drop(lost);
        // Refused and yet leading again: what the log holds now is what counts.
        if (partition.isLeader) this.#host(partition);
      },
    });
    this.#hosts.set(partition.index, host);
    void host.load();
  }

  #drop(host: ShardHost): void {
    host.close(Errors.NOT_COORDINATOR);
    if (this.#hosts.get(host.partition.index) === host) this.#hosts.delete(host.partition.index);
  }

  /** Which partition of `__consumer_offsets` the group belongs to; null when the topic does not exist yet. */
  partitionOf(groupId: string, image: MetadataImage): number | null {
    const topic = image.topics.byName(offsetsTopic);
    return topic === undefined ? null : coordinatorPartition(groupId, topic.partitions.length);
  }

  /** Throws NOT_COORDINATOR or COORDINATOR_LOAD_IN_PROGRESS. */
  #active(groupId: string): ShardHost {
    const index = this.partitionOf(groupId, this.#options.metadata());
    const host = index === null ? undefined : this.#hosts.get(index);
    if (host === undefined) throw new KafkaError(Errors.NOT_COORDINATOR);
    host.requireActive();
    return host;
  }

  /** For requests that need a group; commits and fetches may do without a name. */
  #named(groupId: string): ShardHost {
    if (groupId === '') throw new KafkaError(Errors.INVALID_GROUP_ID);
    return this.#active(groupId);
  }

  join(caller: Caller, request: JoinRequest): Answer<JoinResponse> {
    return this.#named(request.groupId).request((token) => ({ type: 'join', token, caller, request }));
  }

  sync(request: SyncRequest): Answer<SyncResponse> {
    return this.#named(request.groupId).request((token) => ({ type: 'sync', token, request }));
  }

  heartbeat(request: HeartbeatRequest): Answer<{ errorCode: number }> {
    return this.#named(request.groupId).request((token) => ({ type: 'heartbeat', token, request }));
  }

  leave(request: LeaveRequest): Answer<LeaveResponse> {
    return this.#named(request.groupId).request((token) => ({ type: 'leave', token, request }));
  }

  commit(apiVersion: number, request: OffsetCommitRequest): Answer<OffsetCommitResponse> {
    return this.#active(request.groupId).request((token) => ({ type: 'commit', token, apiVersion, request }));
  }

  fetch(request: OffsetFetchRequest): OffsetFetchResponse {
    return fetchOffsets(this.#active(request.groupId).shard, request);
  }

  deleteOffsets(request: OffsetDeleteRequest): Answer<OffsetDeleteResponse> {
    return this.#named(request.groupId).request((token) => ({ type: 'deleteOffsets', token, request }));
  }

  deleteGroup(groupId: string): Answer<{ groupId: string; errorCode: number }> {
    return this.#named(groupId).request((token) => ({ type: 'deleteGroup', token, groupId }));
  }

  describe(groupId: string, apiVersion: number): DescribedGroup {
    return describeGroup(this.#named(groupId).shard, groupId, apiVersion);
  }

  /** The groups of all partitions that this broker leads. Throws COORDINATOR_LOAD_IN_PROGRESS while one is being loaded. */
  list(states: readonly string[], types: readonly string[]): ListedGroup[] {
    const listed: ListedGroup[] = [];
    for (const host of this.#hosts.values()) {
      if (host.isLoading) throw new KafkaError(Errors.COORDINATOR_LOAD_IN_PROGRESS);
      if (!host.isActive) continue;
      listed.push(...listGroups(host.shard.groups.values(), states, types));
    }
    return listed;
  }
}
