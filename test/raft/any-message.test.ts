/**
 * No message of a peer fails an assertion: one replica gets random messages that pass the checks of the transport, in every
 * role, from voters, from a node with the id of a voter and another directory, and from strangers.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nodeId } from '../../src/base/ids.ts';
import { faultOf, type RaftMessage, type StreamedMessage } from '../../src/raft/messages.ts';
import { DamagedStoreError } from '../../src/raft/store.ts';
import type { ReplicaKey } from '../../src/raft/types.ts';
import { encodeVoters } from '../../src/raft/voter-set.ts';
import { directoryOf, Puppets } from './puppet.ts';

const few = fc.nat(6);
const voterIds = [1, 2, 3];
const voters = fc
  .subarray([1, 2, 3, 4], { minLength: 1 })
  .map((ids) => ids.map((id) => ({ id: nodeId(id), directoryId: directoryOf(id), endpoints: [] })));
const payloads = {
  data: fc.constant(new Uint8Array(3)),
  leaderChange: fc.constant(new Uint8Array(0)),
  voters: voters.map((set) => encodeVoters(set)),
};
const entry = fc
  .constantFrom('data' as const, 'leaderChange' as const, 'voters' as const)
  .chain((kind) =>
    fc.record({ kind: fc.constant(kind), epoch: few, appendedMs: fc.constant(0), payload: payloads[kind] }),
  );
const append = fc
  .record({
    epoch: few,
    baseOffset: few,
    previousEpoch: few,
    highWatermark: few,
    rows: fc.array(entry, { maxLength: 4 }),
  })
  .map(({ rows, baseOffset, ...rest }) => {
    const entries = rows.map((row, at) => ({ ...row, offset: baseOffset + at }));
    return { type: 'append', baseOffset, entries, ...rest } as const;
  });
const directory = fc.constantFrom(...[1, 2, 3, 9].map(directoryOf));
const of = <T extends RaftMessage['type']>(
  type: T,
  fields: { [K in keyof Omit<Extract<RaftMessage, { type: T }>, 'type'>]: fc.Arbitrary<unknown> },
): fc.Arbitrary<RaftMessage> =>
  fc.record({ type: fc.constant(type), ...fields }) as unknown as fc.Arbitrary<RaftMessage>;

const message = fc.oneof(
  append,
  of('vote', {
    epoch: few,
    preVote: fc.boolean(),
    transfer: fc.boolean(),
    logEndOffset: few,
    lastEpoch: few,
    nonce: fc.constant(0),
  }),
  of('voted', { epoch: few, preVote: fc.boolean(), granted: fc.boolean(), nonce: fc.constant(0) }),
  of('appended', { epoch: few, accepted: fc.boolean(), baseOffset: few, endOffset: few, endEpoch: few }),
  of('heartbeat', {
    epoch: few,
    directoryId: directory,
    match: few,
    highWatermark: few,
    reply: fc.boolean(),
    round: few,
  }),
  of('alive', { epoch: few, round: few }),
  of('timeoutNow', { epoch: few }),
  of('resign', { epoch: few, successors: fc.array(few, { maxLength: 3 }) }),
  of('join', {
    epoch: few,
    replica: fc.record({ id: few, directoryId: directory }),
    endpoints: fc.constant([]),
  }),
  of('snapshot', {
    epoch: few,
    endOffset: fc.integer({ min: 1, max: 6 }),
    snapshotEpoch: few,
    voters,
    bytes: fc.constant(new Uint8Array(1)),
  }).filter((one) => one.type === 'snapshot' && one.snapshotEpoch <= one.epoch),
);

const sender: fc.Arbitrary<ReplicaKey> = fc.oneof(
  fc.constantFrom(...voterIds).map((id) => ({ id: nodeId(id), directoryId: directoryOf(id) })),
  fc.record({ id: fc.constantFrom(2, 77, 78).map(nodeId), directoryId: directory }),
);

type Step = 'timeout' | 'persist' | 'propose' | { readonly from: ReplicaKey; readonly message: RaftMessage };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ from: sender, message }) },
  { weight: 2, arbitrary: fc.constantFrom('timeout' as const, 'persist' as const, 'propose' as const) },
);

function isAdmitted(one: RaftMessage): boolean {
  return one.type === 'snapshot' || faultOf(one as StreamedMessage) === null;
}

function carryOut(quorum: Puppets, one: Step): void {
  if (one === 'timeout') quorum.timeout(1);
  else if (one === 'persist') quorum.persist(1);
  else if (one === 'propose') quorum.propose(1, 'x');
  else if (isAdmitted(one.message)) quorum.input(1, { type: 'message', ...one });
}

test.each([
  ['a voter of three', 3, true],
  ['a voter of three whose directories are unknown', 3, false],
  ['the only voter', 1, true],
])('no message of any sender trips an assertion of %s', (_, count, dynamic) => {
  fc.assert(
    fc.property(fc.boolean(), fc.array(step, { maxLength: 25 }), (isElected, steps) => {
      const quorum = new Puppets(3, {}, dynamic, count);
      if (isElected) quorum.elect(1);
      try {
        for (const one of steps) carryOut(quorum, one);
      } catch (error) {
        // A leader that is a voter says that this replica has lost what it acknowledged: it must not go on.
        if (!(error instanceof DamagedStoreError)) throw error;
      }
      expect(quorum.core(1).state.highWatermark).toBeLessThanOrEqual(quorum.core(1).state.log.endOffset);
    }),
    { numRuns: 3000 },
  );
});
