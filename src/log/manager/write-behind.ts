/**
 * Background writes of logs with new records: their indexes and leader epochs are written, `flush.ms` is checked, and recovery
 * points advance, so that a start after a crash reads little (docs/decisions/0072-recovery-points-that-follow.md).
 */
import type { Scheduler } from '../../base/clock.ts';
import { contain } from './background-tasks.ts';
import { forEachInTurns } from './concurrency.ts';
import type { PartitionLog } from '../partition-log.ts';

/** A log with more bytes above its recovery point is synced in the background. */
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

  /** `checkpoint` writes the recovery points; it is called when one has advanced. */
  async run(checkpoint: () => Promise<void>): Promise<void> {
    let hasMoved = false;
    const touched = this.#touched;
    this.#touched = new Set();
    await forEachInTurns(touched, this.#scheduler, async (log) => {
      if (log.isOffline) return;
      log.state.isTouched = false;
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
      // If the topic flushes by time, the log stays on the list until it is flushed.
      if (log.state.config.flushMs < Number.MAX_SAFE_INTEGER && log.recoveryPoint < log.logEndOffset)
        this.#touched.add(log);
    });
    if (hasMoved) await checkpoint();
  }
}
