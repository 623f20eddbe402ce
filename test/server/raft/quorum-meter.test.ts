import { expect, test } from 'vitest';
import { nodeId } from '../../../src/base/ids.ts';
import { uuidZero } from '../../../src/base/uuid.ts';
import type { QuorumStatus } from '../../../src/raft/api.ts';
import { quorumMetrics } from '../../../src/server/metrics/quorum-metrics.ts';
import { QuorumMeter } from '../../../src/server/raft/quorum-meter.ts';

/** The status of a quorum of nodes 1 to 3 with the observer 9, as a node in role `role` reports it. */
function statusOf(role: QuorumStatus['role']): QuorumStatus {
  const replica = (id: number, logEndOffset: number) => ({
    id: nodeId(id),
    directoryId: uuidZero,
    endpoints: [],
    logEndOffset,
    lastFetchMs: -1,
    lastCaughtUpMs: -1,
  });
  return {
    role,
    leaderId: nodeId(1),
    epoch: 4,
    highWatermark: 90,
    logStartOffset: 0,
    logEndOffset: 100,
    voters: [replica(1, 100), replica(2, 98), replica(3, -1)],
    observers: [replica(9, 60)],
  };
}

function world() {
  let nowMs = 0;
  const meter = new QuorumMeter({ monotonicMs: () => nowMs, wallMs: () => nowMs });
  const told = (role: QuorumStatus['role']): Record<string, number> => {
    const values: Record<string, number> = {};
    const collect = quorumMetrics(
      () => statusOf(role),
      meter,
      () => role === 'leader',
    );
    void collect((name, value, labels = []) => {
      values[[name.replace('kafka_server_raftmetrics_', ''), ...labels].join(' ')] = value;
    });
    return values;
  };
  return { meter, told, at: (ms: number) => (nowMs = ms) };
}

test('metrics have latencies of commits and elections, and rates of entries', () => {
  const { meter, told, at } = world();
  const quiet = told('follower');
  expect([quiet['commit_latency_avg'], quiet['election_latency_max']]).toEqual([Number.NaN, Number.NaN]);
  meter.stepped(true);
  at(30);
  meter.stepped(true);
  at(70);
  meter.stepped(false);
  meter.stepped(false);
  const sinceMs = meter.nowMs();
  meter.appended(3);
  at(80);
  meter.committed(sinceMs);
  at(100);
  meter.committed(sinceMs);
  meter.fetched(0);
  at(10_000);
  expect(told('leader')).toMatchObject({
    commit_latency_avg: 20,
    commit_latency_max: 30,
    election_latency_avg: 70,
    election_latency_max: 70,
    append_records_rate: 0.3,
    fetch_records_rate: 0,
  });
});

test('only the leader reports the lag of replicas, of those that it has heard', () => {
  const { told } = world();
  const led = told('leader');
  expect(led).toMatchObject({ number_of_voters: 3, number_of_observers: 1 });
  const lags = Object.entries(led).filter(([name]) => name.startsWith('bendemann_raft_follower_lag'));
  expect(Object.fromEntries(lags)).toEqual({
    'bendemann_raft_follower_lag 2': 2,
    'bendemann_raft_follower_lag 9': 40,
  });
  const followed = told('follower');
  expect(Object.keys(followed).filter((name) => /lag|observers/.test(name))).toEqual([]);
});
