/**
 * The leader's end of a replication stream reads from disk for only a few partitions at a time. These tests check which
 * partitions get these places.
 */
import { expect, test } from 'vitest';
import { helloOf } from '../../src/base/hello.ts';
import { Errors, type ErrorRow } from '../../src/protocol/errors.ts';
import { type FeedContext, FeedSession } from '../../src/replication/stream/feed-session.ts';
import type { FollowerMessage, LeaderMessage } from '../../src/replication/stream/stream-messages.ts';
import { identityOf } from '../server/identity.ts';
import { ManualTime, RecordingLogger, settle } from '../broker/harness.ts';

interface FakeFeed {
  wake(): void;
  revoke(error: ErrorRow): void;
}

const topicId = 'sIwPhf7eRmGKij2_-IkFVg';
/** The same as `diskReadsMax` in FeedSession. */
const readsMax = 4;

function subscription(slot: number, index = slot) {
  return {
    slot,
    topicId,
    index,
    leaderEpoch: 0,
    fetchOffset: 0,
    lastFetchedEpoch: -1,
    logStartOffset: 0,
  };
}

function subscribeAll(stream: { onMessage: (message: FollowerMessage) => void }, count: number): void {
  stream.onMessage(helloOf(identityOf(2), 1));
  stream.onMessage({ type: 'open', brokerEpoch: 1, windowBytes: 1 << 24 });
  stream.onMessage({
    type: 'subscribe',
    slots: Array.from({ length: count }, (_, slot) => subscription(slot)),
  });
}

interface PartitionCalls {
  readonly read: () => Promise<unknown>;
  readonly subscribe: (feed: FakeFeed) => { kind: 'ok' };
  readonly followerAcknowledged: (_: unknown, logEndOffset: number) => number;
}

function partitionOf(index: number, { read, subscribe, followerAcknowledged }: PartitionCalls) {
  const offsets = { logEndOffset: 1000, logStartOffset: 0 };
  const log = { ...offsets, highWatermark: 0, readCachedParts: () => null, read };
  return {
    topicId,
    index,
    ...offsets,
    leaderState: null,
    log,
    subscribe,
    unsubscribe: () => undefined,
    followerAcknowledged,
  };
}

/** Opens a session with `count` partitions whose records are on disk only. A read ends when the test ends it. */
async function sessionOf(count: number, subscriptionsMax = 1_000, registered: number | null = 1) {
  const logger = new RecordingLogger();
  const registration = { epoch: registered, isKnown: false };
  const acknowledged: number[] = [];
  const started: number[] = [];
  const ends: ((read: { records: Uint8Array; nextOffset: number }) => void)[] = [];
  const feeds: FakeFeed[] = [];
  const partitions = Array.from({ length: count }, (_, index) =>
    partitionOf(index, {
      read: () => {
        started.push(index);
        return new Promise((resolve) => ends.push(resolve));
      },
      subscribe: (feed) => {
        feeds[index] = feed;
        return { kind: 'ok' };
      },
      followerAcknowledged: (_, logEndOffset) => acknowledged.push(logEndOffset),
    }),
  );
  const time = new ManualTime();
  const throttles = {
    sendWaitMs: () => 0,
    chunkBytes: (_: unknown, bytes: number) => bytes,
    sent: () => undefined,
  };
  const stream = {
    closedWith: null as string | null,
    sent: [] as LeaderMessage[],
    send: (message: LeaderMessage) => stream.sent.push(message) > 0,
    close: (reason?: string) => {
      stream.closedWith = reason ?? '';
    },
    onMessage: (_: FollowerMessage) => undefined as void,
  };
  const session = new FeedSession(
    stream as never,
    {
      identity: identityOf(1),
      clock: time,
      scheduler: time,
      logger,
      subscriptionsMax,
      find: (_: string, index: number) => partitions[index] ?? null,
      registeredEpoch: () => registration.epoch,
      onRegistered: () => {
        registration.isKnown = true;
      },
      onClosed: () => undefined,
      throttles,
    } as unknown as FeedContext,
  );
  subscribeAll(stream, count);
  await settle();
  return { session, partitions, feeds, started, ends, stream, logger, registration, acknowledged };
}

test('a slot waits for one read from disk, even when its partition wakes it many times', async () => {
  const { session, feeds, started } = await sessionOf(10);
  for (let i = 0; i < 100; i++) {
    for (const feed of feeds) feed.wake();
    await settle();
  }
  expect(started.length).toBe(readsMax);
  expect(session.queuedCount).toBe(10 - readsMax);
});

