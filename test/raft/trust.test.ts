/** Which messages a replica trusts (`raft/role/trust.ts`): the identity in the hello of a peer is not proven. */
import { expect, test } from 'vitest';
import { nodeId } from '../../src/base/ids.ts';
import { uuidZero } from '../../src/base/uuid.ts';
import type { AppendRequest, RaftMessage } from '../../src/raft/messages.ts';
import { DamagedStoreError } from '../../src/raft/store.ts';
import type { ReplicaKey } from '../../src/raft/types.ts';
import { directoryOf, Puppets } from './puppet.ts';

const stranger: ReplicaKey = { id: nodeId(77), directoryId: directoryOf(9) };

/** Three voters with their directories; node 1 leads epoch 1. */
function ledBy1(count = 3, initialCount = count): Puppets {
  const quorum = new Puppets(count, {}, true, initialCount);
  quorum.elect(1);
  return quorum;
}

function say(quorum: Puppets, to: number, from: ReplicaKey, message: RaftMessage): void {
  quorum.input(to, { type: 'message', from, message });
  quorum.persist(to);
}

function appendOf(epoch: number, more: Partial<AppendRequest> = {}): AppendRequest {
  return { type: 'append', epoch, baseOffset: 0, previousEpoch: 0, highWatermark: 0, entries: [], ...more };
}

function heartbeatOf(epoch: number, match = 0, directoryId = uuidZero): RaftMessage {
  return { type: 'heartbeat', epoch, directoryId, match, highWatermark: match, reply: true, round: 0 };
}

/** What a replica that is no voter may say, and that would end a leadership if it were believed. */
function claims(epoch: number): RaftMessage[] {
  const log = { logEndOffset: 1000, lastEpoch: epoch };
  return [
    appendOf(epoch),
    heartbeatOf(epoch),
    { type: 'snapshot', epoch, endOffset: 9, snapshotEpoch: 1, voters: [], bytes: new Uint8Array(1) },
    { type: 'vote', epoch, preVote: true, transfer: false, nonce: 1, ...log },
    { type: 'vote', epoch, preVote: false, transfer: false, nonce: 1, ...log },
    { type: 'vote', epoch, preVote: false, transfer: true, nonce: 1, ...log },
    { type: 'voted', epoch, preVote: false, granted: true, nonce: 0 },
    { type: 'voted', epoch, preVote: false, granted: false, nonce: 0 },
    { type: 'appended', epoch, accepted: true, baseOffset: 0, endOffset: 2, endEpoch: 0 },
    { type: 'alive', epoch, round: 5 },
    { type: 'timeoutNow', epoch },
    { type: 'resign', epoch, successors: [nodeId(2)] },
  ];
}

test.each([1, 2, 300])('nothing that a stranger says in epoch %i changes a quorum with a leader', (epoch) => {
  const quorum = ledBy1();
  const before = quorum.ids.map((id) => quorum.status(id));
  for (const to of quorum.ids) for (const message of claims(epoch)) say(quorum, to, stranger, message);
  quorum.stabilize();
  expect(quorum.ids.map((id) => quorum.status(id))).toEqual(before);
});

test('a node with the id of a voter and another directory is a stranger too', () => {
  const quorum = ledBy1();
  const before = quorum.ids.map((id) => quorum.status(id));
  const other = { id: nodeId(1), directoryId: directoryOf(9) };
  for (const message of claims(7)) say(quorum, 2, other, message);
  for (const message of claims(1)) say(quorum, 2, other, message);
  expect(quorum.status(2)).toBe(before[1]);
});

test('a second leader of an epoch is refused, also when it is a voter and when the first one is silent', () => {
  const quorum = ledBy1();
  say(quorum, 2, quorum.replica(3), heartbeatOf(1));
  expect(quorum.refused.splice(0)).toEqual(['2: node 3 claims to lead epoch 1, in which node 1 leads']);
  quorum.timeout(2);
  expect(quorum.status(2)).toContain('2 prospective of 1, epoch 1');
  say(quorum, 2, quorum.replica(3), heartbeatOf(1));
  expect(quorum.refused.splice(0)).toEqual(['2: node 3 claims to lead epoch 1, in which node 1 leads']);
  say(quorum, 1, quorum.replica(3), heartbeatOf(1));
  expect(quorum.refused).toEqual(['1: node 3 claims to lead epoch 1, in which node 1 leads']);
  say(quorum, 2, quorum.replica(1), heartbeatOf(1));
  expect(quorum.status(2)).toContain('2 follower of 1, epoch 1');
});

