/**
 * Values that go in and out of a `Partition`. Offsets named `...EndOffset` or `highWatermark` are exclusive; -1 is "none"
 * wherever Kafka's protocol says so (epochs that were not given, offsets that are not known).
 */

export interface LogAppendInfo {
  readonly firstOffset: number;
  readonly lastOffset: number;
  readonly lastLeaderEpoch: number;
  readonly maxTimestamp: number;
  readonly logAppendTimeMs: number;
  /** Base offset of the identical batch that is in the log already, else null. */
  readonly duplicateOf: number | null;
  readonly sizeBytes: number;
}

export interface LogReadResult {
  /** Whole batches; empty when there is nothing to give. */
  readonly records: Uint8Array;
  /** Where the next read goes on. */
  readonly nextOffset: number;
}

export interface LogParts {
  /** Whole batches. */
  readonly parts: readonly Uint8Array[];
  readonly nextOffset: number;
}

export interface AbortedTransaction {
  readonly producerId: number;
  readonly firstOffset: number;
}

export interface ProducerState {
  readonly producerId: number;
}

export type Acks = -1 | 0 | 1;

/** What a replica does on this broker. */
export type Role = 'none' | 'leader' | 'follower' | 'stopped' | 'offline';

/** Stands for one verification of a producer's transaction; only the log that gave it can tell what it is worth. */
export interface VerificationGuard {
  readonly producerId: number;
}

/** A producer asks to begin a transaction in a partition (KIP-890). */
export interface VerificationRequest {
  readonly producerId: number;
  readonly producerEpoch: number;
  /** First sequence of the batch that waits. */
  readonly sequence: number;
  /** Of a client with transactions version 2. */
  readonly supportsEpochBump: boolean;
}

export interface AppendOptions {
  readonly origin: 'client' | 'coordinator';
  readonly requestVersion: number;
  /** What the first batch of a transaction shows; none by default. `'off'`: transactions are not verified. */
  readonly verification?: VerificationGuard | 'off' | null;
  /** `transaction.version` of the transaction that a marker ends; 1 by default. */
  readonly transactionVersion?: number;
}

export interface AppendResult {
  readonly info: LogAppendInfo;
  /** Fulfilled when the promise of `acks` is kept; rejects with a `KafkaError`. The caller adds the time-out. */
  readonly acknowledged: Promise<void>;
}

/** Up to where a reader may see: everything written, what is committed, what belongs to no open transaction. */
export type Isolation = 'log_end' | 'high_watermark' | 'txn_committed';

/** Where a fetch reads, and the replica or consumer that sent it. */
export interface FetchPosition {
  readonly offset: number;
  readonly isolation: Isolation;
  /** -1: not given. */
  readonly currentLeaderEpoch: number;
  /** -1: not given. */
  readonly lastFetchedEpoch: number;
  /** KIP-392: a follower may answer, up to its own high watermark. */
  readonly allowFollower: boolean;
}

export interface FetchOptions extends FetchPosition {
  readonly maxBytes: number;
  readonly minOneBatch: boolean;
}

export interface FetchPartitionData {
  readonly records: Uint8Array;
  readonly highWatermark: number;
  readonly lastStableOffset: number;
  readonly logStartOffset: number;
  /** Null unless the isolation is `committed`. */
  readonly abortedTransactions: readonly AbortedTransaction[] | null;
  readonly divergingEpoch: { readonly epoch: number; readonly endOffset: number } | null;
}

export interface ListOffsetOptions {
  /** -1 latest, -2 and -4 earliest, -3 the record with the largest timestamp, else the first record not older. */
  readonly timestamp: number;
  readonly isolation: Isolation;
  readonly currentLeaderEpoch: number;
  readonly allowFollower: boolean;
}

export interface FoundOffset {
  readonly timestamp: number;
  readonly offset: number;
  readonly leaderEpoch: number;
}

export const noRecords: Uint8Array = new Uint8Array(0);
