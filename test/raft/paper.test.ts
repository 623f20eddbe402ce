/**
 * Each test checks that our core keeps one rule of the Raft paper (extended version) or of the thesis. What they call "term" is
 * "epoch" here, and "index" is "offset".
 */
import { expect, test } from 'vitest';
import { nodeId } from '../../src/base/ids.ts';
import { uuidZero } from '../../src/base/uuid.ts';
import type { VoteResponse } from '../../src/raft/messages.ts';
import { Puppets } from './puppet.ts';

function votesOf(quorum: Puppets, voter: number): VoteResponse[] {
  const votes: VoteResponse[] = [];
  for (const { from, message } of quorum.transit)
    if (from === voter && message.type === 'voted') votes.push(message);
  return votes;
}

function askForVote(
  quorum: Puppets,
  from: number,
  to: number,
  epoch: number,
  end: number,
  lastEpoch: number,
  transfer = false,
): void {
  const key = { id: nodeId(from), directoryId: `AAAAAAAAAAAAAAAAAAAA${from}A` };
  const message = {
    type: 'vote',
    epoch,
    preVote: false,
    transfer,
    logEndOffset: end,
    lastEpoch,
    nonce: 1,
  } as const;
  quorum.input(to, { type: 'message', from: key, message });
  quorum.persist(to);
}

test('Raft paper: 5.1: a server rejects a request with a stale epoch, and answers with its own epoch', () => {
  const quorum = new Puppets(3);
  quorum.plant(1, [5]);
  const from = { id: nodeId(2), directoryId: 'AAAAAAAAAAAAAAAAAAAA2A' };
  quorum.input(1, {
    type: 'message',
    from,
    message: {
      type: 'heartbeat',
      epoch: 3,
      directoryId: uuidZero,
      match: 0,
      highWatermark: 0,
      reply: true,
      round: 0,
    },
  });
  expect(quorum.transit).toContainEqual({ from: 1, to: 2, message: { type: 'alive', epoch: 5, round: 0 } });
  expect(quorum.core(1).leaderId).toBe(null);
});

test('Raft paper: 5.1: a leader that receives a later epoch steps down at once', () => {
  const quorum = new Puppets(3);
  quorum.elect(1);
  const from = { id: nodeId(2), directoryId: 'AAAAAAAAAAAAAAAAAAAA2A' };
  quorum.input(1, { type: 'message', from, message: { type: 'alive', epoch: 9, round: 0 } });
  expect(quorum.status(1)).toContain('unattached, epoch 9');
});

test('Raft paper: 5.2: a server votes for the first candidate of an epoch only, also after a restart', () => {
  const quorum = new Puppets(3);
  askForVote(quorum, 2, 1, 1, 0, 0);
  askForVote(quorum, 3, 1, 1, 0, 0);
  quorum.crash(1);
  quorum.restart(1);
  askForVote(quorum, 3, 1, 1, 0, 0);
  askForVote(quorum, 2, 1, 1, 0, 0);
  expect(votesOf(quorum, 1).map((vote) => vote.granted)).toEqual([true, false, false, true]);
});

test('Raft paper: 5.2: a candidate wins only with a majority; a repeated vote counts once', () => {
  const quorum = new Puppets(5);
  quorum.timeout(1);
  for (const id of [2, 3]) {
    quorum.deliver(({ from, to }) => from === 1 && to === id);
    quorum.deliver(({ from, to, message }) => from === id && to === 1 && message.type === 'voted');
  }
  quorum.transit.length = 0;
  quorum.persist(1);
  const epoch = quorum.core(1).state.epoch;
  const from = { id: nodeId(2), directoryId: 'AAAAAAAAAAAAAAAAAAAA2A' };
  const vote = { type: 'voted', epoch, preVote: false, granted: true, nonce: 0 } as const;
  for (let i = 0; i < 3; i++) quorum.input(1, { type: 'message', from, message: vote });
  expect(quorum.status(1)).toContain('candidate');
  quorum.input(1, { type: 'message', from: { ...from, id: nodeId(3) }, message: vote });
  expect(quorum.status(1)).toContain('leader');
});

