/**
 * When the tasks of a log manager run: a while after the start, so that a node that comes up is not busy with them, and then
 * again and again. First and later times are those of Kafka's LogManager, LogCleaner and ReplicaManager.
 */
import type { LogManagerSettings } from './log-settings.ts';

export interface TaskTimes {
  readonly firstMs: number;
  /** How long after a run the next one begins. `didWork`: the run found something to do. */
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
 * How often logs that were written to are looked at, for indexes and epochs behind the appends and for `flush.ms`. Kafka looks for
 * `flush.ms` every `log.flush.scheduler.interval.ms`, which is never by default; here that property can only make it more often.
 */
const writeBehindIntervalMs = 2000;

/** Kafka looks whenever its metric is read. */
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
    // The cleaner looks at once, and pauses only when there was nothing to compact.
    cleaner: { firstMs: 0, nextMs: (didWork) => (didWork ? 0 : settings.cleanerBackoffMs) },
  };
}
