/** Broker settings of `log/`. The composition root makes them from the node's configuration. */
import type { NodeConfig } from '../../config/node-config.ts';

/** A transaction counts as late this long after `transaction.max.timeout.ms`; Kafka adds the same time. */
const lateTransactionBufferMs = 5 * 60_000;

export interface LogManagerSettings {
  /** Whether the manager locks each directory (`.lock`). False when the owner has locked them already. */
  readonly locksDirectories: boolean;
  readonly initialTaskDelayMs: number;
  readonly retentionCheckIntervalMs: number;
  readonly recoveryPointCheckpointIntervalMs: number;
  readonly logStartCheckpointIntervalMs: number;
  readonly highWatermarkCheckpointIntervalMs: number;
  /** The interval at which `flush.ms` is checked, if it is shorter than the usual one (`scheduled-tasks.ts`). */
  readonly flushCheckIntervalMs: number;
  /** A producer that has not written for this long is forgotten. Changes at run time. */
  readonly producerIdExpirationMs: number;
  readonly producerIdExpirationCheckIntervalMs: number;
  /** When a transaction has had no write for this long, it should have ended. Changes at run time. */
  readonly lateTransactionMs: number;
  readonly cleanerEnabled: boolean;
  /** How long the cleaner waits when no log needs compaction. Changes at run time. */
  readonly cleanerBackoffMs: number;
  /** How many bytes per second compaction may read and write. Changes at run time. */
  readonly cleanerBytesPerSecond: number;
  /** How many replicas may move between log directories at a time; null: as many as there are directories. */
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
