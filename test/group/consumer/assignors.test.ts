/**
 * The server-side assignors: the same results as Kafka 4.3.1's own in the same cases, and properties that hold for random
 * groups.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { defined } from '../../../src/base/assert.ts';
import type { Assignment, Assignor, AssignorMember } from '../../../src/group/consumer/assignors/assignor.ts';
import { assignNow, assignors } from '../../../src/group/consumer/assignors/assignors.ts';

const uniform = defined(assignors.get('uniform'));
const range = defined(assignors.get('range'));

interface Case {
  /** Number of partitions by topic. */
  readonly topics: Readonly<Record<string, number>>;
  readonly subscriptions: Readonly<Record<string, readonly string[]>>;
  readonly statics?: readonly string[];
  readonly previous?: Assignment;
}

function assign(assignor: Assignor, { topics, subscriptions, statics = [], previous }: Case): Assignment {
  const shared = new Map<string, ReadonlySet<string>>();
  const members = Object.entries(subscriptions).map(([memberId, names]): AssignorMember => {
    const key = [...names].sort().join();
    if (!shared.has(key)) shared.set(key, new Set(names));
    return {
      memberId,
      instanceId: statics.includes(memberId) ? `i-${memberId}` : null,
      topicIds: defined(shared.get(key)),
      previous: previous?.get(memberId) ?? new Map(),
    };
  });
  return assignNow(assignor({ members, partitionCount: (topic) => topics[topic] ?? 0 }));
}

function show(assignment: Assignment): Record<string, string> {
  return Object.fromEntries(
    [...assignment].map(([memberId, partitions]) => [
      memberId,
      [...partitions]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([topic, list]) => `${topic}:${list.join(',')}`)
        .join(' '),
    ]),
  );
}

const both = ['t0', 't1'];

describe('range', () => {
  test("gives Kafka's assignment when members join, leave, and topics grow", () => {
    const topics = { t0: 3, t1: 5 };
    expect(show(assign(range, { topics, subscriptions: { A: both } }))).toEqual({
      A: 't0:0,1,2 t1:0,1,2,3,4',
    });
    expect(show(assign(range, { topics, subscriptions: { B: both, A: both } }))).toEqual({
      A: 't0:0,1 t1:0,1,2',
      B: 't0:2 t1:3,4',
    });
    expect(show(assign(range, { topics: { t0: 6, t1: 5 }, subscriptions: { B: both, C: both } }))).toEqual({
      B: 't0:0,1,2 t1:0,1,2',
      C: 't0:3,4,5 t1:3,4',
    });
  });

  test('puts static members first', () => {
    const subscriptions = { A: both, B: both, C: both };
    expect(show(assign(range, { topics: { t0: 7, t1: 4 }, subscriptions, statics: ['C'] }))).toEqual({
      A: 't0:3,4 t1:2',
      B: 't0:5,6 t1:3',
      C: 't0:0,1,2 t1:0,1',
    });
  });

  test('divides each topic among its subscribers', () => {
    const subscriptions = { A: both, B: ['t0'], C: both, D: ['t1'] };
    expect(show(assign(range, { topics: { t0: 7, t1: 4 }, subscriptions, statics: ['C'] }))).toEqual({
      A: 't0:3,4 t1:2',
      B: 't0:5,6',
      C: 't0:0,1,2 t1:0,1',
      D: 't1:3',
    });
  });
});

describe('uniform', () => {
  test("gives Kafka's assignment when a second member joins", () => {
    const topics = { t0: 3, t1: 5 };
    const one = assign(uniform, { topics, subscriptions: { A: both } });
    expect(show(one)).toEqual({ A: 't0:0,1,2 t1:0,1,2,3,4' });
    const two = assign(uniform, { topics, subscriptions: { A: both, B: both }, previous: one });
    expect(show(two)).toEqual({ A: 't0:0,1,2 t1:0', B: 't1:1,2,3,4' });
  });

  test('gives the partitions of a member that left to the others, and moves none of theirs', () => {
    const topics = { t0: 3, t1: 5 };
    const three = assign(uniform, { topics, subscriptions: { A: both, B: both, C: both } });
    const two = assign(uniform, { topics, subscriptions: { B: both, C: both }, previous: three });
    expect(moved(three, two)).toBe(0);
    expect(loads(two)).toEqual([4, 4]);
  });
});

function loads(assignment: Assignment): number[] {
  return [...assignment.values()]
    .map((partitions) => [...partitions.values()].reduce((sum, list) => sum + list.length, 0))
    .sort((a, b) => a - b);
}

