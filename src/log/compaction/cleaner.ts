/**
 * Compacts the logs of topics with `cleanup.policy=compact`, one after the other. The offset up to which a log was compacted is
 * recorded in `cleaner-offset-checkpoint`: the log is clean below it and dirty above. The log with the largest dirty part, as a
 * share of its size, comes first.
 */
import { StorageError } from '../../base/file-system.ts';
import { contain } from '../manager/background-tasks.ts';
import { forEachInTurns } from '../manager/concurrency.ts';
import type { OffsetCheckpoint } from '../directories/checkpoints.ts';
import type { CleanableRange } from './compaction.ts';
import { cleanableRange, compact, UncleanableError } from './compaction.ts';
import { CompactionThrottle } from './throttle.ts';
import { DecodeError } from '../../protocol/codec/errors.ts';
import type { LogResources } from '../log-state.ts';
import { partitionDirectoryName } from '../names.ts';
import type { PartitionLog } from '../partition-log.ts';

export interface LogCleanerOptions {
  readonly resources: LogResources;
  readonly logs: () => Iterable<{ readonly log: PartitionLog; readonly directory: string }>;
  /** The current `log.cleaner.io.max.bytes.per.second`. */
  readonly bytesPerSecond: () => number;
  /** Called when the cleaner checkpoint of a log in this directory has advanced. */
  readonly onProgress: (directory: string) => Promise<void>;
}

interface Candidate {
  readonly log: PartitionLog;
  readonly directory: string;
  readonly range: CleanableRange;
  readonly ratio: number;
}

export class LogCleaner {
  readonly #options: LogCleanerOptions;
  readonly #checkpoints = new Map<string, OffsetCheckpoint>();
  /**
   * Logs whose compaction failed with any error but one of the disk, for example because a segment is damaged. They are not
   * compacted until the next start.
   */
  readonly #uncleanable = new WeakSet<PartitionLog>();
  #running: Promise<boolean> | null = null;
  #stopped = false;
  readonly #throttle: CompactionThrottle;

  constructor(options: LogCleanerOptions) {
    this.#options = options;
    const { clock, scheduler } = options.resources;
    this.#throttle = new CompactionThrottle(clock, scheduler, options.bytesPerSecond);
  }

  restore(directory: string, checkpoint: OffsetCheckpoint): void {
    this.#checkpoints.set(directory, checkpoint);
  }

  /** The offset up to which the log of that name is clean; null when it was never compacted. */
  checkpointOf(directory: string, name: string): number | null {
    return this.#checkpoints.get(directory)?.get(name) ?? null;
  }

  /** Forgets a deleted log, because another log may get its name. */
  forget(directory: string, name: string): void {
    this.#checkpoints.get(directory)?.delete(name);
  }

  /** Compacts all logs that are due. Resolves to false when nothing was compacted, or the cleaner was stopped. */
  cleanOnce(): Promise<boolean> {
    this.#running ??= this.#clean().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  /** Stops after the log that is being compacted; resolves when that log is finished. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#throttle.stop();
    await this.#running?.catch(() => undefined);
  }

  async #clean(): Promise<boolean> {
    const candidates: Candidate[] = [];
    await forEachInTurns(this.#options.logs(), this.#options.resources.scheduler, async (one) => {
      const { log, directory } = one;
      if (!log.state.config.cleanupPolicy.compact || log.isOffline || this.#uncleanable.has(log)) return;
      const name = partitionDirectoryName(log.topic, log.partition);
      await this.#guarded(log, async () => {
        const range = await cleanableRange(log, this.checkpointOf(directory, name) ?? 0);
        if (range === null) return;
        const ratio = range.dirtyBytes / (range.cleanBytes + range.dirtyBytes);
        if (ratio < log.state.config.minCleanableDirtyRatio && !range.isOverdue) return;
        candidates.push({ log, directory, range, ratio });
      });
    });
    let didWork = false;
    for (const candidate of candidates.sort((a, b) => b.ratio - a.ratio)) {
      if (this.#stopped) return false;
      if (candidate.log.isOffline) continue;
      await this.#guarded(candidate.log, async () => {
        didWork = (await this.#compact(candidate)) || didWork;
      });
    }
    return didWork;
  }

  /** Compacts one log. Returns false when its clean part has not grown. */
  async #compact({ log, directory, range }: Candidate): Promise<boolean> {
    const { clock, logger } = this.#options.resources;
    const startedMs = clock.monotonicMs();
    const before = log.sizeBytes;
    const end = await compact(log, range, undefined, this.#throttle);
    if (end <= range.firstDirty) return false;
    const name = partitionDirectoryName(log.topic, log.partition);
    const checkpoint = this.#checkpoints.get(directory) ?? new Map<string, number>();
    checkpoint.set(name, end);
    this.#checkpoints.set(directory, checkpoint);
    await this.#options.onProgress(directory);
    const tookMs = Math.round(clock.monotonicMs() - startedMs);
    logger.info('compacted a log', {
      partition: name,
      upTo: end,
      beforeBytes: before,
      afterBytes: log.sizeBytes,
      tookMs,
    });
    return true;
  }

  async #guarded(log: PartitionLog, body: () => Promise<void>): Promise<void> {
    try {
      await body();
    } catch (error) {
      if (log.isOffline) return;
      // A log that caused any error but one of the disk is not compacted again, as by Kafka's cleaner.
      if (!(error instanceof StorageError)) this.#uncleanable.add(log);
      if (error instanceof UncleanableError || error instanceof DecodeError)
        this.#options.resources.logger.warn('a log can not be compacted', {
          partition: partitionDirectoryName(log.topic, log.partition),
          error: error.message,
        });
      else contain(log, error, 'compaction');
    }
  }
}
