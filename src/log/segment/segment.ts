/**
 * One segment of a partition log: the `.log` file with its indexes. Producers, leader epochs, other segments and the decision
 * to roll are not here.
 *
 * Invariant: `sizeBytes` ends at a whole batch; bytes after it in the file, if any, belong to a write that has not succeeded.
 * Indexes of a cold segment are loaded on demand and may be dropped again (`index-cache.ts`); those of the active segment stay
 * loaded.
 */
import { assert } from '../../base/assert.ts';
import type { FileHandle, FileSystem } from '../../base/file-system.ts';
import { mark } from '../../base/mark.ts';
import { type BatchHeader, batchHeader, batchHeaderBytes } from '../../protocol/records/batch.ts';
import type { ScannedBatch, ScanResult } from './batch-scan.ts';
import { headerFault, readFully, scanBatches } from './batch-scan.ts';
import type { FilePool, PooledFile } from './file-pool.ts';
import { readIndexFile } from './index-bytes.ts';
import type { IndexCache } from './index-cache.ts';
import type { FileSuffix, SegmentExtension } from '../names.ts';
import { segmentFileName } from '../names.ts';
import type { PartitionDirectory } from '../partition-directory.ts';
import { type OffsetIndex, parseOffsetIndex } from './offset-index.ts';
import { SegmentIndex } from './segment-index.ts';
import { parseTimeIndex, type TimeIndex } from './time-index.ts';
import type { AbortedTransaction, EntriesDigest } from './transaction-index.ts';
import { TransactionIndex } from './transaction-index.ts';

/** Resources that the segments of all logs of this broker share. */
export interface SegmentResources {
  readonly fs: FileSystem;
  readonly files: FilePool;
  readonly indexes: IndexCache;
  /** Called when the index of a sealed segment is missing or wrong, before it is rebuilt from the log file `path`. */
  readonly onIndexFault?: (path: string) => void;
}

const ignore = (): void => undefined;

/** Bytes of offset index entries that collect in memory before they are written. */
const indexWriteBytes = 512;
/** Interval of entries in a rebuilt index: Kafka's default, whatever the topic's configuration. */
const indexIntervalDefault = 4096;
/** Up to this size the index of an active segment is made from the log instead of being loaded. */
const smallSegmentBytes = 64 * 1024;
const fileExtensions: readonly SegmentExtension[] = ['log', 'index', 'timeindex', 'txnindex'];

export class Segment implements PooledFile {
  readonly baseOffset: number;
  readonly #directory: PartitionDirectory;
  readonly #resources: SegmentResources;
  suffix: FileSuffix;
  openMode: 'read' | 'write' = 'write';
  sizeBytes: number;
  createdMs: number;
  /** The files are about to be removed or replaced, so the segment checkpoint must not list the segment. */
  isLeaving = false;
  /** The CRC that the header of its first batch has; -1: unknown. */
  firstBatchCrc = -1;
  /** Null: not loaded. */
  #index: SegmentIndex | null;
  #loading: Promise<SegmentIndex> | null = null;
  #transactions: TransactionIndex;
  /** Settles when the rename in progress has ended; null: there is none. */
  #renaming: Promise<void> | null = null;
  /** While the index is not loaded: the largest timestamp that it must have when it is loaded again. Null: unknown. */
  #largestTimestamp: number | null = null;

  constructor(options: {
    directory: PartitionDirectory;
    resources: SegmentResources;
    baseOffset: number;
    sizeBytes: number;
    nowMs: number;
    suffix?: FileSuffix;
    /** The aborted transactions; none by default. */
    transactions?: TransactionIndex;
    /** Known from the segment checkpoint; -1 by default: unknown. */
    largestTimestamp?: number;
  }) {
    this.#directory = options.directory;
    this.#resources = options.resources;
    this.baseOffset = options.baseOffset;
    this.sizeBytes = options.sizeBytes;
    this.createdMs = options.nowMs;
    this.suffix = options.suffix ?? '';
    const isNew = options.sizeBytes === 0;
    this.#index = isNew ? SegmentIndex.empty(options.baseOffset) : null;
    // Existing index files with this name do not belong to this segment.
    this.#index?.offset.file.assumeLongerFile();
    this.#index?.time.file.assumeLongerFile();
    this.#transactions = options.transactions ?? new TransactionIndex([]);
    if ((options.largestTimestamp ?? -1) >= 0) this.#largestTimestamp = options.largestTimestamp ?? null;
  }

