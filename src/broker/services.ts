/**
 * The services that handlers use, as small interfaces of the node's parts. `server/` passes the real ones (`ReplicaManager`
 * implements `Replicas`, `LogManager` implements `LogDirectories`), tests pass their own.
 */
import type { Clock, Scheduler } from '../base/clock.ts';
import type { NodeId } from '../base/ids.ts';
import type { Random } from '../base/random.ts';
import type { WatchKey } from '../base/watch-list.ts';
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
import type { TopicTraffic } from './topic-traffic.ts';

/** For handlers of every node, also of controller-only nodes. */
export interface NodeServices {
  readonly nodeId: NodeId;
  readonly clusterId: string;
  readonly config: NodeConfig;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  /** Times how long a client asked to wait; `scheduler` where there is none. A test's clock may stand still while its clients wait. */
  readonly clientScheduler?: Scheduler | undefined;
  readonly random: Random;
  readonly logger: Logger;
  readonly metadata: () => MetadataImage;
  readonly imageWatch: ImageWatch;
  readonly controller: ControllerClient;
  readonly quorum: () => QuorumStatus;
  /** Feature levels that this software supports, for ApiVersions. */
  readonly supportedFeatures: ReadonlyMap<string, FeatureRange>;
}

/** For handlers of brokers. */
export interface BrokerServices extends NodeServices {
  readonly replicas: Replicas;
  readonly logDirectories: LogDirectories;
  readonly traffic: TopicTraffic;
  readonly clientMetrics: ClientMetrics;
  /** Sends Kafka requests to other brokers, and to this one. */
  readonly brokers: BrokerClient;
}

/** One replica on this broker, as handlers use it; `Partition` of `replication/` implements it. Errors are thrown as `KafkaError`. */
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
  /** Bytes that `fetch` would find without limits; Infinity: respond now; null: they are not in memory. */
  readableBytes(options: FetchPosition): number | null;
  /**
   * Calls back when the result of `fetch` may have changed, also by a change of leadership or deletion; returns a function that
   * ends it.
   */
  watch(callback: () => void): () => void;
  listOffset(options: ListOffsetOptions): FoundOffset | null | Promise<FoundOffset | null>;
  offsetForLeaderEpoch(
    currentLeaderEpoch: number,
    requestedEpoch: number,
  ): { readonly leaderEpoch: number; readonly endOffset: number };
  /** Advances the log start to `offset` (-1: the high watermark); resolves to the offset when this replica's log begins there. */
  deleteRecords(offset: number): Promise<number>;
  /** The smallest log start offset of the live replicas; throws unless this replica leads. */
  lowWatermark(): number;
  /** Changes when the low watermark or the role changes. */
  readonly lowWatermarkChanges: WatchKey;
  describeProducers(): readonly ProducerState[];
  /**
   * The guard that the first batch of a producer's transaction must carry; null: the transaction has begun here. Throws unless this
   * replica leads.
   */
  beginVerification(request: VerificationRequest): VerificationGuard | null;
}

export interface Replicas {
  partition(topicId: Uuid, index: number): PartitionReplica | null;
  /** The replica from which a consumer in `rack` should read instead of the local leader (KIP-392); -1: the local one. */
  preferredReadReplica(topicId: Uuid, index: number, rack: string, offset: number): number;
}

export interface LogDescription {
  readonly topic: string;
  readonly index: number;
  readonly sizeBytes: number;
  /** How many records the log is behind the high watermark. */
  readonly offsetLag: number;
  readonly isFuture: boolean;
}

export interface LogDirectoryDescription {
  readonly path: string;
  readonly offline: boolean;
  /** Gets no new replicas (`cordoned.log.dirs`). */
  readonly isCordoned: boolean;
  readonly totalBytes: number;
  readonly usableBytes: number;
  readonly logs: readonly LogDescription[];
}

export interface LogDirectories {
  describe(): Promise<readonly LogDirectoryDescription[]>;
  /** Moves the replica to the log directory `path`. Resolves when the move has begun; rejects with the `KafkaError` of the response. */
  move(topic: string, index: number, path: string): Promise<void>;
}
