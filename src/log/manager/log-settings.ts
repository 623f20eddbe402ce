/** Broker settings of `log/`. The composition root makes them from the node's configuration. */
import type { NodeConfig } from '../../config/node-config.ts';

/** The time that Kafka adds to `transaction.max.timeout.ms`. */
const lateTransactionBufferMs = 5 * 60_000;

export interface LogManagerSettings {
  /** Take `.lock` in each directory. False when the owner has taken them already. */
  readonly locksDirectories: boolean;
  readonly initialTaskDelayMs: number;
  readonly retentionCheckIntervalMs: number;
  readonly recoveryPointCheckpointIntervalMs: number;
  readonly logStartCheckpointIntervalMs: number;
  readonly highWatermarkCheckpointIntervalMs: number;
  /** Interval of checks for `flush.ms`, if it is shorter than that of the other checks. */
  readonly flushCheckIntervalMs: number;
  /** Changes at run time. */
  readonly producerIdExpirationMs: number;
  readonly producerIdExpirationCheckIntervalMs: number;
  /** A transaction without a write for longer than this will not end by itself. Changes at run time. */
  readonly lateTransactionMs: number;
  readonly cleanerEnabled: boolean;
  /** Changes at run time. */
  readonly cleanerBackoffMs: number;
  /** Limits bytes read and written by compaction. Changes at run time. */
  readonly cleanerBytesPerSecond: number;
  /** Replicas that move between log directories concurrently; null: as many as there are directories. */
  readonly movesMax: number | null;
}

export const defaultLogManagerSettings: LogManagerSettings = {
  locksDirectories: true,
  initialTaskDelayMs: 30000,
  retentionCheckIntervalMs: 300000,
  recoveryPointCheckpointIntervalMs: 60000,
  logStartCheckpointIntervalMs: 60000,
  highWatermarkCheckpointIntervalMs: 5000,
  flushCheckIntervalMs: Number.MAX_SAFE_INTEGER,
  producerIdExpirationMs: 86400000,
  producerIdExpirationCheckIntervalMs: 600000,
  lateTransactionMs: 1200000,
  cleanerEnabled: true,
  cleanerBackoffMs: 15000,
  cleanerBytesPerSecond: Number.MAX_SAFE_INTEGER,
  movesMax: null,
};

export function logManagerSettings(config: NodeConfig, locksDirectories: boolean): LogManagerSettings {
  return {
    locksDirectories,
    initialTaskDelayMs: config.get('log.initial.task.delay.ms'),
    retentionCheckIntervalMs: config.get('log.retention.check.interval.ms'),
    recoveryPointCheckpointIntervalMs: config.get('log.flush.offset.checkpoint.interval.ms'),
    logStartCheckpointIntervalMs: config.get('log.flush.start.offset.checkpoint.interval.ms'),
    highWatermarkCheckpointIntervalMs: config.get('replica.high.watermark.checkpoint.interval.ms'),
    flushCheckIntervalMs: config.get('log.flush.scheduler.interval.ms'),
    get producerIdExpirationMs() {
      return config.get('producer.id.expiration.ms');
    },
    producerIdExpirationCheckIntervalMs: config.get('producer.id.expiration.check.interval.ms'),
    get lateTransactionMs() {
      return config.get('transaction.max.timeout.ms') + lateTransactionBufferMs;
    },
    cleanerEnabled: config.get('log.cleaner.enable'),
    get cleanerBackoffMs() {
      return config.get('log.cleaner.backoff.ms');
    },
    get cleanerBytesPerSecond() {
      return config.get('log.cleaner.io.max.bytes.per.second');
    },
    movesMax: config.get('num.replica.alter.log.dirs.threads'),
  };
}
