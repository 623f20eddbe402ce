/**
 * Fetch (1), v4–v18, for consumers: long poll, fetch sessions (KIP-227), topic ids, hints about new leaders.
 * Versions:  v7 sessions, top-level error · v9 leader epochs · v10 zstd · v11 preferred read replica (KIP-392) · v12 diverging
 *            epochs · v13 topic ids · v16 current leader with its address (KIP-951).
 * Behaviour: Reads end at the high watermark, with read_committed at the last stable offset. An error of a partition completes
 *            the request at once; all offsets in that partition's result are -1. In a session a response leaves out partitions
 *            without changes. From v11 on followers serve reads too, up to the high watermark that they know.
 *            A response above the client's `consumer_byte_rate` is empty and has a throttle time (KIP-219).
 * Not done:  Our followers do not replicate with Kafka's Fetch, so a request with a replica id is refused.
 */
import { uuidZero } from '../../../base/uuid.ts';
import type { TopicImage } from '../../../metadata/topics-image.ts';
import { type ErrorRow, Errors, KafkaError } from '../../../protocol/errors.ts';
import { FetchRequest, FetchResponse } from '../../../protocol/messages/records/01-fetch.ts';
import { ApiKey } from '../../../protocol/messages/api-keys.ts';
import { batches } from '../../../protocol/records/batch.ts';
import type { Init } from '../../../protocol/schema/fields.ts';
import {
  type FetchedPartition,
  type FetchSession,
  type FetchSessionCache,
  noSessionId,
} from '../../fetch-session.ts';
import { defineHandler, type Handler, type RequestContext } from '../../handler.ts';
import { waitMsMax } from '../../limits.ts';
import type { MemoryBudget } from '../../pipeline/memory-budget.ts';
import {
  type FetchLimits,
  FetchOperation,
  type FetchOutcome,
  type FetchTarget,
} from '../../purgatory/fetch-operation.ts';
import type { Purgatory } from '../../purgatory/delayed-operation.ts';
import { quotaClientOf } from '../../quotas/quota-table.ts';
import type { BrokerServices } from '../../services.ts';
import type { Endpoints } from '../endpoints.ts';
import { errorCode } from '../errors.ts';
import { type FetchScope, fetchScope } from './fetch-scope.ts';
import { LeaderHints, unknownLeader } from './leader-hints.ts';
import { debuggingConsumer } from './replica-ids.ts';

type Response = Init<typeof FetchResponse>;
type TopicResult = Response['responses'][number];
type PartitionResult = TopicResult['partitions'][number];

export interface FetchHandlerOptions {
  readonly services: BrokerServices;
  readonly endpoints: Endpoints;
  readonly sessions: FetchSessionCache;
  readonly budget: MemoryBudget;
  readonly purgatory: Purgatory;
}

const currentLeaderVersion = 16;
/** From this version on consumers send their rack, and the response may name a follower to read from (KIP-392). */
const rackVersion = 11;
const zstdVersion = 10;
const zstd = 4;

export function createFetchHandler(options: FetchHandlerOptions): Handler {
  return defineHandler(FetchRequest, FetchResponse, {
    versions: '4-18',
    listeners: ['broker'],
    handle(request, context) {
      const refused = refusal(request);
      if (refused !== null) return failAll(request, context, refused);
      const scope = fetchScope(
        options.sessions,
        request,
        context.apiVersion,
        options.services.clock.monotonicMs(),
      );
      if ('error' in scope) return failAll(request, context, scope.error);
      return new Fetch(options, request, context, scope).run();
    },
    failed: (request, error, context) => failAll(request, context, error),
  });
}

/** Which records the request may read. Debugging tools (replica id -2) may read any replica, up to its log end offset. */
function access(request: FetchRequest, apiVersion: number): Pick<FetchLimits, 'isolation' | 'allowFollower'> {
  if (request.replicaId === debuggingConsumer || request.replicaState.replicaId === debuggingConsumer)
    return { isolation: 'log_end', allowFollower: true };
  return {
    isolation: request.isolationLevel === 1 ? 'txn_committed' : 'high_watermark',
    allowFollower: apiVersion >= rackVersion,
  };
}

function refusal(request: FetchRequest): ErrorRow | null {
  if (request.replicaId >= 0 || request.replicaState.replicaId >= 0)
    return Errors.CLUSTER_AUTHORIZATION_FAILED;
  if (request.isolationLevel < 0 || request.isolationLevel > 1) return Errors.INVALID_REQUEST;
  return null;
}

/**
 * The response when the whole request fails: the error is at the top level, or in every partition if the version lacks that
 * field.
 */
function failAll(request: FetchRequest, context: RequestContext, error: ErrorRow): Response {
  if (context.apiVersion >= 7) return { errorCode: error.code, sessionId: noSessionId, responses: [] };
  return {
    responses: request.topics.map((topic) => ({
      topic: topic.topic,
      topicId: topic.topicId,
      partitions: topic.partitions.map(({ partition }) => failedPartition(partition, error.code)),
    })),
  };
}

