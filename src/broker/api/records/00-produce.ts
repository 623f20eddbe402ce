/**
 * Produce (0), v3–v13. It is advertised from v0 on: old versions of librdkafka believe that a broker whose lowest version is
 * higher does not support compression.
 * Behaviour: Each partition succeeds or fails by itself. All batches of a request are appended before the next request of the
 *            connection starts, so pipelined requests keep their order; the response waits until the appends are acknowledged.
 *            With acks=0 there is no response: if a partition fails, the broker closes the connection, which is the only way to
 *            report it. A request with acks=0 keeps its memory reserved until it is written, so that many of them slow the
 *            client down. With acks=-1 a request that times out leaves its records in the log, as in Kafka. Before anything is
 *            appended, the transaction coordinator verifies the first batch of a transaction in each partition.
 * Versions:  v5 logStartOffset · v7 zstd · v8 recordErrors · v10 current leader and its address (KIP-951) · v13 topic ids.
 */
import { mark } from '../../../base/mark.ts';
import { Slices } from '../../../base/slices.ts';
import { isInternalTopic } from '../../../metadata/internal-topics.ts';
import type { TopicImage } from '../../../metadata/topics-image.ts';
import { type ErrorRow, Errors, errorRowOf, KafkaError } from '../../../protocol/errors.ts';
import { ApiKey } from '../../../protocol/messages/api-keys.ts';
import { ProduceRequest, ProduceResponse } from '../../../protocol/messages/records/00-produce.ts';
import type { Init, Mutable } from '../../../protocol/schema/fields.ts';
import type { LogAppendInfo } from '../../../replication/types.ts';
import {
  CloseConnection,
  defineHandler,
  type Handler,
  noResponse,
  type NoResponse,
  type RequestContext,
} from '../../handler.ts';
import { DelayedOperation, type Purgatory } from '../../purgatory/delayed-operation.ts';
import type { BrokerServices } from '../../services.ts';
import type { Endpoints } from '../endpoints.ts';
import { errorCode } from '../errors.ts';
import { LeaderHints, unknownLeader } from './leader-hints.ts';
import type { TransactionVerifier } from '../../txn/transaction-verifier.ts';
import { checkRecords } from './produce-checks.ts';
import { noneVerified, ProduceVerification, type VerifiedPartitions } from './produce-transactions.ts';
import { topicOf } from '../topics.ts';

type Response = Init<typeof ProduceResponse>;
type PartitionResult = Mutable<Response['responses'][number]['partitionResponses'][number]>;
type TopicData = ProduceRequest['topicData'][number];
type PartitionData = TopicData['partitionData'][number];

/** The client id of Kafka's own tools. They may write to internal topics. */
const adminClientId = '__admin_client';
const currentLeaderVersion = 10;
/** Errors whose results also have the log start offset. */
const saysLogStart: ReadonlySet<ErrorRow> = new Set([Errors.INVALID_RECORD, Errors.INVALID_TIMESTAMP]);

export function createProduceHandler(
  services: BrokerServices,
  endpoints: Endpoints,
  purgatory: Purgatory,
  verifier: TransactionVerifier,
): Handler {
  const verification = new ProduceVerification(services, verifier);
  return defineHandler(ProduceRequest, ProduceResponse, {
    versions: '3-13',
    advertisedFrom: 0,
    listeners: ['broker'],
    ordered: true,
    handle(request, context) {
      if (request.acks < -1 || request.acks > 1)
        return failAll(request, context, Errors.INVALID_REQUIRED_ACKS, null);
      const produce = new ProduceOperation(services, endpoints, purgatory, request, context);
      const verified = verification.begin(request, context.apiVersion, ({ name, topicId }) =>
        topicOf(context.image, name, topicId),
      );
      const ordered =
        verified instanceof Promise
          ? verified.then((partitions) => produce.append(partitions) ?? undefined)
          : produce.append(verified);
      if (ordered === null) return { ordered, response: produce.response() };
      // The next request of the connection may have the batches that follow, so it starts after these are appended.
      return { ordered, response: ordered.then(() => produce.response()) };
    },
    failed: (request, error, context, message) => {
      if (request.acks === 0) throw new CloseConnection(`Produce with acks=0: ${error.name}`);
      return failAll(request, context, error, message);
    },
  });
}

