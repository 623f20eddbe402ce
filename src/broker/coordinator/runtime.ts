/**
 * A coordinator of this broker: one `ShardHost` for each partition of its internal topic that this broker leads. When this
 * broker becomes the leader, it loads the partition; requests for its keys get COORDINATOR_LOAD_IN_PROGRESS until that is done. When it
 * stops leading, pending requests get NOT_COORDINATOR; their clients find the next coordinator, which loads the same records.
 *
 * Typed by the state machine that it runs: groups, transactions. Requests throw `KafkaError` when this broker can't answer for
 * the key; the handlers in `api/` put the error where the version has it.
 */
import { coordinatorPartition } from '../../coordinator/partition.ts';
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

/** What coordinators need of the replica manager. */
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

  /** Coordinates from now on, also what this broker leads already. */
  start(): void {
    const { replicas } = this.#options;
    this.#unwatch = replicas.watchLeadership(({ partition, isLeader }) => this.#leads(partition, isLeader));
    for (const partition of replicas.partitions()) if (partition.isLeader) this.#leads(partition, true);
  }

  /** Answers pending requests NOT_COORDINATOR. The next coordinator has what was appended. */
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
    // A new epoch of the same leadership changes nothing: the log went on.
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
        // Refused and yet leading again: what the log holds now is what counts.
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

  /** Which partition of the internal topic the key belongs to; null when the topic does not exist yet. */
  partitionOf(key: string, image: MetadataImage): number | null {
    const topic = image.topics.byName(this.topic);
    return topic === undefined ? null : coordinatorPartition(key, topic.partitions.length);
  }

  /** The host that answers for the partition. Throws NOT_COORDINATOR or COORDINATOR_LOAD_IN_PROGRESS. */
  hostAt(index: number | null): ShardHost<Shard, Input, Out> {
    const host = index === null ? undefined : this.#hosts.get(index);
    if (host === undefined) throw new KafkaError(Errors.NOT_COORDINATOR);
    host.requireActive();
    return host;
  }

  /** The host that answers for the key. Throws as `hostAt`. */
  hostOf(key: string): ShardHost<Shard, Input, Out> {
    return this.hostAt(this.partitionOf(key, this.#options.metadata()));
  }

  /** Asks the shard of `key`: a write is answered when it is committed. Throws as `hostAt`. */
  request<Response>(key: string, input: (token: number) => Input): Answer<Response> {
    return this.hostOf(key).request(input);
  }

  /** The state of the shard of `key`, to read only: everything in it is committed. Throws as `hostAt`. */
  read(key: string): Shard {
    return this.hostOf(key).shard;
  }

  /** The shards that are loaded at this moment, to read only. */
  activeShards(): Shard[] {
    return [...this.#hosts.values()].filter(({ isActive }) => isActive).map(({ shard }) => shard);
  }

  /** The shards of all partitions that this broker leads, to read only. Throws COORDINATOR_LOAD_IN_PROGRESS while one is being loaded. */
  readAll(): Shard[] {
    const shards: Shard[] = [];
    for (const host of this.#hosts.values()) {
      if (host.isLoading) throw new KafkaError(Errors.COORDINATOR_LOAD_IN_PROGRESS);
      if (host.isActive) shards.push(host.shard);
    }
    return shards;
  }
}
