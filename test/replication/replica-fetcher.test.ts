/** The follower's end of a stream: what it says to the leader when partitions come and go. */
import { expect, test } from 'vitest';
import { helloOf } from '../../src/base/hello.ts';
import type { Partition } from '../../src/replication/partition.ts';
import { type FetcherContext, ReplicaFetcher } from '../../src/replication/replica-fetcher.ts';
import type { FollowerMessage, LeaderMessage } from '../../src/replication/stream-messages.ts';
import { identityOf } from '../server/identity.ts';
import { ManualTime, RecordingLogger, settle } from '../broker/harness.ts';

const topicId = 'sIwPhf7eRmGKij2_-IkFVg';

function followed(index: number): Partition {
  return {
    topicId,
    index,
    name: `t-${index}`,
    log: { logEndOffset: 0, latestEpoch: -1, logStartOffset: 0 },
    isFollower: true,
    isQuiescent: true,
    whenQuiescent: (then: () => void) => then(),
    onLogStartMoved: null,
  } as unknown as Partition;
}

async function fetcherOf(count: number) {
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
  const fetcher = new ReplicaFetcher(1, context as unknown as FetcherContext);
  const partitions = Array.from({ length: count }, (_, index) => followed(index));
  for (const partition of partitions) fetcher.follow(partition, 0);
  await settle();
  stream.onMessage(helloOf(identityOf(1), 2));
  return { fetcher, partitions, stream, sent, logger };
}

test('partitions whose leader moves away at once end their subscriptions with one message', async () => {
  const { fetcher, partitions, sent } = await fetcherOf(100);
  sent.length = 0;
  for (const partition of partitions.slice(1)) fetcher.unfollow(partition);
  await settle();
  expect(sent).toEqual([{ type: 'unsubscribe', slots: Array.from({ length: 99 }, (_, i) => i + 1) }]);
});

test('a subscription of a new leader epoch follows the end of the old one', async () => {
  const { fetcher, partitions, sent } = await fetcherOf(1);
  sent.length = 0;
  fetcher.follow(partitions[0] as Partition, 1);
  await settle();
  expect(sent).toMatchObject([
    { type: 'unsubscribe', slots: [0] },
    { type: 'subscribe', slots: [{ slot: 1, leaderEpoch: 1 }] },
  ]);
});

test('a leader of another cluster ends the stream, and is no bug of ours', async () => {
  const { stream, logger } = await fetcherOf(1);
  stream.onMessage({ ...helloOf(identityOf(1), 2), clusterId: 'AAAAAAAAAAAAAAAAAAAAAw' });
  expect(stream.isClosed).toBe(true);
  expect(logger.at('error')).toEqual([]);
  expect(logger.at('warn')).toEqual(['replication stream broken off']);
});
