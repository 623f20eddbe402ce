/**
 * Everything one partition log knows, shared by the parts that append, read, truncate and clean it. No behaviour beyond
 * look-ups; each field says who may change it.
 *
 * Invariants: logStartOffset ≤ highWatermark ≤ logEndOffset ≤ nextOffset; recoveryPoint ≤ logEndOffset; `segments` is
 * never empty and ordered by base offset; the last one is active.
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
import type { DirectoryRef, SegmentResources } from './segment/segment.ts';
import { Segment } from './segment/segment.ts';
import type { TailCache } from './tail-cache.ts';
import { LogTail } from './tail-cache.ts';

/** What all logs of this broker share. */
export interface LogResources extends SegmentResources {
  readonly tails: TailCache;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly logger: Logger;
}

/** What a log tells its manager. */
export interface LogCallbacks {
  /** The disk failed: this log takes no more reads or writes. Called once. */
  readonly onFailure: (error: StorageError) => void;
  /** Must make recovery points durable before it resolves: called when this log's has gone back. */
  readonly persistRecoveryPoints: () => Promise<void>;
  /** Something was written since the manager last cleared `isTouched`. */
  readonly onTouched: () => void;
  /** The high watermark, the log start offset or the recovery point moved: checkpoints are due. */
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
  /** The last shutdown was clean: nothing is scanned beyond the tail. */
  readonly isClean: boolean;
  /** From the checkpoints; 0 when unknown. */
  readonly recoveryPoint: number;
  readonly logStartOffset: number;
  readonly highWatermark: number;
  /** False: the directory was made just now, by this process. */
  readonly exists: boolean;
  /** The owner syncs the log directory itself after opening everything in it. */
  readonly ownerSyncsParent?: boolean;
}

/** The segment that the next batch goes to, counting what waits to be written. */
export interface SegmentPlan {
  baseOffset: number;
  sizeBytes: number;
  firstTimestamp: number | null;
  createdMs: number;
  jitterMs: number;
}

export class LogState {
  readonly options: PartitionLogOptions;
  /** Another one once the log was moved to another log directory. */
  directory: DirectoryRef;
  readonly resources: LogResources;
  readonly logger: Logger;
  /** Empty: not known, `partition.metadata` was lost. */
  topicId: Uuid;
  readonly tail: LogTail;
  readonly epochs: LeaderEpochCache;
  readonly producers: ProducerState;
  config: LogConfig;
  segments: Segment[];
  logStartOffset = 0;
  /** Exclusive; moves when a write is complete (and synced, when the flush policy asks for it). */
  logEndOffset = 0;
  /** Next offset to give: ahead of `logEndOffset` by what waits in the writer. */
  nextOffset = 0;
  highWatermark = 0;
  /** Everything below it is synced. */
  recoveryPoint = 0;
  /** Where the log ended when a clean start had found its producers: as long as it ends there, another one will. -1: never. */
  producersKnownAt = -1;
  /** Counts truncations: a read that saw it change begins anew. */
  generation = 0;
  /** Lowest end of a truncation since the last compaction. */
  truncatedTo = Number.MAX_SAFE_INTEGER;
  /** The disk error that took this log offline. Only `LogWriter.fail` sets it. */
  failure: StorageError | null = null;
  isClosed = false;
  /** New names in the directory that a power cut would forget. */
  directoryDirty: boolean;
  /** `partition.metadata` and the directory itself are not synced. */
  metadataDirty: boolean;
  /** The entry of the partition's directory is not synced. */
  parentDirty: boolean;
  /** The last sync of names: a name is safe when it has resolved, not when its flag is down. */
  namesSync: Promise<void> = Promise.resolve();
  /** Resolves when the directory exists: a new partition's is made with its first write, or in the background. */
  materialised: Promise<void> | null;
  /** Set at the first write after the manager has cleared it. */
  isTouched = false;
  lastFlushMs = 0;
  /** The last write of the epoch checkpoint: they must not overlap. */
  epochWrite: Promise<void> = Promise.resolve();
  plan: SegmentPlan;

  constructor(
    options: PartitionLogOptions,
    directory: DirectoryRef,
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
    this.directoryDirty = !options.exists;
    this.metadataDirty = !options.exists;
    this.parentDirty = !options.exists;
    this.materialised = options.exists ? Promise.resolve() : null;
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

  /** Throws once the disk has failed or the log was closed. */
  checkUsable(): void {
    if (this.failure === null && !this.isClosed) return;
    throw new KafkaError(
      Errors.KAFKA_STORAGE_ERROR,
      `The log of ${this.name} in ${this.directory.path} is offline`,
    );
  }

  /** Index of the segment that holds `offset`: the last one that begins at or before it; 0 when all begin later. */
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

  /** Offset after the last one of segment `index`. */
  endOfSegment(index: number): number {
    return this.segments[index + 1]?.baseOffset ?? this.logEndOffset;
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

  /** For tests: fails when an invariant does not hold. */
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
