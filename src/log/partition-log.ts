/**
 * The log of one partition replica, as replication and coordinators use it.
 *
 * Appends validate batches and assign offsets synchronously, in call order, and queue the write; `logEndOffset` advances when
 * the write is complete. Reads return whole batches, from memory if possible. Everything else that changes segments runs under
 * the writer's lock. After a disk error the log is offline for good: appends, reads and truncations throw KAFKA_STORAGE_ERROR.
 *
 * Not here: leadership, the ISR and the advance of the high watermark (`replication/`); authorisation and quotas (`broker/`).
 */
import { assert } from '../base/assert.ts';
import { asStorageError, StorageError } from '../base/file-system.ts';
import { mark } from '../base/mark.ts';
import type { Uuid } from '../base/uuid.ts';
import { Errors, KafkaError } from '../protocol/errors.ts';
import type { AppendResult, LeaderAppendOptions } from './log-appender.ts';
import { LogAppender } from './log-appender.ts';
import { closeCleanly } from './log-closing.ts';
import { materialise, writeEpochs } from './log-flush.ts';
import { loadLog } from './recovery/log-loading.ts';
import { relocate } from './directories/log-relocation.ts';
import type { LogConfig } from './log-config.ts';
import type { LogParts, LogReadResult } from './log-reader.ts';
import type { TimestampOffset } from './records/record-checks.ts';
import { LogReader } from './log-reader.ts';
import { countBelowStart, countExpired, removeLeading } from './log-retention.ts';
import type { LogState, LogView, PartitionLogOptions } from './log-state.ts';
import { raiseLogStart, removeSnapshots, truncateEnd, truncateFully } from './log-truncation.ts';
import { LogWriter, replaceUnsynced } from './log-writer.ts';
import { segmentFileName } from './names.ts';
import type { PartitionDirectory } from './partition-directory.ts';
import { encodeProducerSnapshot } from './producers/producer-snapshot.ts';
import type { LastRecord, ProducerStateEntry } from './producers/producer-state.ts';
import type { VerificationGuard, VerificationRequest } from './producers/transaction-verification.ts';
import type { Segment } from './segment/segment.ts';
import type { AbortedTransaction } from './segment/transaction-index.ts';

export type { AppendResult, LeaderAppendOptions } from './log-appender.ts';

const noBytes = new Uint8Array(0);

export class PartitionLog {
  readonly topic: string;
  readonly partition: number;
  readonly #state: LogState;
  readonly #writer: LogWriter;
  readonly #appender: LogAppender;
  readonly #reader: LogReader;
  /** Called with the log end offset after a truncation, while no write is in progress. */
  onTruncated: ((endOffset: number) => void) | null = null;
  /** Number of truncations in progress; the caller must not append during one. */
  #truncating = 0;

  private constructor(state: LogState) {
    this.#state = state;
    this.topic = state.options.topic;
    this.partition = state.options.partition;
    this.#writer = new LogWriter(state);
    this.#appender = new LogAppender(state, this.#writer);
    this.#reader = new LogReader(state, (body) => this.#exclusive(body));
  }

  /** Opens the log; recovers it if the last shutdown was not clean. */
  static async open(options: PartitionLogOptions): Promise<PartitionLog> {
    return new PartitionLog(await loadLog(options));
  }

  get directory(): string {
    return this.#state.directory.path;
  }

  get topicId(): Uuid {
    return this.#state.topicId;
  }

