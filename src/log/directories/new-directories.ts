/** Directories of new partitions come with their first write or, at leisure, from here. */
import type { Scheduler } from '../../base/clock.ts';
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
