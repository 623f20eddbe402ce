import { expect, test } from 'vitest';
import { nodeId } from '../../src/base/ids.ts';
import { Puppets } from './puppet.ts';

test('a vote compares the log with entries that are still being written', () => {
  const quorum = new Puppets(3);
  quorum.elect(1);
  quorum.propose(1, 'a');
  // Node 2 has received the entry and will acknowledge it to the leader when it is durable; node 3 never gets it.
  quorum.deliver(({ to, message }) => to === 2 && message.type === 'append');
  quorum.transit.length = 0;
  quorum.input(2, { type: 'linkDown', peer: nodeId(1) });
  quorum.input(3, { type: 'linkDown', peer: nodeId(1) });
  quorum.timeout(3);
  quorum.deliver(({ from, to }) => from === 3 && to === 2);
  const granted = quorum.transit.map(({ message }) => message.type === 'voted' && message.granted);
  expect(granted).toContain(false);
  expect(granted).not.toContain(true);
  // The same must hold for both kinds of request (pre-vote and vote), because the leader commits the entry once node 2
  // acknowledges its write.
  const from = { id: nodeId(3), directoryId: 'AAAAAAAAAAAAAAAAAAAA3A' };
  const message = {
    type: 'vote',
    epoch: 2,
    preVote: false,
    transfer: false,
    logEndOffset: 1,
    lastEpoch: 1,
    nonce: 1,
  } as const;
  quorum.transit.length = 0;
  quorum.input(2, { type: 'message', from, message });
  quorum.persist(2);
  const answers = quorum.transit.filter((one) => one.from === 2).map((one) => one.message);
  expect(answers).toMatchObject([
    { type: 'appended', accepted: true, endOffset: 2 },
    { type: 'voted', granted: false },
  ]);
});