  /** Sets the topic id of a log whose `partition.metadata` is missing; the next sync writes the file again. */
  adoptTopicId(topicId: Uuid): void {
    assert(this.#state.topicId === '', 'a log does not change its topic');
    this.#state.topicId = topicId;
    this.#state.metadataDirty = true;
  }

  /** Base offset of the oldest segment. */
  get firstSegmentOffset(): number {
    return (this.#state.segments[0] as Segment).baseOffset;
  }

  get logStartOffset(): number {
    return this.#state.logStartOffset;
  }

  /** The offset after the last record whose write is complete. */
  get logEndOffset(): number {
    return this.#state.logEndOffset;
  }

  get highWatermark(): number {
    return this.#state.highWatermark;
  }

  get lastStableOffset(): number {
    const { producers, highWatermark, logStartOffset } = this.#state;
    const unstable = producers.firstUnstableOffset(highWatermark);
    // An open transaction may begin below the log start offset, because its first records were deleted.
    return unstable === null ? highWatermark : Math.min(Math.max(unstable, logStartOffset), highWatermark);
  }

  /** The first offset that this replica has lost although it has later records; null: none. A follower is truncated to it. */
  get missingFrom(): number | null {
    return this.#state.missing[0]?.from ?? null;
  }

  get latestEpoch(): number {
    return this.#state.epochs.latestEpoch;
  }

  get recoveryPoint(): number {
    return this.#state.recoveryPoint;
  }

  get sizeBytes(): number {
    return this.#state.sizeBytes;
  }

  get isOffline(): boolean {
    return this.#state.failure !== null || this.#state.isClosed;
  }

  /** The state, for reading. Only code of `log/` uses it; `changeSegments` is the way to change it from outside. */
  get state(): LogView {
    return this.#state;
  }

  /** Changes the segments under the writer's lock. For the cleaner. Rejects with the error of `body`. */
  changeSegments<T>(body: (state: LogState) => Promise<T>): Promise<T> {
    return this.#writer.exclusive(() => body(this.#state));
  }

  /** Takes the log offline after an error of its disk. */
  fail(error: StorageError): void {
    this.#writer.fail(error);
  }

  /** From now on the next write calls `onTouched` of the manager again. */
  resetTouched(): void {
    this.#state.isTouched = false;
  }

  /** Sets the one listener that is called after `logEndOffset` has advanced. */
  set onAppended(listener: () => void) {
    this.#writer.onAdvance = listener;
  }

  /** Sets the high watermark, bounded by log start and log end. The caller never lowers it; a truncation does. */
  setHighWatermark(offset: number): void {
    const state = this.#state;
    const bounded = Math.max(state.logStartOffset, Math.min(offset, state.logEndOffset));
    if (bounded === state.highWatermark) return;
    state.highWatermark = bounded;
    state.producers.highWatermarkMoved(bounded);
    state.options.callbacks.onOffsetMoved('highWatermark');
  }

  /** Records that the leader epoch `epoch` begins at the log end. A new leader calls it before its first append. */
  beginEpoch(epoch: number): void {
    this.#state.epochs.assign(epoch, this.#state.nextOffset, false);
  }

  appendAsLeader(records: Uint8Array, leaderEpoch: number, options: LeaderAppendOptions): AppendResult {
    this.#checkAppend();
    return this.#appender.appendAsLeader(records, leaderEpoch, options);
  }

  /**
   * Appends batches with the offsets that the leader gave them. Offsets must increase; compaction on the leader leaves gaps.
   */
  appendAsFollower(records: Uint8Array): AppendResult {
    this.#checkAppend();
    return this.#appender.appendAsFollower(records);
  }

  /** Reads whole batches below `upTo`, from the one that contains `offset`. `minOneBatch`: at least one, whatever its size. */
  read(offset: number, maxBytes: number, upTo: number, minOneBatch: boolean): Promise<LogReadResult> {
    return this.#reading(this.#reader.read(offset, maxBytes, upTo, minOneBatch));
  }

  /** As `read`, but from memory; null when the batch at `offset` is not in memory. Throws OFFSET_OUT_OF_RANGE. */
  readCached(offset: number, maxBytes: number, upTo: number, minOneBatch: boolean): LogReadResult | null {
    this.#state.checkUsable();
    this.#reader.checkRange(offset);
    return this.#reader.readCached(offset, maxBytes, upTo, minOneBatch);
  }

  /** See `ReplicaLog.bytesReadable`. */
  bytesReadable(offset: number, upTo: number): number | null {
    this.#state.checkUsable();
    return this.#reader.bytesReadable(offset, upTo);
  }

  /** See `ReplicaLog.readCachedParts`. */
  readCachedParts(offset: number, maxBytes: number, upTo: number): LogParts | null {
    this.#state.checkUsable();
    this.#reader.checkRange(offset);
    return this.#reader.readCachedParts(offset, maxBytes, upTo);
  }

  endOffsetForEpoch(epoch: number): { epoch: number; endOffset: number } {
    return this.#state.epochs.endOffsetFor(epoch, this.#state.logEndOffset);
  }

  /** Leader epoch of the record at `offset`; -1 when it is unknown. */
  epochAt(offset: number): number {
    return this.#state.epochs.epochAt(offset);
  }

  offsetForTimestamp(timestampMs: number): Promise<TimestampOffset | null> {
    return this.#reading(this.#reader.offsetForTimestamp(timestampMs));
  }

  offsetOfMaxTimestamp(): Promise<TimestampOffset | null> {
    return this.#reading(this.#reader.offsetOfMaxTimestamp());
  }

  async abortedTransactions(from: number, to: number): Promise<AbortedTransaction[]> {
    return this.#reader.abortedTransactions(from, to);
  }

  producers(): ProducerStateEntry[] {
    return this.#state.producers.entries();
  }

  /** See `LastRecord`. */
  lastRecordsOfProducers(): Map<number, LastRecord> {
    return this.#state.producers.lastRecords();
  }

  /** The guard that the first batch of a producer's transaction must carry; null: the transaction has begun in this log. */
  beginVerification(request: VerificationRequest): VerificationGuard | null {
    const { producers, resources } = this.#state;
    return producers.beginVerification(request, resources.clock.wallMs());
  }

  expireProducers(expirationMs: number): void {
    this.#state.producers.expire(this.#state.resources.clock.wallMs(), expirationMs);
  }

  /** Truncates to `offset`, or to the beginning of the batch that contains it. No append may be made until it resolves. */
  async truncateTo(offset: number): Promise<void> {
    await this.#truncate((state) => truncateEnd(state, this.#reader, offset));
  }

  async truncateFullyAndStartAt(offset: number): Promise<void> {
    await this.#truncate((state) => truncateFully(state, this.#reader, offset));
  }

  /**
   * Deletes the records below `offset`, which is at most the high watermark (-1: the high watermark). Returns the log start
   * offset.
   */
  async deleteRecordsTo(offset: number): Promise<number> {
    const state = this.#state;
    state.checkUsable();
    const target = offset === -1 ? state.highWatermark : offset;
    if (target > state.highWatermark || target < 0) {
      throw new KafkaError(
        Errors.OFFSET_OUT_OF_RANGE,
        `Cannot delete records up to ${target}: the high watermark is ${state.highWatermark}`,
      );
    }
    await this.raiseLogStart(target);
    return state.logStartOffset;
  }

  /** Raises the log start offset and removes the segments that are wholly below it. */
  async raiseLogStart(offset: number): Promise<void> {
    if (offset <= this.#state.logStartOffset) return;
    const state = this.#state;
    raiseLogStart(state, Math.min(offset, state.logEndOffset));
    // This removes only segments below the log start offset; a periodic task removes those that are too old.
    await this.#exclusive(async () => {
      if (!this.isOffline) await removeLeading(state, countBelowStart(state));
    });
  }

  updateConfig(config: LogConfig): void {
    this.#state.config = config;
    this.#state.isConfigured = true;
  }

  /** Begins a new active segment, unless the present one is empty. */
  async roll(): Promise<void> {
    const state = this.#state;
    this.#checkAppend();
    if (state.plan.sizeBytes === 0) return;
    const roll = this.#appender.planRoll(state.nextOffset);
    await this.#writer.enqueue({
      bytes: noBytes,
      firstOffset: state.nextOffset,
      lastOffset: state.nextOffset - 1,
      maxTimestamp: -1,
      roll,
      aborted: null,
    });
  }

  /** Deletes the segments that retention allows. Returns their number. */
  async applyRetention(): Promise<number> {
    const state = this.#state;
    if (this.isOffline) return 0;
    const nowMs = state.resources.clock.wallMs();
    const due = await this.#writer.exclusive(() => countExpired(state, nowMs));
    if (due === 0 || this.isOffline) return 0;
    if (due === state.segments.length) {
      // A roll is an append, which is not allowed during a truncation, so the segment stays until the next run.
      if (this.#truncating > 0) return 0;
      await this.roll();
    }
    return this.#writer.exclusive(async () =>
      this.isOffline ? 0 : removeLeading(state, await countExpired(state, nowMs)),
    );
  }

  /** Creates the directory of a new partition, unless the first write has created it. */
  async materialise(): Promise<void> {
    if (this.isOffline) return;
    await this.#exclusive(() => materialise(this.#state));
  }

  /** Syncs everything that is written, and advances the recovery point. Rejects when the disk fails. */
  flush(): Promise<void> {
    return this.#writer.flush(true);
  }

  /** About how many bytes a start after a crash would have to read: those above the recovery point. */
  get unsyncedBytes(): number {
    return this.#state.unsyncedBytes;
  }

  /**
   * Syncs what is appended so far and writes a producer snapshot, so that recovery after a crash begins there. Appends may
   * continue in the meantime.
   */
  async syncBehind(): Promise<void> {
    const state = this.#state;
    if (this.isOffline || this.#truncating > 0 || state.recoveryPoint >= state.nextOffset) return;
    const { truncationCount, nextOffset } = state;
    const snapshot = encodeProducerSnapshot(state.producers.snapshot());
    await this.#writer.settled();
    await this.#exclusive(async () => {
      if (this.isOffline || truncationCount !== state.truncationCount) return;
      await replaceUnsynced(state, segmentFileName(nextOffset, 'snapshot'), snapshot);
      const bases = new Set(state.segments.map((segment: Segment) => segment.baseOffset));
      await removeSnapshots(state, (offset) => offset < nextOffset && !bases.has(offset));
    });
    await this.flush();
  }

  /** Flushes when `flush.ms` has passed since the last flush and there is something to flush. */
  async flushIfDue(): Promise<void> {
    const state = this.#state;
    const sinceMs = state.resources.clock.monotonicMs() - state.lastFlushMs;
    if (this.isOffline || state.recoveryPoint >= state.logEndOffset || sinceMs < state.config.flushMs) return;
    await this.flush();
  }

  /** Writes indexes and leader epochs to their files, so that tools can read the files of a running broker. */
  async writeBehind(): Promise<void> {
    const state = this.#state;
    if (this.isOffline || (state.active.sizeBytes === 0 && !state.epochs.isDirty)) return;
    await this.#writer.exclusive(async () => {
      if (this.isOffline) return;
      if (state.active.sizeBytes > 0 && state.active.hasUnwrittenIndexes)
        await state.active.writeIndexes(false);
      if (state.logEndOffset > 0) await writeEpochs(state);
    });
  }

  /** Leaves the directory in the state of a clean shutdown: synced, indexes trimmed, producer snapshot written. */
  async close(): Promise<void> {
    const state = this.#state;
    if (state.isClosed) return;
    await this.#writer.settled().catch(() => undefined);
    try {
      if (state.failure === null) await this.#writer.exclusive(() => closeCleanly(state, this.#writer));
    } finally {
      state.isClosed = true;
      state.tail.clear();
      for (const segment of state.segments) await segment.close();
    }
  }

  /** Closes the log, renames its directory and returns it; null: the directory was never created, or its disk has failed. */
  async leave(name: string): Promise<PartitionDirectory | null> {
    const state = this.#state;
    const { fs } = state.resources;
    await this.#writer.settled().catch(() => undefined);
    return this.#writer.exclusive(async () => {
      await this.abandon();
      const from = state.directory.path;
      if (state.failure !== null || (await fs.stat(from)) === null) return null;
      const parent = from.slice(0, from.lastIndexOf('/'));
      await state.directory.rename(fs, `${parent}/${name}`, () => this.abandon());
      // The rename is not synced. If a power cut undoes it, the next start finds a log that metadata does not assign to this
      // broker, and renames its directory to `…-stray`.
      return state.directory;
    });
  }

  /**
   * Replaces the files of the log by those of a copy in another log directory, while no write is in progress. `catchUp` copies
   * the last records. Returns the directory of the old files.
   */
  relocate(
    copy: PartitionLog,
    leavingName: string,
    catchUp: () => Promise<void>,
  ): Promise<PartitionDirectory> {
    return this.#writer.exclusive(async () => {
      this.#state.checkUsable();
      await catchUp();
      await materialise(this.#state);
      return relocate(this.#state, this.#reader, copy, leavingName);
    });
  }

  /** Closes the log without writing anything, because its directory is being removed or is offline. */
  async abandon(): Promise<void> {
    const state = this.#state;
    state.isClosed = true;
    state.tail.clear();
    for (const segment of state.segments) await segment.close();
  }

  /** Runs `body` under the writer's lock. A disk error takes the log offline and rejects with KAFKA_STORAGE_ERROR. */
  #exclusive(body: () => Promise<void>): Promise<void> {
    return this.#writer.exclusive(body).catch((error: unknown) => {
      throw this.#writer.fail(asStorageError(error));
    });
  }

  async #truncate(body: (state: LogState) => Promise<void>): Promise<void> {
    const state = this.#state;
    state.checkUsable();
    this.#truncating += 1;
    try {
      await this.#writer.settled();
      await this.#writer.exclusive(async () => {
        await body(state);
        this.onTruncated?.(state.logEndOffset);
      });
    } catch (error) {
      throw error instanceof StorageError ? this.#writer.fail(error) : error;
    } finally {
      this.#truncating -= 1;
    }
  }

  /**
   * Takes the log offline when a read fails with a disk error, as after a failed write, unless the log was closed meanwhile.
   */
  #reading<T>(result: Promise<T>): Promise<T> {
    return result.catch((error: unknown) => {
      if (!(error instanceof StorageError) || this.#state.isClosed) throw error;
      mark('log.read-failed');
      throw this.#writer.fail(error);
    });
  }

  #checkAppend(): void {
    this.#state.checkUsable();
    assert(this.#truncating === 0, 'append during a truncation');
  }
}
