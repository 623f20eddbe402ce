/**
 * The state of one partition log. The files that append to the log, read, truncate and compact it share this object. It
 * computes values from the state, but changes nothing. The comment of each field names the files that may change the field;
 * `test/log/log-state.test.ts` compares this with the code. Code that only reads uses `LogView`.
 *
 * Invariants: logStartOffset ≤ highWatermark ≤ logEndOffset ≤ nextOffset; recoveryPoint ≤ logEndOffset; `segments` is never
 * empty and ordered by base offset; the last one is active.
 */
import { assert } from '../base/assert.ts';
import type { Clock, Scheduler } from '../base/clock.ts';
import type { StorageError } from '../base/file-system.ts';
import type { Random } from '../base/random.ts';
import type { Uuid } from '../base/uuid.ts';
import { Errors, KafkaError } from '../protocol/errors.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { LeaderEpochCache } from './leader-epoch-cache.ts';
import type { LogConfig } from './log-config.ts';
import type { ProducerState } from './producers/producer-state.ts';
import type { OffsetRange } from './segment/transaction-index.ts';
import type { PartitionDirectory } from './partition-directory.ts';
import type { SegmentResources } from './segment/segment.ts';
import { Segment } from './segment/segment.ts';
import type { TailCache } from './tail-cache.ts';
import { LogTail } from './tail-cache.ts';

/** Resources that all logs of this broker share. */
export interface LogResources extends SegmentResources {
  readonly tails: TailCache;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly logger: Logger;
  /** Called after a log was synced, with the time that it took. */
  readonly onFlushed?: ((durationMs: number) => void) | undefined;
}

/** Notifications of a log to its manager. */
export interface LogCallbacks {
  /** The disk failed: this log accepts no more reads or writes. Called once. */
  readonly onFailure: (error: StorageError) => void;
  /**
   * Called when the recovery point of this log must be durable before the log continues: it has decreased, or a compaction
   * begins. Writes the recovery points of all logs of the log directory; resolves when their checkpoint is durable.
   */
  readonly persistRecoveryPoints: () => Promise<void>;
  /** Called at the first write after `isTouched` was set to false. */
  readonly onTouched: () => void;
  /** Called when one of these offsets has changed, so that its checkpoint must be written. */
  readonly onOffsetMoved: (which: 'highWatermark' | 'logStart' | 'recoveryPoint') => void;
}

export interface PartitionLogOptions {
  readonly directory: string;
  readonly topic: string;
  readonly partition: number;
  readonly topicId: Uuid;
  readonly config: LogConfig;
  readonly resources: LogResources;
  readonly callbacks: LogCallbacks;
  /** The last shutdown was clean, so the log need not be recovered. */
  readonly isClean: boolean;
  /** This offset and the two below are from the checkpoints; 0: unknown. */
  readonly recoveryPoint: number;
  readonly logStartOffset: number;
  readonly highWatermark: number;
  /** False: the log is new. Its directory does not exist yet; see `LogState.materialised`. */
  readonly directoryExists: boolean;
  /** The owner syncs the log directory itself after it has opened all logs in it. */
  readonly ownerSyncsParent?: boolean;
}

/** The segment to which the next batch belongs. Queued writes count: the writer may not have created the segment yet. */
export interface SegmentPlan {
  baseOffset: number;
  sizeBytes: number;
  firstTimestamp: number | null;
  createdMs: number;
  jitterMs: number;
}

/** The state for code that changes nothing. */
export type LogView = Readonly<LogState>;

export class LogState {
  readonly options: PartitionLogOptions;
  /** Replaced when the log is moved to another log directory. Changed by log-relocation. */
  directory: PartitionDirectory;
  readonly resources: LogResources;
  readonly logger: Logger;
  readonly tail: LogTail;
  readonly epochs: LeaderEpochCache;
  readonly producers: ProducerState;
  /** The topic id; empty when it is unknown, because `partition.metadata` is missing. Changed by partition-log. */
  topicId: Uuid;
  /** Changed by partition-log. */
  config: LogConfig;
  /**
   * Whether `config` is from current metadata. Before that, it may be an old one, or the broker's defaults. Changed by
   * partition-log.
   */
  isConfigured: boolean;

