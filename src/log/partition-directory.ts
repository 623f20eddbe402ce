/**
 * The directory of a partition, which is renamed when the partition is deleted or its copy in another log directory takes its
 * place. Syncs and reads run beside a rename, without the lock of the log. An operation that had taken the old path and came to
 * the disk after the rename would find no file there, which looks like a failed disk.
 *
 * Invariant: the path does not change while the directory is used. Uses may nest: only a rename waits for uses to end, and uses
 * wait only while the disk carries out the rename.
 */
import { assert } from '../base/assert.ts';
import type { FileSystem } from '../base/file-system.ts';

const ignore = (): void => undefined;

export class PartitionDirectory {
  #path: string;
  #usesCount = 0;
  /** Called when the last use ends; null: no rename waits. */
  #onUnused: (() => void) | null = null;
  /** Settles when the rename that the disk carries out has ended; null: there is none. */
  #renaming: Promise<void> | null = null;

  constructor(path: string) {
    this.#path = path;
  }

  get path(): string {
    return this.#path;
  }

  /** Runs `body`, during which the path does not change. */
  using<T>(body: () => Promise<T>): Promise<T> {
    if (this.#renaming !== null) return this.#renaming.then(() => this.using(body));
    this.#usesCount += 1;
    return body().finally(() => {
      this.#usesCount -= 1;
      if (this.#usesCount === 0) this.#onUnused?.();
    });
  }

  /**
   * Renames the directory once nothing uses it. `closeFiles` must close its files before that, because Windows renames no directory
   * with open files. One rename at a time.
   */
  async rename(fs: FileSystem, to: string, closeFiles: () => Promise<void>): Promise<void> {
    assert(this.#renaming === null && this.#onUnused === null, 'one rename of a directory at a time');
    while (this.#usesCount > 0) {
      await new Promise<void>((resolve) => {
        this.#onUnused = resolve;
      });
      this.#onUnused = null;
    }
    const renamed = closeFiles().then(() => fs.rename(this.#path, to));
    this.#renaming = renamed.catch(ignore);
    try {
      await renamed;
      this.#path = to;
    } finally {
      this.#renaming = null;
    }
  }
}
