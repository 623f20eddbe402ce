/**
 * Takes logs away from a broker: closes a log, renames its directory at once (`…-delete` or `…-stray`), and removes a
 * `…-delete` directory after the topic's `file.delete.delay.ms`, so that reads in progress can finish.
 *
 * Invariant: the name of a log that leaves is in `#leaving` until its directory is renamed. A new log of the same name waits
 * for this (`settled`).
 */
import type { Scheduler } from '../../base/clock.ts';
import { type FileSystem, StorageError } from '../../base/file-system.ts';
import type { Random } from '../../base/random.ts';
import { randomUuid } from '../../base/uuid.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { LogCleaner } from '../compaction/cleaner.ts';
import type { Held } from '../directories/log-checkpoints.ts';
import type { LogDirectory } from '../directories/log-directory.ts';
import type { LogMoves } from '../directories/log-moves.ts';
import { markedDirectoryName } from '../names.ts';
import type { PartitionDirectory } from '../partition-directory.ts';
import type { WriteBehind } from './write-behind.ts';

/** Why a log leaves: its partition was deleted, or metadata does not assign it to this broker. */
export type LeaveReason = 'delete' | 'stray';

export interface LogRemovalsOptions {
  readonly fs: FileSystem;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly logger: Logger;
  /** The logs of the manager, by name. */
  readonly logs: Map<string, Held>;
  readonly moves: LogMoves;
  readonly cleaner: LogCleaner;
  readonly writeBehind: WriteBehind;
  readonly onFailure: (directory: LogDirectory, error: StorageError) => void;
}

export class LogRemovals {
  readonly #options: LogRemovalsOptions;
  readonly #leaving = new Map<string, Promise<void>>();

  constructor(options: LogRemovalsOptions) {
    this.#options = options;
  }

  /** Resolves when no log of this name is leaving. */
  async settled(name: string): Promise<void> {
    await this.#leaving.get(name);
  }

  /** Removes the log `name` from the logs of the manager, closes it and renames its directory. */
  putAside(name: string, why: LeaveReason): Promise<void> {
    const { logs } = this.#options;
    const held = logs.get(name);
    if (held === undefined) return this.settled(name);
    logs.delete(name);
    const mine = this.leave(name, held, why).finally(() => {
      if (this.#leaving.get(name) === mine) this.#leaving.delete(name);
    });
    this.#leaving.set(name, mine);
    return mine;
  }

  /** Closes a log that is not among the logs of the manager, and renames its directory. */
  async leave(name: string, held: Held, why: LeaveReason): Promise<void> {
    const { log } = held;
    const { moves, cleaner, writeBehind, random, onFailure } = this.#options;
    await moves.cancel(log);
    const { directory } = held;
    writeBehind.delete(log);
    directory.logsCount -= 1;
    cleaner.forget(directory.path, name);
    directory.left(name);
    const marked = markedDirectoryName(log.topic, log.partition, randomUuid(random), why);
    const left = await log.leave(marked).catch((error: unknown) => {
      if (error instanceof StorageError) onFailure(directory, error);
      throw error;
    });
    if (left !== null && why === 'delete') this.removeLater(left, log.state.config.fileDeleteDelayMs);
  }

  removeLater(directory: PartitionDirectory, delayMs: number): void {
    const { fs, scheduler, logger } = this.#options;
    const warn = (error: unknown): void => {
      const fields = { path: directory.path, error: String(error) };
      logger.warn('the directory of a deleted or moved partition could not be removed', fields);
    };
    scheduler.after(delayMs, () => void directory.remove(fs).catch(warn));
  }
}