test("Raft paper: 5.2: a candidate that receives a heartbeat of its epoch's leader becomes its follower", () => {
  const quorum = new Puppets(3);
  quorum.plant(1, [1]);
  quorum.timeout(1);
  quorum.deliver(({ to }) => to === 2);
  quorum.deliver(({ message }) => message.type === 'voted');
  expect(quorum.status(1)).toContain('candidate, epoch 2');
  const from = { id: nodeId(3), directoryId: 'AAAAAAAAAAAAAAAAAAAA3A' };
  quorum.input(1, {
    type: 'message',
    from,
    message: {
      type: 'heartbeat',
      epoch: 2,
      directoryId: uuidZero,
      match: 0,
      highWatermark: 0,
      reply: true,
      round: 0,
    },
  });
  expect(quorum.status(1)).toContain('follower of 3, epoch 2');
});

test("Raft paper: 5.3: the logs of followers become equal to the leader's log (figure 7)", () => {
  const leader = [1, 1, 1, 4, 4, 5, 5, 6, 6, 6];
  const followers = [
    [1, 1, 1, 4, 4, 5, 5, 6, 6],
    [1, 1, 1, 4],
    [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6],
    [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7],
    [1, 1, 1, 4, 4, 4, 4],
    [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3],
  ];
  for (const follower of followers) {
    const quorum = new Puppets(3);
    quorum.plant(1, leader, 3);
    quorum.plant(2, leader, 3);
    quorum.plant(3, follower, 3);
    // As in the figure of the paper, the leader's epoch is above those of all entries. Node 1 is elected by node 2 while node 3
    // is cut off.
    quorum.core(1).state.epoch = 7;
    quorum.elect(1, [1, 2]);
    quorum.timeout(1);
    quorum.stabilize();
    expect(quorum.epochs(1)).toEqual([...leader, 8]);
    expect(quorum.epochs(3)).toEqual([...leader, 8]);
  }
});

test('Raft paper: 5.3: a follower acknowledges up to the end of the request, not of its longer log (CCF 6016)', () => {
  const quorum = new Puppets(3);
  quorum.plant(2, [1, 1, 1, 1, 1], 1);
  const from = { id: nodeId(1), directoryId: 'AAAAAAAAAAAAAAAAAAAA1A' };
  const entries = [{ offset: 1, epoch: 1, kind: 'data', payload: new Uint8Array(1), appendedMs: 0 }] as const;
  const message = {
    type: 'append',
    epoch: 2,
    baseOffset: 1,
    previousEpoch: 1,
    highWatermark: 1,
    entries,
  } as const;
  quorum.input(2, { type: 'message', from, message });
  quorum.persist(2);
  const answers = quorum.transit.filter((one) => one.message.type === 'appended');
  expect(answers.map((one) => one.message)).toMatchObject([{ accepted: true, endOffset: 2 }]);
  // An old request that arrives again later does not remove the entries after it (5.3: only conflicting entries are deleted).
  expect(quorum.epochs(2)).toEqual([1, 1, 1, 1, 1]);
});

test('Raft paper: 5.3: a late rejection does not lower what a follower acknowledged (CCF 5991)', () => {
  const quorum = new Puppets(3);
  quorum.elect(1);
  for (const text of ['a', 'b', 'c']) {
    quorum.propose(1, text);
    quorum.stabilize();
  }
  const from = { id: nodeId(2), directoryId: 'AAAAAAAAAAAAAAAAAAAA2A' };
  const message = {
    type: 'appended',
    epoch: 1,
    accepted: false,
    baseOffset: 3,
    endOffset: 1,
    endEpoch: 1,
  } as const;
  quorum.input(1, { type: 'message', from, message });
  const { role } = quorum.core(1).state;
  expect(role.name === 'leader' && role.progress.get(nodeId(2))).toMatchObject({
    match: 4,
    next: 4,
    state: 'replicate',
  });
  expect(quorum.transit).toEqual([]);
});

