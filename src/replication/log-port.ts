/**
 * The interface of a partition log and of the set of logs, as replication uses them. `log/` implements both; tests of the pure
 * parts use stubs.
 *
 * The invariant of the log: logStartOffset <= highWatermark <= logEndOffset, and `logEndOffset` includes only completed writes.
 * Writes of one log complete in the order in which they were appended.
 */
import type { Uuid } from '../base/uuid.ts';
import type { TopicConfig } from '../config/topic.ts';
import { Errors, KafkaError } from '../protocol/errors.ts';
import type {
  AbortedTransaction,
  AppendOptions,
  LogAppendInfo,
  LogParts,
  LogReadResult,
  ProducerState,
  VerificationGuard,
  VerificationRequest,
} from './types.ts';

export interface EpochEndOffset {
  /** -1: unknown. */
  readonly epoch: number;
  /** -1: unknown. */
  readonly endOffset: number;
}

export interface ReplicaLog {
  readonly directory: string;
  readonly topicId: Uuid;
  /** The disk failed or the log was closed. */
  readonly isOffline: boolean;
  readonly sizeBytes: number;
  readonly logStartOffset: number;
  readonly logEndOffset: number;
  readonly highWatermark: number;
  readonly lastStableOffset: number;
  /** The newest leader epoch of the log; -1 when it has none. */
  readonly latestEpoch: number;
  setHighWatermark(offset: number): void;
  /** Records that `epoch` begins at the next record; a new leader calls this before its first append. */
  beginEpoch(epoch: number): void;
  appendAsLeader(
    records: Uint8Array,
    leaderEpoch: number,
    options: AppendOptions,
  ): { info: LogAppendInfo; written: Promise<void> };
  appendAsFollower(records: Uint8Array): { info: LogAppendInfo; written: Promise<void> };
  read(offset: number, maxBytes: number, upTo: number, minOneBatch: boolean): Promise<LogReadResult>;
  readCached(offset: number, maxBytes: number, upTo: number, minOneBatch: boolean): LogReadResult | null;
  /**
   * Bytes of whole batches from `offset` to below `upTo`, counted in memory without a copy; null: they are not in memory. Infinity:
   * `offset` is in an older segment than the last of these batches, so one read cannot return all of them.
   */
  bytesReadable(offset: number, upTo: number): number | null;
  /** At least one batch, as separate views that are valid until the next append; null when the disk must be read. */
  readCachedParts(offset: number, maxBytes: number, upTo: number): LogParts | null;
  endOffsetForEpoch(epoch: number): EpochEndOffset;
  /** Leader epoch of the record at `offset`; -1 when unknown. */
  epochAt(offset: number): number;
  offsetForTimestamp(
    timestampMs: number,
  ): Promise<{ timestamp: number; offset: number; leaderEpoch: number } | null>;
  offsetOfMaxTimestamp(): Promise<{ timestamp: number; offset: number; leaderEpoch: number } | null>;
  /** Also removes epochs that begin at or after `offset`, even when no record is truncated. No append may be made until it resolves. */
  truncateTo(offset: number): Promise<void>;
  truncateFullyAndStartAt(offset: number): Promise<void>;
  deleteRecordsTo(offset: number): Promise<number>;
  updateConfig(config: TopicConfig): void;
  producers(): readonly ProducerState[];
  /** Null: the transaction has begun in this log, and its batches need no guard. */
  beginVerification(request: VerificationRequest): VerificationGuard | null;
  abortedTransactions(from: number, to: number): Promise<readonly AbortedTransaction[]>;
}

/** The logs of this broker. Operations on one partition directory are requested one after the other. */
export interface LogStore {
  /** The log that is open under this name, whatever its topic id. Synchronous, so that many partitions can start without waiting. */
  get(topic: string, index: number): ReplicaLog | null;
  /**
   * Opens the log of a partition or creates it. Rejects with KAFKA_STORAGE_ERROR when its directory is offline. Rejects also when
   * some directory is offline and may have the log: when the replica is not new to this broker (`isNew`), or metadata names a
   * directory that this broker does not have online.
   */
  getOrCreate(
    topic: string,
    index: number,
    topicId: Uuid,
    config: TopicConfig,
    directoryId: Uuid | null,
    isNew: boolean,
  ): Promise<ReplicaLog>;
  /** Id of the log directory of a partition, also when that directory has failed; null: there is no log. */
  directoryIdOf(topic: string, index: number): Uuid | null;
  /** Closes the log and removes its files. */
  delete(topic: string, index: number): Promise<void>;
  /** Sets aside the logs that this broker should not have. */
  removeStrays(
    isExpected: (log: ReplicaLog & { readonly topic: string; readonly partition: number }) => boolean,
  ): Promise<void>;
}

/** Any other error of a log is a bug and must not be treated as a failed disk. */
export function isDiskFailure(error: unknown): boolean {
  return error instanceof KafkaError && error.error === Errors.KAFKA_STORAGE_ERROR;
}
