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

/** How often what was written to is looked at: indexes and epochs behind the appends, and `flush.ms`. */
const writeBehindIntervalMs = 2000;

/** Kafka looks whenever its metric is read. */
const lateTransactionsIntervalMs = 60_000;

const every = (firstMs: number, intervalMs: () => number): TaskTimes => ({ firstMs, nextMs: intervalMs });

export function taskTimes(settings: LogManagerSettings): Readonly<Record<LogTask, TaskTimes>> {
  const first = settings.initialTaskDelayMs;
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
    writeBehind: every(writeBehindIntervalMs, () => writeBehindIntervalMs),
    // The cleaner looks at once, and pauses only when there was nothing to compact.
    cleaner: { firstMs: 0, nextMs: (didWork) => (didWork ? 0 : settings.cleanerBackoffMs) },
  };
}
