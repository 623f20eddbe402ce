import { expect, test } from 'vitest';
import { TokenBucket } from '../../src/base/token-bucket.ts';
import { ReplicationThrottles } from '../../src/replication/stream/throttles.ts';
import { ManualClock } from '../log/harness.ts';

const noLimit = Number.MAX_SAFE_INTEGER;

test('a bucket keeps its average rate, allows one large piece, and saves up one second at most', () => {
  const clock = new ManualClock();
  let rate = 1000;
  const bucket = new TokenBucket(clock, () => rate);
  expect(bucket.waitMs()).toBe(0);
  bucket.take(5000);
  expect(bucket.waitMs()).toBe(4001);
  clock.nowMs += 4001;
  expect(bucket.waitMs()).toBe(0);
  clock.nowMs += 60_000;
  bucket.take(1000);
  expect(bucket.waitMs()).toBe(1);
  rate = noLimit;
  expect(bucket.waitMs()).toBe(0);
});

function bench(configs: Record<string, string>, rates = { leader: 1000, follower: 1000 }) {
  const clock = new ManualClock();
  const throttles = new ReplicationThrottles({
    localId: 2,
    clock,
    leaderRate: () => rates.leader,
    followerRate: () => rates.follower,
    configOf: () => new Map(Object.entries(configs)),
  });
  return { clock, throttles, partition: (index: number) => ({ topic: 't', index }) };
}

test("only throttled replicas of the topic's list wait, and none that is in sync", () => {
  const { throttles, partition } = bench({ 'leader.replication.throttled.replicas': '0:2,1:3' });
  throttles.sent(partition(0), 3000);
  throttles.sent(partition(1), 9000);
  expect(throttles.sendWaitMs(partition(0), false)).toBe(2001);
  expect(throttles.sendWaitMs(partition(0), true)).toBe(0);
  expect(throttles.sendWaitMs(partition(1), false)).toBe(0);
  expect(throttles.chunkBytes(partition(0), 1 << 20)).toBe(16 * 1024);
  expect(throttles.chunkBytes(partition(1), 1 << 20)).toBe(1 << 20);
});

test('* means every partition; bytes of in-sync replicas count', () => {
  const { throttles, partition } = bench({ 'follower.replication.throttled.replicas': '*' });
  expect(throttles.received(partition(7), 3000, true)).toBe(0);
  expect(throttles.received(partition(8), 1000, false)).toBe(3001);
  expect(throttles.sendWaitMs(partition(7), false)).toBe(0);
});

test('a follower slightly above its rate does not leave the stream', () => {
  const { clock, throttles, partition } = bench({ 'follower.replication.throttled.replicas': '*' });
  expect(throttles.received(partition(0), 1400, false)).toBe(0);
  expect(throttles.received(partition(0), 400, false)).toBe(801);
  clock.nowMs += 801;
  expect(throttles.received(partition(0), 100, false)).toBe(0);
});

test('without a rate nothing is throttled', () => {
  const { throttles, partition } = bench(
    { 'leader.replication.throttled.replicas': '*', 'follower.replication.throttled.replicas': '*' },
    { leader: noLimit, follower: noLimit },
  );
  throttles.sent(partition(0), 1e9);
  expect(throttles.sendWaitMs(partition(0), false)).toBe(0);
  expect(throttles.received(partition(0), 1e9, false)).toBe(0);
});
