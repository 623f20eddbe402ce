/**
 * Each test checks one rule of the Raft thesis on membership changes, leadership transfer or reads, or a rule that KIP-853
 * adds.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nodeId } from '../../src/base/ids.ts';
import { DamagedStoreError } from '../../src/raft/store.ts';
import type { VoterChange } from '../../src/raft/state.ts';
import { directoryOf, Puppets } from './puppet.ts';

function ids(quorum: Puppets, id: number): number[] {
  return quorum.core(id).state.voters.current.map((voter) => voter.id);
}

/** A dynamic quorum in which node 1 is leader and all nodes have the same log. */
function ledBy1(count: number, initialCount: number): Puppets {
  const quorum = new Puppets(count, {}, true, initialCount);
  quorum.elect(1);
  for (const id of quorum.ids.slice(initialCount)) quorum.timeout(id);
  quorum.stabilize();
  return quorum;
}

function refusals(quorum: Puppets, change: VoterChange): string[] {
  quorum.change(1, change);
  return quorum.refused.splice(0);
}

test('Raft thesis: 4.1: a server uses the latest configuration in its log, the one before after a truncation', () => {
  const quorum = ledBy1(3, 3);
  quorum.change(1, { kind: 'remove', voter: quorum.replica(3) });
  quorum.deliver(({ to }) => to === 2);
  expect([ids(quorum, 1), ids(quorum, 2), ids(quorum, 3)]).toEqual([
    [1, 2],
    [1, 2],
    [1, 2, 3],
  ]);
  // The change was not durable on node 2, and node 1 dies: no node has it any more.
  quorum.transit.length = 0;
  quorum.crash(1);
  quorum.crash(2);
  quorum.restart(2);
  expect(ids(quorum, 2)).toEqual([1, 2, 3]);
  quorum.input(3, { type: 'linkDown', peer: nodeId(1) });
  quorum.elect(2, [2, 3]);
  expect(quorum.status(2)).toContain('leader');
  quorum.restart(1);
  quorum.input(2, { type: 'linkUp', peer: nodeId(1) });
  quorum.stabilize();
  expect(ids(quorum, 1)).toEqual([1, 2, 3]);
});

test('Raft thesis: 4.1: a change begins when the one before, and an entry of this epoch, are committed', () => {
  const quorum = ledBy1(4, 3);
  expect(refusals(quorum, { kind: 'remove', voter: quorum.replica(2) })).toEqual([]);
  expect(refusals(quorum, { kind: 'add', voter: quorum.voter(4) })).toEqual(['1: changePending']);
  quorum.stabilize();
  expect(refusals(quorum, { kind: 'add', voter: quorum.voter(4) })).toEqual([]);
  quorum.stabilize();
  expect(ids(quorum, 4)).toEqual([1, 3, 4]);

  const fresh = new Puppets(3, {}, true);
  fresh.timeout(1);
  for (const id of [1, 2]) fresh.persist(id);
  while (fresh.core(1).state.role.name !== 'leader') {
    fresh.deliver(({ from, to }) => from + to === 3);
    for (const id of [1, 2]) if (fresh.core(1).state.role.name !== 'leader') fresh.persist(id);
  }
  expect(refusals(fresh, { kind: 'remove', voter: fresh.replica(2) })).toEqual(['1: notReady']);
});

test('Raft thesis: 4.2.1: a non-voting server gets the log, but does not count for commits and elections', () => {
  const quorum = ledBy1(3, 1);
  quorum.change(1, { kind: 'add', voter: quorum.voter(2) });
  quorum.stabilize();
  quorum.propose(1, 'a');
  quorum.stabilize([1, 3]);
  expect(quorum.core(3).state.log.endOffset).toBe(quorum.core(1).state.log.endOffset);
  expect(quorum.core(1).state.highWatermark).toBe(quorum.core(1).state.log.endOffset - 1);
  // Node 3 does not raise its epoch either: it asks for votes in a pre-vote first, and no majority of the voters would vote for
  // it.
  quorum.crash(1);
  for (let i = 0; i < 5; i++) quorum.timeout(3);
  expect(quorum.status(3)).toMatch(/3 (unattached|prospective), epoch 1/);
});

