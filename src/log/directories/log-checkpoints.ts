/** Writes the offset checkpoints of the log directories. */
import type { Scheduler } from '../../base/clock.ts';
import { asStorageError, type StorageError } from '../../base/file-system.ts';
import { forEachInTurns } from '../manager/concurrency.ts';
import type { OffsetCheckpoint } from './checkpoints.ts';
import type { LogCleaner } from '../compaction/cleaner.ts';
import type { CheckpointKind, LogDirectory } from './log-directory.ts';
import type { PartitionLog } from '../partition-log.ts';

/** A log with its directory, which changes when the log is moved. */
export interface Held {
  readonly log: PartitionLog;
  directory: LogDirectory;
}

export interface LogCheckpointsOptions {
  readonly scheduler: Scheduler;
  readonly directories: readonly LogDirectory[];
  /** By the name of the partition. */
  readonly held: ReadonlyMap<string, Held>;
  readonly cleaner: LogCleaner;
  readonly onFailure: (directory: LogDirectory, error: StorageError) => void;
}

export class LogCheckpoints {
  readonly #options: LogCheckpointsOptions;

  constructor(options: LogCheckpointsOptions) {
    this.#options = options;
  }

  /** Writes the checkpoints of these kinds in which an offset has changed. A disk error takes the directory offline. */
  async write(...kinds: readonly CheckpointKind[]): Promise<void> {
    for (const directory of this.#options.directories) {
      for (const kind of kinds) {
        if (directory.isOffline || !directory.dirty.has(kind)) continue;
        try {
          await this.writeOne(directory, kind);
        } catch (error) {
          this.#options.onFailure(directory, asStorageError(error));
        }
      }
    }
  }

  /** Writes one checkpoint. `joining`: a log that is about to move to this directory; the checkpoint includes it already. */
  writeOne(
    directory: LogDirectory,
    kind: CheckpointKind,
    joining: PartitionLog | null = null,
  ): Promise<void> {
    return directory.writeCheckpoint(kind, () => this.#collect(directory, kind, joining));
  }

  /**
   * Writes the checkpoints that still have offsets of a removed log `name`. Must be called before a new log gets this name:
   * after a crash the old offsets would be taken for those of the new log.
   */
  async forgetDeparted(directory: LogDirectory, name: string): Promise<void> {
    for (const kind of ['recoveryPoint', 'logStart'] as const)
      if (directory.departed[kind].has(name)) await this.writeOne(directory, kind);
  }

  /** Writes the cleaner's checkpoint of the directory `path`, because more of a log there was compacted. */
  async cleaned(path: string): Promise<void> {
    this.#options.directories.find((directory) => directory.path === path)?.dirty.add('cleaner');
    await this.write('cleaner');
  }

  /**
   * Collects the offsets of all logs in the directory. Other work is done in between, so logs may be appended to or truncated
   * meanwhile. Each offset was valid at some time after the call, which is all that callers need.
   */
  async #collect(
    directory: LogDirectory,
    kind: CheckpointKind,
    joining: PartitionLog | null,
  ): Promise<OffsetCheckpoint> {
    const offsets: OffsetCheckpoint = new Map();
    await forEachInTurns(this.#options.held, this.#options.scheduler, ([name, held]) => {
      const { log } = held;
      if (held.directory !== directory && log !== joining) return;
      if (kind === 'recoveryPoint') offsets.set(name, log.recoveryPoint);
      else if (kind === 'highWatermark') offsets.set(name, log.highWatermark);
      // The log start offset is written even if the first segment begins there: a power cut may bring back older segments whose
      // removal was not synced.
      else if (kind === 'logStart' && (log.logStartOffset > 0 || log === joining))
        offsets.set(name, log.logStartOffset);
      else if (kind === 'cleaner') {
        const offset = this.#options.cleaner.checkpointOf(directory.path, name);
        if (offset !== null) offsets.set(name, offset);
      }
    });
    return offsets;
  }
}
