/**
 * Fakes of the parts of a node that handlers use: a replica that is an array, a controller and brokers that are tables of
 * functions.
 */
import { WatchList } from '../../src/base/watch-list.ts';
import type { PartitionReplica } from '../../src/broker/services.ts';
import type { BrokerClient } from '../../src/metadata/broker-port.ts';
import type { ControllerClient } from '../../src/metadata/controller-port.ts';
import { create } from '../../src/protocol/codec/codec.ts';
import { Errors, KafkaError } from '../../src/protocol/errors.ts';
import { batchHeader, setBaseOffset } from '../../src/protocol/records/batch.ts';
import type { Infer, Init, Message, Shape } from '../../src/protocol/schema/fields.ts';
import type {
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
} from '../../src/replication/types.ts';

const clientAppend: AppendOptions = { origin: 'client', requestVersion: 13 };

/** A replica whose log is an array of batches. */
export class FakeReplica implements PartitionReplica {
  readonly topic: string;
  readonly topicId: string;
  readonly index: number;
  isLeader = true;
  leaderEpoch = 5;
  highWatermark = 0;
  logStartOffset = 0;
  logEndOffset = 0;
  lastStableOffset: number | null = null;
  /** The error that the next calls throw. */
  error: KafkaError | null = null;
  /** Whether acknowledgements wait for `acknowledge`. */
  holdAcks = false;
  /** Whether reads that return records complete later, like reads from disk. */
  slow = false;
  /** Base offset of the newest segment. */
  segmentStart = 0;
  /** Whether every producer's transaction has begun in this partition, so that no verification is needed. */
  hasBegun = false;
  readonly verifications: VerificationRequest[] = [];
  readonly appends: AppendOptions[] = [];
  readonly fetches: FetchOptions[] = [];
  readonly watchers = new Set<() => void>();
  readonly #batches: { offset: number; end: number; bytes: Uint8Array }[] = [];
  #acks: { resolve: () => void; reject: (error: unknown) => void }[] = [];

  constructor(topic: string, topicId: string, index: number) {
    this.topic = topic;
    this.topicId = topicId;
    this.index = index;
  }

  appendAsLeader(records: Uint8Array, acks: -1 | 0 | 1, options = clientAppend): AppendResult {
    if (this.error !== null) throw this.error;
    this.appends.push(options);
    const bytes = Buffer.from(records);
    const header = batchHeader(bytes);
    const firstOffset = this.logEndOffset;
    setBaseOffset(bytes, 0, firstOffset);
    this.logEndOffset += header.lastOffsetDelta + 1;
    this.#batches.push({ offset: firstOffset, end: this.logEndOffset, bytes });
    const acknowledged =
      this.holdAcks && acks !== 0
        ? new Promise<void>((resolve, reject) => this.#acks.push({ resolve, reject }))
        : Promise.resolve();
    if (!this.holdAcks) this.commit();
    const info = {
      firstOffset,
      lastOffset: this.logEndOffset - 1,
      lastLeaderEpoch: this.leaderEpoch,
      maxTimestamp: 1_000,
      logAppendTimeMs: -1,
      duplicateOf: null,
      sizeBytes: bytes.length,
    };
    return { info, acknowledged };
  }

  /** Commits everything that was appended. */
  commit(): void {
    this.highWatermark = this.logEndOffset;
    this.changed();
  }

  changed(): void {
    for (const watcher of [...this.watchers]) watcher();
  }

  acknowledge(error: unknown = null): void {
    const acks = this.#acks;
    this.#acks = [];
    for (const { resolve, reject } of acks) {
      if (error === null) resolve();
      else reject(error);
    }
    this.commit();
  }

  fetch(options: FetchOptions): FetchPartitionData | Promise<FetchPartitionData> {
    this.fetches.push(options);
    if (this.error !== null) throw this.error;
    if (options.currentLeaderEpoch >= 0 && options.currentLeaderEpoch < this.leaderEpoch) {
      throw new KafkaError(Errors.FENCED_LEADER_EPOCH);
    }
    if (options.offset < this.logStartOffset || options.offset > this.logEndOffset) {
      throw new KafkaError(Errors.OFFSET_OUT_OF_RANGE);
    }
    const data = this.#read(options);
    return this.slow && data.records.length > 0 ? Promise.resolve().then(() => data) : data;
  }

  #read(options: FetchOptions): FetchPartitionData {
    const lastStableOffset = this.lastStableOffset ?? this.highWatermark;
    const limit = options.isolation === 'txn_committed' ? lastStableOffset : this.highWatermark;
    const found: Uint8Array[] = [];
    let room = options.maxBytes;
    for (const batch of this.#batches) {
      if (batch.end <= options.offset || batch.offset >= limit) continue;
      if (batch.bytes.length > room && !(found.length === 0 && options.minOneBatch)) break;
      found.push(batch.bytes);
      room -= batch.bytes.length;
    }
    return {
      records: Buffer.concat(found),
      highWatermark: this.highWatermark,
      lastStableOffset,
      logStartOffset: this.logStartOffset,
      abortedTransactions: options.isolation === 'txn_committed' ? [] : null,
      divergingEpoch: null,
    };
  }

