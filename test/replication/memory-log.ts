/**
 * A partition log in memory for model tests. Batches have real headers; writes complete after a delay, in order. Completed
 * writes survive a kill of the process, because `MemoryDisk` stands for the page cache of the machine; queued writes do not.
 */
import type { Scheduler } from '../../src/base/clock.ts';
import { Errors, KafkaError } from '../../src/protocol/errors.ts';
import {
  type BatchHeader,
  batchHeader,
  setBaseOffset,
  setPartitionLeaderEpoch,
} from '../../src/protocol/records/batch.ts';
import { LeaderEpochCache } from '../../src/log/leader-epoch-cache.ts';
import type { LogStore, ReplicaLog } from '../../src/replication/log-port.ts';
import type { LogAppendInfo, LogParts, LogReadResult } from '../../src/replication/types.ts';

export interface StoredBatch {
  readonly header: BatchHeader;
  readonly bytes: Uint8Array;
}

/** The part of a partition log that survives a restart of the broker process. */
export class StoredLog {
  batches: StoredBatch[] = [];
  start = 0;
  highWatermark = 0;
  epochs = new LeaderEpochCache([]);

  get end(): number {
    const last = this.batches.at(-1);
    return last === undefined ? this.start : last.header.lastOffset + 1;
  }
}

export class MemoryLog implements ReplicaLog {
  readonly directory = '/memory';
  readonly isOffline = false;
  readonly topicId: string;
  readonly stored: StoredLog;
  highWatermark: number;
  readonly #scheduler: Scheduler;
  readonly #writeMs: () => number;
  #queue: { batches: StoredBatch[]; resolve: () => void }[] = [];
  #nextOffset: number;
  #isWriting = false;
  /** When true, reads are answered after a delay, as if they came from disk. */
  isCold = false;

  constructor(topicId: string, stored: StoredLog, scheduler: Scheduler, writeMs: () => number) {
    this.topicId = topicId;
    this.stored = stored;
    this.#scheduler = scheduler;
    this.#writeMs = writeMs;
    this.#nextOffset = stored.end;
    this.highWatermark = Math.max(stored.start, Math.min(stored.highWatermark, stored.end));
  }

  get sizeBytes(): number {
    return 0;
  }
  get logStartOffset(): number {
    return this.stored.start;
  }
  get logEndOffset(): number {
    return this.stored.end;
  }
  get lastStableOffset(): number {
    return this.highWatermark;
  }
  readonly missingFrom = null;

  get latestEpoch(): number {
    return this.stored.epochs.latestEpoch;
  }

