/**
 * Creates the directories of new partitions in the background. When the first write of a partition comes before that, the write
 * creates its directory.
 */
import type { Scheduler } from '../../base/clock.ts';
import type { FileSystem } from '../../base/file-system.ts';
import { mark } from '../../base/mark.ts';
import { Errors, KafkaError } from '../../protocol/errors.ts';
import type { PartitionLog } from '../partition-log.ts';

const atATime = 4;

export class NewDirectories {
  readonly #scheduler: Scheduler;
  readonly #unmade: PartitionLog[] = [];
  #isMaking = false;
  #isStopped = false;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  add(log: PartitionLog): void {
    this.#unmade.push(log);
    if (this.#isMaking) return;
    this.#isMaking = true;
    this.#scheduler.after(0, () => void this.#make());
  }

  stop(): void {
    this.#isStopped = true;
  }

  async #make(): Promise<void> {
    while (this.#unmade.length > 0 && !this.#isStopped) {
      const batch = this.#unmade.splice(0, atATime);
      await Promise.allSettled(batch.map((log) => log.materialise()));
    }
    this.#isMaking = false;
  }
}

/**
 * Throws when a directory at `path` exists. On Windows and macOS, names that differ only in case are the same name, so the
 * directory may be that of another topic. An error of the disk is ignored here; the first write reports it.
 */
export async function requireFree(fs: FileSystem, path: string): Promise<void> {
  if ((await fs.stat(path).catch(() => null)) === null) return;
  mark('log.directory-taken');
  throw new KafkaError(
    Errors.KAFKA_STORAGE_ERROR,
    `${path} exists already: on this disk it is the directory of a topic whose name differs only in case`,
  );
}
