import { expect, test } from 'vitest';
import { nodeId } from '../../src/base/ids.ts';
import { LeaderState } from '../../src/replication/leader/leader-state.ts';
import { type ReadableReplica, replicaSelectors } from '../../src/replication/replica-selector.ts';

const select = replicaSelectors.get('org.apache.kafka.common.replica.RackAwareReplicaSelector');

const replica = (
  id: number,
  rack: string | null,
  logEndOffset = 10,
  lastCaughtUpMs = 0,
): ReadableReplica => ({ brokerId: nodeId(id), rack, logEndOffset, lastCaughtUpMs });

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
  const [b1, b2, b3, b4, b5] = [nodeId(1), nodeId(2), nodeId(3), nodeId(4), nodeId(5)];
  const leader = new LeaderState({
    localId: b1,
    leaderEpoch: 0,
    partitionEpoch: 0,
    replicas: [b1, b2, b3, b4, b5],
    isr: [b1, b2, b4, b5],
    logEndOffset: 10,
    highWatermark: 10,
    minInsyncReplicas: 1,
    lagTimeMaxMs: 1000,
    isEligible: () => true,
    nowMs: 0,
  });
  leader.subscribed(b2, 1, 10, 0, 0);
  leader.subscribed(b3, 1, 10, 0, 0);
  leader.subscribed(b4, 1, 10, 5, 0);
  const readable = (offset: number): number[] =>
    [...leader.readableFollowers(offset)].map(({ brokerId }) => brokerId);
  expect(readable(4)).toEqual([2]);
  expect(readable(5)).toEqual([2, 4]);
  expect(readable(11)).toEqual([]);
});
