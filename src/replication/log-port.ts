/**
 * The interfaces through which replication uses one partition log (`ReplicaLog`) and all logs of the broker (`LogStore`).
 * `log/` implements both; tests of the pure parts use stubs.
 *
 * Invariants of a log: logStartOffset <= highWatermark <= logEndOffset. `logEndOffset` includes only completed writes. Writes
 * to one log complete in the order in which they were appended.
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
  /** The largest epoch of the log that is not above the requested one; the requested one when all are above it; -1: unknown. */
  readonly epoch: number;
  /** The offset after the last record of that epoch; -1: unknown. */
  readonly endOffset: number;
}

export interface ReplicaLog {
  readonly directory: string;
  readonly topicId: Uuid;
  /** The disk has failed, or the log was closed. */
  readonly isOffline: boolean;
  readonly sizeBytes: number;
  readonly logStartOffset: number;
  readonly logEndOffset: number;
  readonly highWatermark: number;
  readonly lastStableOffset: number;
  /**
   * The first offset whose records this replica has lost although it has later ones; null: there is none. A follower fetches
   * from there, and is truncated to it before it appends what it fetches.
   */
  readonly missingFrom: number | null;
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
   * How many bytes of whole batches the log has from `offset` to below `upTo`, without reading them. Null: the batches are not
   * in memory, so their size is unknown. Infinity: the batches reach into a newer segment, so one read cannot return all of
   * them; a fetch that waits for more bytes need not wait.
   */
  bytesReadable(offset: number, upTo: number): number | null;
  /**
   * Reads from memory: at least one batch, as views of the memory cache that are valid until the next append. Null: the batches
   * are not in memory and must be read from disk, or there are none below `upTo`.
   */
  readCachedParts(offset: number, maxBytes: number, upTo: number): LogParts | null;
  endOffsetForEpoch(epoch: number): EpochEndOffset;
  /** Leader epoch of the record at `offset`; -1 when unknown. */
  epochAt(offset: number): number;
  offsetForTimestamp(
    timestampMs: number,
  ): Promise<{ timestamp: number; offset: number; leaderEpoch: number } | null>;
  offsetOfMaxTimestamp(): Promise<{ timestamp: number; offset: number; leaderEpoch: number } | null>;
  /**
   * Removes the records from `offset` on, and from the epoch cache the leader epochs that begin at or after `offset`, even when
   * there is no such record. Nothing may be appended until the promise resolves.
   */
  truncateTo(offset: number): Promise<void>;
  truncateFullyAndStartAt(offset: number): Promise<void>;
  deleteRecordsTo(offset: number): Promise<number>;
  updateConfig(config: TopicConfig): void;
  producers(): readonly ProducerState[];
  /** Begins a verification (KIP-890). Null: this log already has records of the transaction, so its batches need no guard. */
  beginVerification(request: VerificationRequest): VerificationGuard | null;
  abortedTransactions(from: number, to: number): Promise<readonly AbortedTransaction[]>;
}

/** The part of a log that the comparison of a follower's log with the leader's uses, on both sides. */
export type EpochLookup = Pick<ReplicaLog, 'logStartOffset' | 'logEndOffset' | 'endOffsetForEpoch'>;

/** All logs of this broker. The caller waits for an operation on a partition directory before it requests the next. */
export interface LogStore {
  /**
   * The open log of this topic name, which may belong to a deleted topic of the same name: compare its topic id. Synchronous,
   * so that the start of a broker with many partitions does not wait for each.
   */
  get(topic: string, index: number): ReplicaLog | null;
  /**
   * Opens the log of a partition, or creates it. Rejects with KAFKA_STORAGE_ERROR when its directory is offline, or when a log
   * that was not found may be in an offline directory: the replica existed before this broker's start (`isNew` is false), or
   * metadata names a directory that is not online here.
   */
  getOrCreate(
    topic: string,
    index: number,
    topicId: Uuid,
    config: TopicConfig,
    directoryId: Uuid | null,
    isNew: boolean,
  ): Promise<ReplicaLog>;
  /** The id of the log directory that holds the partition, even if that directory has failed; null: there is no log. */
  directoryIdOf(topic: string, index: number): Uuid | null;
  /** Closes the log, and renames its directory, which is removed later. */
  delete(topic: string, index: number): Promise<void>;
  /** Renames the directories of logs for which `isExpected` returns false, so that they are not opened any more. */
  removeStrays(
    isExpected: (log: ReplicaLog & { readonly topic: string; readonly partition: number }) => boolean,
  ): Promise<void>;
}

/**
 * Whether a log operation failed because of its disk. Any other error of a log is a bug and must not be treated as a failed
 * disk.
 */
export function isDiskFailure(error: unknown): boolean {
  return error instanceof KafkaError && error.error === Errors.KAFKA_STORAGE_ERROR;
}