function failedPartition(index: number, code: number): PartitionResult {
  return {
    partitionIndex: index,
    errorCode: code,
    highWatermark: -1,
    abortedTransactions: [],
    records: noBytes,
  };
}

const noBytes = new Uint8Array(0);

/** Approximate sizes of a response without its records. */
const headBytes = 24;
const partitionBytes = 50;

/** The size of a response to a consumer, for its quota. Only partitions with records count. */
function responseBytes(outcomes: readonly FetchOutcome[]): number {
  let sizeBytes = headBytes;
  for (const { data } of outcomes)
    if (data !== null && data.records.length > 0) sizeBytes += partitionBytes + data.records.length;
  return sizeBytes;
}

class Fetch {
  readonly #options: FetchHandlerOptions;
  readonly #context: RequestContext;
  readonly #partitions: readonly FetchedPartition[];
  readonly #session: FetchSession | null;
  /** Whether the response leaves out partitions without changes. */
  readonly #incremental: boolean;
  readonly #topics: (TopicImage | undefined)[];
  readonly #operation: FetchOperation;
  /** The rack of the client. Null: the response must not name another replica to read from. */
  readonly #rack: string | null;

  constructor(
    options: FetchHandlerOptions,
    request: FetchRequest,
    context: RequestContext,
    scope: FetchScope,
  ) {
    this.#options = options;
    this.#context = context;
    this.#session = scope.session;
    this.#incremental = scope.incremental;
    this.#partitions = scope.partitions;
    this.#topics = this.#resolveTopics();
    const isDebugging = access(request, context.apiVersion).isolation === 'log_end';
    this.#rack = context.apiVersion >= rackVersion && !isDebugging ? request.rackId : null;
    const { services, budget, purgatory } = options;
    const maxBytes = Math.min(
      Math.max(0, request.maxBytes),
      services.config.get('fetch.max.bytes'),
      // More would be throttled whatever the client fetched before.
      services.quotas.fetch.burst(quotaClientOf(context)),
    );
    this.#operation = new FetchOperation(
      this.#partitions.map((partition, index) => this.#target(partition, this.#topics[index])),
      {
        minBytes: Math.min(request.minBytes, maxBytes),
        maxBytes,
        maxWaitMs: Math.min(request.maxWaitMs, waitMsMax),
        ...access(request, context.apiVersion),
      },
      { purgatory, budget, onResumed: () => context.resumed() },
    );
  }

  run(): Response | Promise<Response> {
    this.#context.onSent(() => this.#operation.release());
    const waiting = this.#operation.run();
    if (waiting === null) return this.#respond();
    this.#context.onClose(() => this.#operation.cancel());
    return waiting.then(() => this.#respond());
  }

  /** True: the response would exceed the client's quota and must be empty. */
  #isThrottled(): boolean {
    const { quotas } = this.#options.services;
    if (quotas.fetch.isOff) return false;
    const sizeBytes = responseBytes(this.#operation.outcomes);
    const client = quotaClientOf(this.#context);
    const { throttleMs, isRefused } = quotas.fetch.recordOrRefuse(client, sizeBytes, quotas.nowMs());
    this.#context.throttle('Fetch', throttleMs);
    return isRefused;
  }

  /** An existing session stays; one that this request has created is removed. */
  #throttledResponse(): Response {
    this.#operation.release();
    if (this.#incremental) return { sessionId: this.#session?.id ?? noSessionId, responses: [] };
    if (this.#session !== null) this.#options.sessions.remove(this.#session.id);
    return { sessionId: noSessionId, responses: [] };
  }

  /** Finds the topic of each partition. Consecutive partitions of the same topic need one look-up. */
  #resolveTopics(): (TopicImage | undefined)[] {
    const { topics } = this.#context.image;
    let name = '';
    let id = '';
    let topic: TopicImage | undefined;
    return this.#partitions.map((partition) => {
      if (partition.topic === name && partition.topicId === id) return topic;
      name = partition.topic;
      id = partition.topicId;
      topic = name === '' && id !== uuidZero ? topics.byId(id) : topics.byName(name);
      return topic;
    });
  }

  #target(partition: FetchedPartition, topic: TopicImage | undefined): FetchTarget {
    const { replicas, metadata } = this.#options.services;
    return {
      offset: partition.fetchOffset,
      maxBytes: Math.max(0, partition.maxBytes),
      currentLeaderEpoch: partition.currentLeaderEpoch,
      lastFetchedEpoch: partition.lastFetchedEpoch,
      preferredReplica: () =>
        topic === undefined || this.#rack === null
          ? -1
          : replicas.preferredReadReplica(topic.id, partition.index, this.#rack, partition.fetchOffset),
      replica: () => {
        if (topic === undefined) throw new KafkaError(this.#unknownTopic());
        const replica = replicas.partition(topic.id, partition.index);
        if (replica !== null) return replica;
        // The topic may have been deleted while the fetch was pending.
        const current = metadata().topics.byId(topic.id);
        if (current === undefined) throw new KafkaError(this.#unknownTopic());
        const exists = current.partitions[partition.index] !== undefined;
        throw new KafkaError(exists ? Errors.NOT_LEADER_OR_FOLLOWER : Errors.UNKNOWN_TOPIC_OR_PARTITION);
      },
    };
  }

  #unknownTopic(): ErrorRow {
    return this.#context.apiVersion >= 13 ? Errors.UNKNOWN_TOPIC_ID : Errors.UNKNOWN_TOPIC_OR_PARTITION;
  }

  #respond(): Response {
    if (this.#isThrottled()) return this.#throttledResponse();
    const { services, endpoints } = this.#options;
    const hints = new LeaderHints(endpoints, services.metadata, this.#context.connection);
    const responses: { topic: string; topicId: string; partitions: PartitionResult[] }[] = [];
    const withData: FetchedPartition[] = [];
    let last: (typeof responses)[number] | null = null;
    for (let i = 0; i < this.#partitions.length; i++) {
      const partition = this.#partitions[i] as FetchedPartition;
      const result = this.#result(partition, i, hints);
      const topic = this.#topics[i];
      if (topic !== undefined) {
        services.traffic.fetched(topic.name, result.records?.length ?? 0, result.errorCode !== 0);
      }
      if (result.records !== null && result.records.length > 0) withData.push(partition);
      if (!this.#isNews(partition, result)) continue;
      if (last === null || last.topic !== partition.topic || last.topicId !== partition.topicId) {
        last = { topic: partition.topic, topicId: partition.topicId, partitions: [] };
        responses.push(last);
      }
      last.partitions.push(result);
    }
    if (this.#session !== null) for (const partition of withData) this.#session.moveToEnd(partition);
    return { sessionId: this.#session?.id ?? noSessionId, responses, nodeEndpoints: hints.nodeEndpoints };
  }

  /** Stores in the session what the response has. Returns whether the partition must be in the response. */
  #isNews(partition: FetchedPartition, result: PartitionResult): boolean {
    if (this.#session === null) return true;
    const { records, highWatermark, errorCode: code, divergingEpoch } = result;
    const logStartOffset = result.logStartOffset ?? -1;
    const news =
      (records !== null && records.length > 0) ||
      partition.highWatermark !== highWatermark ||
      partition.logStartOffset !== logStartOffset ||
      code !== 0 ||
      divergingEpoch !== undefined ||
      (result.preferredReadReplica ?? -1) >= 0;
    // After an error the next response has the partition in any case, whether its offsets change or not.
    partition.highWatermark = code === 0 ? highWatermark : -1;
    partition.logStartOffset = logStartOffset;
    return news || !this.#incremental;
  }

  #result(partition: FetchedPartition, index: number, hints: LeaderHints): PartitionResult {
    const { data, error, preferredReadReplica } = this.#operation.outcomes[index] as FetchOutcome;
    if (error !== null) return this.#failure(partition, index, error, hints);
    if (data === null) return failedPartition(partition.index, 0);
    if (this.#context.apiVersion < zstdVersion && hasZstd(data.records)) {
      return failedPartition(partition.index, Errors.UNSUPPORTED_COMPRESSION_TYPE.code);
    }
    const result = {
      partitionIndex: partition.index,
      errorCode: 0,
      highWatermark: data.highWatermark,
      lastStableOffset: data.lastStableOffset,
      logStartOffset: data.logStartOffset,
      abortedTransactions: data.abortedTransactions,
      preferredReadReplica,
      records: data.records,
    };
    return data.divergingEpoch === null ? result : { ...result, divergingEpoch: data.divergingEpoch };
  }

  #failure(
    partition: FetchedPartition,
    index: number,
    error: KafkaError,
    hints: LeaderHints,
  ): PartitionResult {
    const topic = this.#topics[index];
    if (error.error === Errors.UNKNOWN_SERVER_ERROR) {
      this.#options.services.logger.error('unexpected error while fetching', {
        topic: topic?.name,
        partition: partition.index,
        error: error.message,
      });
    }
    const code = errorCode(ApiKey.Fetch, this.#context.apiVersion, error.error);
    // As in Kafka, `abortedTransactions` is an empty list if the partition does not exist, and null if the read was refused.
    const isThere = topic?.partitions[partition.index] !== undefined;
    const failed = failedPartition(partition.index, code);
    const result = isThere ? { ...failed, abortedTransactions: null } : failed;
    if (this.#context.apiVersion < currentLeaderVersion) return result;
    const currentLeader = hints.for(error.error, topic?.partitions[partition.index]);
    return currentLeader === unknownLeader ? result : { ...result, currentLeader };
  }
}

/**
 * Whether the records are compressed with zstd, which clients of old versions cannot read. This broker does not convert
 * batches.
 */
function hasZstd(records: Uint8Array): boolean {
  return batches(records).headers.some((header) => (header.attributes & 7) === zstd);
}
