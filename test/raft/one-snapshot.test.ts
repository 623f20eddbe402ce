import { expect, test } from 'vitest';
import { nodeId } from '../../src/base/ids.ts';
import type { Input } from '../../src/raft/state.ts';
import { Puppets } from './puppet.ts';

test('a leader sends a follower one snapshot at a time, and again when the sending failed', () => {
  const quorum = new Puppets(3, { trailingEntries: 0, cacheBytesMax: 0 });
  quorum.elect(1, [1, 2]);
  for (const text of ['a', 'b', 'c']) {
    quorum.propose(1, text);
    quorum.stabilize([1, 2]);
  }
  const core = quorum.core(1);
  const sent: number[] = [];
  const step = (input: Input): void => {
    for (const { to } of core.step(quorum.now(), [input]).sendSnapshot) sent.push(to);
  };
  const meta = { endOffset: 4, epoch: 1, voters: [] };
  const node = quorum.node(1);
  node.disk = { ...node.disk, snapshot: { meta, bytes: new Uint8Array(1) } };
  step({ type: 'snapshotSaved', meta });
  const from = { id: nodeId(3), directoryId: 'AAAAAAAAAAAAAAAAAAAA3A' };
  for (let i = 0; i < 3; i++) {
    quorum.nowMs = core.deadlineMs;
    step({ type: 'tick' });
    step({ type: 'message', from, message: { type: 'alive', epoch: 1, round: 0 } });
  }
  expect(sent).toEqual([3]);
  // The snapshot was lost on its way. After the follower's next answer to a heartbeat, the leader sends it again.
  step({ type: 'snapshotSent', to: nodeId(3), epoch: 1, endOffset: 4, ok: false });
  step({ type: 'message', from, message: { type: 'alive', epoch: 1, round: 0 } });
  expect(sent).toEqual([3, 3]);
});