test('places for reads are not given to revoked slots', async () => {
  const { partitions, feeds, started, ends } = await sessionOf(10);
  for (const index of [4, 5, 6, 7]) feeds[index]?.revoke(Errors.NOT_LEADER_OR_FOLLOWER);
  // Once their running read has ended, these four partitions have nothing more to read.
  for (const index of started) {
    const partition = partitions[index] as (typeof partitions)[number];
    partition.logEndOffset = 10;
    partition.log.logEndOffset = 10;
  }
  for (const end of ends.splice(0)) end({ records: new Uint8Array(10), nextOffset: 10 });
  await settle();
  expect(started).toEqual([0, 1, 2, 3, 8, 9]);
});

test('at most pushesInFlightMax pushes with records are unacknowledged', async () => {
  const { ends, stream } = await sessionOf(40);
  for (let round = 0; round < 20; round++) {
    for (const end of ends.splice(0)) end({ records: new Uint8Array(10), nextOffset: 1000 });
    await settle();
  }
  const hasRecords = (message: LeaderMessage): boolean =>
    message.type === 'push' && message.entries.some(({ records }) => records.length > 0);
  expect(stream.sent.filter(hasRecords)).toHaveLength(3);
});

test('a slot without records to read leaves its place to the next one', async () => {
  const { partitions, started, ends } = await sessionOf(10);
  for (const index of [4, 5, 6, 7]) {
    const partition = partitions[index] as (typeof partitions)[number];
    partition.logEndOffset = 0;
    partition.log.logEndOffset = 0;
  }
  for (const end of ends.splice(0)) end({ records: new Uint8Array(10), nextOffset: 1000 });
  await settle();
  expect(started).toEqual([0, 1, 2, 3, 8, 9]);
});

test.each<[string, FollowerMessage]>([
  ['a second hello', helloOf(identityOf(2), 1)],
  ['a second open', { type: 'open', brokerEpoch: 1, windowBytes: 1 }],
  ['a slot that is in use', { type: 'subscribe', slots: [subscription(1)] }],
  [
    'more subscriptions than a stream may have',
    { type: 'subscribe', slots: [subscription(4), subscription(5)] },
  ],
])('%s ends the stream with a warning, not an error', async (_, message) => {
  const { stream, logger } = await sessionOf(4, 5);
  stream.onMessage(message);
  expect(stream.closedWith).toMatch(/second|twice|too many/);
  expect(logger.at('warn')).toEqual(['replication stream broken off']);
  expect(logger.at('error')).toEqual([]);
});

test('a subscription that waits for metadata can be ended', async () => {
  const { stream } = await sessionOf(1, 4);
  const unknown = [10, 11, 12].map((index) => subscription(index));
  for (let round = 0; round < 3; round++) {
    stream.onMessage({ type: 'subscribe', slots: unknown });
    stream.onMessage({ type: 'unsubscribe', slots: [10, 11, 12] });
  }
  expect(stream.closedWith).toBeNull();
});

const ack = (slot: number): FollowerMessage => ({
  type: 'ack',
  creditBytes: 0,
  pushes: 0,
  slots: [{ slot, logEndOffset: 1000, logStartOffset: 0 }],
});

test.each([
  ['of a later broker epoch than is registered', 0],
  ['of a broker that is not registered', null],
] as const)('a stream %s acknowledges nothing before this broker has its registration', async (_, before) => {
  const { session, stream, feeds, registration, acknowledged } = await sessionOf(3, 10, before);
  stream.onMessage(ack(0));
  expect([feeds, acknowledged, registration.isKnown, stream.closedWith]).toEqual([[], [], false, null]);
  registration.epoch = 1;
  session.registrationsChanged();
  stream.onMessage(ack(0));
  expect([feeds.length, acknowledged, registration.isKnown]).toEqual([3, [1000], true]);
});

test('a stream of an earlier broker epoch than is registered is closed at once', async () => {
  const { stream, feeds, registration, logger } = await sessionOf(3, 10, 2);
  expect([feeds, registration.isKnown]).toEqual([[], false]);
  expect(stream.closedWith).toBe('broker 2 has registered again since, with epoch 2');
  expect(logger.at('warn')).toEqual(['a follower was refused']);
});

test('a stream ends when its broker registers again, and its acknowledgements count no more', async () => {
  const { session, stream, registration, acknowledged } = await sessionOf(3);
  registration.epoch = 2;
  session.registrationsChanged();
  stream.onMessage(ack(0));
  expect([stream.closedWith, acknowledged]).toEqual([expect.stringContaining('registered again'), []]);
});