  get path(): string {
    return this.pathOf('log');
  }

  pathOf(extension: SegmentExtension): string {
    return `${this.#directory.path}/${segmentFileName(this.baseOffset, extension, this.suffix)}`;
  }

  /** Runs `body` with the open log file. Waits while the files are renamed: a file may have neither of its two names then. */
  use<T>(body: (file: FileHandle) => Promise<T>): Promise<T> {
    if (this.#renaming !== null) return this.#renaming.then(() => this.use(body));
    return this.#directory.using(() => this.#resources.files.use(this, body));
  }

  /** Used by `IndexCache`. */
  get indexSizeBytes(): number {
    return this.#index?.sizeBytes ?? 0;
  }

  /** Used by `IndexCache`. Drops only indexes that can be loaded again and are synced. */
  dropIndexes(): boolean {
    if (this.hasUnwrittenIndexes || this.hasUnsyncedIndex) return false;
    this.#largestTimestamp = this.#index?.largestTimestamp ?? this.#largestTimestamp;
    this.#index = null;
    return true;
  }

  /** Largest timestamp of the first batch; null when there is none or it is unknown. */
  get firstTimestamp(): number | null {
    return this.#index?.firstTimestamp ?? null;
  }

  /** The index of the active segment, which is always loaded. */
  get loadedIndex(): SegmentIndex {
    assert(this.#index !== null, 'the index of the active segment must be loaded');
    return this.#index;
  }

  /** The batch `bytes` was written at the end of the file: advances the end and updates the indexes. */
  appended(bytes: Uint8Array, maxTimestamp: number, lastOffset: number, indexIntervalBytes: number): void {
    if (this.sizeBytes === 0) this.firstBatchCrc = batchHeader(bytes).crc;
    this.loadedIndex.add(this.sizeBytes, bytes.length, maxTimestamp, lastOffset, indexIntervalBytes);
    this.sizeBytes += bytes.length;
  }

  addAborted(entry: AbortedTransaction): void {
    this.#transactions.append(entry);
  }

  get aborted(): readonly AbortedTransaction[] {
    return this.#transactions.entries;
  }

  /** The entries of the `.txnindex` that are durable. */
  get syncedAborted(): EntriesDigest {
    return this.#transactions.synced;
  }

  /** The largest timestamp of a sealed segment; -1: it is unknown, or the index is not synced. */
  get syncedLargestTimestamp(): number {
    if (this.hasUnsyncedIndex) return -1;
    return this.#index?.largestTimestamp ?? this.#largestTimestamp ?? -1;
  }

  /** No more appends follow: from now on its indexes may be dropped from memory. */
  seal(): void {
    this.#index?.sealTime();
    this.openMode = 'read';
    this.#resources.indexes.add(this);
  }

  /** Makes it the active segment, which accepts appends: its indexes are loaded and stay loaded. */
  async activate(): Promise<void> {
    if (this.#index === null && this.sizeBytes > smallSegmentBytes) await this.index();
    this.openMode = 'write';
    this.#resources.indexes.forget(this);
  }

  get hasUnwrittenIndexes(): boolean {
    return (this.#index?.isDirty ?? false) || this.#transactions.isDirty;
  }

  get hasUnsyncedIndex(): boolean {
    return this.#index?.isUnsynced ?? false;
  }

  get wantsIndexWrite(): boolean {
    return (this.#index?.offset.file.unwrittenBytes ?? 0) >= indexWriteBytes || this.#transactions.isDirty;
  }

  async writeIndexes(sync: boolean): Promise<void> {
    const { fs } = this.#resources;
    if (this.#index !== null) {
      await this.#index.offset.file.write(fs, this.pathOf('index'), sync);
      await this.#index.time.file.write(fs, this.pathOf('timeindex'), sync);
    }
    await this.#transactions.write(fs, this.pathOf('txnindex'), sync);
  }

  /** Syncs the list of aborted transactions, but not the file's directory entry; returns true when that entry may be new. */
  async syncTransactions(): Promise<boolean> {
    if (!this.#transactions.isUnsynced) return false;
    await this.#transactions.write(this.#resources.fs, this.pathOf('txnindex'), true);
    return true;
  }

  /** Loads the indexes from their files, or rebuilds them from the log when they are missing or invalid. */
  async index(): Promise<SegmentIndex> {
    if (this.#index !== null) {
      if (this.openMode === 'read') this.#resources.indexes.touch(this);
      return this.#index;
    }
    this.#loading ??= this.#directory
      .using(() => this.#loadIndex())
      .finally(() => {
        this.#loading = null;
      });
    return this.#loading;
  }

  async #loadIndex(): Promise<SegmentIndex> {
    const { fs } = this.#resources;
    if (this.#renaming !== null) await this.#renaming;
    const offsetBytes = await readIndexFile(fs, this.pathOf('index'));
    const timeBytes = offsetBytes === null ? null : await readIndexFile(fs, this.pathOf('timeindex'));
    const offset =
      offsetBytes === null ? null : parseOffsetIndex(this.baseOffset, offsetBytes, this.sizeBytes);
    const time = timeBytes === null ? null : parseTimeIndex(this.baseOffset, timeBytes);
    if (offset === null || time === null || (await this.#lacksTimes(offset, time))) {
      if (this.openMode === 'read') this.#resources.onIndexFault?.(this.path);
      mark('log.index-rebuilt-at-load');
      return this.rebuildIndex();
    }
    this.#index = new SegmentIndex(offset, time);
    if (this.openMode === 'read') this.#resources.indexes.add(this);
    return this.#index;
  }

  /** Whether entries are missing at the end of the time index, which looks valid without them. */
  async #lacksTimes(offset: OffsetIndex, time: TimeIndex): Promise<boolean> {
    if (this.#largestTimestamp !== null) return time.lastTimestamp() !== this.#largestTimestamp;
    // A time index gets entries together with the offset index, unless the records have no timestamps.
    const first = offset.count > 0 && time.count === 0 ? await this.headerAt(0) : null;
    return first !== null && first.maxTimestamp >= 0;
  }

  /**
   * Rebuilds both indexes from the log. For the active segment it must be called under the writer's lock, because nothing may
   * be appended meanwhile.
   */
  async rebuildIndex(): Promise<SegmentIndex> {
    const index = this.freshIndex();
    await this.scan(0, false, ({ header, position }) => {
      index.add(position, header.sizeBytes, header.maxTimestamp, header.lastOffset, indexIntervalDefault);
    });
    index.sealTime();
    this.adoptIndex(index);
    if (this.openMode === 'read') this.#resources.indexes.add(this);
    await this.writeIndexes(true);
    return index;
  }

  /** Completes and syncs the indexes of a sealed segment, which may lack their last entries or may not be synced. */
  async completeIndex(): Promise<void> {
    const index = await this.index();
    await this.scan(index.offset.lastPosition(), false, ({ header, position }) =>
      index.countBatch(position, header.maxTimestamp, header.lastOffset),
    );
    index.sealTime();
    await this.writeIndexes(true);
  }

  /** The header of the batch at `position`, which begins at `offsetMin` or later; null when there is none. */
  async headerAt(position: number, offsetMin = this.baseOffset): Promise<BatchHeader | null> {
    const bytes = Buffer.allocUnsafe(batchHeaderBytes);
    const have = await this.use((file) => readFully(file, bytes, position, bytes.length));
    if (have < bytes.length) return null;
    const fault = headerFault(bytes, 0, this.sizeBytes - position, offsetMin);
    return fault === null ? batchHeader(bytes, 0) : null;
  }

  /** Whether a batch that begins at or before `offset` is at `position`, as an index entry promises. */
  async holdsBatchAt(position: number, offset: number): Promise<boolean> {
    if (position === 0) return true;
    const header = await this.headerAt(position);
    return header !== null && header.baseOffset <= offset;
  }

  /**
   * Position of the last indexed batch that ends at or before `offset`; 0 when there is none. Rebuilds an index with a wrong
   * position, so it may only be called under the writer's lock or while the log is opened.
   */
  async positionBefore(offset: number): Promise<number> {
    const position = (await this.index()).offset.lookup(offset);
    if (await this.holdsBatchAt(position, offset)) return position;
    mark('log.index-rebuilt-in-place');
    return (await this.rebuildIndex()).offset.lookup(offset);
  }

  /** An empty index that will replace the content of the files. */
  freshIndex(): SegmentIndex {
    const index = SegmentIndex.empty(this.baseOffset);
    index.offset.file.assumeLongerFile();
    index.time.file.assumeLongerFile();
    return index;
  }

  adoptIndex(index: SegmentIndex): void {
    this.#index = index;
  }

  /** `pause` runs between chunks. */
  scan(
    from: number,
    verifyCrc: boolean,
    visit: (batch: ScannedBatch) => boolean | void,
    pause?: () => Promise<void>,
  ): Promise<ScanResult> {
    const to = this.sizeBytes;
    const options = {
      from,
      to,
      verifyCrc,
      offsetMin: this.baseOffset,
      ...(pause === undefined ? {} : { pause }),
    };
    return this.use((file) => scanBatches(file, options, visit));
  }

  /** Reads the batches after the last index entry, without checksums, and completes the index. Used when a log is opened. */
  async readTail(visit: (header: BatchHeader) => void): Promise<ScanResult> {
    if (this.#index === null && this.sizeBytes <= smallSegmentBytes) return this.#readSmall(visit);
    const index = await this.index();
    const from = index.offset.lastPosition();
    const result = await this.scan(from, false, ({ header, position }) => {
      index.countBatch(position, header.maxTimestamp, header.lastOffset);
      visit(header);
    });
    index.continueAfter(this.sizeBytes - from);
    return result;
  }

  /** A small segment is read completely, which is cheaper than reading its two index files. */
  async #readSmall(visit: (header: BatchHeader) => void): Promise<ScanResult> {
    const index = SegmentIndex.empty(this.baseOffset);
    const result = await this.scan(0, false, ({ header, position }) => {
      index.add(position, header.sizeBytes, header.maxTimestamp, header.lastOffset, indexIntervalDefault);
      visit(header);
    });
    index.sealTime();
    index.offset.file.assumeWritten();
    index.time.file.assumeWritten();
    this.#index = index;
    return result;
  }

  /** Largest timestamp of its batches; -1 when there is none. */
  async largestTimestamp(): Promise<number> {
    if (this.#index === null && this.#largestTimestamp !== null) return this.#largestTimestamp;
    return (await this.index()).largestTimestamp;
  }

  truncateTransactions(offset: number): void {
    this.#transactions.truncateTo(offset);
  }

  /** Sets the transactions that a replay of the log has found. Those that the file has already are not written again. */
  restoreTransactions(entries: readonly AbortedTransaction[]): void {
    this.#transactions.become(entries);
  }

  /** As `restoreTransactions`, but replaces the whole file, because it is damaged. */
  replaceTransactions(entries: readonly AbortedTransaction[]): void {
    this.#transactions = TransactionIndex.anew(entries);
  }

  /** Truncates the file at `position`, a batch boundary; the log then ends at `offset`. */
  async truncate(position: number, offset: number): Promise<void> {
    const index = await this.index();
    await this.#resources.files.release(this);
    this.openMode = 'write';
    await this.use(async (file) => {
      await file.truncate(position);
      await file.sync();
    });
    this.sizeBytes = position;
    index.truncate(position, offset);
    this.#transactions.truncateTo(offset);
    await this.readTail(() => undefined);
  }

  /**
   * Gives all its files another suffix; missing ones are skipped. The log file comes first, because its name decides whether
   * the segment is in use.
   */
  async rename(suffix: FileSuffix): Promise<void> {
    // A load in progress may create the index files again.
    while (this.#loading !== null) await this.#loading.catch(ignore);
    const renamed = this.#rename(suffix);
    this.#renaming = renamed.catch(ignore);
    try {
      await renamed;
    } finally {
      this.#renaming = null;
    }
  }

  async #rename(suffix: FileSuffix): Promise<void> {
    const { fs } = this.#resources;
    // Windows does not rename open files.
    await this.#resources.files.release(this);
    const paths = fileExtensions.map((extension) => this.pathOf(extension));
    this.suffix = suffix;
    for (const [i, extension] of fileExtensions.entries()) {
      const from = paths[i] as string;
      if ((await fs.stat(from)) !== null) await fs.rename(from, this.pathOf(extension));
    }
  }

  async removeFiles(): Promise<void> {
    await this.close();
    for (const extension of fileExtensions) await this.#resources.fs.remove(this.pathOf(extension));
  }

  async close(): Promise<void> {
    this.#resources.indexes.forget(this);
    await this.#resources.files.release(this);
  }
}
