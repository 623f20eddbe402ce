/**
 * When a fetch completes: the rules of Kafka's DelayedFetch as a table. All batches have the same size; a limit of 100 means no
 * limit.
 */
import { describe, expect, test } from 'vitest';
import { MemoryBudget } from '../../../src/broker/pipeline/memory-budget.ts';
import { Purgatory } from '../../../src/broker/purgatory/delayed-operation.ts';
import { FetchOperation } from '../../../src/broker/purgatory/fetch-operation.ts';
import { Errors, KafkaError } from '../../../src/protocol/errors.ts';
import type { Isolation } from '../../../src/replication/types.ts';
import { FakeReplica } from '../fakes.ts';
import { batchOf, idA, ManualTime, settle } from '../harness.ts';

const unit = batchOf(1, 100).length;
const unlimited = 100;

interface Row {
  readonly title: string;
  /** Number of batches in each partition when the fetch arrives. */
  readonly there: readonly number[];
  readonly min: number;
  readonly max?: number;
  readonly each?: number;
  readonly isolation?: Isolation;
  /** Last stable offset of partition 0. */
  readonly stable?: number;
  readonly setUp?: (replicas: FakeReplica[]) => void;
  readonly elsewhere?: boolean;
  /** What happens while the fetch is pending. */
  readonly later?: (replicas: FakeReplica[]) => void;
  /** When the fetch completes: at once, after `later`, or when its time is over. */
  readonly answers: 'at once' | 'later' | 'expired';
  /** Number of batches of each partition in the response. */
  readonly gets: readonly number[];
}

function append(replica: FakeReplica | undefined, count = 1): void {
  for (let i = 0; i < count; i++) replica?.appendAsLeader(batchOf(1, 100), 1);
}

const rows: Row[] = [
  // minBytes
  { title: 'min 0 never waits', there: [0], min: 0, answers: 'at once', gets: [0] },
  { title: 'nothing there', there: [0], min: 1, answers: 'expired', gets: [0] },
  { title: 'enough there', there: [3], min: 3, answers: 'at once', gets: [3] },
  { title: 'one batch too few', there: [2], min: 3, answers: 'expired', gets: [2] },
  {
    title: 'the last missing batch comes',
    there: [2],
    min: 3,
    later: ([a]) => append(a),
    answers: 'later',
    gets: [3],
  },
  { title: 'several partitions together', there: [1, 2], min: 3, answers: 'at once', gets: [1, 2] },
  {
    title: 'several partitions together, the rest later',
    there: [1, 0],
    min: 3,
    later: ([, b]) => append(b, 2),
    answers: 'later',
    gets: [1, 2],
  },
  {
    title: 'less than what is missing comes',
    there: [1, 0],
    min: 3,
    later: ([, b]) => append(b),
    answers: 'expired',
    gets: [1, 1],
  },
  // Limits. What exceeds them counts for minBytes all the same.
  {
    title: 'limit of the partition, whole batches',
    there: [5],
    min: 2,
    each: 2,
    answers: 'at once',
    gets: [2],
  },
  {
    title: 'limit of the partition, half a batch',
    there: [5],
    min: 2.5,
    each: 2.5,
    answers: 'at once',
    gets: [2],
  },
  {
    title: 'limit of the request, half a batch',
    there: [5],
    min: 2.5,
    max: 2.5,
    answers: 'at once',
    gets: [2],
  },
  {
    title: 'half a batch in each of two',
    there: [5, 5],
    min: 5,
    each: 2.5,
    answers: 'at once',
    gets: [2, 2],
  },
  {
    title: 'a partition counts up to its limit only',
    there: [9, 0],
    min: 4,
    each: 2,
    answers: 'expired',
    gets: [2, 0],
  },
  {
    title: 'a partition counts up to its limit only, another helps',
    there: [9, 0],
    min: 4,
    each: 2,
    later: ([, b]) => append(b, 2),
    answers: 'later',
    gets: [2, 2],
  },
  {
    title: 'the request is full after the first',
    there: [3, 3],
    min: 3.5,
    max: 3.5,
    answers: 'at once',
    gets: [3, 0],
  },
  {
    title: 'a first batch above every limit',
    there: [1],
    min: 0.5,
    max: 0.5,
    each: 0.5,
    answers: 'at once',
    gets: [1],
  },
  {
    title: 'a first batch above the limit of its partition',
    there: [2],
    min: 1,
    each: 0.5,
    answers: 'at once',
    gets: [1],
  },
  // The same rows, read from disk.
  ...[true].flatMap((slow): Row[] => {
    const setUp = (replicas: FakeReplica[]): void => {
      for (const replica of replicas) replica.slow = slow;
    };
    return [
      { title: 'disk: enough there', there: [3], min: 3, setUp, answers: 'at once', gets: [3] },
      { title: 'disk: too few', there: [2], min: 3, setUp, answers: 'expired', gets: [2] },
      {
        title: 'disk: the rest comes',
        there: [2],
        min: 3,
        setUp,
        later: ([a]) => append(a),
        answers: 'later',
        gets: [3],
      },
      { title: 'disk: half a batch', there: [5], min: 2.5, each: 2.5, setUp, answers: 'at once', gets: [2] },
      {
        title: 'disk: half a batch of the request',
        there: [5],
        min: 2.5,
        max: 2.5,
        setUp,
        answers: 'at once',
        gets: [2],
      },
      {
        title: 'disk: up to its limit only',
        there: [9, 0],
        min: 4,
        each: 2,
        setUp,
        answers: 'expired',
        gets: [2, 0],
      },
    ];
  }),
  // The end of a segment.
  {
    title: 'an older segment than the newest records',
    there: [3],
    min: 50,
    setUp: ([a]) => ((a as FakeReplica).segmentStart = 1),
    answers: 'at once',
    gets: [3],
  },
  {
    title: 'a new segment that is still empty',
    there: [3],
    min: 50,
    setUp: ([a]) => ((a as FakeReplica).segmentStart = 3),
    answers: 'expired',
    gets: [3],
  },
  {
    title: 'the segment is rolled while the fetch is pending',
    there: [3],
    min: 50,
    later: ([a]) => {
      (a as FakeReplica).segmentStart = 3;
      append(a);
    },
    answers: 'later',
    gets: [4],
  },
  // Isolation.
  {
    title: 'read_committed: up to the last stable offset',
    there: [3],
    stable: 1,
    min: 3,
    isolation: 'txn_committed',
    answers: 'expired',
    gets: [1],
  },
  { title: 'read_uncommitted sees the same', there: [3], stable: 1, min: 3, answers: 'at once', gets: [3] },
  {
    title: 'read_committed: the transaction ends',
    there: [3],
    stable: 1,
    min: 3,
    isolation: 'txn_committed',
    later: ([a]) => {
      (a as FakeReplica).lastStableOffset = 3;
      a?.changed();
    },
    answers: 'later',
    gets: [3],
  },
  // Errors, and reading from another replica.
  {
    title: 'a partition fails',
    there: [0, 1],
    min: 5,
    setUp: ([a]) => ((a as FakeReplica).error = new KafkaError(Errors.NOT_LEADER_OR_FOLLOWER)),
    answers: 'at once',
    gets: [0, 1],
  },
  {
    title: 'a partition fails while the fetch is pending',
    there: [0, 1],
    min: 5,
    later: ([a]) => {
      (a as FakeReplica).error = new KafkaError(Errors.NOT_LEADER_OR_FOLLOWER);
      a?.changed();
    },
    answers: 'later',
    gets: [0, 1],
  },
  {
    title: 'the client should read elsewhere',
    there: [0],
    min: 5,
    elsewhere: true,
    answers: 'at once',
    gets: [0],
  },
  {
    title: 'nothing of interest changes',
    there: [0],
    min: 1,
    later: ([a]) => a?.changed(),
    answers: 'expired',
    gets: [0],
  },
];

