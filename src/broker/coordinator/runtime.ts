/**
 * A coordinator of this broker: it has a `ShardHost` for each partition of the internal topic that this broker leads. When the
 * broker becomes the leader, the host loads the partition; meanwhile requests for its keys get COORDINATOR_LOAD_IN_PROGRESS.
 * When the broker stops leading, pending requests get NOT_COORDINATOR. Clients then find the next coordinator, which loads the
 * same records.
 *
 * The type parameters are those of the state machine (groups, transactions). A request throws `KafkaError` if this broker
 * cannot handle its key; the handlers in `api/` put the error into the response.
 */
import { coordinatorPartition } from '../../coordinator/coordinator-partition.ts';
import type { Output } from '../../coordinator/types.ts';
import type { MetadataDelta } from '../../metadata/delta.ts';
import type { MetadataImage } from '../../metadata/image.ts';
import type { MetadataPublisher } from '../../metadata/publisher.ts';
import { Errors, KafkaError } from '../../protocol/errors.ts';
import type { PartitionReplica } from '../services.ts';
import { type HostSettings, ShardHost } from './shard-host.ts';

export interface Leadership {
  readonly partition: PartitionReplica;
  readonly isLeader: boolean;
}

/** The part of the replica manager that coordinators use. */
export interface LeadershipSource {
  partitions(): Iterable<PartitionReplica>;
  watchLeadership(callback: (change: Leadership) => void): () => void;
}

export interface CoordinatorRuntimeOptions<Shard, Input, Out extends Output>
  extends HostSettings<Shard, Input, Out> {
  /** The internal topic. */
  readonly topic: string;
  readonly replicas: LeadershipSource;
}

export type Answer<T> = T | Promise<T>;

export class CoordinatorRuntime<Shard, Input, Out extends Output = Output> implements MetadataPublisher {
  readonly topic: string;
  readonly #options: CoordinatorRuntimeOptions<Shard, Input, Out>;
  readonly #hosts = new Map<number, ShardHost<Shard, Input, Out>>();
  #unwatch: (() => void) | null = null;

  constructor(options: CoordinatorRuntimeOptions<Shard, Input, Out>) {
    this.#options = options;
    this.topic = options.topic;
  }

  /** Becomes the coordinator of the partitions that this broker leads, now and later. */
  start(): void {
    const { replicas } = this.#options;
    this.#unwatch = replicas.watchLeadership(({ partition, isLeader }) => this.#leads(partition, isLeader));
    for (const partition of replicas.partitions()) if (partition.isLeader) this.#leads(partition, true);
  }

  /** Pending requests get NOT_COORDINATOR. The next coordinator loads what was appended. */
  stop(): void {
    this.#unwatch?.();
    for (const host of this.#hosts.values()) host.close(Errors.NOT_COORDINATOR);
    this.#hosts.clear();
  }

  onMetadataUpdate(delta: MetadataDelta): void {
    for (const host of this.#hosts.values()) {
      if (delta.removedTopics.has(host.partition.topicId)) this.#drop(host);
      else host.inform({ type: 'metadata', delta });
    }
  }

  #leads(partition: PartitionReplica, isLeader: boolean): void {
    if (partition.topic !== this.topic) return;
    const host = this.#hosts.get(partition.index);
    // This broker stays the leader, in a new leader epoch. Its log did not change, so the shard need not be loaded again.
    if (isLeader && host?.partition === partition) return;
    if (host !== undefined) this.#drop(host);
    if (isLeader) this.#host(partition);
  }

  #host(partition: PartitionReplica): void {
    const host = new ShardHost<Shard, Input, Out>({
      ...this.#options,
      partition,
      onLost: (lost) => {
        this.#drop(lost);
        // If the leadership was lost and regained meanwhile, the log may have changed, so it is loaded again.
        if (partition.isLeader) this.#host(partition);
      },
    });
    this.#hosts.set(partition.index, host);
    void host.load();
  }

  #drop(host: ShardHost<Shard, Input, Out>): void {
    host.close(Errors.NOT_COORDINATOR);
    if (this.#hosts.get(host.partition.index) === host) this.#hosts.delete(host.partition.index);
  }

  /** The partition of the internal topic to which a key belongs; null if the topic does not exist yet. */
  partitionOf(key: string, image: MetadataImage): number | null {
    const topic = image.topics.byName(this.topic);
    return topic === undefined ? null : coordinatorPartition(key, topic.partitions.length);
  }

  /** The host of a partition. Throws NOT_COORDINATOR if there is none, COORDINATOR_LOAD_IN_PROGRESS while it loads. */
  hostAt(index: number | null): ShardHost<Shard, Input, Out> {
    const host = index === null ? undefined : this.#hosts.get(index);
    if (host === undefined) throw new KafkaError(Errors.NOT_COORDINATOR);
    host.requireActive();
    return host;
  }

  /** The host of a key. Throws like `hostAt`. */
  hostOf(key: string): ShardHost<Shard, Input, Out> {
    return this.hostAt(this.partitionOf(key, this.#options.metadata()));
  }

  /**
   * Passes a request to the shard of `key`. The response to a write comes when the write is committed. Throws like `hostAt`.
   */
  request<Response>(key: string, input: (token: number) => Input): Answer<Response> {
    return this.hostOf(key).request(input);
  }

  /**
   * The shard of `key`, for reading only. Its offsets and transactions are committed; changes of the members of a consumer
   * group may not be committed yet. Throws like `hostAt`.
   */
  read(key: string): Shard {
    return this.hostOf(key).shard;
  }

  /** The shards that are loaded now, for reading only. */
  activeShards(): Shard[] {
    return [...this.#hosts.values()].filter(({ isActive }) => isActive).map(({ shard }) => shard);
  }

  /**
   * The shards of all partitions that this broker leads, for reading only. Throws COORDINATOR_LOAD_IN_PROGRESS while one of
   * them loads.
   */
  readAll(): Shard[] {
    const shards: Shard[] = [];
    for (const host of this.#hosts.values()) {
      if (host.isLoading) throw new KafkaError(Errors.COORDINATOR_LOAD_IN_PROGRESS);
      if (host.isActive) shards.push(host.shard);
    }
    return shards;
  }
}