test('Raft paper: 5.4.1: a voter refuses a candidate with a lower last epoch, or the same and a shorter log', () => {
  const mine = { epochs: [1, 2, 3, 3], end: 4, last: 3 };
  const cases = [
    { end: 4, last: 3, granted: true },
    { end: 5, last: 3, granted: true },
    { end: 3, last: 3, granted: false },
    { end: 1, last: 4, granted: true },
    { end: 9, last: 2, granted: false },
  ];
  for (const { end, last, granted } of cases) {
    const quorum = new Puppets(3);
    quorum.plant(1, mine.epochs);
    askForVote(quorum, 2, 1, 9, end, last);
    expect(votesOf(quorum, 1).map((vote) => vote.granted)).toEqual([granted]);
  }
});

test('Raft paper: 5.4.2: a leader never commits entries of earlier epochs by counting replicas (figure 8)', () => {
  // The entry at offset 1, of epoch 2, is on nodes 1 and 2. Node 1, leader of epoch 4, replicates it to node 3 before any node
  // has the entry of epoch 4.
  const quorum = new Puppets(5);
  quorum.plant(1, [1, 2], 1);
  quorum.plant(2, [1, 2], 1);
  quorum.plant(3, [1], 1);
  quorum.plant(4, [1], 1);
  quorum.plant(5, [1, 3], 1);
  quorum.core(1).state.epoch = 3;
  quorum.timeout(1);
  for (let round = 0; round < 2; round++) {
    for (const id of [2, 3, 4]) {
      while (
        quorum.deliver(({ from, to, message }) => from === 1 && to === id && message.type === 'vote') !== null
      );
      quorum.persist(id);
      while (
        quorum.deliver(({ from, to, message }) => from === id && to === 1 && message.type === 'voted') !==
        null
      );
    }
    if (round === 0) quorum.persist(1);
  }
  expect(quorum.status(1)).toContain('leader, epoch 4, log [1 2 4]');
  quorum.transit.length = 0;
  const appended = (id: number, endOffset: number): void => {
    const from = { id: nodeId(id), directoryId: `AAAAAAAAAAAAAAAAAAAA${id}A` };
    const message = {
      type: 'appended',
      epoch: 4,
      accepted: true,
      baseOffset: 1,
      endOffset,
      endEpoch: 0,
    } as const;
    quorum.input(1, { type: 'message', from, message });
  };
  appended(2, 2);
  appended(3, 2);
  appended(4, 2);
  // The entry at offset 1 is on four of five disks and still not committed: node 5, whose entry is of epoch 3, could be elected
  // and replace it.
  expect(quorum.core(1).state.highWatermark).toBe(1);
  quorum.persist(1);
  appended(2, 3);
  appended(3, 3);
  expect(quorum.core(1).state.highWatermark).toBe(3);
});

test('Raft paper: 7: a snapshot of entries that a follower has does not remove the entries after it', () => {
  const quorum = new Puppets(3);
  quorum.plant(2, [1, 1, 1, 1], 1);
  const from = { id: nodeId(1), directoryId: 'AAAAAAAAAAAAAAAAAAAA1A' };
  const snapshot = {
    type: 'snapshot',
    epoch: 1,
    endOffset: 3,
    snapshotEpoch: 1,
    voters: [],
    bytes: new Uint8Array(8),
  } as const;
  quorum.input(2, { type: 'message', from, message: snapshot });
  expect(quorum.status(2)).toContain('log [1 1 1 1], high watermark 3');
  quorum.input(2, { type: 'message', from, message: { ...snapshot, endOffset: 2 } });
  expect(quorum.status(2)).toContain('log [1 1 1 1], high watermark 3');
});

