/**
 * The times at which the log manager's tasks run. The cleaner and the checkpoints of high watermarks begin at once; other tasks
 * run first some time after the start, so that they do not slow the start down. Then all run periodically. Apart from
 * `writeBehind` and `lateTransactions` the tasks are those of Kafka's LogManager, UnifiedLog, LogCleaner and ReplicaManager.
 */
import type { LogManagerSettings } from './log-settings.ts';

export interface TaskTimes {
  readonly firstMs: number;
  /** The delay from the end of a run to the next run. `didWork`: the run had work to do. */
  nextMs(didWork: boolean): number;
}

export type LogTask =
  | 'retention'
  | 'producers'
  | 'lateTransactions'
  | 'recoveryPoint'
  | 'logStart'
  | 'highWatermark'
  | 'writeBehind'
  | 'cleaner';

/**
 * The interval at which logs with new records write their indexes and epochs, and `flush.ms` is checked. Kafka checks
 * `flush.ms` at the interval `log.flush.scheduler.interval.ms`, by default never; here that property can only make the interval
 * shorter.
 */
const writeBehindIntervalMs = 2000;

/** The interval of the check for late transactions. Kafka checks whenever its metric is read. */
const lateTransactionsIntervalMs = 60_000;

const every = (firstMs: number, intervalMs: () => number): TaskTimes => ({ firstMs, nextMs: intervalMs });

export function taskTimes(settings: LogManagerSettings): Readonly<Record<LogTask, TaskTimes>> {
  const first = settings.initialTaskDelayMs;
  const writeBehindMs = Math.min(writeBehindIntervalMs, Math.max(1, settings.flushCheckIntervalMs));
  return {
    retention: every(first, () => settings.retentionCheckIntervalMs),
    producers: every(
      settings.producerIdExpirationCheckIntervalMs,
      () => settings.producerIdExpirationCheckIntervalMs,
    ),
    lateTransactions: every(lateTransactionsIntervalMs, () => lateTransactionsIntervalMs),
    recoveryPoint: every(first, () => settings.recoveryPointCheckpointIntervalMs),
    logStart: every(first, () => settings.logStartCheckpointIntervalMs),
    highWatermark: every(0, () => settings.highWatermarkCheckpointIntervalMs),
    writeBehind: every(writeBehindMs, () => writeBehindMs),
    // After a run that compacted something, the cleaner runs again at once; otherwise after `log.cleaner.backoff.ms`.
    cleaner: { firstMs: 0, nextMs: (didWork) => (didWork ? 0 : settings.cleanerBackoffMs) },
  };
}