test('a leader that has resigned does not follow another one in its own epoch', () => {
  const quorum = ledBy1();
  quorum.nowMs += 10_000;
  quorum.input(1, { type: 'tick' });
  quorum.timeout(1);
  expect(quorum.status(1)).toContain('1 resigned, epoch 1');
  say(quorum, 1, quorum.replica(2), heartbeatOf(1));
  expect(quorum.status(1)).toContain('1 resigned, epoch 1');
});

test('a voter without a leader accepts messages of an unknown node only after two fetch timeouts', () => {
  const quorum = ledBy1();
  quorum.crash(1);
  const heardMs = quorum.nowMs;
  quorum.input(2, { type: 'linkDown', peer: nodeId(1) });
  quorum.nowMs = heardMs + 3999;
  say(quorum, 2, stranger, heartbeatOf(8));
  expect(quorum.status(2)).toContain('epoch 1');
  expect(quorum.refused).toEqual(['2: node 77, which is no voter, names the later epoch 8']);
  quorum.nowMs = heardMs + 4000;
  say(quorum, 2, stranger, heartbeatOf(8));
  expect(quorum.status(2)).toContain('2 follower of 77, epoch 8');
});

test('a voter without a leader gives a stranger no vote', () => {
  const quorum = ledBy1();
  quorum.input(2, { type: 'linkDown', peer: nodeId(1) });
  quorum.transit.length = 0;
  const log = { logEndOffset: 1000, lastEpoch: 1 };
  for (const preVote of [true, false])
    say(quorum, 2, stranger, { type: 'vote', epoch: 2, preVote, transfer: false, nonce: 1, ...log });
  const answers = quorum.transit.filter(({ to }) => to === stranger.id).map(({ message }) => message);
  expect(answers).toEqual([{ type: 'voted', epoch: 1, preVote: true, granted: false, nonce: 1 }]);
  expect(quorum.status(2)).toContain('epoch 1');
});

test('a voter without a leader follows no stranger in its epoch', () => {
  const quorum = ledBy1();
  quorum.restart(2);
  expect(quorum.status(2)).toContain('2 unattached, epoch 1');
  say(quorum, 2, stranger, heartbeatOf(1));
  expect(quorum.refused).toEqual(['2: node 77, which is no voter, claims to lead epoch 1']);
  say(quorum, 2, quorum.replica(1), heartbeatOf(1));
  expect(quorum.status(2)).toContain('2 follower of 1, epoch 1');
});

test('a node that knows no voters follows another leader of the epoch when the first one is silent', () => {
  const quorum = ledBy1(4, 3);
  say(quorum, 4, stranger, heartbeatOf(1));
  say(quorum, 4, quorum.replica(1), heartbeatOf(1));
  expect(quorum.status(4)).toContain('4 follower of 77, epoch 1');
  quorum.timeout(4);
  say(quorum, 4, quorum.replica(1), heartbeatOf(1));
  expect(quorum.status(4)).toContain('4 follower of 1, epoch 1');
});

test('a candidate that got a vote and lost tells no later epoch', () => {
  const quorum = new Puppets(3, {}, true);
  quorum.nowMs += 4000;
  const log = { logEndOffset: 1000, lastEpoch: 1 };
  say(quorum, 3, stranger, { type: 'vote', epoch: 1, preVote: false, transfer: false, nonce: 1, ...log });
  expect(quorum.core(3).state.votedFor).toEqual(stranger);
  quorum.elect(1, [1, 2]);
  say(quorum, 3, quorum.replica(1), heartbeatOf(1));
  for (const message of claims(7)) say(quorum, 3, stranger, message);
  expect(quorum.status(3)).toContain('3 follower of 1, epoch 1');
});

test('a voter can replace a leader that is not a voter, but not the reverse', () => {
  const quorum = ledBy1();
  quorum.crash(1);
  quorum.nowMs += 10_000;
  say(quorum, 2, stranger, heartbeatOf(8));
  say(quorum, 2, { ...stranger, id: nodeId(78) }, heartbeatOf(8));
  expect(quorum.status(2)).toContain('2 follower of 77, epoch 8');
  say(quorum, 2, quorum.replica(3), heartbeatOf(8));
  expect(quorum.status(2)).toContain('2 follower of 3, epoch 8');
  quorum.nowMs += 10_000;
  say(quorum, 2, stranger, heartbeatOf(8));
  expect(quorum.status(2)).toContain('2 prospective of 3, epoch 8');
});

