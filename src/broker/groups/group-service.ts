/**
 * The group coordinator of this broker: the coordinator runtime for groups, with a method for each request that handlers pass
 * on. A method throws `KafkaError` if this broker cannot handle the group; the handlers in `api/` put the error into the
 * response.
 */
import type { Clock, Scheduler } from '../../base/clock.ts';
import type { Random } from '../../base/random.ts';
import type { NodeConfig } from '../../config/node-config.ts';
import type { TransactionEnd } from '../../coordinator/types.ts';
import type { DescribedConsumerGroup } from '../../group/consumer/describe.ts';
import type { ConsumerHeartbeatResponse } from '../../group/consumer/requests.ts';
import { describeGroup, listGroups } from '../../group/describe.ts';
import { groupMachine } from '../../group/machine.ts';
import { fetchOffsets } from '../../group/offsets.ts';
import type { Shard } from '../../group/group-turn.ts';
import type {
  Caller,
  ConsumerHeartbeatRequest,
  DescribedGroup,
  GroupInput,
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
  TxnOffsetCommitRequest,
  TxnOffsetCommitResponse,
} from '../../group/types.ts';
import type { MetadataDelta } from '../../metadata/delta.ts';
import { featureLevel, type MetadataImage } from '../../metadata/image.ts';
import { offsetsTopic } from '../../metadata/internal-topics.ts';
import type { MetadataPublisher } from '../../metadata/publisher.ts';
import { type ErrorRow, Errors, errorOf, errorRowOf, KafkaError } from '../../protocol/errors.ts';
import { compressionTypes } from '../../protocol/records/batch.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { type Answer, CoordinatorRuntime, type LeadershipSource } from '../coordinator/runtime.ts';
import type { TransactionVerifier } from '../txn/transaction-verifier.ts';
import { OffsetsVerification } from './txn-verification.ts';
import { groupConfig } from './group-config.ts';

export interface GroupServiceOptions {
  readonly config: NodeConfig;
  readonly replicas: LeadershipSource;
  readonly metadata: () => MetadataImage;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly logger: Logger;
  /** Verifies transactions with the transaction coordinator, before offsets are committed in them. */
  readonly verifier: Pick<TransactionVerifier, 'verify'>;
}

export class GroupService implements MetadataPublisher {
  readonly #runtime: CoordinatorRuntime<Shard, GroupInput>;
  readonly #protocols: readonly string[];
  readonly #verification: OffsetsVerification;
  readonly #metadata: () => MetadataImage;

