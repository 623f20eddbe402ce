/** The follower's end of a replication stream: which messages it sends to the leader when partitions are added and removed. */
import { expect, test, vi } from 'vitest';
import { nodeId } from '../../src/base/ids.ts';
import { helloOf } from '../../src/base/hello.ts';
import { Errors } from '../../src/protocol/errors.ts';
import type { Partition } from '../../src/replication/partition.ts';
import { type FetcherContext, ReplicaFetcher } from '../../src/replication/stream/replica-fetcher.ts';
import type { FollowerMessage, LeaderMessage } from '../../src/replication/stream/stream-messages.ts';
import { identityOf } from '../server/identity.ts';
import { ManualTime, RecordingLogger, settle } from '../broker/harness.ts';

const topicId = 'sIwPhf7eRmGKij2_-IkFVg';

/** The indexes of the partitions to which records were appended, in order. */
const appended: number[] = [];

function followed(index: number, writes: Promise<void>[] = []): Partition {
  return {
    topicId,
    index,
    name: `t-${index}`,
    log: { logEndOffset: 0, latestEpoch: -1, logStartOffset: 0, missingFrom: null },
    isFollower: true,
    isQuiescent: true,
    whenQuiescent: (then: () => void) => then(),
    onLogStartMoved: null,
    appendFromLeader: () => {
      appended.push(index);
      return writes.shift() ?? Promise.resolve();
    },
    updateFromLeader: () => undefined,
    applied: { isr: [] },
  } as unknown as Partition;
}

async function fetcherOf(count: number, writes: Promise<void>[] = []) {
  const sent: FollowerMessage[] = [];
  const stream = {
    isClosed: false,
    send: (message: FollowerMessage) => sent.push(message) > 0,
    close: () => {
      stream.isClosed = true;
    },
    onMessage: (_: LeaderMessage) => undefined as void,
    onClose: (_: Error | null) => undefined as void,
  };
  const time = new ManualTime();
  const logger = new RecordingLogger();
  const context = {
    identity: identityOf(2),
    localBrokerEpoch: () => 7,
    peers: { open: () => stream },
    scheduler: time,
    random: { u32: () => 0 },
    logger,
    throttles: { received: () => 0 },
    addressOf: () => ({ host: 'h', port: 1 }),
  };
  const fetcher = new ReplicaFetcher(nodeId(1), context as unknown as FetcherContext);
  const partitions = Array.from({ length: count }, (_, index) => followed(index, writes));
  for (const partition of partitions) fetcher.follow(partition, 0);
  await settle();
  stream.onMessage(helloOf(identityOf(1), 2));
  return { fetcher, partitions, stream, sent, logger, time };
}

test('subscriptions that end in one turn share one message', async () => {
  const { fetcher, partitions, sent } = await fetcherOf(100);
  sent.length = 0;
  for (const partition of partitions.slice(1)) fetcher.unfollow(partition);
  await settle();
  expect(sent).toEqual([{ type: 'unsubscribe', slots: Array.from({ length: 99 }, (_, i) => i + 1) }]);
});

test('a new leader epoch ends the old subscription before the new one', async () => {
  const { fetcher, partitions, sent } = await fetcherOf(1);
  sent.length = 0;
  fetcher.follow(partitions[0] as Partition, 1);
  await settle();
  expect(sent).toMatchObject([
    { type: 'unsubscribe', slots: [0] },
    { type: 'subscribe', slots: [{ slot: 1, leaderEpoch: 1 }] },
  ]);
});

test('a leader of another cluster ends the stream with a warning, not an error', async () => {
  const { stream, logger } = await fetcherOf(1);
  stream.onMessage({ ...helloOf(identityOf(1), 2), clusterId: 'AAAAAAAAAAAAAAAAAAAAAw' });
  expect(stream.isClosed).toBe(true);
  expect(logger.at('error')).toEqual([]);
  expect(logger.at('warn')).toEqual(['replication stream broken off']);
});

const pushOf = (...slots: number[]): LeaderMessage => ({
  type: 'push',
  entries: slots.map((slot) => ({ slot, highWatermark: 0, logStartOffset: 0, records: [Uint8Array.of(1)] })),
});

