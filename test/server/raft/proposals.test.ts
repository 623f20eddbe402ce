import { expect, test } from 'vitest';
import { Proposals } from '../../../src/server/raft/proposals.ts';

test('proposals: pending proposals are rejected when the leadership is lost, even if re-elected later', async () => {
  const proposals = new Proposals();
  const early = proposals.open();
  const late = proposals.open();
  proposals.accepted(early.ticket, 5);
  proposals.accepted(late.ticket, 6);
  proposals.delivered(6);
  expect(await early.outcome).toBe(5);
  proposals.rejectAccepted(new Error('the leadership was lost'));
  // The node becomes leader again, and other entries now have these offsets.
  const again = proposals.open();
  proposals.accepted(again.ticket, 6);
  proposals.delivered(10);
  await expect(late.outcome).rejects.toThrow('the leadership was lost');
  expect(await again.outcome).toBe(6);
});