  constructor(options: GroupServiceOptions) {
    const { config, random, logger, replicas, metadata, clock, scheduler } = options;
    this.#verification = new OffsetsVerification(config, options.verifier);
    this.#metadata = metadata;
    this.#protocols = config.get('group.coordinator.rebalance.protocols');
    this.#runtime = new CoordinatorRuntime({
      topic: offsetsTopic,
      machine: groupMachine(groupConfig(config), random),
      writeTimeoutMs: config.get('offsets.commit.timeout.ms'),
      loadBufferBytes: config.get('offsets.load.buffer.size'),
      compression: compressionTypes[config.get('offsets.topic.compression.codec')] ?? 'none',
      tooLarge: Errors.INVALID_COMMIT_OFFSET_SIZE,
      logger: logger.child('GroupCoordinator'),
      replicas,
      metadata,
      clock,
      scheduler,
    });
  }

  get topic(): string {
    return offsetsTopic;
  }

  start(): void {
    this.#runtime.start();
  }

  stop(): void {
    this.#runtime.stop();
  }

  onMetadataUpdate(delta: MetadataDelta): void {
    this.#runtime.onMetadataUpdate(delta);
  }

  partitionOf(groupId: string, image: MetadataImage): number | null {
    return this.#runtime.partitionOf(groupId, image);
  }

  /** For requests that need a group name. Offsets may also be committed for the group with the empty name. */
  #named<Response>(groupId: string, input: (token: number) => GroupInput): Answer<Response> {
    requireName(groupId);
    return this.#runtime.request(groupId, input);
  }

  join(caller: Caller, request: JoinRequest): Answer<JoinResponse> {
    return this.#named(request.groupId, (token) => ({ type: 'join', token, caller, request }));
  }

  sync(request: SyncRequest): Answer<SyncResponse> {
    return this.#named(request.groupId, (token) => ({ type: 'sync', token, request }));
  }

  heartbeat(request: HeartbeatRequest): Answer<{ errorCode: number }> {
    return this.#named(request.groupId, (token) => ({ type: 'heartbeat', token, request }));
  }

  /**
   * Whether clients may use the consumer protocol (KIP-848): the cluster's `group.version` and this broker's properties must
   * allow it.
   */
  offersConsumerProtocol(image: MetadataImage): boolean {
    return featureLevel(image, 'group.version') > 0 && this.#protocols.includes('consumer');
  }

  consumerHeartbeat(caller: Caller, request: ConsumerHeartbeatRequest): Answer<ConsumerHeartbeatResponse> {
    const input = (token: number): GroupInput => ({ type: 'consumerHeartbeat', token, caller, request });
    return this.#runtime.request(request.groupId, input);
  }

  describeConsumer(groupId: string): Answer<DescribedConsumerGroup> {
    return this.#named(groupId, (token) => ({ type: 'describeConsumer', token, groupId }));
  }

  leave(request: LeaveRequest): Answer<LeaveResponse> {
    return this.#named(request.groupId, (token) => ({ type: 'leave', token, request }));
  }

  commit(apiVersion: number, request: OffsetCommitRequest): Answer<OffsetCommitResponse> {
    return this.#runtime.request(request.groupId, (token) => ({
      type: 'commit',
      token,
      apiVersion,
      request,
    }));
  }

  commitTransactional(apiVersion: number, request: TxnOffsetCommitRequest): Answer<TxnOffsetCommitResponse> {
    const { groupId } = request;
    requireName(groupId);
    // As in Kafka, the partition is looked up first, for the verification of the transaction.
    if (this.partitionOf(groupId, this.#metadata()) === null)
      throw new KafkaError(Errors.COORDINATOR_NOT_AVAILABLE);
    const { partition } = this.#runtime.hostOf(groupId);
    const commit = (verification: unknown): Answer<TxnOffsetCommitResponse> =>
      this.#runtime.request(groupId, (token) => ({
        type: 'txnCommit',
        token,
        apiVersion,
        request,
        verification,
      }));
    const verification = this.#verification.begin(partition, apiVersion, request);
    return verification instanceof Promise ? verification.then(commit) : commit(verification);
  }

  /**
   * Appends the marker that ends a transaction to a partition of `__consumer_offsets`: the offsets that the transaction has
   * committed there take effect or are dropped. Resolves to NONE when the marker is committed, otherwise to the error for the
   * response to WriteTxnMarkers.
   */
  async completeTransaction(partition: number, end: TransactionEnd): Promise<ErrorRow> {
    try {
      const input = (token: number): GroupInput => ({ type: 'completeTransaction', token, end });
      const { errorCode } = await this.#runtime.hostAt(partition).request<{ errorCode: number }>(input);
      return markerError(errorOf(errorCode));
    } catch (error) {
      return markerError(errorRowOf(error));
    }
  }

  fetch(request: OffsetFetchRequest): OffsetFetchResponse {
    return fetchOffsets(this.#runtime.read(request.groupId), request);
  }

  deleteOffsets(request: OffsetDeleteRequest): Answer<OffsetDeleteResponse> {
    return this.#named(request.groupId, (token) => ({ type: 'deleteOffsets', token, request }));
  }

  deleteGroup(groupId: string): Answer<{ groupId: string; errorCode: number }> {
    return this.#runtime.request(groupId, (token) => ({ type: 'deleteGroup', token, groupId }));
  }

  /** The shard that coordinates the group, for reading only. Throws NOT_COORDINATOR or COORDINATOR_LOAD_IN_PROGRESS. */
  shardOf(groupId: string): Shard {
    return this.#runtime.read(groupId);
  }

  describe(groupId: string, apiVersion: number): DescribedGroup {
    return describeGroup(this.#runtime.read(groupId), groupId, apiVersion);
  }

  /** All groups that this broker coordinates and has loaded, with their committed offsets. */
  *overview(): Generator<{ groupId: string; memberCount: number; topics: OffsetFetchResponse['topics'] }> {
    for (const shard of this.#runtime.activeShards()) {
      for (const { groupId, members } of shard.groups.values()) {
        const { topics } = fetchOffsets(shard, { groupId, topics: null, requireStable: false });
        yield { groupId, memberCount: members.size, topics };
      }
    }
  }

  /**
   * The groups of all partitions that this broker leads. Throws COORDINATOR_LOAD_IN_PROGRESS while one of these partitions
   * loads.
   */
  list(states: readonly string[], types: readonly string[]): ListedGroup[] {
    return this.#runtime.readAll().flatMap(({ groups }) => listGroups(groups.values(), states, types));
  }
}

/**
 * The error for the transaction coordinator, which does not know the errors of group coordinators. After NOT_LEADER_OR_FOLLOWER
 * it sends the marker again.
 */
function markerError(error: ErrorRow): ErrorRow {
  const isElsewhere =
    error === Errors.COORDINATOR_LOAD_IN_PROGRESS ||
    error === Errors.COORDINATOR_NOT_AVAILABLE ||
    error === Errors.NOT_COORDINATOR;
  return isElsewhere ? Errors.NOT_LEADER_OR_FOLLOWER : error;
}

function requireName(groupId: string): void {
  if (groupId === '') throw new KafkaError(Errors.INVALID_GROUP_ID);
}
