/**
 * The services that handlers use: small interfaces of the parts of a node. `server/` passes the real parts (`ReplicaManager`
 * implements `Replicas`, `LogManager` implements `LogDirectories`); tests pass their own.
 */
import type { Clock, Scheduler } from '../base/clock.ts';
import type { NodeId } from '../base/ids.ts';
import type { Random } from '../base/random.ts';
import type { Watchable } from '../base/watch-list.ts';
import type { Uuid } from '../base/uuid.ts';
import type { NodeConfig } from '../config/node-config.ts';
import type { BrokerClient } from '../metadata/broker-port.ts';
import type { ControllerClient } from '../metadata/controller-port.ts';
import type { FeatureRange } from '../metadata/cluster-image.ts';
import type { MetadataImage } from '../metadata/image.ts';
import type { QuorumStatus } from '../raft/api.ts';
import type {
  Acks,
  AppendOptions,
  AppendResult,
  FetchOptions,
  FetchPartitionData,
  FetchPosition,
  FoundOffset,
  ListOffsetOptions,
  ProducerState,
  VerificationGuard,
  VerificationRequest,
} from '../replication/types.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { ClientMetrics } from './client-metrics.ts';
import type { ImageWatch } from './image-watch.ts';
import type { PushedMetrics } from './pushed-metrics.ts';
import type { ClientQuotas } from './quotas/client-quotas.ts';
import type { TopicTraffic } from './topic-traffic.ts';

/** The services for handlers of every node, also of nodes that are only controllers. */
export interface NodeServices {
  readonly nodeId: NodeId;
  readonly clusterId: string;
  readonly config: NodeConfig;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  /**
   * Measures how long requests of clients wait; `scheduler` if absent. In tests it may run while the clock of `scheduler`
   * stands still.
   */
  readonly clientScheduler?: Scheduler | undefined;
  readonly random: Random;
  readonly logger: Logger;
  readonly metadata: () => MetadataImage;
  readonly imageWatch: ImageWatch;
  readonly quotas: ClientQuotas;
  readonly controller: ControllerClient;
  readonly quorum: () => QuorumStatus;
  /** The feature levels that this software supports, for the ApiVersions response. */
  readonly supportedFeatures: ReadonlyMap<string, FeatureRange>;
}

/** The services for handlers of brokers. */
export interface BrokerServices extends NodeServices {
  readonly replicas: Replicas;
  readonly logDirectories: LogDirectories;
  readonly traffic: TopicTraffic;
  readonly clientMetrics: ClientMetrics;
  readonly pushedMetrics: PushedMetrics;
  /** Sends Kafka requests to other brokers, or to this broker itself. */
  readonly brokers: BrokerClient;
}

/**
 * One replica on this broker, as handlers see it. `Partition` of `replication/` implements it. Errors are thrown as
 * `KafkaError`.
 */
export interface PartitionReplica {
  readonly topic: string;
  readonly topicId: Uuid;
  readonly index: number;
  readonly isLeader: boolean;
  readonly leaderEpoch: number;
  readonly highWatermark: number;
  readonly logStartOffset: number;
  readonly logEndOffset: number;
  appendAsLeader(records: Uint8Array, acks: Acks, options: AppendOptions): AppendResult;
  fetch(options: FetchOptions): FetchPartitionData | Promise<FetchPartitionData>;
  /**
   * How many bytes a `fetch` without limits would return. Infinity: the fetch should respond at once. Null: not known, because
   * not all of these bytes are in memory.
   */
  readableBytes(options: FetchPosition): number | null;
  /**
   * Registers a callback for the case that `fetch` may have another result, also because the leadership changed or the
   * partition was deleted. Returns a function that removes the callback.
   */
  watch(callback: () => void): () => void;
  listOffset(options: ListOffsetOptions): FoundOffset | null | Promise<FoundOffset | null>;
  offsetForLeaderEpoch(
    currentLeaderEpoch: number,
    requestedEpoch: number,
  ): { readonly leaderEpoch: number; readonly endOffset: number };
  /**
   * Advances the log start offset to `offset`, where -1 means the high watermark. Resolves to that offset when this replica's
   * log begins there or later.
   */
  deleteRecords(offset: number): Promise<number>;
  /** The lowest log start offset of the live replicas. Throws if this replica is not the leader. */
  lowWatermark(): number;
  /** Notifies when the low watermark may have changed, or when this replica is no longer the leader. */
  readonly lowWatermarkChanges: Watchable;
  describeProducers(): readonly ProducerState[];
  /**
   * Begins a verification (KIP-890). The first batch of a producer's transaction must have its result, the guard. Null: the
   * transaction has already begun in this partition, so no guard is needed. Throws if this replica is not the leader.
   */
  beginVerification(request: VerificationRequest): VerificationGuard | null;
}

export interface Replicas {
  partition(topicId: Uuid, index: number): PartitionReplica | null;
  /** The replica from which a consumer in `rack` should read instead of this broker's (KIP-392); -1: this broker's. */
  preferredReadReplica(topicId: Uuid, index: number, rack: string, offset: number): number;
}

export interface LogDescription {
  readonly topic: string;
  readonly index: number;
  readonly sizeBytes: number;
  /** How far the log is behind the high watermark; for a future log, behind the log that it will replace. */
  readonly offsetLag: number;
  readonly isFuture: boolean;
}

export interface LogDirectoryDescription {
  readonly path: string;
  readonly offline: boolean;
  /** Whether the directory gets no new replicas (`cordoned.log.dirs`). */
  readonly isCordoned: boolean;
  readonly totalBytes: number;
  readonly usableBytes: number;
  readonly logs: readonly LogDescription[];
}

export interface LogDirectories {
  describe(): Promise<readonly LogDirectoryDescription[]>;
  /**
   * Moves the replica to the log directory `path`. Resolves when the move has begun. Rejects with the `KafkaError` for the
   * response.
   */
  move(topic: string, index: number, path: string): Promise<void>;
}
