import { describe, expect, test } from 'vitest';
import type { Change } from '../../src/group/consumer/changes.ts';
import { memberStates, newMetadata, noPartitions } from '../../src/group/consumer/member.ts';
import { recordOf } from '../../src/group/consumer/records.ts';
import { offsetRecord } from '../../src/group/records.ts';
import { judgeAssignment } from '../../src/testing/cluster/group-balance.ts';
import { GroupOracle } from '../../src/testing/cluster/group-oracle.ts';
import { Verdict } from '../../src/testing/cluster/verdict.ts';

const topicId = 'AAAAAAAAAAAAAAAAAAAAAA';

const epoch = (value: number): Change => ({
  type: 'groupEpoch',
  value: { epoch: value, metadataHash: 1 },
});
const member = (memberId: string): Change => ({
  type: 'member',
  memberId,
  value: newMetadata,
});
const target = (memberId: string, ...partitions: number[]): Change => ({
  type: 'target',
  memberId,
  value: new Map([[topicId, partitions]]),
});
const assigned = (value: number): Change => ({
  type: 'targetEpoch',
  value: { epoch: value, timestampMs: 1 },
});
const current = (memberId: string, memberEpoch: number, ...partitions: number[]): Change => ({
  type: 'current',
  memberId,
  value: {
    memberEpoch,
    previousMemberEpoch: 0,
    state: memberStates.stable,
    assigned: new Map([[topicId, new Map(partitions.map((partition) => [partition, memberEpoch]))]]),
    pendingRevocation: noPartitions,
  },
});
const commit = (memberId: string, partition: number, offset: number) =>
  offsetRecord('g', 't', partition, {
    offset,
    leaderEpoch: -1,
    metadata: memberId,
    commitMs: 0,
    expireMs: -1,
    topicId,
  });

function judge(...records: (Change | ReturnType<typeof commit>)[]): string | null {
  const verdict = new Verdict();
  const oracle = new GroupOracle({
    groupId: 'g',
    verdict,
    topicName: () => 't',
    subscribed: new Set(['t-0', 't-1']),
  });
  for (const one of records) oracle.take('type' in one ? recordOf('g', one) : one);
  return verdict.violation?.invariant ?? null;
}

const start = [epoch(2), member('a'), member('b'), target('a', 0), target('b', 1), assigned(2)];

describe('the oracle of a group', () => {
  test('accepts a correct history', () => {
    expect(
      judge(...start, current('a', 2, 0), current('b', 2, 1), commit('a', 0, 3), commit('a', 0, 5)),
    ).toBe(null);
  });

  test.each([
    [
      'two members own one partition',
      'I31 one owner a partition',
      [current('a', 2, 0), current('b', 2, 0, 1)],
    ],
    ['the group epoch decreases', 'I32 epochs of groups only grow', [epoch(1)]],
    ['a member epoch is above the group epoch', 'I32 epochs of groups only grow', [current('a', 3, 0)]],
    ['a member epoch decreases', 'I32 epochs of groups only grow', [current('a', 2, 0), current('a', 1, 0)]],
    [
      'a committed offset decreases',
      'I33 offsets never go back',
      [current('a', 2, 0), commit('a', 0, 5), commit('a', 0, 4)],
    ],
    [
      'a member commits for a partition that another member owns',
      'I34 a zombie commits nothing',
      [current('a', 2, 0), commit('b', 0, 5)],
    ],
    [
      'a member commits for a partition that it has revoked',
      'I34 a zombie commits nothing',
      [current('a', 2, 0), current('a', 2), commit('a', 0, 5)],
    ],
    [
      'one member has all partitions',
      'I35 assignments are balanced and sticky',
      [epoch(3), target('a', 0, 1), target('b'), assigned(3)],
    ],
    [
      'the members exchange their partitions',
      'I35 assignments are balanced and sticky',
      [epoch(3), target('a', 1), target('b', 0), assigned(3)],
    ],
  ] as [string, string, (Change | ReturnType<typeof commit>)[]][])('%s: %s', (_case, invariant, records) => {
    expect(judge(...start, ...records)).toBe(invariant);
  });
});

describe('a target assignment', () => {
  const of = (shares: Record<string, string[]>) =>
    new Map(Object.entries(shares).map(([memberId, names]) => [memberId, new Set(names)]));
  const subscribed = new Set(['x', 'y', 'z']);

  test('may move only as many partitions as the balance needs', () => {
    const before = of({ a: ['x', 'y', 'z'] });
    expect(
      judgeAssignment({
        before,
        after: of({ a: ['x', 'y'], b: ['z'] }),
        subscribed,
      }),
    ).toBe(null);
    expect(
      judgeAssignment({
        before,
        after: of({ a: ['x'], b: ['y', 'z'] }),
        subscribed,
      }),
    ).toBe('2 partitions move, though 1 would do');
  });

  test('may move all partitions of members that left', () => {
    const before = of({ a: ['x', 'y'], b: ['z'] });
    expect(
      judgeAssignment({
        before,
        after: of({ b: ['z', 'x', 'y'] }),
        subscribed,
      }),
    ).toBe(null);
  });

  test('must give every subscribed partition to exactly one member', () => {
    const before = of({});
    expect(
      judgeAssignment({
        before,
        after: of({ a: ['x', 'y'], b: ['y', 'z'] }),
        subscribed,
      }),
    ).toBe('y is for a and for b');
    expect(
      judgeAssignment({
        before,
        after: of({ a: ['x'], b: ['y'] }),
        subscribed,
      }),
    ).toBe('no member has z');
  });
});
