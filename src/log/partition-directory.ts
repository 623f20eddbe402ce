/**
 * The directory of a partition, which is renamed when the partition is deleted, or when its copy in another log directory takes
 * its place. Syncs and reads do not take the lock of the log, so they run beside a rename. An operation that had taken the old
 * path and came to the disk after the rename would find no file there, which looks like a failed disk. An operation that
 * creates a file while the directory is removed would make the removal fail.
 *
 * Invariant: the path does not change, and the directory is not removed, while it is used. Uses may nest: a rename or removal
 * waits until all uses have ended, and a new use waits only while the disk carries out the rename or removal. A use that waited
 * for a removal finds no files, which `isGone` in `log-flush.ts` recognises.
 */
import { assert } from '../base/assert.ts';
import type { FileSystem } from '../base/file-system.ts';

const ignore = (): void => undefined;

export class PartitionDirectory {
  #path: string;
  #usesCount = 0;
  /** Called when the last use ends; null: no change waits. */
  #onUnused: (() => void) | null = null;
  /** Settles when the rename or removal in progress has ended; null: there is none. */
  #changing: Promise<void> | null = null;

  constructor(path: string) {
    this.#path = path;
  }

  get path(): string {
    return this.#path;
  }

  /** Runs `body`, during which the path does not change. */
  using<T>(body: () => Promise<T>): Promise<T> {
    if (this.#changing !== null) return this.#changing.then(() => this.using(body));
    this.#usesCount += 1;
    return body().finally(() => {
      this.#usesCount -= 1;
      if (this.#usesCount === 0) this.#onUnused?.();
    });
  }

  /**
   * Renames the directory once nothing uses it. `closeFiles` must close its files before that, because Windows renames no
   * directory with open files.
   */
  rename(fs: FileSystem, to: string, closeFiles: () => Promise<void>): Promise<void> {
    return this.#whenUnused(async () => {
      await closeFiles();
      await fs.rename(this.#path, to);
      this.#path = to;
    });
  }

  /** Removes the directory with all its files once nothing uses it. The log must be closed. */
  remove(fs: FileSystem): Promise<void> {
    return this.#whenUnused(() => fs.remove(this.#path));
  }

  /** Renames or removes the directory (`change`) once nothing uses it. */
  async #whenUnused(change: () => Promise<void>): Promise<void> {
    assert(this.#changing === null && this.#onUnused === null, 'one change of a directory at a time');
    while (this.#usesCount > 0) {
      await new Promise<void>((resolve) => {
        this.#onUnused = resolve;
      });
      this.#onUnused = null;
    }
    const changed = change();
    this.#changing = changed.catch(ignore);
    try {
      await changed;
    } finally {
      this.#changing = null;
    }
  }
}