test('Raft thesis: 4.2.1: a server that lags is not added', () => {
  const quorum = ledBy1(2, 1);
  expect(
    refusals(quorum, { kind: 'add', voter: { ...quorum.voter(2), directoryId: directoryOf(9) } }),
  ).toEqual(['1: notCaughtUp']);
  quorum.nowMs += 10_000;
  quorum.input(1, { type: 'tick' });
  expect(refusals(quorum, { kind: 'add', voter: quorum.voter(2) })).toEqual(['1: notCaughtUp']);
  quorum.stabilize();
  expect(refusals(quorum, { kind: 'add', voter: quorum.voter(2) })).toEqual([]);
});

test('etcd: a promoted learner votes even before it has the entry of its promotion', () => {
  const quorum = ledBy1(3, 2);
  quorum.change(1, { kind: 'add', voter: quorum.voter(3) });
  quorum.stabilize([1, 2]);
  expect(ids(quorum, 3)).toEqual([1, 2]);
  quorum.crash(1);
  quorum.input(2, { type: 'linkDown', peer: nodeId(1) });
  quorum.input(3, { type: 'linkDown', peer: nodeId(1) });
  quorum.elect(2, [2, 3]);
  expect(quorum.status(2)).toContain('leader, epoch 2');
  expect(ids(quorum, 3)).toEqual([1, 2, 3]);
});

test('Raft thesis: 4.2.2: a leader that removes itself is not counted, and steps down when that is committed', () => {
  const quorum = ledBy1(2, 2);
  quorum.change(1, { kind: 'remove', voter: quorum.replica(1) });
  quorum.persist(1);
  expect(quorum.core(1).state.highWatermark).toBe(2);
  quorum.stabilize();
  expect(quorum.status(2)).toContain('leader, epoch 2');
  expect(ids(quorum, 1)).toEqual([2]);
  // The removed node follows as a learner after it has asked to join.
  quorum.timeout(1);
  quorum.stabilize();
  expect(quorum.status(1)).toContain('follower of 2');
});

test('Raft thesis: 4.2.2: a server outside of its latest configuration may lead to commit that configuration', () => {
  const quorum = ledBy1(2, 2);
  quorum.change(1, { kind: 'remove', voter: quorum.replica(1) });
  quorum.persist(1);
  quorum.transit.length = 0;
  quorum.restart(1);
  quorum.restart(2);
  // By the old voter set, node 2 needs the vote of node 1, which refuses because node 2's log is shorter.
  quorum.timeout(2);
  quorum.timeout(1);
  expect(quorum.status(1)).toContain('prospective');
  quorum.stabilize();
  // Node 1, elected by node 2 alone, commits its own removal and hands the leadership over to node 2.
  expect(ids(quorum, 2)).toEqual([2]);
  expect(quorum.status(2)).toContain('leader, epoch 3');
});

test('a non-voter with the longest log is elected when no voter can be; the lead then goes to a voter', () => {
  const quorum = ledBy1(4, 3);
  // Besides the leader, only node 2 has the voter set of epoch 1 that includes node 4. Node 3 leads next, and only node 4 gets
  // an entry from it.
  quorum.change(1, { kind: 'add', voter: quorum.voter(4) });
  quorum.deliver(({ to }) => to === 2);
  quorum.persist(2);
  quorum.crash(1);
  quorum.transit.length = 0;
  quorum.restart(1);
  quorum.input(3, { type: 'linkDown', peer: nodeId(1) });
  const role = (): string => quorum.core(3).state.role.name;
  quorum.timeout(3);
  for (let round = 0; round < 5 && role() !== 'leader'; round++) {
    while (quorum.deliver(({ from, to }) => from + to === 4 && from !== 2) !== null);
    for (const id of [1, 3]) if (role() !== 'leader') quorum.persist(id);
  }
  expect(role()).toBe('leader');
  quorum.transit.length = 0;
  const join = { type: 'join', epoch: 1, replica: quorum.replica(4), endpoints: [] } as const;
  quorum.input(3, { type: 'message', from: quorum.replica(4), message: join });
  for (let round = 0; round < 5; round++) {
    while (quorum.deliver(({ from, to }) => from + to === 7 && from !== 2) !== null);
    quorum.persist(4);
  }
  expect(quorum.epochs(4).at(-1)).toBe(2);
  quorum.crash(3);
  quorum.transit.length = 0;
  for (
    let i = 0;
    i < 30 && !quorum.status(2).includes('leader') && !quorum.status(1).includes('leader');
    i++
  ) {
    for (const id of [1, 2, 4]) quorum.timeout(id);
    quorum.stabilize([1, 2, 4]);
  }
  expect([1, 2].filter((id) => quorum.status(id).includes('leader'))).toHaveLength(1);
  expect(quorum.epochs(2)).toEqual(quorum.epochs(1));
  expect(ids(quorum, 2)).toEqual([1, 2, 3]);
});

