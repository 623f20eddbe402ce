import { describe, expect, test } from 'vitest';
import { inMacrotask } from '../../src/simulation/macrotask.ts';
import { Budget } from '../../src/testing/cluster/budget.ts';
import { Ledger } from '../../src/testing/cluster/ledger.ts';
import { MetadataOperations } from '../../src/testing/cluster/metadata-operations.ts';
import { TimeLine } from '../../src/testing/cluster/time-line.ts';
import { Verdict } from '../../src/testing/cluster/verdict.ts';
import { SimulatedCluster, type SimulatedNode } from '../../src/testing/simulated-cluster.ts';

describe('the ledger of records', () => {
  const judge = (body: (ledger: Ledger) => void): string | null => {
    const verdict = new Verdict();
    body(new Ledger(verdict));
    return verdict.violation?.invariant ?? null;
  };

  test('what is acknowledged and read alike is right', () => {
    expect(
      judge((ledger) => {
        ledger.acknowledged('a-0', 0, 'x');
        ledger.read('a-0', 0, 'x', 'a reader');
        ledger.read('a-1', 0, 'y', 'a reader');
      }),
    ).toBe(null);
  });

  test('an offset with two values, a value at two offsets', () => {
    expect(
      judge((ledger) => {
        ledger.acknowledged('a-0', 0, 'x');
        ledger.read('a-0', 0, 'y', 'a reader');
      }),
    ).toBe('I22 produce durability');
    expect(
      judge((ledger) => {
        ledger.acknowledged('a-0', 0, 'x');
        ledger.read('a-0', 1, 'x', 'a reader');
      }),
    ).toBe('I21 exactly once');
  });
});

describe('the oracle of metadata operations', () => {
  type Fields = Partial<MetadataOperations['operations'][number]>;

  /** A topic t0-0 that lived from offset 10 to 20, and the setting 5 that came at 15. */
  function judge(...operations: Fields[]): string | null {
    const timeLine = new TimeLine();
    timeLine.topics.set('id', {
      id: 'id',
      name: 't0-0',
      born: { after: 9, by: 10, epoch: 1 },
      died: { after: 19, by: 20, epoch: 2 },
    });
    timeLine.settings.set('5', { after: 14, by: 15, epoch: 1 });
    const all = new MetadataOperations(timeLine, { newestOffset: 0, newestEpoch: 0 });
    for (const fields of operations) {
      all.operations.push({
        kind: 'create',
        name: 't0-0',
        floor: 0,
        ceiling: 30,
        floorEpoch: 1,
        ceilingEpoch: 1,
        code: 0,
        topicId: 'id',
        ...fields,
      });
    }
    const verdict = new Verdict();
    all.check(verdict);
    return verdict.violation?.message ?? null;
  }
  const asked: Fields = { code: null };

  test('answers that fit', () => {
    expect(
      judge(
        { floor: 5, ceiling: 12 },
        { kind: 'delete', floor: 18, ceiling: 22 },
        { kind: 'probe', floor: 12, ceiling: 18, code: 36 },
        { kind: 'probe', floor: 21, ceiling: 25, code: 0 },
        { kind: 'delete', floor: 0, ceiling: 10, code: 3 },
        { kind: 'set', name: '5', floor: 14, ceiling: 15 },
      ),
    ).toBe(null);
  });

  test.each<[string, Fields]>([
    ['it came', { floor: 10, ceiling: 12 }],
    ['it came', { floor: 0, ceiling: 9 }],
    ['never came', { topicId: 'other' }],
    ['no topic went', { kind: 'delete', floor: 20, ceiling: 30 }],
    ['there was no such topic', { kind: 'probe', floor: 20, ceiling: 30, code: 36 }],
    ['there was no such topic', { code: 36, floor: 0, ceiling: 9 }],
    ['the topic existed', { kind: 'probe', floor: 10, ceiling: 19, code: 0 }],
    ['the topic existed', { kind: 'delete', floor: 12, ceiling: 15, code: 3 }],
    ['it shows', { kind: 'set', name: '5', floor: 15, ceiling: 30 }],
    ['it shows nowhere', { kind: 'set', name: '6' }],
  ])('%s', (message, fields) => {
    expect(judge(asked, fields)).toContain(message);
  });

  describe('a request is carried out once', () => {
    const created: Fields = { code: 36, floor: 5, ceiling: 15 };
    const deleted: Fields = {
      kind: 'delete',
      code: 3,
      floor: 15,
      ceiling: 25,
      floorEpoch: 2,
      ceilingEpoch: 2,
    };

    test('the one that created the topic is not told that it exists, the one that deleted it not that it is unknown', () => {
      expect(judge(created)).toContain('this very request created it');
      expect(judge({ ...created, floor: 4, ceiling: 8, code: 38 }, created)).toContain('this very request');
      expect(judge({}, deleted)).toContain('this very request deleted it');
    });

    test('another request may have done it', () => {
      expect(judge(asked, created)).toBe(null);
      expect(judge({ floor: 5, ceiling: 12 }, created)).toBe(null);
      expect(judge({ ...created, code: 7 }, created)).toBe(null);
      expect(judge({}, { ...deleted, code: null }, deleted)).toBe(null);
      expect(judge({}, { ...deleted, code: 0 }, deleted)).toBe(null);
    });

    test('the active controller may have changed after the commit, and not before', () => {
      expect(judge({ ...created, ceilingEpoch: 2 })).toBe(null);
      expect(judge({}, { ...deleted, ceilingEpoch: 3 })).toBe(null);
      // The topic went in epoch 2 or later, and epoch 2 is the newest: no later controller can have answered.
      expect(judge({}, { ...deleted, floorEpoch: 1 })).toContain('this very request deleted it');
    });

    test('a topic that was there before', () => {
      expect(judge(asked, { ...created, floor: 10 })).toBe(null);
      expect(judge({}, { ...deleted, floor: 20, ceiling: 25 })).toBe(null);
    });
  });

  test('one topic is created once and deleted once', () => {
    expect(judge({}, {})).toContain('created twice');
    expect(judge(asked, { kind: 'delete' }, { kind: 'delete' })).toContain('no topic went');
  });

  test('a topic that nobody asked for', () => {
    expect(judge()).toContain('nobody asked');
  });
});

test('a disk may forget only while no other node is about to die', async () => {
  await inMacrotask(() => {
    const cluster = new SimulatedCluster({ seed: 1 });
    cluster.start();
    const [first, second] = cluster.nodes as [SimulatedNode, SimulatedNode];
    const budget = new Budget(cluster, []);
    expect(cluster.run(10_000, () => budget.isWhole())).toBe(true);
    budget.doomed.add(second);
    expect(budget.arm(first)).toBe(false);
    budget.doomed.delete(second);
    budget.stopping.set(second, second.life);
    expect(budget.arm(first)).toBe(false);
    budget.stopping.set(second, null);
    expect(budget.mayMove()).toBe(true);
    expect(budget.arm(first)).toBe(true);
    expect(budget.mayDie(second)).toBe(false);
    expect(budget.mayMove()).toBe(false);
  });
});
