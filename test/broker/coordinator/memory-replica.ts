/**
 * A partition of an internal topic in memory. Its log survives changes of the leader, and a test decides when appends are
 * acknowledged.
 */
import { WatchList } from '../../../src/base/watch-list.ts';
import type { PartitionReplica } from '../../../src/broker/services.ts';
import { Errors, KafkaError } from '../../../src/protocol/errors.ts';
import { batches, setBaseOffset } from '../../../src/protocol/records/batch.ts';
import type {
  Acks,
  AppendOptions,
  AppendResult,
  FetchOptions,
  FetchPartitionData,
  VerificationGuard,
} from '../../../src/replication/types.ts';

export class MemoryLog {
  batches: { offset: number; end: number; bytes: Uint8Array }[] = [];
  startOffset = 0;
  endOffset = 0;

  append(records: Uint8Array): number {
    const bytes = Buffer.from(records);
    for (const header of batches(bytes).headers) {
      setBaseOffset(bytes, header.at, this.endOffset);
      const end = this.endOffset + header.lastOffsetDelta + 1;
      this.batches.push({ offset: this.endOffset, end, bytes: bytes.subarray(header.at, header.end) });
      this.endOffset = end;
    }
    return bytes.length;
  }

  get sizeBytes(): number {
    return this.batches.reduce((sum, { bytes }) => sum + bytes.length, 0);
  }
}

export class MemoryReplica implements PartitionReplica {
  readonly topic: string;
  readonly topicId: string;
  readonly index: number;
  isLeader = true;
  leaderEpoch = 1;
  highWatermark: number;
  /** Whether acknowledgements wait for `settleAcks`. */
  holdAcks = false;
  /** The error that the next appends throw. */
  error: KafkaError | null = null;
  readonly memory: MemoryLog;
  readonly appends: number[] = [];
  readonly options: AppendOptions[] = [];
  /** The result of the next `beginVerification`; null: the transaction has begun in this partition. */
  guard: VerificationGuard | null = null;
  readonly #watchers = new Set<() => void>();
  #acks: { resolve: () => void; reject: (error: unknown) => void }[] = [];

  constructor(
    memory: MemoryLog,
    topicId = 'AAAAAAAAAAAAAAAAAAABCA',
    index = 0,
    topic = '__consumer_offsets',
  ) {
    this.memory = memory;
    this.topic = topic;
    this.topicId = topicId;
    this.index = index;
    this.highWatermark = memory.endOffset;
  }

  get logStartOffset(): number {
    return this.memory.startOffset;
  }

  get logEndOffset(): number {
    return this.memory.endOffset;
  }

  appendAsLeader(records: Uint8Array, _acks: Acks, options: AppendOptions): AppendResult {
    if (!this.isLeader) throw new KafkaError(Errors.NOT_LEADER_OR_FOLLOWER);
    if (this.error !== null) throw this.error;
    const firstOffset = this.memory.endOffset;
    const sizeBytes = this.memory.append(records);
    this.options.push(options);
    this.appends.push(this.memory.endOffset - firstOffset);
    const acknowledged = this.holdAcks
      ? new Promise<void>((resolve, reject) => this.#acks.push({ resolve, reject }))
      : Promise.resolve();
    if (!this.holdAcks) this.commit();
    const info = {
      firstOffset,
      lastOffset: this.memory.endOffset - 1,
      lastLeaderEpoch: this.leaderEpoch,
      maxTimestamp: 0,
      logAppendTimeMs: -1,
      duplicateOf: null,
      sizeBytes,
    };
    return { info, acknowledged };
  }

  commit(): void {
    this.highWatermark = this.memory.endOffset;
    for (const watcher of [...this.#watchers]) watcher();
  }

  settleAcks(error: unknown = null): void {
    const acks = this.#acks;
    this.#acks = [];
    if (error === null) this.commit();
    for (const { resolve, reject } of acks) {
      if (error === null) resolve();
      else reject(error);
    }
  }

  async fetch(options: FetchOptions): Promise<FetchPartitionData> {
    const limit = options.isolation === 'log_end' ? this.memory.endOffset : this.highWatermark;
    const found: Uint8Array[] = [];
    let room = options.maxBytes;
    for (const { offset, end, bytes } of this.memory.batches) {
      if (end <= options.offset || offset >= limit) continue;
      if (bytes.length > room && !(found.length === 0 && options.minOneBatch)) break;
      found.push(bytes);
      room -= bytes.length;
    }
    return {
      records: Buffer.concat(found),
      highWatermark: this.highWatermark,
      lastStableOffset: this.highWatermark,
      logStartOffset: this.logStartOffset,
      abortedTransactions: null,
      divergingEpoch: null,
    };
  }

  readableBytes(): null {
    return null;
  }

  lowWatermark(): number {
    return this.logStartOffset;
  }

  readonly lowWatermarkChanges = new WatchList();

  watch(callback: () => void): () => void {
    this.#watchers.add(callback);
    return () => this.#watchers.delete(callback);
  }

  async listOffset(): Promise<null> {
    return null;
  }

  offsetForLeaderEpoch(): { leaderEpoch: number; endOffset: number } {
    return { leaderEpoch: -1, endOffset: -1 };
  }

  async deleteRecords(offset: number): Promise<number> {
    const { memory } = this;
    memory.startOffset = offset;
    memory.batches = memory.batches.filter(({ end }) => end > offset);
    return offset;
  }

  beginVerification(): VerificationGuard | null {
    return this.guard;
  }

  describeProducers(): readonly never[] {
    return [];
  }
}