test('Raft thesis: 4.2.3: a removed server without that entry does not disturb the leader, and then gets it', () => {
  const quorum = ledBy1(3, 3);
  quorum.crash(3);
  quorum.change(1, { kind: 'remove', voter: quorum.replica(3) });
  quorum.stabilize([1, 2]);
  quorum.restart(3);
  for (let i = 0; i < 3; i++) quorum.elect(3);
  expect(quorum.status(1)).toContain('leader, epoch 1');
  quorum.elect(3);
  expect(quorum.status(3)).toContain('follower of 1, epoch 1');
  expect(ids(quorum, 3)).toEqual([1, 2]);
});

test('KIP-853: the removal of the last voter, a duplicate voter and an unknown directory id are refused', () => {
  const quorum = ledBy1(2, 1);
  expect(refusals(quorum, { kind: 'remove', voter: quorum.replica(1) })).toEqual(['1: lastVoter']);
  expect(refusals(quorum, { kind: 'add', voter: quorum.voter(1) })).toEqual(['1: duplicateVoter']);
  const other = { ...quorum.voter(1), directoryId: directoryOf(7) };
  expect(refusals(quorum, { kind: 'remove', voter: other })).toEqual(['1: unknownVoter']);
  expect(refusals(quorum, { kind: 'update', voter: other })).toEqual(['1: unknownVoter']);
  quorum.change(2, { kind: 'add', voter: quorum.voter(2) });
  expect(quorum.refused).toEqual(['2: notLeader']);
});

test('static voters become dynamic with the directory ids of all, once the leader has heard each of them', () => {
  const quorum = new Puppets(3);
  quorum.elect(1, [1, 2]);
  expect(refusals(quorum, { kind: 'remove', voter: quorum.replica(2) })).toEqual(['1: staticVoters']);
  expect(refusals(quorum, { kind: 'upgrade' })).toEqual(['1: notCaughtUp']);
  quorum.timeout(1);
  quorum.stabilize();
  expect(refusals(quorum, { kind: 'upgrade' })).toEqual([]);
  quorum.stabilize();
  const directories = quorum.core(3).state.voters.current.map((voter) => voter.directoryId);
  expect(directories).toEqual([1, 2, 3].map(directoryOf));
  // The same after a restart, although the configuration names other voters.
  quorum.restart(3);
  expect(quorum.core(3).state.voters.current.map((voter) => voter.directoryId)).toEqual(directories);
});

test('a replica that lost entries that it had acknowledged stops with DamagedStoreError', () => {
  const quorum = ledBy1(3, 3);
  const old = quorum.node(2).disk;
  quorum.propose(1, 'a');
  quorum.stabilize();
  // Node 2 gets an older copy of its directory: the same directory id with a shorter log.
  quorum.node(2).disk = old;
  quorum.restart(2);
  quorum.timeout(1);
  expect(() => quorum.stabilize()).toThrow(DamagedStoreError);
  // A node with an empty disk has a new directory id, so it counts as another replica, which cannot have forgotten anything.
  const other = ledBy1(3, 3);
  other.propose(1, 'a');
  other.stabilize();
  other.wipe(2);
  other.timeout(1);
  other.stabilize();
  expect(other.epochs(2)).toEqual(other.epochs(1));
});

test('a leader sends nothing to a removed voter that it never heard', () => {
  const quorum = new Puppets(3, {}, true);
  quorum.elect(1, [1, 2]);
  quorum.change(1, { kind: 'remove', voter: quorum.replica(3) });
  quorum.stabilize([1, 2]);
  const { role } = quorum.core(1).state;
  expect(role.name === 'leader' && [...role.progress.keys()]).toEqual([2]);
});

test('Raft thesis: 3.10: after an election timeout a leadership transfer ends; proposals are accepted again', () => {
  const quorum = ledBy1(2, 2);
  const { role } = quorum.core(1).state;
  if (role.name !== 'leader') throw new Error('node 1 leads');
  role.transfer = { target: nodeId(2), deadlineMs: quorum.nowMs + 500, sent: true };
  quorum.propose(1, 'refused');
  expect(quorum.refused.splice(0)).toEqual(['1: notLeader']);
  quorum.nowMs += 500;
  quorum.input(1, { type: 'tick' });
  quorum.propose(1, 'taken');
  expect(quorum.refused).toEqual([]);
});