  setHighWatermark(offset: number): void {
    this.highWatermark = offset;
    // At random, the high watermark is stored, as if it were checkpointed at this moment.
    if (this.#writeMs() < 0.3) this.stored.highWatermark = offset;
  }

  beginEpoch(epoch: number): void {
    this.stored.epochs.assign(epoch, this.#nextOffset);
  }

  appendAsLeader(records: Uint8Array, leaderEpoch: number): { info: LogAppendInfo; written: Promise<void> } {
    setBaseOffset(records, 0, this.#nextOffset);
    setPartitionLeaderEpoch(records, 0, leaderEpoch);
    return this.#append(records);
  }

  appendAsFollower(records: Uint8Array): { info: LogAppendInfo; written: Promise<void> } {
    return this.#append(records);
  }

  #append(records: Uint8Array): { info: LogAppendInfo; written: Promise<void> } {
    const bytes = records.slice();
    const added: StoredBatch[] = [];
    const firstOffset = this.#nextOffset;
    let at = 0;
    while (at < bytes.length) {
      const header = batchHeader(bytes, at);
      if (header.baseOffset < this.#nextOffset) throw new KafkaError(Errors.CORRUPT_MESSAGE);
      added.push({ header, bytes: bytes.subarray(at, at + header.sizeBytes) });
      if (header.partitionLeaderEpoch >= this.latestEpoch)
        this.stored.epochs.assign(header.partitionLeaderEpoch, header.baseOffset);
      this.#nextOffset = header.lastOffset + 1;
      at += header.sizeBytes;
    }
    const written = new Promise<void>((resolve) => {
      this.#queue.push({ batches: added, resolve });
    });
    if (!this.#isWriting) this.#write();
    const lastOffset = this.#nextOffset - 1;
    const lastLeaderEpoch = added.at(-1)?.header.partitionLeaderEpoch ?? -1;
    const info = { firstOffset, lastOffset, lastLeaderEpoch, maxTimestamp: 0, logAppendTimeMs: -1 };
    return { info: { ...info, duplicateOf: null, sizeBytes: bytes.length }, written };
  }

  #write(): void {
    this.#isWriting = true;
    const group = this.#queue;
    this.#queue = [];
    this.#scheduler.after(this.#writeMs(), () => {
      for (const item of group) this.stored.batches.push(...item.batches);
      for (const item of group) item.resolve();
      this.#isWriting = false;
      if (this.#queue.length > 0) this.#write();
    });
  }

  async read(offset: number, maxBytes: number, upTo: number): Promise<LogReadResult> {
    await new Promise<void>((resolve) => {
      this.#scheduler.after(this.#writeMs(), resolve);
    });
    return this.#find(offset, maxBytes, upTo);
  }

  readCached(offset: number, maxBytes: number, upTo: number): LogReadResult | null {
    return this.isCold ? null : this.#find(offset, maxBytes, upTo);
  }

  readCachedParts(offset: number, maxBytes: number, upTo: number): LogParts | null {
    const found = this.readCached(offset, maxBytes, upTo);
    return found === null || found.records.length === 0
      ? null
      : { parts: [found.records], nextOffset: found.nextOffset };
  }

  bytesReadable(offset: number, upTo: number): number | null {
    return this.isCold ? null : this.#find(offset, Number.POSITIVE_INFINITY, upTo).records.length;
  }

  #find(offset: number, maxBytes: number, upTo: number): LogReadResult {
    if (offset < this.logStartOffset || offset > this.logEndOffset)
      throw new KafkaError(Errors.OFFSET_OUT_OF_RANGE);
    const found: Uint8Array[] = [];
    let sizeBytes = 0;
    let nextOffset = offset;
    for (const { header, bytes } of this.stored.batches) {
      if (header.lastOffset < offset) continue;
      if (header.lastOffset >= upTo || (found.length > 0 && sizeBytes + bytes.length > maxBytes)) break;
      found.push(bytes);
      sizeBytes += bytes.length;
      nextOffset = header.lastOffset + 1;
    }
    return { records: Buffer.concat(found), nextOffset };
  }

  endOffsetForEpoch(epoch: number): { epoch: number; endOffset: number } {
    return this.stored.epochs.endOffsetFor(epoch, this.logEndOffset);
  }
  epochAt(offset: number): number {
    return this.stored.epochs.epochAt(offset);
  }
  offsetForTimestamp(): Promise<null> {
    return Promise.resolve(null);
  }
  offsetOfMaxTimestamp(): Promise<null> {
    return Promise.resolve(null);
  }

  async truncateTo(offset: number): Promise<void> {
    if (this.#isWriting) throw new Error('truncation while a write is in flight');
    await new Promise<void>((resolve) => {
      this.#scheduler.after(this.#writeMs(), resolve);
    });
    const { stored } = this;
    stored.batches = stored.batches.filter((batch) => batch.header.lastOffset < offset);
    this.#nextOffset = stored.end;
    stored.epochs.truncateFromEnd(stored.end);
    this.highWatermark = Math.min(this.highWatermark, stored.end);
  }

  async truncateFullyAndStartAt(offset: number): Promise<void> {
    await this.truncateTo(0);
    this.stored.start = offset;
    this.#nextOffset = offset;
    this.highWatermark = offset;
    this.stored.epochs.clear();
  }

  deleteRecordsTo(offset: number): Promise<number> {
    const { stored } = this;
    stored.start = Math.max(stored.start, offset);
    stored.epochs.truncateFromStart(stored.start);
    return Promise.resolve(stored.start);
  }

  updateConfig(): void {}
  producers(): readonly never[] {
    return [];
  }
  beginVerification(): null {
    return null;
  }
  abortedTransactions(): Promise<readonly never[]> {
    return Promise.resolve([]);
  }
}

/** The logs of all partitions on one machine, which survive restarts. */
export class MemoryDisk {
  readonly logs = new Map<string, StoredLog>();
}

export class MemoryLogs implements LogStore {
  readonly open = new Map<string, MemoryLog>();
  readonly #disk: MemoryDisk;
  readonly #scheduler: Scheduler;
  readonly #writeMs: () => number;

  constructor(disk: MemoryDisk, scheduler: Scheduler, writeMs: () => number) {
    this.#disk = disk;
    this.#scheduler = scheduler;
    this.#writeMs = writeMs;
  }

  get(): null {
    return null;
  }

  directoryIdOf(): null {
    return null;
  }

  async getOrCreate(_topic: string, index: number, topicId: string): Promise<MemoryLog> {
    await new Promise<void>((resolve) => {
      this.#scheduler.after(this.#writeMs(), resolve);
    });
    const key = `${topicId}:${index}`;
    let stored = this.#disk.logs.get(key);
    if (stored === undefined) {
      stored = new StoredLog();
      this.#disk.logs.set(key, stored);
    }
    const log = new MemoryLog(topicId, stored, this.#scheduler, this.#writeMs);
    this.open.set(key, log);
    return log;
  }

  delete(): Promise<void> {
    return Promise.reject(new Error('not used'));
  }

  removeStrays(): Promise<void> {
    return Promise.resolve();
  }
}
