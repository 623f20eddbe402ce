/** Regular expressions in the log that an earlier release or Kafka has written. */
import { expect, test } from 'vitest';
import { ConsumerWorld } from './harness.ts';

const regex = (subscribedTopicRegex: string) => ({ subscribedTopicNames: null, subscribedTopicRegex });

test('a stored expression above the size limit matches no topic, and the group stays usable', () => {
  const world = new ConsumerWorld({}, { t1: 1 });
  const a = world.member('a', [], regex('t.*')).join();
  const group = world.consumerGroup();
  const member = group.members.get('a');
  if (member === undefined) throw new Error('not joined');
  const metadata = { ...member.metadata, subscribedTopicRegex: 't'.repeat(5_000) };
  group.apply({ type: 'member', memberId: 'a', value: metadata });
  world.advance(11_000);
  a.beat();
  a.beat();
  expect(a.shown).toBe('');
  expect(a.beat(regex('t1')).beat().shown).toBe('t1:0');
});
