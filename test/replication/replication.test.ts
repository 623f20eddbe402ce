import { describe, expect, test } from 'vitest';
import { resourceType } from '../../src/metadata/configs-image.ts';
import { record } from '../../src/metadata/records.ts';
import { KafkaError } from '../../src/protocol/errors.ts';
import { inMacrotask } from '../../src/simulation/macrotask.ts';
import type { Partition } from '../../src/replication/partition.ts';
import { Cluster, type ClusterOptions, lagTimeMaxMs, uniqueBatch } from './cluster.ts';

function simulate(
  name: string,
  options: Omit<ClusterOptions, 'seed'>,
  body: (cluster: Cluster) => void,
): void {
  test(name, () =>
    inMacrotask(() => {
      const cluster = new Cluster({ seed: 7, ...options });
      cluster.runUntil(() => cluster.leader() !== null);
      body(cluster);
    }),
  );
}

/** Appends one batch; `outcome` is null until the append was acknowledged or has failed. */
function produce(partition: Partition, acks: -1 | 0 | 1 = -1): { outcome: string | null; endOffset: number } {
  const { bytes } = uniqueBatch(2);
  const result: { outcome: string | null; endOffset: number } = { outcome: null, endOffset: -1 };
  const { info, acknowledged } = partition.appendAsLeader(bytes, acks, {
    origin: 'client',
    requestVersion: 11,
  });
  result.endOffset = info.lastOffset + 1;
  acknowledged.then(
    () => {
      result.outcome = 'ok';
    },
    (error: unknown) => {
      result.outcome = error instanceof KafkaError ? error.error.name : String(error);
    },
  );
  return result;
}

function leaderOf(cluster: Cluster, index = 0): Partition {
  const leader = cluster.leader(index);
  if (leader === null) throw new Error('no leader');
  return leader;
}

describe('configuration', () => {
  simulate('topics get the new value of a broker setting that they inherit', {}, (cluster) => {
    const leader = leaderOf(cluster);
    cluster.config = { ...cluster.config, maxMessageBytes: 2000 };
    cluster.commit([
      record('ConfigRecord', {
        resourceType: resourceType.broker,
        resourceName: '',
        name: 'message.max.bytes',
        value: '2000',
      }),
    ]);
    cluster.runFor(100);
    expect(leader.config.maxMessageBytes).toBe(2000);
  });
});

