/**
 * Reads of a replica, for Fetch and ListOffsets requests. The caller has checked the replica's role and the leader epoch.
 *
 * Invariant: a reader gets no record at or above the limit of its isolation level, computed from this replica's own log. So
 * consumers read from a follower at most up to the high watermark that it knows; only debugging tools (`log_end`) read further.
 */
import { mark } from '../base/mark.ts';
import { Errors, KafkaError } from '../protocol/errors.ts';
import type { LeaderState } from './leader/leader-state.ts';
import type { EpochEndOffset, ReplicaLog } from './log-port.ts';
import {
  type FetchOptions,
  type FetchPartitionData,
  type FetchPosition,
  type FoundOffset,
  type Isolation,
  type ListOffsetOptions,
  type LogReadResult,
  noRecords,
  type Role,
} from './types.ts';

/** The parts of a `Partition` that reads use. */
export interface Readable {
  readonly log: ReplicaLog;
  readonly leaderEpoch: number;
  readonly isLeader: boolean;
  readonly leaderState: LeaderState | null;
}

const nothing: LogReadResult = { records: noRecords, nextOffset: -1 };

/**
 * Throws unless a replica with this role and `leaderEpoch` may serve a request. `currentLeaderEpoch` is the leader epoch that
 * the client knows; -1: the request has none.
 */
export function checkAccess(
  role: Role,
  leaderEpoch: number,
  currentLeaderEpoch: number,
  allowFollower: boolean,
): void {
  if (role === 'offline') throw new KafkaError(Errors.KAFKA_STORAGE_ERROR);
  if (currentLeaderEpoch !== -1 && currentLeaderEpoch < leaderEpoch)
    throw new KafkaError(Errors.FENCED_LEADER_EPOCH);
  if (currentLeaderEpoch > leaderEpoch) throw new KafkaError(Errors.UNKNOWN_LEADER_EPOCH);
  if (role === 'leader' || (allowFollower && role === 'follower')) return;
  throw new KafkaError(Errors.NOT_LEADER_OR_FOLLOWER);
}

/** The first offset that a reader with this isolation level must not see. */
export function readLimit(log: ReplicaLog, isolation: Isolation): number {
  switch (isolation) {
    case 'log_end':
      return log.logEndOffset;
    case 'high_watermark':
      return log.highWatermark;
    case 'txn_committed':
      return log.lastStableOffset;
  }
}

/**
 * Null when this replica has the records up to the reader's position. Otherwise the point at which the reader's log has
 * diverged from this log: the largest epoch in this log that is not above the epoch of the reader's last record, and its end
 * offset. Throws when the position is out of range, or when this follower cannot know the point yet.
 */
function divergence({ log, isLeader }: Readable, position: FetchPosition): EpochEndOffset | null {
  const { offset, lastFetchedEpoch } = position;
  if (offset < log.logStartOffset) throw new KafkaError(Errors.OFFSET_OUT_OF_RANGE);
  if (lastFetchedEpoch >= 0) {
    const end = log.endOffsetForEpoch(lastFetchedEpoch);
    if (end.epoch !== lastFetchedEpoch || end.endOffset < offset) {
      // An epoch's end is certain once the record at it, which has a later epoch, is committed. Before that, a follower may
      // lack records that the reader has from the leader, or have records that it will truncate.
      const isCertain = end.endOffset >= 0 && (isLeader || end.endOffset < log.highWatermark);
      if (isCertain) return end;
      throw notInLog(isLeader);
    }
  }
  if (offset > log.logEndOffset) throw notInLog(isLeader);
  return null;
}

/** The error for a position that this log does not have. When this replica is a follower, its leader may have the position. */
function notInLog(isLeader: boolean): KafkaError {
  return new KafkaError(isLeader ? Errors.OFFSET_OUT_OF_RANGE : Errors.OFFSET_NOT_AVAILABLE);
}

export function fetchFrom(
  partition: Readable,
  options: FetchOptions,
): FetchPartitionData | Promise<FetchPartitionData> {
  const { log } = partition;
  const { offset } = options;
  const diverging = divergence(partition, options);
  if (diverging !== null) return answer(log, options, nothing, diverging);
  const limit = readLimit(log, options.isolation);
  if (offset >= limit || options.maxBytes <= 0) return answer(log, options, nothing, null);
  const cached = log.readCached(offset, options.maxBytes, limit, options.minOneBatch);
  if (cached !== null) return answer(log, options, cached, null);
  return log
    .read(offset, options.maxBytes, limit, options.minOneBatch)
    .then((read) => answer(log, options, read, null));
}

/**
 * How many bytes a fetch could return if its size had no limit, as `ReplicaLog.bytesReadable` counts them. A waiting fetch
 * compares it with its minimum. Infinity also when the reader's log has diverged from this log: the fetch then ends at once.
 * Throws as `fetchFrom` does.
 */
export function readableBytes(partition: Readable, options: FetchPosition): number | null {
  if (divergence(partition, options) !== null) return Number.POSITIVE_INFINITY;
  const { log } = partition;
  return log.bytesReadable(options.offset, readLimit(log, options.isolation));
}

function answer(
  log: ReplicaLog,
  options: FetchOptions,
  read: LogReadResult,
  divergingEpoch: FetchPartitionData['divergingEpoch'],
): FetchPartitionData | Promise<FetchPartitionData> {
  const data: FetchPartitionData = {
    records: read.records,
    highWatermark: log.highWatermark,
    lastStableOffset: log.lastStableOffset,
    logStartOffset: log.logStartOffset,
    abortedTransactions: options.isolation === 'txn_committed' ? [] : null,
    divergingEpoch,
  };
  if (options.isolation !== 'txn_committed' || read.records.length === 0) return data;
  return log
    .abortedTransactions(options.offset, read.nextOffset)
    .then((abortedTransactions) => ({ ...data, abortedTransactions }));
}

const latestTimestamp = -1;
const earliestTimestamp = -2;
const maxTimestamp = -3;
const earliestLocalTimestamp = -4;

export async function listOffsetOf(
  partition: Readable,
  options: ListOffsetOptions,
): Promise<FoundOffset | null> {
  const { log, leaderState } = partition;
  const limit = readLimit(log, options.isolation);
  // After an election the new leader's high watermark may still be below that of the previous leader. While it is below the
  // start of this leader epoch, a response could name a smaller offset than the previous leader did (KIP-207).
  const isUncertain =
    options.isolation !== 'log_end' &&
    leaderState !== null &&
    leaderState.epochStartOffset > log.highWatermark;
  switch (options.timestamp) {
    case latestTimestamp:
      if (isUncertain) {
        mark('replication.end-offset-uncertain');
        throw new KafkaError(Errors.OFFSET_NOT_AVAILABLE);
      }
      return { timestamp: -1, offset: limit, leaderEpoch: partition.leaderEpoch };
    case earliestTimestamp:
    case earliestLocalTimestamp: {
      const offset = log.logStartOffset;
      return { timestamp: -1, offset, leaderEpoch: log.epochAt(offset) };
    }
    default: {
      if (options.timestamp < 0 && options.timestamp !== maxTimestamp) return null;
      const found =
        options.timestamp === maxTimestamp
          ? await log.offsetOfMaxTimestamp()
          : await log.offsetForTimestamp(options.timestamp);
      if (found !== null && found.offset < limit) return found;
      if (found !== null && isUncertain) throw new KafkaError(Errors.OFFSET_NOT_AVAILABLE);
      return null;
    }
  }
}
