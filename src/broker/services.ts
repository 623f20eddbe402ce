/**
 * What handlers are made from: the parts of the node, as the small interfaces that handlers use. `server/` gives the real
 * ones (`ReplicaManager` is a `Replicas`, `LogManager` a `LogDirectories`), tests their own.
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

/** For handlers of every node, controller-only nodes included. */
export interface NodeServices {
  readonly nodeId: NodeId;
  readonly clusterId: string;
  readonly config: NodeConfig;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly logger: Logger;
  readonly metadata: () => MetadataImage;
  readonly imageWatch: ImageWatch;
  readonly controller: ControllerClient;
  readonly quorum: () => QuorumStatus;
  /** Feature levels that this software can run with, for ApiVersions. */
  readonly supportedFeatures: ReadonlyMap<string, FeatureRange>;
}

/** For handlers of brokers. */
export interface BrokerServices extends NodeServices {
  readonly replicas: Replicas;
  readonly logDirectories: LogDirectories;
  readonly traffic: TopicTraffic;
  readonly clientMetrics: ClientMetrics;
  /** Kafka requests to other brokers, and to this one. */
  readonly brokers: BrokerClient;
}

/** One replica on this broker, as handlers see it. `Partition` of `replication/` is one. Errors are thrown `KafkaError`s. */
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
  /** Bytes that `fetch` would find if no limit held them back; Infinity: answer now; null: only the disk can tell. */
  readableBytes(options: FetchPosition): number | null;
  /** Calls back when what `fetch` would answer may have changed, leadership and deletion included; returns the end of it. */
  watch(callback: () => void): () => void;
  listOffset(options: ListOffsetOptions): FoundOffset | null | Promise<FoundOffset | null>;
  offsetForLeaderEpoch(
    currentLeaderEpoch: number,
    requestedEpoch: number,
  ): { readonly leaderEpoch: number; readonly endOffset: number };
  /** Moves the log start to `offset` (-1: the high watermark); resolves to the offset when this replica's log begins there. */
  deleteRecords(offset: number): Promise<number>;
  /** The smallest log start offset of the live replicas; throws unless this replica leads. */
  lowWatermark(): number;
  /** Changes of the low watermark or of the role. */
  readonly lowWatermarkChanges: WatchKey;
  describeProducers(): readonly ProducerState[];
  /** What the first batch of a producer's transaction must show here; null: the transaction has begun. Throws unless this replica leads. */
  beginVerification(request: VerificationRequest): VerificationGuard | null;
}

export interface Replicas {
  partition(topicId: Uuid, index: number): PartitionReplica | null;
  /** The replica that a consumer in `rack` should read from instead of the local leader (KIP-392); -1: the local one. */
  preferredReadReplica(topicId: Uuid, index: number, rack: string, offset: number): number;
}

export interface LogDescription {
  readonly topic: string;
  readonly index: number;
  readonly sizeBytes: number;
  /** How far the log is behind the high watermark. */
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
  /** The replica shall be in the log directory `path`. Resolves when the move has begun; rejects with the `KafkaError` of the response. */
  move(topic: string, index: number, path: string): Promise<void>;
}