test('Raft thesis: 4.2.3 and 9.6: a voter with a live leader grants no vote, except for a transfer', () => {
  const quorum = new Puppets(3);
  quorum.elect(1);
  askForVote(quorum, 3, 2, 9, 100, 8);
  expect(votesOf(quorum, 2)).toEqual([]);
  expect(quorum.status(2)).toContain('follower of 1, epoch 1');
  // The vote is granted when the leader itself asked for the election (leadership transfer).
  askForVote(quorum, 3, 2, 9, 100, 8, true);
  expect(votesOf(quorum, 2).map((vote) => vote.granted)).toEqual([true]);
});

test('Raft thesis: 9.6: an isolated replica does not raise its epoch, so the leader stays when it returns', () => {
  const quorum = new Puppets(3);
  quorum.elect(1);
  for (let i = 0; i < 20; i++) {
    quorum.timeout(3);
    quorum.transit.length = 0;
  }
  expect(quorum.status(3)).toContain('epoch 1');
  quorum.core(1).state.nowMs = quorum.nowMs;
  expect(quorum.status(1)).toContain('leader, epoch 1');
});

test('Raft thesis: 6.2: a leader without answers of a majority resigns, but not after a pause of its own', () => {
  const quorum = new Puppets(3);
  quorum.elect(1);
  quorum.nowMs += 60_000;
  quorum.input(1, { type: 'tick' });
  expect(quorum.status(1)).toContain('leader');
  quorum.transit.length = 0;
  quorum.timeout(1);
  expect(quorum.status(1)).toContain('resigned, epoch 1');
  // After it has resigned, it knows no leader in this epoch, not even itself.
  expect(quorum.core(1).leaderId).toBe(null);
});

test('Raft thesis: a pause of 200 ms, of a follower or of the leader, causes no election', () => {
  for (const paused of [1, 2]) {
    const quorum = new Puppets(3);
    quorum.elect(1);
    const until = quorum.nowMs + 20_000;
    let pauseUntil = 0;
    while (quorum.nowMs < until) {
      quorum.nowMs += 10;
      if (quorum.nowMs % 1000 === 0) pauseUntil = quorum.nowMs + 200;
      const awake = quorum.ids.filter((id) => id !== paused || quorum.nowMs >= pauseUntil);
      for (const id of awake)
        if (quorum.core(id).deadlineMs <= quorum.nowMs) quorum.input(id, { type: 'tick' });
      while (quorum.deliver(({ to }) => awake.includes(to)) !== null);
      for (const id of awake) quorum.persist(id);
    }
    expect(quorum.status(1)).toContain('leader, epoch 1');
  }
});

test('Raft paper: 5.2: a split vote elects no leader; after a time-out an election of a later epoch does', () => {
  const quorum = new Puppets(4);
  quorum.timeout(1);
  quorum.timeout(2);
  // Each of the two candidates has its own vote and one more: node 3 votes for 1, node 4 for 2.
  askForVote(quorum, 1, 3, 1, 0, 0);
  askForVote(quorum, 2, 4, 1, 0, 0);
  askForVote(quorum, 2, 3, 1, 0, 0);
  askForVote(quorum, 1, 4, 1, 0, 0);
  expect(votesOf(quorum, 3).map((vote) => vote.granted)).toEqual([true, false]);
  expect(votesOf(quorum, 4).map((vote) => vote.granted)).toEqual([true, false]);
  quorum.transit.length = 0;
  for (const id of quorum.ids) quorum.nowMs = Math.max(quorum.nowMs, quorum.core(id).deadlineMs);
  quorum.elect(1);
  const leaders = quorum.ids.filter((id) => /leader, epoch [2-9]/.test(quorum.status(id)));
  expect(leaders).toHaveLength(1);
});

test('Raft paper: 5.2: no voter starts an election while it receives heartbeats', () => {
  const quorum = new Puppets(3);
  quorum.elect(1);
  for (let i = 0; i < 100; i++) {
    quorum.timeout(1);
    quorum.stabilize();
    for (const id of [2, 3]) quorum.input(id, { type: 'tick' });
  }
  expect(quorum.ids.map((id) => quorum.core(id).state.epoch)).toEqual([1, 1, 1]);
  expect(quorum.status(1)).toContain('leader');
});