  // --- segments and offsets: under the writer's lock, but for appends, `setHighWatermark` and `raiseLogStart` -------

  /** Changed by log-writer (roll), log-truncation, log-loading, compaction, log-relocation. */
  segments: Segment[];
  /** Changed by log-truncation, log-loading. */
  logStartOffset = 0;
  /** Advances when a write is complete, or synced if required. Changed by log-writer, log-truncation, log-loading. */
  logEndOffset = 0;
  /** The next offset to assign: `logEndOffset` plus the queued writes. Changed by log-appender, log-truncation, log-loading. */
  nextOffset = 0;
  /** Replication advances it through `PartitionLog`. Changed by partition-log, log-truncation, log-loading. */
  highWatermark = 0;
  /** Changed by log-appender, log-truncation, log-loading, log-relocation. */
  plan: SegmentPlan;
  /**
   * Ranges of lost records that are followed by later ones, see `ReplicaLog.missingFrom`. Changed by log-truncation,
   * missing-records.
   */
  missing: readonly OffsetRange[] = [];
  /**
   * When the log was opened, records below the recovery point or the high watermark were missing. Changed by log-loading,
   * missing-records.
   */
  hasLostRecords = false;
  /** When the log was opened, it ended below its high watermark, and no other records were missing. Changed by log-loading. */
  endsBelowHighWatermark = false;
  /**
   * Counts truncations, and moves to another directory. A read that sees it change is repeated. Changed by log-truncation,
   * log-relocation.
   */
  truncationCount = 0;
  /** The smallest offset to which the log was truncated since the last compaction. Changed by log-truncation, compaction. */
  truncatedTo = Number.MAX_SAFE_INTEGER;

  // --- what is durable ----------------------------------------------------------------------------------------------
  //
  // A change that is not synced sets a flag. The flag is cleared before the sync begins, so that a change during the sync sets
  // it again.

  /**
   * Everything below is synced. When it decreases, its checkpoint is written before any record is removed. Changed by
   * log-flush, log-truncation, log-loading, log-relocation.
   */
  recoveryPoint = 0;
  /** Some directory entries are not synced. Changed by log-writer, log-flush, log-truncation, log-loading, log-closing. */
  directoryDirty: boolean;
  /**
   * `partition.metadata` is not synced yet. It is synced before the recovery point rises above 0. Changed by log-flush,
   * log-loading, log-relocation, partition-log.
   */
  metadataDirty: boolean;
  /** The entry of the partition's directory in the log directory is not synced. Changed by log-flush, log-loading. */
  parentDirty: boolean;
  /**
   * The last sync of directory entries. They are durable when it resolves, not when the flags are cleared. Changed by
   * log-flush.
   */
  directoryEntriesSync: Promise<void> = Promise.resolve();
  /**
   * Resolves when the directory exists. It is created with the first write, or in the background before that; null: not begun.
   * Changed by log-flush.
   */
  materialised: Promise<void> | null;
  /** The last write of the epoch checkpoint; writes must not overlap. Changed by log-flush. */
  epochWrite: Promise<void> = Promise.resolve();
  /**
   * Content of `segment-checkpoint`; null: no file; empty: unknown. Changed by segment-checkpoint, log-loading, log-relocation.
   */
  segmentCheckpoint: string | null = null;
  /** The last write of that file; writes must not overlap. Changed by segment-checkpoint. */
  segmentCheckpointWrite: Promise<void> = Promise.resolve();
  /** Monotonic time. Changed by log-flush. */
  lastFlushMs = 0;
  /** Set at the first write after `resetTouched`. Changed by log-writer, partition-log. */
  isTouched = false;
  /**
   * The log end offset at which a clean start loaded the producer state. A clean stop at this offset writes no snapshot. -1:
   * the log is new, or was recovered. Changed by log-loading.
   */
  producersKnownAt = -1;

  // --- end of use ---------------------------------------------------------------------------------------------------

  /** The disk error that took this log offline. Changed by log-writer. */
  failure: StorageError | null = null;
  /** Changed by partition-log. */
  isClosed = false;

