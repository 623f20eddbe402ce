/**
 * Logs that were written to: their indexes and epochs are written behind them, `flush.ms` is looked at, and recovery points
 * follow, so that a start after a crash reads little (docs/decisions/0072-recovery-points-that-follow.md).
 */
import type { Scheduler } from '../../base/clock.ts';
import { contain } from './background-tasks.ts';
import { forEachInTurns } from './concurrency.ts';
import type { PartitionLog } from '../partition-log.ts';

/** A log with more behind its recovery point is synced in the background. */
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

  /** `checkpoint` writes the recovery points; it is called when one was moved. */
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
      // Until it is flushed it stays on the list, if the topic flushes by time.
      if (log.state.config.flushMs < Number.MAX_SAFE_INTEGER && log.recoveryPoint < log.logEndOffset)
        this.#touched.add(log);
    });
    if (hasMoved) await checkpoint();
  }
}
