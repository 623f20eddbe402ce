/**
 * Inputs and outputs of a group shard. Field names are those of Kafka's messages, so request handlers can pass requests and
 * responses on unchanged. API versions appear only where the behaviour depends on them.
 */
import type { Uuid } from '../base/uuid.ts';
import type { CoordinatorRecord, RuntimeInput, TransactionEnd } from '../coordinator/types.ts';
import type { MetadataImage } from '../metadata/image.ts';

export type { Output, Reply, StepContext, Write } from '../coordinator/types.ts';

/** Settings of the consumer protocol (KIP-848). */
export interface ConsumerGroupConfig {
  readonly maxSize: number;
  /** Names of the allowed assignors (`group.consumer.assignors`). The first is the default. */
  readonly assignors: readonly string[];
  readonly migrationPolicy: 'disabled' | 'upgrade' | 'downgrade' | 'bidirectional';
  readonly regexRefreshIntervalMs: number;
}

/** Settings that each consumer group can have for itself. */
export interface GroupSettings {
  readonly sessionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  /** Minimum time between two target assignments (KIP-1263). */
  readonly assignmentIntervalMs: number;
}

export interface GroupConfig {
  /** Bounds of a member's session time-out. */
  readonly minSessionTimeoutMs: number;
  readonly maxSessionTimeoutMs: number;
  /** How long the first members of an empty group wait for more members before the first generation. */
  readonly initialRebalanceDelayMs: number;
  readonly maxSize: number;
  readonly consumer: ConsumerGroupConfig;
  /**
   * The settings of one consumer group: its own values (`kafka-configs --entity-type groups`), and the broker's for the rest.
   */
  readonly ofGroup: (groupId: string, image: MetadataImage) => GroupSettings;
  /** Maximum length of the metadata of a committed offset (in UTF-16 units, as in Kafka). */
  readonly offsetMetadataMaxBytes: number;
  readonly offsetsRetentionMs: number;
  readonly offsetsRetentionCheckIntervalMs: number;
}

/** The client that sent a request. */
export interface Caller {
  readonly apiVersion: number;
  readonly clientId: string;
  /** The client's address with a leading slash, as Kafka's tools print it. */
  readonly clientHost: string;
}

export interface MemberProtocol {
  readonly name: string;
  readonly metadata: Uint8Array;
}

export interface JoinRequest {
  readonly groupId: string;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly protocolType: string;
  readonly protocols: readonly MemberProtocol[];
  readonly reason: string | null;
}

export interface JoinResponseMember {
  memberId: string;
  groupInstanceId: string | null;
  metadata: Uint8Array;
}

export interface JoinResponse {
  errorCode: number;
  generationId: number;
  protocolType: string | null;
  protocolName: string | null;
  leader: string;
  skipAssignment: boolean;
  memberId: string;
  members: JoinResponseMember[];
}

export interface SyncRequest {
  readonly groupId: string;
  readonly generationId: number;
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  readonly assignments: readonly { readonly memberId: string; readonly assignment: Uint8Array }[];
}

export interface SyncResponse {
  errorCode: number;
  protocolType: string | null;
  protocolName: string | null;
  assignment: Uint8Array;
}

export interface HeartbeatRequest {
  readonly groupId: string;
  readonly generationId: number;
  readonly memberId: string;
  readonly groupInstanceId: string | null;
}

/** Partitions as heartbeat requests list them. */
export type OwnedPartitions = readonly {
  readonly topicId: Uuid;
  readonly partitions: readonly number[];
}[];

export interface ConsumerHeartbeatRequest {
  readonly groupId: string;
  readonly memberId: string;
  readonly memberEpoch: number;
  readonly instanceId: string | null;
  readonly rackId: string | null;
  /** -1: as in the last heartbeat. */
  readonly rebalanceTimeoutMs: number;
  /** Null, in this field and the following ones: as in the last heartbeat. */
  readonly subscribedTopicNames: readonly string[] | null;
  readonly subscribedTopicRegex: string | null;
  readonly serverAssignor: string | null;
  readonly topicPartitions: OwnedPartitions | null;
}

export interface LeaveRequest {
  readonly groupId: string;
  readonly members: readonly {
    readonly memberId: string;
    readonly groupInstanceId: string | null;
    readonly reason: string | null;
  }[];
}

export interface LeaveResponse {
  errorCode: number;
  members: { memberId: string; groupInstanceId: string | null; errorCode: number }[];
}