/** Number of partitions that some member had before and does not have now, although they still exist. */
function moved(before: Assignment, after: Assignment): number {
  let count = 0;
  for (const [memberId, partitions] of before) {
    const now = after.get(memberId);
    if (now === undefined) continue;
    for (const [topic, list] of partitions) {
      count += list.filter((partition) => !now.get(topic)?.includes(partition)).length;
    }
  }
  return count;
}

const caseOf = (homogeneous: boolean) =>
  fc
    .record({
      counts: fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 1, maxLength: 5 }),
      members: fc.integer({ min: 1, max: 8 }),
      picks: fc.array(fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }), { minLength: 8, maxLength: 8 }),
    })
    .map(({ counts, members, picks }): Case => {
      const topics = Object.fromEntries(counts.map((count, i) => [`t${i}`, count]));
      const names = Object.keys(topics);
      const subscriptions = Object.fromEntries(
        Array.from({ length: members }, (_, i) => [
          `m${i}`,
          homogeneous ? names : names.filter((_name, at) => picks[i]?.[at]),
        ]),
      );
      return { topics, subscriptions };
    });

/**
 * Checks that every partition of a subscribed topic has exactly one owner, that the owner subscribes to the topic, and that no
 * member has any other partition.
 */
function assertComplete(assignment: Assignment, { topics, subscriptions }: Case): void {
  const owners = new Map<string, string>();
  for (const [memberId, partitions] of assignment) {
    for (const [topic, list] of partitions) {
      expect(subscriptions[memberId]).toContain(topic);
      for (const partition of list) {
        expect(partition).toBeLessThan(topics[topic] ?? 0);
        expect(owners.has(`${topic}-${partition}`)).toBe(false);
        owners.set(`${topic}-${partition}`, memberId);
      }
    }
  }
  const wanted = new Set(Object.values(subscriptions).flat());
  let total = 0;
  for (const topic of wanted) total += topics[topic] ?? 0;
  expect(owners.size).toBe(total);
}

describe('any group', () => {
  test.each([...assignors])('%s assigns every partition once', (_name, assignor) => {
    fc.assert(
      fc.property(fc.boolean().chain(caseOf), (group) => assertComplete(assign(assignor, group), group)),
    );
  });

  test('uniform: with equal subscriptions loads differ by one at most, and only partitions in excess move', () => {
    fc.assert(
      fc.property(caseOf(true), fc.integer({ min: 1, max: 8 }), (group, later) => {
        const before = assign(uniform, group);
        const spread = (assignment: Assignment) => {
          const sorted = loads(assignment);
          return defined(sorted.at(-1)) - defined(sorted[0]);
        };
        expect(spread(before)).toBeLessThanOrEqual(1);
        const names = Object.keys(group.topics);
        const subscriptions = Object.fromEntries(Array.from({ length: later }, (_, i) => [`m${i}`, names]));
        const changed = { ...group, subscriptions, previous: before };
        const after = assign(uniform, changed);
        assertComplete(after, changed);
        expect(spread(after)).toBeLessThanOrEqual(1);
        // No member loses more partitions than it had above its new share.
        const total = Object.values(group.topics).reduce((sum, count) => sum + count, 0);
        const quota = Math.floor(total / later);
        let excess = 0;
        for (const [memberId, partitions] of before) {
          if (!after.has(memberId)) continue;
          const had = [...partitions.values()].reduce((sum, list) => sum + list.length, 0);
          excess += Math.max(0, had - quota);
        }
        expect(moved(before, after)).toBeLessThanOrEqual(excess);
      }),
    );
  });

  test('uniform: with different subscriptions no single move would make the loads more even', () => {
    fc.assert(
      fc.property(caseOf(false), caseOf(false), (first, second) => {
        const topics = first.topics;
        const subscriptions = Object.fromEntries(
          Object.entries(second.subscriptions).map(([id, names]) => [
            id,
            names.filter((name) => name in topics),
          ]),
        );
        const group = { topics, subscriptions, previous: assign(uniform, first) };
        const after = assign(uniform, group);
        assertComplete(after, group);
        const load = new Map(
          [...after].map(([id, partitions]) => [
            id,
            [...partitions.values()].reduce((sum, list) => sum + list.length, 0),
          ]),
        );
        for (const [giver, partitions] of after) {
          for (const topic of partitions.keys()) {
            for (const [taker, names] of Object.entries(subscriptions)) {
              if (!names.includes(topic)) continue;
              expect(defined(load.get(giver)) - defined(load.get(taker))).toBeLessThanOrEqual(1);
            }
          }
        }
      }),
    );
  });
});
