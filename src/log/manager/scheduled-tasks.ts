/**
 * When the tasks of a log manager run: first some time after the start, so that they do not slow it down, then periodically. The
 * times are those of Kafka's LogManager, LogCleaner and ReplicaManager.
 */
import type { LogManagerSettings } from './log-settings.ts';

export interface TaskTimes {
  readonly firstMs: number;
  /** Delay between the end of a run and the next one. `didWork`: the run had work to do. */
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
 * Interval at which logs with new records are checked, to write indexes and epochs and for `flush.ms`. Kafka checks `flush.ms`
 * every `log.flush.scheduler.interval.ms`, which is never by default; here that property can only shorten the interval.
 */
const writeBehindIntervalMs = 2000;

/** Kafka checks whenever its metric is read. */
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
    // The cleaner runs again at once, and pauses only when there was nothing to compact.
    cleaner: { firstMs: 0, nextMs: (didWork) => (didWork ? 0 : settings.cleanerBackoffMs) },
  };
}