test('Raft paper: 5.3: an entry and all before it are committed when a majority has it; followers get to know', () => {
  const quorum = new Puppets(5);
  quorum.elect(1);
  quorum.propose(1, 'a');
  quorum.propose(1, 'b');
  quorum.persist(1);
  for (const holders of [2, 3]) {
    expect(quorum.core(1).state.highWatermark).toBe(1);
    while (quorum.deliver(({ to, message }) => to === holders && message.type === 'append') !== null);
    quorum.persist(holders);
    while (quorum.deliver(({ from }) => from === holders) !== null);
  }
  expect(quorum.core(1).state.highWatermark).toBe(3);
  quorum.stabilize();
  expect(quorum.ids.map((id) => quorum.core(id).state.highWatermark)).toEqual([3, 3, 3, 3, 3]);
});

test('Raft paper: 5.3: a leader never overwrites or deletes entries of its log', () => {
  const quorum = new Puppets(3);
  quorum.plant(1, [1, 1, 2]);
  quorum.plant(2, [1], 1);
  quorum.plant(3, [1], 1);
  quorum.elect(1);
  expect(quorum.epochs(1)).toEqual([1, 1, 2, 3]);
  expect(quorum.epochs(2)).toEqual([1, 1, 2, 3]);
  const message = {
    type: 'append',
    epoch: 3,
    baseOffset: 1,
    previousEpoch: 1,
    highWatermark: 0,
    entries: [],
  } as const;
  // Another node claims to lead the leader's own epoch. It was not elected, so the leader ignores it.
  quorum.input(1, { type: 'message', from: quorum.replica(2), message });
  expect(quorum.refused).toEqual(['1: node 2 claims to lead epoch 3, in which node 1 leads']);
  expect(quorum.epochs(1)).toEqual([1, 1, 2, 3]);
  expect(quorum.status(1)).toContain('1 leader, epoch 3');
});

test('Raft paper: 5.5: a follower gets missed entries after a restart; repeated messages change nothing', () => {
  const quorum = new Puppets(3);
  quorum.elect(1);
  quorum.crash(3);
  quorum.propose(1, 'a');
  quorum.stabilize([1, 2]);
  quorum.restart(3);
  for (let i = 0; i < 4; i++) {
    quorum.nowMs += 250;
    quorum.input(1, { type: 'tick' });
    // From here on, every message arrives twice.
    quorum.transit.push(...quorum.transit.map((one) => ({ ...one })));
    quorum.stabilize();
  }
  expect(quorum.epochs(3)).toEqual(quorum.epochs(1));
  expect(quorum.core(3).state.highWatermark).toBe(2);
});

test('Raft paper: 7: a snapshot of entries that a follower does not have replaces its whole log', () => {
  const quorum = new Puppets(3);
  quorum.plant(2, [1, 1, 2, 2], 1);
  const snapshot = {
    type: 'snapshot',
    epoch: 4,
    endOffset: 3,
    snapshotEpoch: 3,
    voters: [],
    bytes: new Uint8Array(8),
  } as const;
  quorum.input(2, { type: 'message', from: quorum.replica(1), message: snapshot });
  expect(quorum.status(2)).toContain('log []');
  expect(quorum.core(2).state.log.startOffset).toBe(3);
  // The snapshot is not acknowledged before it is durable.
  expect(quorum.transit).toEqual([]);
  quorum.persist(2);
  expect(quorum.transit.map((one) => one.message)).toMatchObject([{ type: 'appended', endOffset: 3 }]);
});

test('Raft paper: 8: a new leader commits an entry of its epoch, and with it the entries of earlier epochs', () => {
  const quorum = new Puppets(3);
  for (const id of quorum.ids) quorum.plant(id, [1, 1, 1], 1);
  quorum.elect(2);
  expect(quorum.epochs(2)).toEqual([1, 1, 1, 2]);
  expect(quorum.core(2).state.highWatermark).toBe(4);
});