test('a push of one slot is acknowledged at once, a push of several when all are written', async () => {
  const { stream, sent, time } = await fetcherOf(2);
  sent.length = 0;
  const timers = vi.spyOn(time, 'after');
  stream.onMessage(pushOf(0));
  await settle();
  expect(timers).not.toHaveBeenCalled();
  stream.onMessage(pushOf(0, 1));
  await settle();
  expect(sent).toMatchObject([
    { type: 'ack', pushes: 1, creditBytes: 1, slots: [{ slot: 0 }] },
    { type: 'ack', pushes: 1, creditBytes: 2, slots: [{ slot: 0 }, { slot: 1 }] },
  ]);
});

test('a slot written long before the others of its push is acknowledged earlier', async () => {
  let end: () => void = () => undefined;
  const { stream, sent, time } = await fetcherOf(2, [
    Promise.resolve(),
    new Promise((resolve) => (end = resolve)),
  ]);
  sent.length = 0;
  stream.onMessage(pushOf(0, 1));
  await settle();
  await time.advance(10);
  expect(sent).toMatchObject([{ type: 'ack', pushes: 0, creditBytes: 0, slots: [{ slot: 0 }] }]);
  end();
  await settle();
  expect(sent[1]).toMatchObject({ type: 'ack', pushes: 1, creditBytes: 2, slots: [{ slot: 1 }] });
});

test('records of an ended subscription are dropped, and their credit is returned', async () => {
  const { fetcher, partitions, stream, sent } = await fetcherOf(2);
  fetcher.unfollow(partitions[0] as Partition);
  appended.length = 0;
  sent.length = 0;
  stream.onMessage(pushOf(0, 1));
  await settle();
  expect(appended).toEqual([1]);
  expect(sent.find(({ type }) => type === 'ack')).toMatchObject({ pushes: 1, creditBytes: 2 });
});

test('a replica with lost records fetches from there, and truncates when the leader sends records', async () => {
  const { fetcher, partitions, stream, sent } = await fetcherOf(1);
  const [partition] = partitions as [Partition];
  const log = { logEndOffset: 22, latestEpoch: 3, logStartOffset: 0, missingFrom: 10 as number | null };
  const truncated: unknown[] = [];
  Object.assign(partition, {
    log: { ...log, epochAt: (offset: number) => (offset === 9 ? 1 : -1) },
    truncateToLeader: (end: unknown) => {
      truncated.push(end);
      Object.assign(partition.log, { logEndOffset: 10, latestEpoch: 1, missingFrom: null });
      return Promise.resolve(true);
    },
  });
  sent.length = 0;
  appended.length = 0;
  fetcher.follow(partition, 1);
  await settle();
  expect(sent[1]).toMatchObject({ slots: [{ slot: 1, fetchOffset: 10, lastFetchedEpoch: 1 }] });
  partition.onLogStartMoved?.();
  await settle();
  expect([sent.length, truncated]).toEqual([2, []]);
  stream.onMessage(pushOf(1));
  await settle();
  expect([truncated, appended]).toEqual([[{ epoch: -1, endOffset: 10 }], []]);
  expect(sent.filter(({ type }) => type === 'subscribe').at(-1)).toMatchObject({
    slots: [{ slot: 2, fetchOffset: 10, lastFetchedEpoch: 1 }],
  });
  stream.onMessage(pushOf(2));
  expect(appended).toEqual([0]);
});

test.each([
  [-1, -1],
  [-1, 5],
  [9, 5],
])(
  'a refusal of a leader whose log has the offsets %i to %i ends the stream, and truncates nothing',
  async (leaderStartOffset, leaderEndOffset) => {
    const { partitions, stream, logger } = await fetcherOf(1);
    const resetIntoRange = vi.fn(() => Promise.resolve(false));
    Object.assign(partitions[0] as Partition, { resetIntoRange });
    const offsets = { divergingEpoch: -1, divergingEndOffset: -1, leaderStartOffset, leaderEndOffset };
    const errorCode = Errors.OFFSET_OUT_OF_RANGE.code;
    stream.onMessage({ type: 'refuse', refusals: [{ slot: 0, errorCode, ...offsets }] });
    await settle();
    expect(resetIntoRange).not.toHaveBeenCalled();
    expect(stream.isClosed).toBe(true);
    expect(logger.at('warn')).toEqual(['replication stream broken off']);
  },
);