function failAll(
  request: ProduceRequest,
  context: RequestContext,
  error: ErrorRow,
  message: string | null,
): Response {
  return {
    responses: request.topicData.map((topic) => ({
      name: topic.name,
      topicId: topic.topicId,
      partitionResponses: topic.partitionData.map((partition) => {
        const result = newResult(partition.index);
        result.errorCode = errorCode(ApiKey.Produce, context.apiVersion, error);
        result.errorMessage = message;
        return result;
      }),
    })),
  };
}

function newResult(index: number): PartitionResult {
  return {
    index,
    errorCode: 0,
    baseOffset: -1,
    logAppendTimeMs: -1,
    logStartOffset: -1,
    recordErrors: [],
    errorMessage: null,
    currentLeader: unknownLeader,
  };
}

/** The processing of one request. Its results are completed as the appends are acknowledged. */
class ProduceOperation {
  readonly #services: BrokerServices;
  readonly #purgatory: Purgatory;
  readonly #request: ProduceRequest;
  readonly #context: RequestContext;
  readonly #hints: LeaderHints;
  readonly #responses: { name: string; topicId: string; partitionResponses: PartitionResult[] }[] = [];
  /** The results of partitions whose append is not acknowledged yet. */
  readonly #waiting = new Map<PartitionResult, TopicImage>();
  #resolve: ((response: Response | NoResponse) => void) | null = null;
  #reject: ((error: Error) => void) | null = null;
  #operation: DelayedOperation | null = null;
  #verified = noneVerified;
  /** With acks=0: the first error of a partition. */
  #firstError: ErrorRow | null = null;

  constructor(
    services: BrokerServices,
    endpoints: Endpoints,
    purgatory: Purgatory,
    request: ProduceRequest,
    context: RequestContext,
  ) {
    this.#services = services;
    this.#purgatory = purgatory;
    this.#request = request;
    this.#context = context;
    this.#hints = new LeaderHints(endpoints, services.metadata, context.connection);
  }

  /**
   * Appends all partitions. Returns null when it has done so at once. Otherwise it appends in slices and returns a promise:
   * each batch may decompress to megabytes, and the event loop must not be blocked.
   */
  append(verified: VerifiedPartitions): Promise<void> | null {
    this.#verified = verified;
    const slices = new Slices(this.#services.clock, this.#services.scheduler);
    const steps = this.#steps();
    while (steps.next().done !== true) if (slices.isOver) return this.#appendLater(steps, slices);
    return null;
  }

  async #appendLater(steps: Iterator<void>, slices: Slices): Promise<void> {
    mark('broker.produce-in-slices');
    do
      if (slices.isOver) {
        await slices.yieldTurn();
        this.#context.resumed();
      }
    while (steps.next().done !== true);
  }