test('a voter that lacks the entry which adds another one follows that one as leader', () => {
  const quorum = ledBy1(4, 3);
  quorum.timeout(4);
  quorum.stabilize();
  quorum.change(1, { kind: 'add', voter: quorum.voter(4) });
  quorum.stabilize([1, 2, 4]);
  expect(quorum.core(3).state.voters.current).toHaveLength(3);
  for (const peer of [2, 3]) quorum.input(1, { type: 'linkDown', peer: nodeId(peer) });
  quorum.input(1, { type: 'retire' });
  quorum.stabilize([1, 2, 4]);
  expect(quorum.status(4)).toContain('4 leader, epoch 2');
  expect(quorum.status(3)).toContain('3 follower of 1, epoch 1');
  quorum.nowMs += 4000;
  quorum.input(4, { type: 'tick' });
  quorum.stabilize();
  expect(quorum.status(3)).toContain('3 follower of 4, epoch 2');
  expect(quorum.core(3).state.voters.current).toHaveLength(4);
});

test('only the leader makes a follower campaign', () => {
  const quorum = ledBy1();
  say(quorum, 2, quorum.replica(3), { type: 'timeoutNow', epoch: 1 });
  expect(quorum.status(2)).toContain('2 follower of 1, epoch 1');
  say(quorum, 2, quorum.replica(1), { type: 'timeoutNow', epoch: 1 });
  expect(quorum.status(2)).toContain('2 candidate, epoch 2');
});

test('a leader steps down for a learner with a later epoch, but not often, and not for a distant epoch', () => {
  const quorum = ledBy1();
  const electedMs = quorum.nowMs;
  const tells = (learner: ReplicaKey, epoch: number): void =>
    say(quorum, 1, learner, { type: 'alive', epoch, round: 0 });
  for (const learner of [{ id: nodeId(2), directoryId: directoryOf(9) }, stranger]) {
    say(quorum, 1, learner, { type: 'join', epoch: 0, replica: learner, endpoints: [] });
    tells(learner, 1);
    for (const message of claims(7)) say(quorum, 1, learner, message);
  }
  quorum.nowMs = electedMs + 3999;
  tells(stranger, 7);
  expect(quorum.status(1)).toContain('1 leader, epoch 1');
  quorum.nowMs = electedMs + 4000;
  tells(stranger, 1002);
  tells({ ...stranger, directoryId: directoryOf(8) }, 7);
  expect(quorum.status(1)).toContain('1 leader, epoch 1');
  tells(stranger, 7);
  expect(quorum.status(1)).toContain('1 unattached, epoch 7');
});

test('a leader without the committed entries is refused, and does not count as alive', () => {
  const quorum = ledBy1();
  quorum.propose(1, 'x');
  quorum.stabilize();
  const { highWatermark } = quorum.core(2).state;
  expect(highWatermark).toBe(3);
  const entry = (offset: number, epoch: number) =>
    ({ offset, epoch, kind: 'data', payload: new Uint8Array(1), appendedMs: 0 }) as const;
  const claim = (baseOffset: number, previousEpoch: number, epochs: readonly number[]): void => {
    const entries = epochs.map((epoch, at) => entry(baseOffset + at, epoch));
    say(quorum, 2, quorum.replica(3), appendOf(2, { baseOffset, previousEpoch, entries }));
  };
  quorum.nowMs += 1000;
  claim(3, 0, [2]);
  claim(1, 0, [0, 0, 0, 2]);
  claim(0, 0, [2, 2, 2, 2]);
  const reason = '2: node 3 claims to lead epoch 2, but lacks entries that are committed below 3';
  expect(quorum.refused.splice(0)).toEqual([reason, reason, reason]);
  expect(quorum.epochs(2)).toEqual([1, 1, 1]);
  claim(3, 1, [2]);
  expect(quorum.refused).toEqual([]);
  expect(quorum.epochs(2)).toEqual([1, 1, 1, 2]);
});