function startOf(row: Row): {
  replicas: FakeReplica[];
  operation: FetchOperation;
  time: ManualTime;
  budget: MemoryBudget;
} {
  const time = new ManualTime();
  const budget = new MemoryBudget(1 << 20);
  const replicas = row.there.map((count, index) => {
    const replica = new FakeReplica('a', idA, index);
    append(replica, count);
    return replica;
  });
  if (row.stable !== undefined) (replicas[0] as FakeReplica).lastStableOffset = row.stable;
  row.setUp?.(replicas);
  const targets = replicas.map((replica) => ({
    offset: 0,
    maxBytes: Math.floor((row.each ?? unlimited) * unit),
    currentLeaderEpoch: -1,
    lastFetchedEpoch: -1,
    preferredReplica: () => (row.elsewhere === true ? 7 : -1),
    replica: () => replica,
  }));
  const limits = {
    minBytes: Math.floor(row.min * unit),
    maxBytes: Math.floor((row.max ?? unlimited) * unit),
    maxWaitMs: 500,
    isolation: row.isolation ?? ('high_watermark' as const),
    allowFollower: false,
  };
  const purgatory = new Purgatory(time, 10);
  const operation = new FetchOperation(targets, limits, { purgatory, budget, onResumed: () => {} });
  return { replicas, operation, time, budget };
}

describe('a fetch completes', () => {
  test.each(rows)('$title: $answers', async (row) => {
    const { replicas, operation, time, budget } = startOf(row);
    let answered: string | null = null;
    let stage = 'at once';
    const waiting = operation.run();
    if (waiting === null) answered = stage;
    else void waiting.then(() => (answered ??= stage));
    await settle();
    stage = 'later';
    row.later?.(replicas);
    await settle();
    stage = 'expired';
    await time.advance(500);
    expect(answered).toBe(row.answers);
    expect(operation.outcomes.map(({ data }) => (data?.records.length ?? 0) / unit)).toEqual(row.gets);
    // Each partition is read at most once to be counted (if it is on disk), once for the response, and once more for a batch
    // above the limits.
    for (const { fetches } of replicas) expect(fetches.length).toBeLessThanOrEqual(3);
    operation.release();
    expect(budget.usedBytes).toBe(0);
    expect(time.timerCount).toBe(0);
    for (const { watchers } of replicas) expect(watchers.size).toBe(0);
  });

  test('a fetch for which 64 appends are needed copies the records once', async () => {
    const { replicas, operation } = startOf({ title: '', there: [0], min: 64, answers: 'later', gets: [64] });
    const waiting = operation.run();
    for (let i = 0; i < 64; i++) {
      append(replicas[0]);
      await settle();
    }
    await waiting;
    expect(replicas[0]?.fetches.length).toBe(1);
    expect(operation.outcomes[0]?.data?.records.length).toBe(64 * unit);
  });
});