export interface OffsetCommitRequest {
  readonly groupId: string;
  readonly generationIdOrMemberEpoch: number;
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly retentionTimeMs: number;
  readonly topics: readonly {
    readonly name: string;
    readonly topicId: string;
    readonly partitions: readonly {
      readonly partitionIndex: number;
      readonly committedOffset: number;
      readonly committedLeaderEpoch: number;
      readonly committedMetadata: string | null;
    }[];
  }[];
}

export interface OffsetCommitResponse {
  topics: { name: string; topicId: string; partitions: { partitionIndex: number; errorCode: number }[] }[];
}

export interface TxnOffsetCommitRequest {
  readonly transactionalId: string;
  readonly groupId: string;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly generationId: number;
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly topics: readonly {
    readonly name: string;
    readonly partitions: readonly {
      readonly partitionIndex: number;
      readonly committedOffset: number;
      readonly committedLeaderEpoch: number;
      readonly committedMetadata: string | null;
    }[];
  }[];
}

export interface TxnOffsetCommitResponse {
  topics: { name: string; partitions: { partitionIndex: number; errorCode: number }[] }[];
}

export interface OffsetFetchRequest {
  readonly groupId: string;
  /**
   * Since v9 a member of a consumer group sends its id and epoch. A client that is no member sends neither (or null and -1).
   */
  readonly memberId?: string | null;
  readonly memberEpoch?: number;
  /** Whether partitions with pending offsets get the error UNSTABLE_OFFSET_COMMIT. */
  readonly requireStable?: boolean;
  /** Null requests all committed offsets of the group. */
  readonly topics:
    | readonly {
        readonly name: string;
        readonly topicId: string;
        readonly partitionIndexes: readonly number[];
      }[]
    | null;
}

export interface OffsetFetchPartition {
  partitionIndex: number;
  committedOffset: number;
  committedLeaderEpoch: number;
  metadata: string;
  errorCode: number;
}

export interface OffsetFetchResponse {
  groupId: string;
  errorCode: number;
  topics: { name: string; topicId: string; partitions: OffsetFetchPartition[] }[];
}

export interface OffsetDeleteRequest {
  readonly groupId: string;
  readonly topics: readonly {
    readonly name: string;
    readonly partitions: readonly { readonly partitionIndex: number }[];
  }[];
}

export interface OffsetDeleteResponse {
  errorCode: number;
  topics: { name: string; partitions: { partitionIndex: number; errorCode: number }[] }[];
}

export interface DescribedGroup {
  errorCode: number;
  errorMessage: string | null;
  groupId: string;
  groupState: string;
  protocolType: string;
  protocolData: string;
  members: {
    memberId: string;
    groupInstanceId: string | null;
    clientId: string;
    clientHost: string;
    memberMetadata: Uint8Array;
    memberAssignment: Uint8Array;
  }[];
}

export interface ListedGroup {
  groupId: string;
  protocolType: string;
  groupState: string;
  groupType: string;
}

/** One record of `__consumer_offsets`. */
export type GroupRecord = CoordinatorRecord;

/** Requests, and the other inputs of a group coordinator. */
export type GroupInput =
  | { readonly type: 'join'; readonly token: number; readonly caller: Caller; readonly request: JoinRequest }
  | { readonly type: 'sync'; readonly token: number; readonly request: SyncRequest }
  | { readonly type: 'heartbeat'; readonly token: number; readonly request: HeartbeatRequest }
  | {
      readonly type: 'consumerHeartbeat';
      readonly token: number;
      readonly caller: Caller;
      readonly request: ConsumerHeartbeatRequest;
    }
  | { readonly type: 'describeConsumer'; readonly token: number; readonly groupId: string }
  | { readonly type: 'leave'; readonly token: number; readonly request: LeaveRequest }
  | {
      readonly type: 'commit';
      readonly token: number;
      readonly apiVersion: number;
      readonly request: OffsetCommitRequest;
    }
  | {
      readonly type: 'txnCommit';
      readonly apiVersion: number;
      readonly token: number;
      readonly request: TxnOffsetCommitRequest;
      /** The result of the verification of the transaction (KIP-890), which the append passes to the log. */
      readonly verification: unknown;
    }
  /** The marker of a transaction for this partition. The response is an `errorCode`. */
  | { readonly type: 'completeTransaction'; readonly token: number; readonly end: TransactionEnd }
  | { readonly type: 'deleteOffsets'; readonly token: number; readonly request: OffsetDeleteRequest }
  | { readonly type: 'deleteGroup'; readonly token: number; readonly groupId: string };

export type Input = GroupInput | RuntimeInput;