test('only a voter ends this replica by saying that it has lost what it acknowledged', () => {
  const quorum = ledBy1();
  quorum.crash(1);
  quorum.nowMs += 10_000;
  const lost = heartbeatOf(8, 100, directoryOf(2));
  say(quorum, 2, stranger, lost);
  expect(quorum.refused).toEqual(['2: node 77, which is no voter, says that this replica has lost entries']);
  expect(() => say(quorum, 2, quorum.replica(3), lost)).toThrow(DamagedStoreError);
});

test('a response to a round of heartbeats that has not begun confirms no read', () => {
  const quorum = ledBy1();
  for (const id of [2, 3]) say(quorum, 1, quorum.replica(id), { type: 'alive', epoch: 1, round: 1000 });
  quorum.input(1, { type: 'readBarrier', ticket: 1 });
  expect(quorum.reads).toEqual([]);
  quorum.stabilize();
  expect(quorum.reads).toHaveLength(1);
});

test.each<[string, RaftMessage]>([
  ['response', { type: 'alive', epoch: 1, round: 0 }],
  [
    'join',
    { type: 'join', epoch: 1, replica: { id: nodeId(2), directoryId: directoryOf(9) }, endpoints: [] },
  ],
])('a late %s from a former directory of a voter does not end the leadership', (_what, message) => {
  const quorum = ledBy1(2);
  const fetchTimeoutMs = 2000;
  while (quorum.nowMs < 2 * fetchTimeoutMs) {
    quorum.timeout(1);
    quorum.stabilize();
  }
  say(quorum, 1, { id: nodeId(2), directoryId: directoryOf(9) }, message);
  quorum.timeout(1);
  expect(quorum.status(1)).toContain('1 leader, epoch 1');
  quorum.stabilize();
  // The other directory alone is no majority.
  while (quorum.nowMs < 4 * fetchTimeoutMs) {
    quorum.timeout(1);
    quorum.transit.length = 0;
    say(quorum, 1, { id: nodeId(2), directoryId: directoryOf(9) }, message);
  }
  expect(quorum.status(1)).not.toContain('leader');
});

test('a leader does not lead longer because it forgets another directory of a silent voter', () => {
  const quorum = ledBy1(3);
  const { fetchTimeoutMs, heartbeatMs } = quorum.core(1).state.options;
  const other = { id: nodeId(3), directoryId: directoryOf(9) };
  say(quorum, 1, other, { type: 'join', epoch: 1, replica: other, endpoints: [] });
  const joinedMs = quorum.nowMs;
  const heardUntilMs = joinedMs + 4 * fetchTimeoutMs;
  // The leader forgets a learner after 5 fetch timeouts: after it has last heard node 2, and before it resigns.
  while (quorum.nowMs < heardUntilMs) {
    quorum.timeout(1);
    quorum.stabilize([1, 2]);
  }
  expect(quorum.status(1)).toContain('1 leader, epoch 1');
  const heardMs = quorum.nowMs;
  while (quorum.status(1).includes('leader')) {
    quorum.timeout(1);
    quorum.transit.length = 0;
  }
  expect(quorum.nowMs - heardMs).toBeLessThanOrEqual(1.5 * fetchTimeoutMs + 2 * heartbeatMs);
});

test('a late message of a voter, after one of another directory, is no sign of its life', () => {
  const quorum = ledBy1(2);
  const { fetchTimeoutMs, heartbeatMs } = quorum.core(1).state.options;
  const other = { id: nodeId(2), directoryId: directoryOf(9) };
  const heardMs = quorum.nowMs;
  // Each `join` comes from a replica that has not accepted this leader.
  while (quorum.status(1).includes('leader')) {
    quorum.timeout(1);
    quorum.transit.length = 0;
    for (const replica of [other, quorum.replica(2)]) {
      say(quorum, 1, replica, { type: 'join', epoch: 1, replica, endpoints: [] });
    }
    expect(quorum.nowMs - heardMs).toBeLessThanOrEqual(1.5 * fetchTimeoutMs + 2 * heartbeatMs);
  }
});

test('a voter that was added counts as heard when it last responded', () => {
  const quorum = ledBy1(2, 1);
  while (quorum.nowMs < 2 * quorum.core(1).state.options.fetchTimeoutMs) {
    for (const id of quorum.ids) quorum.timeout(id);
    quorum.stabilize();
  }
  quorum.change(1, { kind: 'add', voter: quorum.voter(2) });
  expect(quorum.refused).toEqual([]);
  quorum.persist(1);
  quorum.timeout(1);
  expect(quorum.status(1)).toContain('1 leader, epoch 1');
});