test('Raft thesis: 6.4: a read is answered after a majority answered a heartbeat sent after it', () => {
  const quorum = new Puppets(5);
  quorum.elect(1);
  quorum.timeout(1);
  // These heartbeats were sent before the read was requested, so their answers do not confirm the leadership for it.
  while (quorum.deliver(({ from }) => from === 1) !== null);
  const early = quorum.transit.splice(0);
  quorum.input(1, { type: 'readBarrier', ticket: 1 });
  for (const { from, message } of early)
    quorum.input(1, { type: 'message', from: quorum.replica(from), message });
  quorum.deliver(({ to }) => to === 2);
  quorum.deliver(({ from, message }) => from === 2 && message.type === 'alive');
  expect(quorum.reads).toEqual([]);
  // A repeated answer of node 2 must not count as the answer of another voter.
  const repeated = { type: 'alive', epoch: 1, round: 1 } as const;
  quorum.input(1, { type: 'message', from: quorum.replica(2), message: repeated });
  expect(quorum.reads).toEqual([]);
  quorum.input(1, { type: 'message', from: quorum.replica(3), message: repeated });
  expect(quorum.reads).toEqual(['1: up to 1']);
});

test('at most readsMax reads are pending; they are refused when the leadership ends', () => {
  const readsMax = 10_000;
  const quorum = new Puppets(3);
  quorum.elect(1);
  for (let ticket = 0; ticket <= readsMax; ticket++) quorum.input(1, { type: 'readBarrier', ticket });
  expect(quorum.refused.splice(0)).toEqual(['1: busy']);
  const later = { type: 'alive', epoch: 5, round: 0 } as const;
  quorum.input(1, { type: 'message', from: quorum.replica(2), message: later });
  expect(quorum.refused).toEqual(Array.from({ length: readsMax }, () => '1: notLeader'));
});

test('a leader sends its log to at most learnersMax non-voters', () => {
  const learnersMax = 64;
  const quorum = ledBy1(3, 3);
  const fed = (): number => {
    const { role } = quorum.core(1).state;
    return role.name === 'leader' ? role.progress.size - 2 : -1;
  };
  for (let id = 10; id < 10 + learnersMax + 5; id++) {
    const replica = { id: nodeId(id), directoryId: directoryOf(id) };
    const message = { type: 'join', epoch: 1, replica, endpoints: [] } as const;
    quorum.input(1, { type: 'message', from: replica, message });
  }
  expect(fed()).toBe(learnersMax);
});

test('a proposal above payloadBytesMax, or beyond uncommittedBytesMax in all, is refused', () => {
  const payloadBytesMax = 8 * 1024 * 1024;
  const uncommittedBytesMax = 32 * 1024 * 1024;
  const quorum = new Puppets(3);
  quorum.elect(1);
  const payload = new Uint8Array(payloadBytesMax + 1);
  const propose = (bytes: number): void => {
    quorum.input(1, { type: 'propose', ticket: 1, epoch: 1, payload: payload.subarray(0, bytes) });
  };
  propose(payloadBytesMax + 1);
  expect(quorum.refused.splice(0)).toHaveLength(1);
  for (let bytes = 0; bytes + payloadBytesMax < uncommittedBytesMax; bytes += payloadBytesMax)
    propose(payloadBytesMax);
  expect(quorum.refused).toEqual([]);
  for (let i = 0; i < 2; i++) propose(payloadBytesMax);
  expect(quorum.refused.length).toBeGreaterThan(0);
});

test('voter sets that differ in one voter have no disjoint majorities', () => {
  const subsets = (count: number): number[] => Array.from({ length: 2 ** count }, (_, bits) => bits);
  const size = (bits: number): number => bits.toString(2).replaceAll('0', '').length;
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 6 }), (count) => {
      const before = 2 ** count - 1;
      const after = 2 ** (count + 1) - 1;
      for (const one of subsets(count)) {
        if (size(one) * 2 <= size(before)) continue;
        for (const other of subsets(count + 1)) {
          if (size(other) * 2 > size(after)) expect(one & other).not.toBe(0);
        }
      }
    }),
  );
});
