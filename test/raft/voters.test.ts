import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nodeId } from '../../src/base/ids.ts';
import { uuidZero } from '../../src/base/uuid.ts';
import type { Entry, Voter } from '../../src/raft/types.ts';
import { encodeVoters } from '../../src/raft/voter-set.ts';
import { VoterHistory, votersInForce } from '../../src/raft/voters.ts';
import { Puppets } from './puppet.ts';

function voter(id: number, directoryId = `AAAAAAAAAAAAAAAAAAAA${id}A`): Voter {
  return { id: nodeId(id), directoryId, endpoints: [] };
}

function votersEntry(offset: number, ...ids: number[]): Entry {
  return {
    offset,
    epoch: 1,
    kind: 'voters',
    payload: encodeVoters(ids.map((id) => voter(id))),
    appendedMs: 0,
  };
}

function ids(voters: readonly Voter[]): number[] {
  return voters.map((one) => one.id);
}

describe('voter history', () => {
  test('a voter set is in force from its append until its truncation', () => {
    const history = new VoterHistory([voter(1)]);
    history.append(votersEntry(5, 1, 2));
    history.append(votersEntry(9, 1, 2, 3));
    expect(ids(history.current)).toEqual([1, 2, 3]);
    expect([5, 6, 9, 10].map((end) => ids(history.before(end)).length)).toEqual([1, 2, 2, 3]);
    history.truncate(9);
    expect(ids(history.current)).toEqual([1, 2]);
    history.truncate(0);
    expect(ids(history.current)).toEqual([1]);
  });

  test('compaction keeps the voter set in force at the new start; a snapshot replaces all sets', () => {
    const history = new VoterHistory([voter(1)]);
    history.append(votersEntry(5, 1, 2));
    history.append(votersEntry(9, 1, 2, 3));
    history.compact(7);
    expect(ids(history.before(8))).toEqual([1, 2]);
    history.reset([voter(4)], 20);
    expect(ids(history.current)).toEqual([4]);
    history.truncate(20);
    expect(ids(history.current)).toEqual([4]);
  });

  test('static voters come from the configuration, dynamic ones from the log', () => {
    const configured = [voter(1, uuidZero)];
    expect(votersInForce([voter(1, uuidZero), voter(2, uuidZero)], configured)).toBe(configured);
    const stored = [voter(1), voter(2)];
    expect(votersInForce(stored, configured)).toBe(stored);
    expect(votersInForce(configured, [])).toBe(configured);
  });
});

describe('replica identity', () => {
  test('the first leader of a dynamic quorum writes the voter set into the log, once', () => {
    const quorum = new Puppets(3, {}, true);
    quorum.elect(1);
    const kinds = quorum.node(2).disk.entries.map((entry) => entry.kind);
    expect(kinds).toEqual(['leaderChange', 'voters']);
    expect(quorum.core(2).state.voters.currentOffset).toBe(1);
    quorum.crash(1);
    quorum.input(2, { type: 'linkDown', peer: nodeId(1) });
    quorum.input(3, { type: 'linkDown', peer: nodeId(1) });
    quorum.elect(2, [2, 3]);
    expect(quorum.node(3).disk.entries.map((entry) => entry.kind)).toEqual([
      'leaderChange',
      'voters',
      'leaderChange',
    ]);
  });

  test("a vote with another directory id than the voter's does not count", () => {
    const quorum = new Puppets(3, {}, true);
    quorum.plant(1, [1]);
    quorum.timeout(1);
    const wiped = { id: nodeId(2), directoryId: 'BBBBBBBBBBBBBBBBBBBBBA' };
    const granted = { type: 'voted', epoch: 1, preVote: true, granted: true, nonce: 0 } as const;
    quorum.input(1, { type: 'message', from: wiped, message: granted });
    expect(quorum.status(1)).toContain('prospective');
    quorum.input(1, {
      type: 'message',
      from: { ...wiped, directoryId: 'AAAAAAAAAAAAAAAAAAAA2A' },
      message: granted,
    });
    expect(quorum.status(1)).toContain('candidate');
  });

  test('a replica with a directory id that is not in the voter set starts no election', () => {
    const quorum = new Puppets(1, {}, true);
    const { state } = quorum.core(1);
    state.voters.reset([voter(1, 'BBBBBBBBBBBBBBBBBBBBBA'), voter(2)], 0);
    for (let i = 0; i < 5; i++) quorum.timeout(1);
    expect(quorum.status(1)).toContain('unattached, epoch 0');
  });

  test('with static voters a leader sends the whole log to a node that returns with another directory id', () => {
    const quorum = new Puppets(3);
    quorum.elect(1);
    for (const text of ['a', 'b', 'c']) {
      quorum.propose(1, text);
      quorum.stabilize();
    }
    const wiped = { id: nodeId(3), directoryId: 'BBBBBBBBBBBBBBBBBBBBBA' };
    quorum.input(1, { type: 'message', from: wiped, message: { type: 'alive', epoch: 1, round: 0 } });
    const { role } = quorum.core(1).state;
    const progress = role.name === 'leader' ? role.progress.get(nodeId(3)) : undefined;
    expect(progress).toMatchObject({ match: 0, state: 'probe', directoryId: wiped.directoryId });
  });
});

