import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { subscriptionTopics } from '../../src/group/classic/subscription-topics.ts';
import { coordinatorPartition } from '../../src/coordinator/coordinator-partition.ts';
import { Deadline, Deadlines } from '../../src/group/deadlines.ts';

describe('coordinatorPartition', () => {
  // Partitions that follow from Java's String.hashCode.
  test.each([
    ['', 0],
    ['hello', 99162322],
    ['été-Ω-😀', Math.abs(javaHash('été-Ω-😀'))],
    ['polygenelubricants', 0], // the hash is Integer.MIN_VALUE
  ])('%s', (group, hash) => {
    expect(coordinatorPartition(group, 50)).toBe(hash % 50);
  });

  function javaHash(text: string): number {
    let hash = 0n;
    for (let i = 0; i < text.length; i++) hash = BigInt.asIntN(32, hash * 31n + BigInt(text.charCodeAt(i)));
    return Number(hash);
  }
});

test('Deadlines return exactly what is due, after any changes and cancellations', () => {
  const operation = fc.record({
    which: fc.nat(9),
    atMs: fc.nat(100),
    cancel: fc.boolean(),
    forward: fc.nat(20),
  });
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 200 }), (operations) => {
      const deadlines = new Deadlines();
      const all = Array.from({ length: 10 }, (_, i) => new Deadline('session', 'g', String(i)));
      const expected = new Map<Deadline, number>();
      let nowMs = 0;
      for (const { which, atMs, cancel, forward } of operations) {
        const deadline = all[which] as Deadline;
        if (cancel) {
          deadline.cancel();
          expected.delete(deadline);
        } else {
          deadlines.set(deadline, nowMs + atMs);
          expected.set(deadline, nowMs + atMs);
        }
        nowMs += forward;
        const due = [...expected].filter(([, at]) => at <= nowMs).map(([d]) => d);
        const got: Deadline[] = [];
        for (let next = deadlines.due(nowMs); next !== null; next = deadlines.due(nowMs)) got.push(next);
        expect(new Set(got)).toEqual(new Set(due));
        expect(got).toHaveLength(due.length);
        for (const d of due) expected.delete(d);
        expect(deadlines.nextMs()).toBe(Math.min(Number.POSITIVE_INFINITY, ...expected.values()));
      }
    }),
  );
});

test('subscriptionTopics returns null for bytes that are not a subscription', () => {
  expect(subscriptionTopics(new Uint8Array(0))).toBeNull();
  expect(subscriptionTopics(Uint8Array.of(0, 1, 127, 255, 255, 255))).toBeNull();
  expect(subscriptionTopics(Uint8Array.of(0, 0, 0, 0, 0, 1, 0, 1, 116, 255, 255, 255, 255))).toEqual(['t']);
});