  constructor(
    options: PartitionLogOptions,
    directory: PartitionDirectory,
    segments: Segment[],
    epochs: LeaderEpochCache,
    producers: ProducerState,
  ) {
    assert(segments.length > 0, 'a log has at least one segment');
    this.options = options;
    this.directory = directory;
    this.resources = options.resources;
    this.logger = options.resources.logger;
    this.config = options.config;
    this.topicId = options.topicId;
    this.tail = new LogTail(options.resources.tails);
    this.segments = segments;
    this.epochs = epochs;
    this.producers = producers;
    this.isConfigured = !options.directoryExists;
    this.directoryDirty = !options.directoryExists;
    this.metadataDirty = !options.directoryExists;
    this.parentDirty = !options.directoryExists;
    this.materialised = options.directoryExists ? Promise.resolve() : null;
    this.lastFlushMs = options.resources.clock.monotonicMs();
    this.plan = this.planFor(this.active);
  }

  get name(): string {
    return `${this.options.topic}-${this.options.partition}`;
  }

  get active(): Segment {
    return this.segments[this.segments.length - 1] as Segment;
  }

  get sizeBytes(): number {
    let sizeBytes = 0;
    for (const segment of this.segments) sizeBytes += segment.sizeBytes;
    return sizeBytes;
  }

  /** Throws when the disk has failed or the log was closed. */
  checkUsable(): void {
    if (this.failure === null && !this.isClosed) return;
    const why = this.failure === null ? 'closed' : 'offline';
    throw new KafkaError(
      Errors.KAFKA_STORAGE_ERROR,
      `The log of ${this.name} in ${this.directory.path} is ${why}`,
    );
  }

  /**
   * The index of the segment that contains `offset`: the last one that begins at or before `offset`; 0 when all begin later.
   */
  floorSegment(offset: number): number {
    const segments = this.segments;
    let low = 0;
    let high = segments.length - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      if ((segments[middle] as Segment).baseOffset <= offset) low = middle + 1;
      else high = middle - 1;
    }
    return Math.max(0, high);
  }

  /** The offset at which segment `index` ends (exclusive). */
  endOfSegment(index: number): number {
    return this.segments[index + 1]?.baseOffset ?? this.logEndOffset;
  }

  /** About how many bytes are above the recovery point. */
  get unsyncedBytes(): number {
    const first = this.floorSegment(this.recoveryPoint);
    let sizeBytes = 0;
    for (const segment of this.segments.slice(first)) sizeBytes += segment.sizeBytes;
    const isActive = first === this.segments.length - 1;
    return sizeBytes - (isActive ? this.active.loadedIndex.offset.lookup(this.recoveryPoint) : 0);
  }

  newSegment(baseOffset: number): Segment {
    return new Segment({
      directory: this.directory,
      resources: this.resources,
      baseOffset,
      sizeBytes: 0,
      nowMs: this.resources.clock.wallMs(),
    });
  }

  planFor(segment: Segment): SegmentPlan {
    return {
      baseOffset: segment.baseOffset,
      sizeBytes: segment.sizeBytes,
      firstTimestamp: segment.firstTimestamp,
      createdMs: segment.createdMs,
      jitterMs: this.jitterMs(),
    };
  }

  jitterMs(): number {
    const { segmentJitterMs, segmentMs } = this.config;
    if (segmentJitterMs === 0) return 0;
    return Math.floor((this.resources.random.u32() / 0x1_0000_0000) * Math.min(segmentJitterMs, segmentMs));
  }

  /** For tests: throws when an invariant does not hold. */
  assertInvariants(): void {
    assert(this.logStartOffset <= this.highWatermark, 'log start ≤ high watermark');
    assert(this.highWatermark <= this.logEndOffset, 'high watermark ≤ log end');
    assert(this.logEndOffset <= this.nextOffset, 'log end ≤ next offset');
    assert(this.recoveryPoint <= this.logEndOffset, 'recovery point ≤ log end');
    for (let i = 1; i < this.segments.length; i++) {
      const previous = this.segments[i - 1] as Segment;
      const segment = this.segments[i] as Segment;
      assert(previous.baseOffset < segment.baseOffset, 'segments are in order');
    }
  }
}
