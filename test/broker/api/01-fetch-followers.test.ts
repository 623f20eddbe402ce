/** Fetch from followers (KIP-392): which consumers a leader directs to a follower, and the fields of the response. */
import { expect, test } from 'vitest';
import { FetchRequest, FetchResponse } from '../../../src/protocol/messages/records/01-fetch.ts';
import { batchOf, idA, TestBroker } from '../harness.ts';

async function fetch(
  broker: TestBroker,
  version: number,
  options: {
    rackId?: string;
    sessionId?: number;
    sessionEpoch?: number;
    replicaId?: number;
    maxWaitMs?: number;
  } = {},
) {
  const response = await broker.inject(FetchRequest, FetchResponse, version, {
    maxWaitMs: 60_000,
    minBytes: 1 << 20,
    sessionEpoch: -1,
    topics: [
      {
        topic: 'a',
        topicId: idA,
        partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1 << 20, currentLeaderEpoch: 5 }],
      },
    ],
    forgottenTopicsData: [],
    ...options,
  });
  return { ...response, partition: response.responses[0]?.partitions[0] };
}

test('a consumer is at once referred to the replica in its rack, without records', async () => {
  const broker = new TestBroker();
  broker.replica(idA, 0).appendAsLeader(batchOf(), -1);
  broker.preferred.set('east', 3);
  for (const version of [11, 12, 13, 17]) {
    const { partition } = await fetch(broker, version, { rackId: 'east' });
    expect(partition).toMatchObject({ errorCode: 0, preferredReadReplica: 3, highWatermark: 1 });
    expect(partition?.records?.length).toBe(0);
  }
  expect((await fetch(broker, 17, { rackId: 'west', maxWaitMs: 0 })).partition).toMatchObject({
    preferredReadReplica: -1,
  });
});

test('a client before v11 and a debugging consumer are not referred to another replica', async () => {
  const broker = new TestBroker();
  broker.replica(idA, 0).appendAsLeader(batchOf(), -1);
  broker.preferred.set('', 3);
  expect((await fetch(broker, 10, { maxWaitMs: 0 })).partition?.records?.length).toBeGreaterThan(0);
  const debugging = await fetch(broker, 12, { replicaId: -2, maxWaitMs: 0 });
  expect(debugging.partition).toMatchObject({ preferredReadReplica: -1 });
});

test('a session refers the client to the preferred replica in each response', async () => {
  const broker = new TestBroker();
  broker.replica(idA, 0).appendAsLeader(batchOf(), -1);
  broker.preferred.set('east', 3);
  const first = await fetch(broker, 12, { rackId: 'east', sessionEpoch: 0 });
  expect(first.partition).toMatchObject({ preferredReadReplica: 3 });
  const again = await fetch(broker, 12, {
    rackId: 'east',
    sessionId: first.sessionId,
    sessionEpoch: 1,
  });
  expect(again.partition).toMatchObject({ preferredReadReplica: 3 });
});

test('a fetch may be served by a follower from v11 on', async () => {
  const broker = new TestBroker();
  const replica = broker.replica(idA, 0);
  replica.appendAsLeader(batchOf(), -1);
  await fetch(broker, 10, { maxWaitMs: 0 });
  await fetch(broker, 11, { maxWaitMs: 0 });
  expect(replica.fetches.map(({ allowFollower }) => allowFollower)).toEqual([false, true]);
});
