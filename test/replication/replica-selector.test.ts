import { expect, test } from 'vitest';
import { LeaderState } from '../../src/replication/leader/leader-state.ts';
import { type ReadableReplica, replicaSelectors } from '../../src/replication/replica-selector.ts';

const select = replicaSelectors.get('org.apache.kafka.common.replica.RackAwareReplicaSelector');

const replica = (
  brokerId: number,
  rack: string | null,
  logEndOffset = 10,
  lastCaughtUpMs = 0,
): ReadableReplica => ({ brokerId, rack, logEndOffset, lastCaughtUpMs });

test.each([
  ['no client rack', '', 'a', [replica(2, 'b')], null],
  ['the leader is in the rack', 'a', 'a', [replica(2, 'a', 99)], null],
  ['no replica is in the rack', 'c', 'a', [replica(2, 'b')], null],
  ['brokers without racks', 'c', null, [replica(2, null)], null],
  ['one follower is in the rack', 'b', 'a', [replica(2, 'b'), replica(3, 'a', 99)], 2],
  ['the follower with the largest log end offset', 'b', 'a', [replica(2, 'b', 9), replica(3, 'b', 10)], 3],
  ['then the one that was caught up last', 'b', 'a', [replica(2, 'b', 9, 1), replica(3, 'b', 9, 2)], 3],
  ['then the smaller id', 'b', 'a', [replica(3, 'b'), replica(2, 'b')], 2],
])('RackAwareReplicaSelector: %s', (_name, clientRack, leaderRack, followers, chosen) => {
  expect(select?.(clientRack, leaderRack, followers)?.brokerId ?? null).toBe(chosen);
});

test('only in-sync followers whose log has the offset are readable', () => {
  const leader = new LeaderState({
    localId: 1,
    leaderEpoch: 0,
    partitionEpoch: 0,
    replicas: [1, 2, 3, 4, 5],
    isr: [1, 2, 4, 5],
    logEndOffset: 10,
    highWatermark: 10,
    minInsyncReplicas: 1,
    lagTimeMaxMs: 1000,
    isEligible: () => true,
    nowMs: 0,
  });
  leader.subscribed(2, 1, 10, 0, 0);
  leader.subscribed(3, 1, 10, 0, 0);
  leader.subscribed(4, 1, 10, 5, 0);
  const readable = (offset: number): number[] =>
    [...leader.readableFollowers(offset)].map(({ brokerId }) => brokerId);
  expect(readable(4)).toEqual([2]);
  expect(readable(5)).toEqual([2, 4]);
  expect(readable(11)).toEqual([]);
});
