/** Pipelined appends that arrive out of order are refused. The leader sends them again soon, but not once for each refusal. */
import { expect, test } from 'vitest';
import { Puppets } from './puppet.ts';

test('appends refused because of their order are sent again after the next heartbeat, not at once', () => {
  const quorum = new Puppets(3, { appendBytesMax: 1, inflightCountMax: 8 });
  quorum.elect(1);
  const before = quorum.core(2).state.log.endOffset;
  for (const text of ['a', 'b', 'c', 'd']) quorum.propose(1, text);
  // The last append arrives first; the others are lost.
  const isAppendTo2 = ({ to, message }: (typeof quorum.transit)[number]): boolean =>
    to === 2 && message.type === 'append' && message.baseOffset === before + 3;
  expect(quorum.deliver(isAppendTo2)).not.toBe(null);
  quorum.transit.splice(0, quorum.transit.length, ...quorum.transit.filter(({ from }) => from === 2));
  quorum.persist(2);
  const refusal = quorum.deliver(({ from }) => from === 2);
  expect(refusal?.message).toMatchObject({ type: 'appended', accepted: false });
  // The leader does not send again at once, because every append of a whole window may be refused one after another.
  expect(quorum.transit.filter(({ to, message }) => to === 2 && message.type === 'append')).toEqual([]);
  quorum.timeout(1);
  quorum.deliver(({ to, message }) => to === 2 && message.type === 'heartbeat');
  quorum.deliver(({ from, message }) => from === 2 && message.type === 'alive');
  const again = quorum.transit.filter(({ to, message }) => to === 2 && message.type === 'append');
  expect(again.map(({ message }) => message)).toMatchObject([{ baseOffset: before }]);
  quorum.stabilize([1, 2]);
  expect(quorum.core(2).state.log.endOffset).toBe(before + 4);
});