  /** Throws the same errors as `fetch`, and ends at the same offsets. `isCold`: the records are on disk only. */
  readableBytes({ offset, isolation, currentLeaderEpoch }: FetchPosition): number | null {
    if (this.error !== null) throw this.error;
    if (currentLeaderEpoch >= 0 && currentLeaderEpoch < this.leaderEpoch)
      throw new KafkaError(Errors.FENCED_LEADER_EPOCH);
    if (offset < this.logStartOffset || offset > this.logEndOffset)
      throw new KafkaError(Errors.OFFSET_OUT_OF_RANGE);
    const limit =
      isolation === 'txn_committed' ? (this.lastStableOffset ?? this.highWatermark) : this.highWatermark;
    if (offset < this.segmentStart && limit > this.segmentStart) return Number.POSITIVE_INFINITY;
    if (this.slow && offset < limit) return null;
    let bytes = 0;
    for (const batch of this.#batches)
      if (batch.end > offset && batch.end <= limit) bytes += batch.bytes.length;
    return bytes;
  }

  watch(callback: () => void): () => void {
    this.watchers.add(callback);
    return () => this.watchers.delete(callback);
  }

  async listOffset(options: ListOffsetOptions): Promise<FoundOffset | null> {
    if (this.error !== null) throw this.error;
    if (options.timestamp === -1) {
      const { highWatermark, lastStableOffset, logEndOffset } = this;
      const offset = {
        log_end: logEndOffset,
        high_watermark: highWatermark,
        txn_committed: lastStableOffset ?? highWatermark,
      }[options.isolation];
      return { timestamp: -1, offset, leaderEpoch: this.leaderEpoch };
    }
    if (options.timestamp === -2) return { timestamp: -1, offset: this.logStartOffset, leaderEpoch: 0 };
    return null;
  }

  offsetForLeaderEpoch(_current: number, requestedEpoch: number): { leaderEpoch: number; endOffset: number } {
    if (this.error !== null) throw this.error;
    return requestedEpoch > this.leaderEpoch
      ? { leaderEpoch: -1, endOffset: -1 }
      : { leaderEpoch: this.leaderEpoch, endOffset: this.logEndOffset };
  }

  async deleteRecords(offset: number): Promise<number> {
    if (this.error !== null) throw this.error;
    if (offset > this.highWatermark) throw new KafkaError(Errors.OFFSET_OUT_OF_RANGE);
    this.logStartOffset = offset === -1 ? this.highWatermark : offset;
    return this.logStartOffset;
  }

  lowWatermark(): number {
    if (this.error !== null) throw this.error;
    return this.logStartOffset;
  }

  readonly lowWatermarkChanges = new WatchList();

  beginVerification(request: VerificationRequest): VerificationGuard | null {
    if (this.error !== null) throw this.error;
    if (this.hasBegun) return null;
    this.verifications.push(request);
    return { producerId: request.producerId };
  }

  describeProducers(): readonly ProducerState[] {
    return [];
  }
}

type Answer = (body: never, version: number) => unknown;

export class FakeController implements ControllerClient {
  readonly answers = new Map<number, Answer>();
  readonly requests: { apiKey: number; version: number; body: unknown; deadlineMs: number | null }[] = [];

  /** Sets the controller's response to requests of this kind. The function may throw. */
  on<Q extends Shape, S extends Shape>(
    request: Message<Q>,
    _response: Message<S>,
    answer: (body: Infer<Message<Q>>, version: number) => Init<Message<S>> | Promise<Init<Message<S>>>,
  ): void {
    this.answers.set(request.key, answer as unknown as Answer);
  }

  send(): Promise<Uint8Array> {
    return Promise.reject(new Error('not in this test'));
  }

  async request<Q extends Shape, S extends Shape>(
    request: Message<Q>,
    response: Message<S>,
    version: number,
    init: Init<Message<Q>>,
    { deadlineMs = null }: { deadlineMs?: number | null } = {},
  ): Promise<Infer<Message<S>>> {
    const body = create(request, init);
    this.requests.push({ apiKey: request.key, version, body, deadlineMs });
    const answer = this.answers.get(request.key);
    if (answer === undefined) throw new KafkaError(Errors.REQUEST_TIMED_OUT);
    return create(response, (await answer(body as never, version)) as Init<Message<S>>);
  }
}

/** Other brokers as a table of responses. A broker without an entry is not available. */
export class FakeBrokers implements BrokerClient {
  readonly answers = new Map<number, (body: never, version: number, broker: number) => unknown>();
  readonly requests: { broker: number; apiKey: number; version: number; body: unknown }[] = [];

  /** Sets the response of a broker to requests of this kind. The function may throw. */
  on<Q extends Shape, S extends Shape>(
    request: Message<Q>,
    _response: Message<S>,
    answer: (
      body: Infer<Message<Q>>,
      version: number,
      broker: number,
    ) => Init<Message<S>> | Promise<Init<Message<S>>>,
  ): void {
    this.answers.set(request.key, answer);
  }

  async request<Q extends Shape, S extends Shape>(
    broker: number,
    request: Message<Q>,
    response: Message<S>,
    version: number,
    init: Init<Message<Q>>,
  ): Promise<Infer<Message<S>>> {
    const body = create(request, init);
    this.requests.push({ broker, apiKey: request.key, version, body });
    const answer = this.answers.get(request.key);
    if (answer === undefined) throw new KafkaError(Errors.NETWORK_EXCEPTION);
    return create(response, (await answer(body as never, version, broker)) as Init<Message<S>>);
  }
}
