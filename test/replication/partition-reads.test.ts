/**
 * What a leader and a follower answer to a reader that sends the leader epoch of the last record that it has (KIP-392,
 * KIP-595).
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LeaderEpochCache } from '../../src/log/leader-epoch-cache.ts';
import { KafkaError } from '../../src/protocol/errors.ts';
import type { ReplicaLog } from '../../src/replication/log-port.ts';
import { fetchFrom, readableBytes } from '../../src/replication/partition-reads.ts';
import type { FetchOptions, FetchPartitionData } from '../../src/replication/types.ts';

interface Replica {
  readonly isLeader: boolean;
  /** Leader epochs of the records, from offset 0 on. */
  readonly epochs: readonly number[];
  readonly highWatermark: number;
  readonly logStartOffset?: number;
}

function logOf({ epochs, highWatermark, logStartOffset = 0 }: Replica): ReplicaLog {
  const cache = new LeaderEpochCache([]);
  for (const [offset, epoch] of epochs.entries()) cache.assign(epoch, offset);
  cache.truncateFromStart(logStartOffset);
  const log: Partial<ReplicaLog> = {
    logStartOffset,
    logEndOffset: epochs.length,
    highWatermark,
    lastStableOffset: highWatermark,
    latestEpoch: cache.latestEpoch,
    endOffsetForEpoch: (epoch) => cache.endOffsetFor(epoch, epochs.length),
    readCached: () => ({ records: new Uint8Array(1), nextOffset: highWatermark }),
    bytesReadable: () => 1,
  };
  return log as ReplicaLog;
}

/** `ok`, the error's name, or the epoch and end offset where the reader's log has diverged. */
function read(replica: Replica, offset: number, lastFetchedEpoch: number): unknown {
  const { isLeader } = replica;
  const readable = { log: logOf(replica), leaderEpoch: 99, isLeader, leaderState: null };
  const options: FetchOptions = {
    offset,
    lastFetchedEpoch,
    currentLeaderEpoch: -1,
    isolation: 'high_watermark',
    allowFollower: true,
    maxBytes: 1,
    minOneBatch: true,
  };
  try {
    const { divergingEpoch } = fetchFrom(readable, options) as FetchPartitionData;
    expect(readableBytes(readable, options) === Number.POSITIVE_INFINITY).toBe(divergingEpoch !== null);
    return divergingEpoch ?? 'ok';
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    expect(() => readableBytes(readable, options)).toThrow(error.message);
    return error.error.name;
  }
}

const leader: Replica = { isLeader: true, epochs: [1, 1, 3, 3, 6], highWatermark: 5 };

test.each<[string, number, number, unknown]>([
  ['the position is in its log', 4, 3, 'ok'],
  ['the position is its end', 5, 6, 'ok'],
  ['the epoch has ended before', 4, 1, { epoch: 1, endOffset: 2 }],
  ['the epoch is not in its log', 5, 5, { epoch: 3, endOffset: 4 }],
  ['the epoch is later than its own', 5, 7, 'OFFSET_OUT_OF_RANGE'],
  ['the position is behind its end, without an epoch', 6, -1, 'OFFSET_OUT_OF_RANGE'],
])('a leader: %s', (_name, offset, epoch, expected) => {
  expect(read(leader, offset, epoch)).toEqual(expected);
});

const follower: Replica = { isLeader: false, epochs: [1, 1, 3, 3], highWatermark: 3 };

test.each<[string, number, number, unknown]>([
  ['the position is in its log', 3, 3, 'ok'],
  ['the position is behind its end, in its last epoch', 5, 3, 'OFFSET_NOT_AVAILABLE'],
  ['the position is behind its end, without an epoch', 5, -1, 'OFFSET_NOT_AVAILABLE'],
  ['it has no record of the epoch yet', 5, 6, 'OFFSET_NOT_AVAILABLE'],
  ['the record after the end of the epoch is committed', 3, 1, { epoch: 1, endOffset: 2 }],
])('a follower: %s', (_name, offset, epoch, expected) => {
  expect(read(follower, offset, epoch)).toEqual(expected);
});

test('a follower with uncommitted records of a later epoch answers OFFSET_NOT_AVAILABLE', () => {
  expect(read({ ...follower, highWatermark: 2 }, 3, 1)).toBe('OFFSET_NOT_AVAILABLE');
});

test('a position below the log start offset is out of range with any epoch', () => {
  for (const replica of [leader, follower])
    for (const epoch of [-1, 0, 1, 2]) {
      expect(read({ ...replica, logStartOffset: 2 }, 1, epoch)).toBe('OFFSET_OUT_OF_RANGE');
    }
});

test('a follower never answers that a reader of committed records has diverged', () => {
  const logs = fc.record({
    committed: fc.array(fc.nat(5), { maxLength: 12 }).map((epochs) => epochs.sort((a, b) => a - b)),
    /** Records that the follower has from former leaders and that were never committed. */
    uncommitted: fc.array(fc.nat(7), { maxLength: 4 }).map((epochs) => epochs.sort((a, b) => a - b)),
    common: fc.nat(12),
    lag: fc.nat(12),
    position: fc.nat(12),
  });
  fc.assert(
    fc.property(logs, ({ committed, uncommitted, common, lag, position }) => {
      const shared = committed.slice(0, common);
      const highWatermark = Math.max(0, shared.length - lag);
      const rest = uncommitted.filter((epoch) => epoch >= (shared.at(-1) ?? 0));
      const replica = { isLeader: false, epochs: [...shared, ...rest], highWatermark };
      const offset = Math.min(position, committed.length);
      const answer = read(replica, offset, committed[offset - 1] ?? -1);
      expect(['ok', 'OFFSET_NOT_AVAILABLE']).toContain(answer);
      if (offset <= shared.length && rest.length === 0) expect(answer).toBe('ok');
    }),
    { numRuns: 2000 },
  );
});
