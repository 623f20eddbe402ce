/** The error messages with which Kafka 4.3.1 refuses a heartbeat. */
import { expect, test } from 'vitest';
import { ConsumerWorld } from './harness.ts';

const first = { memberEpoch: 0, rebalanceTimeoutMs: 60_000, topicPartitions: [] };

test("the error message for a regular expression that cannot be parsed is Kafka's", () => {
  const world = new ConsumerWorld();
  expect(world.beatNow({ ...first, subscribedTopicRegex: '[' }).errorMessage).toBe(
    'SubscribedTopicRegex `[` is not a valid regular expression: missing closing ].',
  );
});

test("the error message for an instance id that another member has is Kafka's", () => {
  const world = new ConsumerWorld({}, { t: 1 });
  const instance = { ...first, subscribedTopicNames: ['t'], instanceId: 'i' };
  world.beatNow({ ...instance, memberId: 'a' });
  expect(world.beatNow({ ...instance, memberId: 'x' }).errorMessage).toBe(
    'Static member x with instance id i cannot join the group because the instance id is owned by a member.',
  );
});
