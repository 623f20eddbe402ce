/**
 * A periodic task for logs with new records: writes their indexes and leader epochs, flushes those whose `flush.ms` has passed,
 * and advances recovery points, so that a start after a crash has little to read
 * (docs/decisions/0072-recovery-points-that-follow.md).
 */
import type { Scheduler } from '../../base/clock.ts';
import { contain } from './background-tasks.ts';
import { forEachInTurns } from './concurrency.ts';
import type { PartitionLog } from '../partition-log.ts';

/** A log with more bytes than this above its recovery point is synced. */
const unsyncedBytesMax = 16 * 1024 * 1024;

export class WriteBehind {
  readonly #scheduler: Scheduler;
  #touched = new Set<PartitionLog>();

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  add(log: PartitionLog): void {
    this.#touched.add(log);
  }

  delete(log: PartitionLog): void {
    this.#touched.delete(log);
  }

  /** Runs the task once. `checkpoint` writes the recovery points to disk; it is called when one of them has advanced. */
  async run(checkpoint: () => Promise<void>): Promise<void> {
    let hasMoved = false;
    const touched = this.#touched;
    this.#touched = new Set();
    await forEachInTurns(touched, this.#scheduler, async (log) => {
      if (log.isOffline) return;
      log.resetTouched();
      try {
        await log.writeBehind();
        await log.flushIfDue();
        if (!log.isOffline && log.unsyncedBytes >= unsyncedBytesMax) {
          await log.syncBehind();
          hasMoved = true;
        }
      } catch (error) {
        contain(log, error, 'write-behind');
      }
      // If the topic has `flush.ms`, the log stays on the list until all its records are synced.
      if (log.state.config.flushMs < Number.MAX_SAFE_INTEGER && log.recoveryPoint < log.logEndOffset)
        this.#touched.add(log);
    });
    if (hasMoved) await checkpoint();
  }
}