describe('three replicas', () => {
  simulate(
    'acks=all is acknowledged when all replicas have the records; followers learn the high watermark at once',
    {},
    (cluster) => {
      const leader = leaderOf(cluster);
      const result = produce(leader);
      expect(leader.highWatermark).toBe(0);
      cluster.runUntil(() => result.outcome !== null);
      expect(result.outcome).toBe('ok');
      expect(leader.highWatermark).toBe(2);
      expect([2, 3].map((id) => cluster.replica(id)?.logEndOffset)).toEqual([2, 2]);
      const startMs = cluster.world.nowMs;
      cluster.runUntil(() => [2, 3].every((id) => cluster.replica(id)?.highWatermark === 2));
      expect(cluster.world.nowMs - startMs).toBeLessThan(10);
    },
  );

  simulate(
    'followers also describe their producers, without a leader epoch in the request',
    {},
    (cluster) => {
      const result = produce(leaderOf(cluster));
      cluster.runUntil(() => result.outcome !== null);
      for (const id of [1, 2, 3]) expect(cluster.replica(id)?.describeProducers()).toEqual([]);
    },
  );

  simulate('acks=1 and acks=0 do not wait for followers', {}, (cluster) => {
    for (const id of [2, 3]) cluster.broker(id).host.pause();
    const leader = leaderOf(cluster);
    const one = produce(leader, 1);
    const none = produce(leader, 0);
    const all = produce(leader, -1);
    cluster.runFor(500);
    expect([one.outcome, none.outcome, all.outcome]).toEqual(['ok', 'ok', null]);
    for (const id of [2, 3]) cluster.broker(id).host.resume();
    cluster.runUntil(() => all.outcome === 'ok');
  });

  simulate('a slow follower leaves the ISR after the lag time, then joins again', {}, (cluster) => {
    const leader = leaderOf(cluster);
    cluster.runFor(100);
    cluster.broker(3).host.pause();
    const result = produce(leader);
    cluster.runFor(lagTimeMaxMs / 2);
    expect(result.outcome).toBeNull();
    cluster.runUntil(() => result.outcome === 'ok', lagTimeMaxMs * 3);
    expect(cluster.metadata().isr).toEqual([1, 2]);
    const counted = () => cluster.broker(1).manager?.isrChanges;
    cluster.runFor(100);
    expect(counted()).toEqual({ shrinks: 1, expands: 0, failed: 0 });
    cluster.broker(3).host.resume();
    cluster.runUntil(() => cluster.metadata().isr.length === 3, 5000);
    cluster.runFor(100);
    expect(counted()).toEqual({ shrinks: 1, expands: 1, failed: 0 });
    expect(cluster.replica(3)?.logEndOffset).toBe(2);
  });

  simulate('below min.insync.replicas acks=all is refused and acks=1 accepted', {}, (cluster) => {
    cluster.crash(2);
    cluster.crash(3);
    cluster.runFor(100);
    const leader = leaderOf(cluster);
    expect(cluster.metadata().isr).toEqual([1]);
    expect(() => produce(leader)).toThrow(expect.objectContaining({ code: 19 }));
    const one = produce(leader, 1);
    cluster.runFor(100);
    expect(one.outcome).toBe('ok');
    // The record is not readable before enough replicas have it.
    expect(leader.highWatermark).toBe(0);
    cluster.start(2);
    cluster.runUntil(() => leader.highWatermark === one.endOffset, 5000);
    expect(cluster.metadata().isr).toEqual([1, 2]);
  });

  simulate(
    'a leader that dies is replaced and comes back as a follower without its unreplicated tail',
    {},
    (cluster) => {
      const first = produce(leaderOf(cluster));
      cluster.runUntil(() => first.outcome === 'ok');
      for (const id of [2, 3]) cluster.network.partitions.cut('b1', `b${id}`);
      const lost = produce(leaderOf(cluster), 1);
      cluster.runUntil(() => lost.outcome === 'ok');
      cluster.crash(1);
      cluster.network.partitions.heal();
      cluster.runUntil(() => cluster.leader() !== null && cluster.metadata().leader !== 1);
      const second = produce(leaderOf(cluster));
      cluster.runUntil(() => second.outcome === 'ok');
      cluster.start(1);
      cluster.runUntil(() => cluster.metadata().isr.length === 3, 5000);
      const logs = [1, 2, 3].map((id) => cluster.broker(id).disk.logs.values().next().value?.batches ?? []);
      const ids = logs.map((batches) => batches.map((batch) => batch.header.baseTimestamp));
      expect(ids[0]).toEqual(ids[1]);
      expect(ids[1]).toEqual(ids[2]);
      expect(ids[0]).toHaveLength(2);
    },
  );

  simulate(
    'after a leadership move the old leader acknowledges the records that the new one commits',
    {},
    (cluster) => {
      const leader = leaderOf(cluster);
      const result = produce(leader);
      cluster.runUntil(
        () => cluster.replica(2)?.logEndOffset === 2 && cluster.replica(3)?.logEndOffset === 2,
      );
      expect(result.outcome).toBeNull();
      cluster.moveLeader(2);
      cluster.runUntil(() => !leader.isLeader || result.outcome !== null);
      cluster.runUntil(() => result.outcome !== null, 900);
      expect(result.outcome).toBe('ok');
    },
  );

  simulate(
    'after a leadership move the old leader refuses the records that the new one does not have',
    {},
    (cluster) => {
      const leader = leaderOf(cluster);
      for (const id of [2, 3]) cluster.network.partitions.cut('b1', `b${id}`);
      const result = produce(leader);
      cluster.runFor(10);
      cluster.moveLeader(2);
      cluster.runUntil(() => result.outcome !== null, 3000);
      expect(result.outcome).toBe('NOT_LEADER_OR_FOLLOWER');
    },
  );

  simulate('a follower that is far behind gets records from disk', { partitions: 3 }, (cluster) => {
    cluster.runUntil(() => [0, 1, 2].every((index) => cluster.leader(index) !== null));
    cluster.crash(3);
    cluster.runFor(50);
    for (let i = 0; i < 200; i++) {
      produce(leaderOf(cluster, 0), 1);
      if (i % 5 === 0) cluster.runFor(1);
    }
    for (const log of cluster.broker(1).logs?.open.values() ?? []) log.isCold = true;
    cluster.start(3);
    cluster.runUntil(() => cluster.replica(3)?.highWatermark === 400, 10_000);
    cluster.runUntil(() => cluster.metadata().isr.length === 3, 5000);
  });

  simulate('DeleteRecords: the low watermark follows once all live replicas have', {}, (cluster) => {
    const leader = leaderOf(cluster);
    const result = produce(leader);
    cluster.runUntil(() => result.outcome === 'ok');
    leader.deleteRecords(-1).catch(() => undefined);
    const stop = leader.lowWatermarkChanges.watch(() => undefined);
    cluster.runUntil(() => leader.lowWatermark() === 2, 1000);
    stop();
    expect([1, 2, 3].map((id) => cluster.replica(id)?.logStartOffset)).toEqual([2, 2, 2]);
    let refusal = '';
    leader.deleteRecords(5).catch((error: KafkaError) => {
      refusal = error.error.name;
    });
    cluster.runFor(1);
    expect(refusal).toBe('OFFSET_OUT_OF_RANGE');
  });

  simulate(
    "a follower whose log ends before the leader's log start begins again at that start",
    {},
    (cluster) => {
      const first = produce(leaderOf(cluster));
      cluster.runUntil(() => first.outcome === 'ok');
      cluster.crash(3);
      cluster.runFor(20);
      const second = produce(leaderOf(cluster));
      cluster.runUntil(() => second.outcome === 'ok');
      const third = produce(leaderOf(cluster));
      cluster.runUntil(() => third.outcome === 'ok');
      leaderOf(cluster)
        .deleteRecords(4)
        .catch(() => undefined);
      cluster.runFor(100);
      cluster.start(3);
      cluster.runUntil(() => cluster.metadata().isr.length === 3, 5000);
      expect(cluster.replica(3)?.logStartOffset).toBe(4);
      expect(cluster.replica(3)?.logEndOffset).toBe(6);
    },
  );

  simulate('a broken stream is opened again at once', {}, (cluster) => {
    cluster.runFor(50);
    for (let i = 0; i < 5; i++) cluster.network.resetSome();
    const result = produce(leaderOf(cluster));
    cluster.runUntil(() => result.outcome === 'ok', 500);
  });

  simulate('ISR changes are sent again until there is a controller', {}, (cluster) => {
    cluster.runFor(50);
    cluster.broker(3).host.pause();
    const result = produce(leaderOf(cluster));
    cluster.controllerIsDown = true;
    cluster.runFor(lagTimeMaxMs * 4);
    expect(result.outcome).toBeNull();
    cluster.controllerIsDown = false;
    cluster.runUntil(() => result.outcome === 'ok', 3000);
  });

  simulate('listing offsets waits for the high watermark of a new leader', {}, (cluster) => {
    const first = produce(leaderOf(cluster));
    cluster.runUntil(() => cluster.replica(2)?.logEndOffset === 2 && cluster.replica(3)?.logEndOffset === 2);
    expect(first.outcome).toBeNull();
    for (const [from, to] of [
      ['b2', 'b3'],
      ['b3', 'b2'],
      ['b1', 'b2'],
      ['b2', 'b1'],
    ] as const)
      cluster.network.partitions.cut(from, to);
    cluster.crash(1);
    cluster.runUntil(() => cluster.replica(2)?.isLeader === true);
    const ask = (): string => {
      let found = '';
      leaderOf(cluster)
        .listOffset({
          timestamp: -1,
          isolation: 'high_watermark',
          currentLeaderEpoch: -1,
          allowFollower: false,
        })
        .then(
          (answer) => {
            found = String(answer?.offset);
          },
          (error: KafkaError) => {
            found = error.error.name;
          },
        );
      cluster.runFor(1);
      return found;
    };
    expect(ask()).toBe('OFFSET_NOT_AVAILABLE');
    cluster.network.partitions.heal();
    cluster.runUntil(() => leaderOf(cluster).highWatermark === 2, 5000);
    expect(ask()).toBe('2');
  });
});

