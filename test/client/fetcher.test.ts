import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Fetcher, type FetcherOptions } from '../../src/client/fetcher.ts';
import { buildBatch } from '../../src/protocol/records/builder.ts';
import { type Fate, ScriptedCluster } from './scripted-cluster.ts';

function fill(cluster: ScriptedCluster, partition: number, counts: readonly number[]): void {
  let offset = 0;
  for (const count of counts) {
    const records = Array.from({ length: count }, () => ({
      key: null,
      value: new TextEncoder().encode(`${offset++}`),
      headers: [],
      timestamp: 0,
    }));
    cluster.partitions[partition]?.append(buildBatch({ records, compression: 'none' }));
  }
}

const fetcherOf = (cluster: ScriptedCluster, options: Partial<FetcherOptions> = {}): Fetcher =>
  new Fetcher(cluster.client({ requestTimeoutMs: 1_000 }), options);

/** Polls until `count` records have come, and returns the offsets of each partition in the order in which they came. */
async function readAll(cluster: ScriptedCluster, fetcher: Fetcher, count: number): Promise<number[][]> {
  const read: number[][] = cluster.partitions.map(() => []);
  for (let got = 0; got < count; ) {
    for (const { partition, offset, value } of await cluster.until(fetcher.poll(100, 3))) {
      expect(new TextDecoder().decode(value ?? new Uint8Array(0))).toBe(`${offset}`);
      read[partition]?.push(offset);
      got++;
    }
  }
  return read;
}

const troubles: readonly Fate[] = [
  'served',
  'closed',
  'lost',
  'silence',
  'NOT_LEADER_OR_FOLLOWER',
  'UNKNOWN_LEADER_EPOCH',
  'KAFKA_STORAGE_ERROR',
];

