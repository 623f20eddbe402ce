/** Logs that were written to: their indexes and epochs are written behind them, and `flush.ms` is looked at. */
import { contain } from './background-tasks.ts';
import type { PartitionLog } from './partition-log.ts';

export class WriteBehind {
  #touched = new Set<PartitionLog>();

  add(log: PartitionLog): void {
    this.#touched.add(log);
  }

  delete(log: PartitionLog): void {
    this.#touched.delete(log);
  }

  async run(): Promise<void> {
    const touched = this.#touched;
    this.#touched = new Set();
    for (const log of touched) {
      if (log.isOffline) continue;
      log.state.isTouched = false;
      try {
        await log.writeBehind();
        await log.flushIfDue();
      } catch (error) {
        contain(log, error, 'write-behind');
      }
      // Until it is flushed it stays on the list, if the topic flushes by time.
      if (log.state.config.flushMs < Number.MAX_SAFE_INTEGER && log.recoveryPoint < log.logEndOffset)
        this.#touched.add(log);
    }
  }
}