describe('a single replica', () => {
  simulate('commits when the write is complete', { brokers: 1 }, (cluster) => {
    const leader = leaderOf(cluster);
    const result = produce(leader);
    cluster.runUntil(() => result.outcome !== null);
    expect(result.outcome).toBe('ok');
    expect(leader.highWatermark).toBe(2);
  });
});

describe('throttled replication (KIP-73)', () => {
  for (const side of ['leader', 'follower'] as const) {
    simulate(`a replica that is not in sync catches up at the rate of its ${side}`, {}, (cluster) => {
      cluster.crash(3);
      cluster.fence(3);
      cluster.runFor(200);
      const leader = leaderOf(cluster);
      let sent = 0;
      // More bytes than a stream's window lets the leader have in flight.
      for (let i = 0; i < 120; i++) {
        const { bytes } = uniqueBatch(2, 50_000);
        sent += bytes.length;
        leader.appendAsLeader(bytes, 1, { origin: 'client', requestVersion: 11 });
      }
      cluster.runFor(500);
      const rate = Math.floor(sent / 5);
      cluster.rates = { ...cluster.rates, [side]: rate };
      cluster.commit([
        record('ConfigRecord', {
          resourceType: resourceType.topic,
          resourceName: 't',
          name: `${side}.replication.throttled.replicas`,
          value: '*',
        }),
      ]);
      cluster.start(3);
      const caughtUp = (): boolean => cluster.replica(3)?.logEndOffset === leader.logEndOffset;
      cluster.runFor(1500);
      expect(caughtUp()).toBe(false);
      // The throttle of the third replica does not hold back the replicas in the ISR.
      const result = produce(leader);
      cluster.runUntil(() => result.outcome === 'ok', 1000);
      expect(caughtUp()).toBe(false);
      cluster.runUntil(caughtUp, 20_000);
      cluster.runUntil(() => cluster.metadata().isr.length === 3, 5000);
    });
  }
});