  /** The response. Called when everything is appended. */
  response(): Response | NoResponse | Promise<Response | NoResponse> {
    if (this.#waiting.size === 0) return this.#finish();
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
      if (this.#request.acks !== -1) return;
      this.#operation = new DelayedOperation({
        purgatory: this.#purgatory,
        timeoutMs: this.#request.timeoutMs,
        tryComplete: () => this.#waiting.size === 0,
        onComplete: (isExpired) => (isExpired ? this.#timedOut() : this.#respond()),
      });
      // It watches no key: the partitions call back when records are acknowledged, in the order of the offsets.
      this.#operation.start([]);
    });
  }

  /** Appends one partition in each step. */
  *#steps(): Generator<void> {
    for (const topic of this.#request.topicData)
      if (topic.partitionData.length > 0) yield* this.#appendTopic(topic);
  }

  *#appendTopic(topic: TopicData): Generator<void> {
    const image = topicOf(this.#context.image, topic.name, topic.topicId);
    const partitionResponses: PartitionResult[] = [];
    this.#responses.push({ name: topic.name, topicId: topic.topicId, partitionResponses });
    for (const partition of topic.partitionData) {
      const result = newResult(partition.index);
      partitionResponses.push(result);
      try {
        if (image === undefined) throw new KafkaError(this.#unknownTopic());
        this.#appendPartition(image, partition, result);
      } catch (error) {
        this.#failed(result, image, error);
      }
      yield;
    }
  }

  #unknownTopic(): ErrorRow {
    return this.#context.apiVersion >= 13 ? Errors.UNKNOWN_TOPIC_ID : Errors.UNKNOWN_TOPIC_OR_PARTITION;
  }

  #appendPartition(topic: TopicImage, data: PartitionData, result: PartitionResult): void {
    if (topic.partitions[data.index] === undefined) throw new KafkaError(Errors.UNKNOWN_TOPIC_OR_PARTITION);
    const records = checkRecords(data.records, this.#context.apiVersion);
    if (isInternalTopic(topic.name) && this.#context.clientId !== adminClientId) {
      throw new KafkaError(
        Errors.INVALID_TOPIC_EXCEPTION,
        `Topic ${topic.name} is internal: clients may not write to it`,
      );
    }
    const partition = this.#services.replicas.partition(topic.id, data.index);
    if (partition === null) throw new KafkaError(Errors.NOT_LEADER_OR_FOLLOWER);
    // Most requests have no transactional batch; then the key for the map need not be built.
    const verified =
      this.#verified.size === 0 ? undefined : this.#verified.get(`${topic.name}-${data.index}`);
    if (verified !== undefined && verified.error !== null) throw verified.error;
    result.logStartOffset = partition.logStartOffset;
    // With acks=0 the handler waits for the write too: see the file header.
    const acks = this.#request.acks === -1 ? -1 : 1;
    const { info, acknowledged } = partition.appendAsLeader(records, acks, {
      origin: 'client',
      requestVersion: this.#context.apiVersion,
      verification: verified?.guard ?? null,
    });
    if (info.duplicateOf === null) {
      this.#services.traffic.appended(topic.name, info.sizeBytes, info.lastOffset - info.firstOffset + 1);
    }
    result.logStartOffset = partition.logStartOffset;
    this.#waiting.set(result, topic);
    acknowledged.then(
      () => this.#acknowledged(result, info),
      (error: unknown) => {
        if (!this.#waiting.delete(result)) return;
        this.#failed(result, topic, error);
        this.#settle();
      },
    );
  }

  #acknowledged(result: PartitionResult, info: LogAppendInfo): void {
    if (!this.#waiting.delete(result)) return;
    result.baseOffset = info.duplicateOf ?? info.firstOffset;
    result.logAppendTimeMs = info.logAppendTimeMs;
    this.#settle();
  }

  #timedOut(): void {
    for (const [result, topic] of this.#waiting) {
      this.#failed(result, topic, new KafkaError(Errors.REQUEST_TIMED_OUT));
    }
    this.#waiting.clear();
    this.#respond();
  }

  #failed(result: PartitionResult, topic: TopicImage | undefined, error: unknown): void {
    const row = errorRowOf(error);
    if (row === Errors.UNKNOWN_SERVER_ERROR) this.#logBug(result, topic, error);
    this.#firstError ??= row;
    if (topic !== undefined) this.#services.traffic.appendFailed(topic.name);
    result.errorCode = errorCode(ApiKey.Produce, this.#context.apiVersion, row);
    result.baseOffset = -1;
    // An idempotent producer can learn from the log start offset that its records were deleted. Kafka sends it with some errors
    // only.
    if (!saysLogStart.has(row)) result.logStartOffset = -1;
    result.errorMessage = error instanceof KafkaError ? error.ownMessage : null;
    if (error instanceof KafkaError) result.recordErrors = recordErrors(error);
    if (this.#context.apiVersion < currentLeaderVersion) return;
    result.currentLeader = this.#hints.for(row, topic?.partitions[result.index]);
  }

  #logBug(result: PartitionResult, topic: TopicImage | undefined, error: unknown): void {
    this.#services.logger.error('unexpected error while appending', {
      topic: topic?.name,
      partition: result.index,
      error,
    });
  }

  #settle(): void {
    if (this.#waiting.size > 0) return;
    if (this.#operation === null) this.#respond();
    else this.#operation.checkNow();
  }

  #respond(): void {
    if (this.#resolve === null) return;
    const resolve = this.#resolve;
    this.#resolve = null;
    try {
      resolve(this.#finish());
    } catch (error) {
      this.#reject?.(error as Error);
    }
  }

  /** The response to send. Throws `CloseConnection` if the connection must be closed. */
  #finish(): Response | NoResponse {
    if (this.#request.acks !== 0)
      return { responses: this.#responses, nodeEndpoints: this.#hints.nodeEndpoints };
    if (this.#firstError !== null) throw new CloseConnection(`Produce with acks=0: ${this.#firstError.name}`);
    return noResponse;
  }
}

interface RecordError {
  batchIndex: number;
  batchIndexErrorMessage: string | null;
}

/** The invalid records of the batch, if the log has reported them with the error. */
function recordErrors(error: KafkaError): RecordError[] {
  const { recordErrors: list } = error as {
    recordErrors?: readonly { index: number; message: string | null }[];
  };
  return list?.map(({ index, message }) => ({ batchIndex: index, batchIndexErrorMessage: message })) ?? [];
}
