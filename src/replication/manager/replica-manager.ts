/**
 * All replicas of this broker: applies metadata to them, and finds partitions for requests.
 *
 * Invariants:
 * - `onMetadataUpdate` only records what each replica should be, synchronously and in order. `reconcile-queue.ts` does the work
 *   later, from the newest metadata, so a partition may skip a state that newer metadata has replaced.
 * - A replica is identified by topic id and index, never by name: a deleted topic and a new one of the same name are different.
 * - The files of a replica are removed only when committed metadata no longer assigns it to this broker.
 *
 * Not here: the role of one partition (`../partition.ts`), streams (`../stream/`), log directories (`log/directories/`).
 */
import type { Identity } from '../../base/hello.ts';
import type { Clock, Scheduler, Timer } from '../../base/clock.ts';
import type { Address, PeerNetwork } from '../../base/network.ts';
import type { NodeId } from '../../base/ids.ts';
import type { Random } from '../../base/random.ts';
import type { Uuid } from '../../base/uuid.ts';
import type { TopicConfig } from '../../config/topic.ts';
import { isActive } from '../../metadata/cluster-image.ts';
import { resourceType } from '../../metadata/configs-image.ts';
import type { ControllerClient } from '../../metadata/controller-port.ts';
import type { MetadataDelta } from '../../metadata/delta.ts';
import { emptyImage, type MetadataImage } from '../../metadata/image.ts';
import type { MetadataPublisher } from '../../metadata/publisher.ts';
import type { PartitionImage, TopicImage } from '../../metadata/topics-image.ts';
import { Errors, KafkaError } from '../../protocol/errors.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { AlterPartitionManager, type IsrChanges } from '../leader/alter-partition-manager.ts';
import { DirectoryAssignments } from './directory-assignments.ts';
import { type HostContext, HostedReplica } from './hosted-replica.ts';
import { LogOpener } from './log-opener.ts';
import type { LogStore } from '../log-port.ts';
import type { Partition } from '../partition.ts';
import { ReconcileQueue } from './reconcile-queue.ts';
import { ReplicaFeeder } from '../stream/replica-feeder.ts';
import { ReplicaFetchers } from '../stream/replica-fetchers.ts';
import type { ReadableReplica, ReplicaSelector } from '../replica-selector.ts';
import { RoleLogger } from './role-logger.ts';
import { ReplicationThrottles } from '../stream/throttles.ts';

export interface ReplicaManagerOptions {
  readonly identity: Identity;
  /** -1 while this broker is not registered. */
  readonly localBrokerEpoch: () => number;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly logger: Logger;
  readonly peers: PeerNetwork;
  readonly logs: LogStore;
  readonly controller: ControllerClient;
  /** `inter.broker.listener.name`. */
  readonly interBrokerListenerName: string;
  /** `replica.lag.time.max.ms`. */
  readonly lagTimeMaxMs: number;
  /**
   * The current `leader.replication.throttled.rate`, bytes per second; no limit by default. `followerRate`: the same for
   * followers.
   */
  readonly leaderRate?: () => number;
  readonly followerRate?: () => number;
  /** `replica.selector.class`; null: consumers read from the leader. */
  readonly replicaSelector?: ReplicaSelector | null;
  /** The configuration of a topic, from its overrides and the broker's current values. */
  readonly topicConfig: (overrides: ReadonlyMap<string, string>) => TopicConfig;
}

export interface LeadershipChange {
  readonly partition: Partition;
  readonly isLeader: boolean;
  readonly leaderEpoch: number;
}

interface HostedTopic {
  readonly name: string;
  readonly replicas: Map<number, HostedReplica>;
}

const tickMaxMs = 5000;
const noLimit = (): number => Number.MAX_SAFE_INTEGER;

export class ReplicaManager implements MetadataPublisher {
  readonly #options: ReplicaManagerOptions;
  readonly #topics = new Map<Uuid, HostedTopic>();
  readonly #idByName = new Map<string, Uuid>();
  readonly #alter: AlterPartitionManager;
  readonly #assignments: DirectoryAssignments;
  readonly #feeder: ReplicaFeeder;
  readonly #fetchers: ReplicaFetchers;
  readonly #opener: LogOpener;
  readonly #reconcile: ReconcileQueue<HostedReplica>;
  readonly #ticks: ReconcileQueue<Partition>;
  readonly #roleLog: RoleLogger;
  readonly #context: HostContext;
  readonly #leadershipWatchers = new Set<(change: LeadershipChange) => void>();
  #timer: Timer | null = null;
  #image: MetadataImage = emptyImage();
  /**
   * The first metadata update, with everything up to this broker's registration, was applied. Replicas assigned later are new
   * to it.
   */
  #hasMetadata = false;
  #isStopped = false;

