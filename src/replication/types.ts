/**
 * Parameters and results of a `Partition`. Offsets named `...EndOffset` or `highWatermark` are exclusive. As in Kafka's
 * protocol, -1 means that an epoch was not given or an offset is unknown.
 */

export interface LogAppendInfo {
  readonly firstOffset: number;
  readonly lastOffset: number;
  readonly lastLeaderEpoch: number;
  readonly maxTimestamp: number;
  readonly logAppendTimeMs: number;
  /** When the log already has the batch, because the producer has sent it again: its base offset. Else null. */
  readonly duplicateOf: number | null;
  readonly sizeBytes: number;
}

export interface LogReadResult {
  /** Whole batches; empty when there are none. */
  readonly records: Uint8Array;
  /** The offset at which the next read continues. */
  readonly nextOffset: number;
}

export interface LogParts {
  /** Whole batches in several pieces, so that they need not be copied into one array. */
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

/** The role of a replica on this broker. */
export type Role = 'none' | 'leader' | 'follower' | 'stopped' | 'offline';

/**
 * Returned by a log when a verification begins (KIP-890). The first append of the transaction must pass the same object, so
 * that the log knows to which verification the append belongs.
 */
export interface VerificationGuard {
  readonly producerId: number;
}

/** A producer is about to begin a transaction in a partition (KIP-890). */
export interface VerificationRequest {
  readonly producerId: number;
  readonly producerEpoch: number;
  /** First sequence of the batch to be verified. */
  readonly sequence: number;
  /** The client uses transaction version 2, in which each transaction has a new producer epoch. */
  readonly supportsEpochBump: boolean;
}

export interface AppendOptions {
  readonly origin: 'client' | 'coordinator';
  readonly requestVersion: number;
  /**
   * The guard of the verification that allows the first batch of a transaction. `'off'`: the log does not require a
   * verification.
   */
  readonly verification?: VerificationGuard | 'off' | null;
  /** `transaction.version` of the transaction that a marker ends; 1 by default. */
  readonly transactionVersion?: number;
}

export interface AppendResult {
  readonly info: LogAppendInfo;
  /**
   * Resolves when the records are acknowledged according to `acks`; rejects with a `KafkaError`. The caller adds the time-out.
   */
  readonly acknowledged: Promise<void>;
}

/** How far a reader may read: to the log end, the high watermark, or the last stable offset. */
export type Isolation = 'log_end' | 'high_watermark' | 'txn_committed';

/** The position of a fetch, and what its sender may read. */
export interface FetchPosition {
  readonly offset: number;
  readonly isolation: Isolation;
  /** The leader epoch that the client knows; -1 when the request has none. */
  readonly currentLeaderEpoch: number;
  /** Leader epoch of the last record that the client has; -1 when the request has none. */
  readonly lastFetchedEpoch: number;
  /** KIP-392: a follower may serve the read, up to its own high watermark. */
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
  /** Null unless the isolation is `txn_committed`. */
  readonly abortedTransactions: readonly AbortedTransaction[] | null;
  readonly divergingEpoch: { readonly epoch: number; readonly endOffset: number } | null;
}

export interface ListOffsetOptions {
  /**
   * -1: the latest offset; -2 and -4: the earliest; -3: the record with the largest timestamp. Else a timestamp in ms: the
   * first record with this or a later timestamp.
   */
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