describe('compared with a slow implementation:', () => {
  /** One random step on a log: append a voter set, append another entry, truncate the end, or compact a committed prefix. */
  const step = fc.record({
    kind: fc.constantFrom('voters', 'voters', 'data', 'truncate', 'compact'),
    at: fc.nat(1000),
    members: fc.uniqueArray(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 5 }),
  });

  test('the voter history has the voter set of each prefix of the log', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const initial = [voter(9)];
        const history = new VoterHistory(initial);
        let log: (readonly Voter[] | null)[] = [];
        let committed = 0;
        for (const { kind, at, members } of steps) {
          if (kind === 'truncate') {
            const end = committed + (at % (log.length - committed + 1));
            log = log.slice(0, end);
            history.truncate(end);
          } else if (kind === 'compact') {
            committed += at % (log.length - committed + 1);
            history.compact(committed);
          } else {
            if (kind === 'voters') history.append(votersEntry(log.length, ...members));
            log.push(kind === 'voters' ? members.map((id) => voter(id)) : null);
          }
          for (let end = committed; end <= log.length; end++) {
            const slow = log
              .slice(0, end)
              .reduce((before, set) => set ?? before, initial as readonly Voter[] | null);
            expect(history.before(end)).toEqual(slow);
          }
          expect(history.current).toEqual(history.before(log.length));
        }
      }),
      { numRuns: 300 },
    );
  });

  test("a leader commits what a majority of the current voters' disks has, after any acknowledgements", () => {
    const ack = fc.record({
      id: fc.integer({ min: 2, max: 6 }),
      wiped: fc.boolean(),
      endOffset: fc.integer({ min: 0, max: 14 }),
    });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), fc.array(ack, { maxLength: 30 }), (count, acks) => {
        const quorum = new Puppets(6, {}, true, count);
        quorum.elect(1);
        for (const id of [2, 3, 4, 5, 6].filter((one) => one > count)) quorum.timeout(id);
        quorum.stabilize();
        for (let i = 0; i < 10; i++) quorum.propose(1, `${i}`);
        quorum.persist(1);
        quorum.transit.length = 0;
        const { state } = quorum.core(1);
        const settled = state.highWatermark;
        let committed = settled;
        // The model: for each node, the disk that answered last and the end offset of its log. A new disk begins with an empty
        // log.
        const disks = new Map(
          quorum.ids.map((id) => [id, { wiped: false, endOffset: count === 1 ? 0 : settled }]),
        );
        for (const { id, wiped, endOffset } of acks) {
          const directoryId = wiped ? 'BBBBBBBBBBBBBBBBBBBBBA' : quorum.replica(id).directoryId;
          const message = {
            type: 'appended',
            epoch: 1,
            accepted: true,
            baseOffset: 0,
            endOffset,
            endEpoch: 0,
          } as const;
          quorum.input(1, { type: 'message', from: { id: nodeId(id), directoryId }, message });
          const before = disks.get(id);
          const isSame = before?.wiped === wiped;
          if (endOffset <= state.log.endOffset) {
            disks.set(id, { wiped, endOffset: isSame ? Math.max(before.endOffset, endOffset) : endOffset });
          } else if (!isSame) disks.set(id, { wiped, endOffset: 0 });
          const holders = (end: number): number =>
            quorum.ids.slice(0, count).filter((one) => {
              if (one === 1) return true;
              const disk = disks.get(one);
              return disk !== undefined && !disk.wiped && disk.endOffset >= end;
            }).length;
          // `committed` only grows: an entry stays committed when a disk with it is lost later.
          for (let end = committed; end <= state.log.endOffset; end++)
            if (holders(end) * 2 > count) committed = end;
          expect(state.highWatermark).toBe(committed);
        }
      }),
      { numRuns: 200 },
    );
  });
});
