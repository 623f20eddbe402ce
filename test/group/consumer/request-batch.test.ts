/** How requests of one consumer group are combined into writes. */
import { expect, test } from 'vitest';
import { ConsumerWorld } from './harness.ts';

/** The value in `request-batch.ts`. One request adds only a few records. */
const recordsMax = 200;
const recordsOfRequestMax = 10;

test('a batch with recordsMax records takes no further request; the others are in later batches', () => {
  const world = new ConsumerWorld({}, { t: 4 });
  world.autoWrite = false;
  const tokens = Array.from({ length: 300 }, (_, i) =>
    world.beat({
      memberId: `m${i}`,
      memberEpoch: 0,
      subscribedTopicNames: ['t'],
      topicPartitions: [],
      rebalanceTimeoutMs: 1_000,
    }),
  );
  const sizes: number[] = [];
  while (world.writes.length > 0) {
    sizes.push(world.writes[0]?.records.length ?? 0);
    world.written();
  }
  expect(Math.max(...sizes)).toBeLessThan(recordsMax + recordsOfRequestMax);
  expect(Math.max(...sizes)).toBeGreaterThanOrEqual(recordsMax);
  expect(tokens.filter((token) => world.response(token) === undefined)).toEqual([]);
});

test('a group that is being deleted takes no member, which the deletion would remove', () => {
  const world = new ConsumerWorld({}, { t: 4 });
  world.member('m0').join().leave();
  world.autoWrite = false;
  const deletion = world.send((token) => ({ type: 'deleteGroup', token, groupId: 'g' }));
  const join = {
    memberId: 'm1',
    memberEpoch: 0,
    subscribedTopicNames: ['t'],
    topicPartitions: [],
    rebalanceTimeoutMs: 1_000,
  };
  expect(world.beatError(join)).toBe('COORDINATOR_NOT_AVAILABLE');
  while (world.writes.length > 0) world.written();
  expect(world.response(deletion)).toEqual({ groupId: 'g', errorCode: 0 });
  world.autoWrite = true;
  expect(world.beatError(join)).toBe('NONE');
});
