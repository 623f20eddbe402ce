/**
 * Reads of a replica, for Fetch and ListOffsets requests. The caller has checked the replica's role and the leader epoch.
 *
 * Invariant: a reader gets no record at or above the limit of its isolation level, computed from this replica's own log. So
 * consumers read from a follower at most up to the high watermark that it knows; only debugging tools (`log_end`) read further.
 */
import { Errors, KafkaError } from '../protocol/errors.ts';
import { checkSubscription, type EpochLookup } from './follower/follower-state.ts';
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
export interface Readable extends EpochLookup {
  readonly log: ReplicaLog;
  readonly leaderEpoch: number;
  readonly isLeader: boolean;
  readonly leaderState: LeaderState | null;
}

const nothing: LogReadResult = { records: noRecords, nextOffset: -1 };

/**
 * Throws unless a replica with this role and `leaderEpoch` may serve a request. `currentLeaderEpoch` is the leader epoch that the
 * client knows; -1: the request has none.
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

/**
 * The largest leader epoch in this replica's log that is not above `epoch`, and its end offset. When `epoch` is older than all
 * epochs of the log: `epoch` itself, which ends where the first one begins, as in Kafka. (-1, -1) when `epoch` is -1, or newer than
 * this replica's leader epoch.
 */
export function endOfEpoch(partition: Readable, epoch: number): EpochEndOffset {
  const { log, leaderEpoch } = partition;
  if (epoch === -1 || epoch > leaderEpoch) return { epoch: -1, endOffset: -1 };
  if (epoch === leaderEpoch && partition.isLeader) return { epoch, endOffset: log.logEndOffset };
  // Only a follower gets here, because a leader has its own epoch in the log. It has no record of `epoch` yet.
  if (epoch > log.latestEpoch) return { epoch: log.latestEpoch, endOffset: log.logEndOffset };
  return log.endOffsetForEpoch(epoch);
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

export function fetchFrom(
  partition: Readable,
  options: FetchOptions,
): FetchPartitionData | Promise<FetchPartitionData> {
  const { log } = partition;
  const { offset, lastFetchedEpoch } = options;
  if (lastFetchedEpoch >= 0) {
    const check = checkSubscription(partition, offset, lastFetchedEpoch);
    if (check.kind === 'diverging')
      return answer(log, options, nothing, { epoch: check.epoch, endOffset: check.endOffset });
    if (check.kind === 'out_of_range') throw outOfRange(partition, offset);
  }
  if (offset < log.logStartOffset || offset > log.logEndOffset) throw outOfRange(partition, offset);
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
 * compares it with its minimum. Infinity also when `lastFetchedEpoch` shows that the reader's log has diverged from this log, or
 * that its offset is out of range: the fetch then ends at once, and `fetchFrom` finds the reason. Without `lastFetchedEpoch` an
 * offset out of range throws here, as in `fetchFrom`.
 */
export function readableBytes(partition: Readable, options: FetchPosition): number | null {
  const { log } = partition;
  const { offset, lastFetchedEpoch, isolation } = options;
  if (lastFetchedEpoch >= 0) {
    const check = checkSubscription(partition, offset, lastFetchedEpoch);
    if (check.kind !== 'ok') return Number.POSITIVE_INFINITY;
  }
  if (offset < log.logStartOffset || offset > log.logEndOffset) throw outOfRange(partition, offset);
  return log.bytesReadable(offset, readLimit(log, isolation));
}

function outOfRange(partition: Readable, offset: number): KafkaError {
  // This follower may be behind the leader, so the offset may exist there.
  if (!partition.isLeader && offset > partition.log.logEndOffset)
    return new KafkaError(Errors.OFFSET_NOT_AVAILABLE);
  return new KafkaError(Errors.OFFSET_OUT_OF_RANGE);
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
      if (isUncertain) throw new KafkaError(Errors.OFFSET_NOT_AVAILABLE);
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