  constructor(options: ReplicaManagerOptions) {
    this.#options = options;
    const { identity, localBrokerEpoch, clock, scheduler, random, peers, controller } = options;
    const localId = identity.nodeId;
    const logger = options.logger.child('ReplicaManager');
    this.#alter = new AlterPartitionManager({
      brokerId: localId,
      brokerEpoch: localBrokerEpoch,
      controller,
      scheduler,
      logger,
    });
    this.#assignments = new DirectoryAssignments({
      brokerId: localId,
      brokerEpoch: localBrokerEpoch,
      controller,
      scheduler,
      random,
      logger,
    });
    const find = (topicId: Uuid, index: number): Partition | null => this.partition(topicId, index);
    const throttles = new ReplicationThrottles({
      localId,
      clock,
      leaderRate: options.leaderRate ?? noLimit,
      followerRate: options.followerRate ?? noLimit,
      configOf: (topic) => this.#image.configs.topic(topic),
    });
    const registeredEpoch = (id: NodeId): number | null => this.#image.cluster.brokers.get(id)?.epoch ?? null;
    const feeds = { identity, clock, scheduler, logger, find, registeredEpoch, throttles };
    this.#feeder = new ReplicaFeeder(feeds);
    const addressOf = (brokerId: NodeId): Address | null => this.#addressOf(brokerId);
    this.#fetchers = new ReplicaFetchers({
      identity,
      localBrokerEpoch,
      peers,
      scheduler,
      random,
      logger,
      throttles,
      addressOf,
    });
    this.#opener = new LogOpener(options.logs, logger, clock, scheduler);
    this.#reconcile = new ReconcileQueue(clock, scheduler, (replica) => replica.reconcile());
    this.#ticks = new ReconcileQueue(clock, scheduler, (partition) => partition.tick(clock.monotonicMs()));
    this.#roleLog = new RoleLogger(localId, logger, scheduler);
    this.#context = this.#hostContext(logger);
  }

  #hostContext(logger: Logger): HostContext {
    const { identity, localBrokerEpoch, clock, scheduler, lagTimeMaxMs } = this.#options;
    return {
      localId: identity.nodeId,
      localBrokerEpoch,
      clock,
      scheduler,
      lagTimeMaxMs,
      isEligible: (brokerId, epoch) => {
        const broker = this.#image.cluster.brokers.get(brokerId);
        return broker !== undefined && isActive(broker) && broker.epoch === epoch;
      },
      isAlive: (brokerId) => this.#image.cluster.brokers.get(brokerId)?.fenced === false,
      submitIsr: (request) => this.#alter.submit(request),
      onStorageError: (topicId, index, error) => {
        const partition = this.partition(topicId, index);
        if (partition === null) return;
        logger.error('a replica went offline', { partition: partition.name, error: String(error) });
        this.#fetchers.unfollow(partition);
        this.#notifyLeadership(partition);
      },
      openLog: (replica) => this.#opener.open(replica),
      applied: (partition, isNewRole, before) => {
        this.#roleLog.applied(partition, isNewRole, before, this.#image.cluster);
        this.#feeder.partitionChanged(partition.topicId, partition.index);
        if (isNewRole) this.#notifyLeadership(partition);
      },
      follow: (partition, leaderId, leaderEpoch) => this.#fetchers.follow(partition, leaderId, leaderEpoch),
      unfollow: (partition) => this.#fetchers.unfollow(partition),
      assignDirectory: ({ topicId, index }, directory) => this.#assignments.assign(topicId, index, directory),
      directoryOf: ({ topic, index }) => this.#options.logs.directoryIdOf(topic, index),
    };
  }

  /** From now on this broker accepts the streams of followers, and checks its ISRs periodically. */
  start(): void {
    const { lagTimeMaxMs, peers } = this.#options;
    this.#feeder.start(peers);
    this.#armTick(Math.min(tickMaxMs, lagTimeMaxMs / 2));
  }

  /** Ends all streams and rejects all pending requests; resolves when the logs are no longer used. The logs stay open. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#timer?.cancel();
    this.#reconcile.stop();
    this.#ticks.stop();
    this.#alter.stop();
    this.#assignments.stop();
    this.#fetchers.stop();
    this.#feeder.stop();
    this.#roleLog.flush();
    await Promise.all([...this.#replicas()].map((replica) => replica.stop()));
  }

  // --- for requests -----------------------------------------------------------------------------------------------

  /** Null when this broker has no such replica, or its log is not open yet. */
  partition(topic: Uuid | string, index: number): Partition | null {
    return this.#hosted(topic, index)?.partition ?? null;
  }

  /**
   * The partition; throws the error for the client when this broker has no such replica, or when the replica's log is not open.
   */
  requirePartition(topic: Uuid | string, index: number, image: MetadataImage): Partition {
    const replica = this.#hosted(topic, index);
    if (replica !== undefined) {
      if (replica.partition !== null) return replica.partition;
      throw new KafkaError(replica.hasFailed ? Errors.KAFKA_STORAGE_ERROR : Errors.NOT_LEADER_OR_FOLLOWER);
    }
    const known = image.topics.byId(topic) ?? image.topics.byName(topic);
    if (known?.partitions[index] === undefined) throw new KafkaError(Errors.UNKNOWN_TOPIC_OR_PARTITION);
    throw new KafkaError(Errors.NOT_LEADER_OR_FOLLOWER);
  }

  /** The broker from which a consumer in `rack` should read instead of this leader (KIP-392); -1: from this leader. */
  preferredReadReplica(topicId: Uuid, index: number, rack: string, offset: number): number {
    const { replicaSelector: select = null, identity } = this.#options;
    const leader = select === null ? null : (this.partition(topicId, index)?.leaderState ?? null);
    if (select === null || leader === null) return -1;
    const { brokers } = this.#image.cluster;
    const followers: ReadableReplica[] = [];
    for (const { brokerId, logEndOffset, lastCaughtUpMs } of leader.readableFollowers(offset)) {
      const broker = brokers.get(brokerId);
      if (broker === undefined || broker.fenced) continue;
      followers.push({ brokerId, logEndOffset, lastCaughtUpMs, rack: broker.rack });
    }
    return select(rack, brokers.get(identity.nodeId)?.rack ?? null, followers)?.brokerId ?? -1;
  }

  /**
   * How many ISR changes the controller has committed for this broker's leaders since its start, and how many proposals failed.
   */
  get isrChanges(): Readonly<IsrChanges> {
    return this.#alter.changes;
  }

  *partitions(): Iterable<Partition> {
    for (const replica of this.#replicas()) if (replica.partition !== null) yield replica.partition;
  }

  /**
   * Calls `callback` after each change of a partition's role or leader epoch. Coordinators use it. Returns a function that ends
   * the calls.
   */
  watchLeadership(callback: (change: LeadershipChange) => void): () => void {
    this.#leadershipWatchers.add(callback);
    return () => {
      this.#leadershipWatchers.delete(callback);
    };
  }

  /**
   * Renames the directories of stray logs: those that the current metadata does not assign to this broker. Called once at the
   * start, after this broker has received all metadata; earlier, a log may belong to a topic that this broker does not know
   * yet.
   */
  removeStrays(): Promise<void> {
    const localId = this.#options.identity.nodeId;
    return this.#options.logs.removeStrays((log) => {
      // The image is read again for each log, because it may change while others are renamed.
      const { topics } = this.#image;
      // A log directory without a topic id (its partition.metadata is missing) is taken as that of the topic with its name.
      const topic = log.topicId === '' ? topics.byName(log.topic) : topics.byId(log.topicId);
      return topic?.partitions[log.partition]?.replicas.includes(localId) === true;
    });
  }

  /** Resolves to whether the controller has recorded that a replica of this broker is in `directory`; false: it never will. */
  assignDirectory(topicId: Uuid, index: number, directory: Uuid): Promise<boolean> {
    return new Promise((resolve) => {
      this.#assignments.assign(topicId, index, directory, resolve);
    });
  }

  /**
   * Takes the replicas of a failed log directory offline at once. A follower that stayed subscribed would still count as in
   * sync, although it does not have the records.
   */
  directoryFailed(error: unknown): void {
    for (const partition of this.partitions()) if (partition.log.isOffline) partition.fail(error);
  }

  // --- metadata ---------------------------------------------------------------------------------------------------

  onMetadataUpdate(delta: MetadataDelta, image: MetadataImage): void {
    this.#hasMetadata ||= this.#image.offset >= 0;
    this.#image = image;
    if (this.#isStopped) return;
    for (const topicId of delta.removedTopics) this.#removeTopic(topicId);
    for (const topicId of delta.changedTopics) {
      const topic = image.topics.byId(topicId);
      if (topic === undefined) continue;
      for (const index of delta.changedPartitions(topicId)) this.#place(topic, index);
    }
    this.#configsChanged(delta);
    if (delta.changedBrokers.size > 0) {
      this.#feeder.registrationsChanged();
      for (const brokerId of delta.changedBrokers) this.#fetchers.brokerChanged(brokerId);
      // A broker that became eligible may now join an ISR. A broker that was fenced no longer counts for the low watermark, so
      // a pending DeleteRecords request may complete.
      this.#tickLeaders(
        (partition) => partition.leaderState?.hasOutOfSync === true || partition.lowWatermarkChanges.size > 0,
      );
    }
    this.#reconcile.run();
  }

  #place(topic: TopicImage, index: number): void {
    const wanted = topic.partitions[index] as PartitionImage;
    const known = this.#topics.get(topic.id);
    let replica = known?.replicas.get(index);
    if (!wanted.replicas.includes(this.#options.identity.nodeId)) {
      if (known !== undefined && replica !== undefined) this.#remove(topic.id, known, replica);
      return;
    }
    if (replica === undefined) {
      const hosted = known ?? { name: topic.name, replicas: new Map<number, HostedReplica>() };
      if (known === undefined) {
        this.#topics.set(topic.id, hosted);
        this.#idByName.set(topic.name, topic.id);
      }
      replica = new HostedReplica(
        topic.name,
        wanted,
        this.#configOf(topic.name, hosted),
        this.#hasMetadata,
        this.#context,
      );
      hosted.replicas.set(index, replica);
    } else replica.wanted = wanted;
    this.#reconcile.add(replica);
  }

  #removeTopic(topicId: Uuid): void {
    const topic = this.#topics.get(topicId);
    if (topic === undefined) return;
    for (const replica of topic.replicas.values()) this.#remove(topicId, topic, replica);
  }

  #remove(topicId: Uuid, topic: HostedTopic, replica: HostedReplica): void {
    topic.replicas.delete(replica.index);
    if (topic.replicas.size === 0) {
      this.#topics.delete(topicId);
      if (this.#idByName.get(topic.name) === topicId) this.#idByName.delete(topic.name);
    }
    replica.wanted = null;
    this.#assignments.forget(topicId, replica.index);
    this.#opener.remove(replica);
  }

  #configsChanged(delta: MetadataDelta): void {
    // The change may be one of another broker's configuration. Then `#brokerConfigChanged` changes nothing, which costs little.
    if (delta.changedConfigs.some(({ type }) => type === resourceType.broker)) this.#brokerConfigChanged();
    for (const resource of delta.changedConfigs) {
      if (resource.type !== resourceType.topic) continue;
      const topicId = this.#idByName.get(resource.name);
      const topic = topicId === undefined ? undefined : this.#topics.get(topicId);
      if (topic !== undefined) this.#setConfig(topic);
    }
  }

  /**
   * Applies the broker's changed configuration to all topics, whose settings default to it. Another metadata publisher has
   * updated the broker's configuration before this one is called.
   */
  #brokerConfigChanged(): void {
    for (const topic of this.#topics.values()) this.#setConfig(topic);
  }

  #setConfig(topic: HostedTopic): void {
    const config = this.#options.topicConfig(this.#image.configs.topic(topic.name));
    for (const replica of topic.replicas.values()) replica.setConfig(config);
  }

  /** The configuration of a topic. All partitions of a topic share one object, so that many partitions need little memory. */
  #configOf(name: string, topic: HostedTopic): TopicConfig {
    for (const replica of topic.replicas.values()) return replica.config;
    return this.#options.topicConfig(this.#image.configs.topic(name));
  }

  // --- helpers ----------------------------------------------------------------------------------------------------

  #hosted(topic: Uuid | string, index: number): HostedReplica | undefined {
    const byId = this.#topics.get(topic);
    if (byId !== undefined) return byId.replicas.get(index);
    const id = this.#idByName.get(topic);
    return id === undefined ? undefined : this.#topics.get(id)?.replicas.get(index);
  }

  *#replicas(): Iterable<HostedReplica> {
    for (const topic of this.#topics.values()) yield* topic.replicas.values();
  }

  #addressOf(brokerId: NodeId): Address | null {
    const broker = this.#image.cluster.brokers.get(brokerId);
    const name = this.#options.interBrokerListenerName;
    return broker?.endpoints.find((endpoint) => endpoint.name === name) ?? null;
  }

  #notifyLeadership(partition: Partition): void {
    const { isLeader, leaderEpoch } = partition;
    for (const watcher of this.#leadershipWatchers) watcher({ partition, isLeader, leaderEpoch });
  }

  #armTick(intervalMs: number): void {
    this.#timer = this.#options.scheduler.after(intervalMs, () => {
      this.#tickLeaders(() => true);
      this.#armTick(intervalMs);
    });
  }

  #tickLeaders(concerns: (partition: Partition) => boolean): void {
    for (const partition of this.partitions())
      if (partition.isLeader && concerns(partition)) this.#ticks.add(partition);
    this.#ticks.run();
  }
}