describe('a fetcher', () => {
  test('returns each record from its position on once and in order, through errors and leader changes', async () => {
    const counts = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(
        fc.tuple(counts, counts),
        fc.nat(3),
        fc.array(fc.constantFrom(...troubles), { maxLength: 10 }),
        fc.nat(4),
        async (logs, from, fates, movesAt) => {
          const cluster = new ScriptedCluster(2);
          for (const [partition, sizes] of logs.entries()) fill(cluster, partition, sizes);
          const ends = cluster.partitions.map(({ endOffset }) => endOffset);
          const starts = ends.map((end) => Math.min(from, end));
          const left = [...fates];
          let fetched = 0;
          cluster.script = ({ api }) => {
            if (api !== 'Fetch') return 'served';
            if (++fetched === movesAt) cluster.moveLeader(0);
            return left.shift() ?? 'served';
          };
          const fetcher = fetcherOf(cluster);
          for (const [partition, start] of starts.entries()) fetcher.assign('t', partition, start);
          const total = ends.reduce((sum, end, at) => sum + end - (starts[at] as number), 0);
          const read = await readAll(cluster, fetcher, total);
          const expected = ends.map((end, at) =>
            Array.from({ length: end - (starts[at] as number) }, (_, i) => (starts[at] as number) + i),
          );
          expect(read).toEqual(expected);
          expect(fetcher.positions().map(({ offset }) => offset)).toEqual(ends);
        },
      ),
      { numRuns: 100 },
    );
  });

  test('returns no fetched records of a partition that was unassigned or whose position was changed', async () => {
    const cluster = new ScriptedCluster(2);
    for (const partition of [0, 1]) fill(cluster, partition, [3, 3]);
    const fetcher = fetcherOf(cluster);
    fetcher.assign('t', 0, 0);
    fetcher.assign('t', 1, 0);
    const [first] = await cluster.until(fetcher.poll(100, 1));
    expect(first?.offset).toBe(0);
    fetcher.unassign('t', 0);
    fetcher.assign('t', 1, 4);
    const read = await readAll(cluster, fetcher, 2);
    expect(read).toEqual([[], [4, 5]]);
    expect(fetcher.position('t', 0)).toBeNull();
  });

  test('resets a position out of range as configured; with reset none it throws', async () => {
    const cluster = new ScriptedCluster();
    fill(cluster, 0, [2]);
    const lost = fetcherOf(cluster, { reset: 'none' });
    lost.assign('t', 0, 9);
    await expect(cluster.until(lost.poll(100))).rejects.toThrow(
      /OFFSET_OUT_OF_RANGE|out of range|not within the range/i,
    );
    const again = fetcherOf(cluster, { reset: 'earliest' });
    again.assign('t', 0, 9);
    expect(await readAll(cluster, again, 2)).toEqual([[0, 1]]);
  });

  test('throws a non-retriable error once; the next poll goes on reading', async () => {
    const cluster = new ScriptedCluster();
    fill(cluster, 0, [2]);
    const left: Fate[] = ['TOPIC_AUTHORIZATION_FAILED'];
    cluster.script = ({ api }) => (api === 'Fetch' ? (left.shift() ?? 'served') : 'served');
    const fetcher = fetcherOf(cluster);
    fetcher.assign('t', 0, 0);
    await expect(cluster.until(fetcher.poll(100))).rejects.toThrow();
    expect(await readAll(cluster, fetcher, 2)).toEqual([[0, 1]]);
  });

  test('returns an empty list when the wait ends without records', async () => {
    const cluster = new ScriptedCluster();
    const fetcher = fetcherOf(cluster);
    fetcher.assign('t', 0, 0);
    expect(await cluster.until(fetcher.poll(200))).toEqual([]);
  });

  const [oldId, newId] = ['A'.repeat(21) + 'Q', 'A'.repeat(21) + 'g'];

  test.each([
    ['earliest', [0, 1, 2, 3, 4]],
    ['latest', []],
  ] as const)('reads a topic that was deleted and created again from the %s offset', async (reset, then) => {
    const cluster = new ScriptedCluster();
    cluster.recreate(oldId);
    fill(cluster, 0, [3]);
    const fetcher = fetcherOf(cluster, { reset });
    fetcher.assign('t', 0, 0);
    expect(await readAll(cluster, fetcher, 3)).toEqual([[0, 1, 2]]);
    cluster.recreate(newId);
    // The new log has more records than the position reached in the old one, so no OFFSET_OUT_OF_RANGE tells the client of the
    // change.
    fill(cluster, 0, [3, 2]);
    const read: number[] = [];
    for (let polls = 0; polls < 5; polls++)
      for (const { offset } of await cluster.until(fetcher.poll(100))) read.push(offset);
    expect(read).toEqual(then);
    expect(fetcher.takeMetadataError()).toBe(true);
    expect(fetcher.takeMetadataError()).toBe(false);
    fill(cluster, 0, [1]);
    const [next] = await cluster.until(fetcher.poll(1_000));
    expect(next?.offset).toBe(5);
  });

  test('a partition that was deleted does not stop reads and commits of the others', async () => {
    const cluster = new ScriptedCluster(2);
    cluster.recreate(oldId);
    const fetcher = fetcherOf(cluster, { reset: 'earliest' });
    fetcher.assign('t', 0, 0);
    fetcher.assign('t', 1, 0);
    await cluster.until(fetcher.poll(100));
    cluster.recreate(newId, 1);
    fill(cluster, 0, [2]);
    expect(await readAll(cluster, fetcher, 2)).toEqual([[0, 1]]);
    expect(fetcher.existingPositions().map(({ partition }) => partition)).toEqual([0]);
  });

  test('reads all partitions of a recreated topic, also those with a connection from before', async () => {
    const cluster = new ScriptedCluster(2);
    cluster.recreate(oldId);
    fill(cluster, 0, [3]);
    fill(cluster, 1, [3]);
    const fetcher = fetcherOf(cluster, { reset: 'earliest' });
    fetcher.assign('t', 0, 0);
    fetcher.assign('t', 1, 0);
    for (let polls = 0; polls < 5; polls++) await cluster.until(fetcher.poll(100));
    cluster.moveLeader(0);
    fill(cluster, 1, [1]);
    await cluster.until(fetcher.poll(100));
    cluster.recreate(newId);
    fill(cluster, 0, [2]);
    fill(cluster, 1, [5]);
    const read: string[] = [];
    for (let polls = 0; polls < 20; polls++)
      for (const { partition, offset } of await cluster.until(fetcher.poll(100)))
        read.push(`${partition}@${offset}`);
    expect(read.sort()).toEqual(['0@0', '0@1', '1@0', '1@1', '1@2', '1@3', '1@4']);
  });
});

test('a response with a partition that was not requested throws, naming the broker; reading goes on', async () => {
  const cluster = new ScriptedCluster(1);
  fill(cluster, 0, [2]);
  const fetcher = fetcherOf(cluster);
  fetcher.assign('t', 0, 0);
  cluster.foreignPartition = 7;
  await expect(cluster.until(fetcher.poll(100))).rejects.toThrow(
    'Broker 1 answered a fetch with the partition t-7',
  );
  cluster.foreignPartition = null;
  expect(await readAll(cluster, fetcher, 2)).toEqual([[0, 1]]);
});
