import { describe, expect, test } from 'vitest';
import { inMacrotask } from '../../src/simulation/macrotask.ts';
import { SimulatedNetwork } from '../../src/simulation/network.ts';
import { World } from '../../src/simulation/world.ts';
import { Budget } from '../../src/testing/cluster/budget.ts';
import { Faults } from '../../src/testing/cluster/faults.ts';
import { Ledger } from '../../src/testing/cluster/ledger.ts';
import { MetadataOperations } from '../../src/testing/cluster/metadata-operations.ts';
import {
  checkSearch,
  type EndOffset,
  EndOffsets,
  type FoundTimestamp,
  timestampOf,
} from '../../src/testing/cluster/offset-rules.ts';
import type { Family, PlannedFault } from '../../src/testing/cluster/swarm.ts';
import { TimeLine } from '../../src/testing/cluster/time-line.ts';
import { Verdict } from '../../src/testing/cluster/verdict.ts';
import { SimulatedCluster, type SimulatedNode } from '../../src/testing/simulated-cluster.ts';
import type { ConsumedRecord } from '../../src/client/fetcher.ts';
import { newPass, Table } from '../../src/testing/cluster/table-workload.ts';

describe('the ledger of records', () => {
  const judge = (body: (ledger: Ledger) => void): string | null => {
    const verdict = new Verdict();
    body(new Ledger(verdict));
    return verdict.violation?.invariant ?? null;
  };

  test('accepts records that are read as they were acknowledged', () => {
    expect(
      judge((ledger) => {
        ledger.acknowledged('a-0', 0, 'x');
        ledger.read('a-0', 0, 'x', 'a reader');
        ledger.read('a-1', 0, 'y', 'a reader');
      }),
    ).toBe(null);
  });

  test('reports an offset with two values and a value at two offsets', () => {
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
    ).toBe('I42 exactly once');
  });
});

describe('the rules for the offsets of ListOffsets', () => {
  const none = { leaderEpoch: 0, offset: 0 };

  function judgeEnds(...answers: [end: EndOffset, before: EndOffset][]): boolean {
    const verdict = new Verdict();
    const ends = new EndOffsets('a-0', verdict);
    for (const [end, before] of answers) ends.returned(end, before);
    return verdict.violation === null;
  }

  test('accept a growing end offset, and an old one from a former leader', () => {
    const [early, later] = [
      { leaderEpoch: 1, offset: 5 },
      { leaderEpoch: 2, offset: 9 },
    ];
    expect(judgeEnds([early, none], [later, none], [{ leaderEpoch: 1, offset: 7 }, later])).toBe(true);
  });

  test.each([
    ['decreases with the same leader', [{ leaderEpoch: 1, offset: 4 }, none]],
    ['decreases with a new leader', [{ leaderEpoch: 2, offset: 4 }, none]],
    [
      'is below an acknowledged record',
      [
        { leaderEpoch: 1, offset: 5 },
        { leaderEpoch: 1, offset: 6 },
      ],
    ],
    ['is from an earlier leader and above that of a later one', [{ leaderEpoch: 0, offset: 6 }, none]],
  ] as [string, [EndOffset, EndOffset]][])('refuse an end offset that %s', (_name, wrong) => {
    expect(judgeEnds([{ leaderEpoch: 1, offset: 5 }, none], wrong)).toBe(false);
  });

  /** Record `count` is at offset `count`; the search is for the timestamp of record `wanted`. */
  function judgeSearch(wanted: number, found: FoundTimestamp, isFinal = false): boolean {
    const verdict = new Verdict();
    const ledger = new Ledger(verdict);
    for (let count = 0; count < 40; count++) ledger.acknowledged('a-0', count, `a-0:${count}`);
    checkSearch({ ledger, verdict }, 'a-0', timestampOf(wanted), found, isFinal);
    return verdict.violation === null;
  }

  test('accept only the first record with the timestamp or a later one', () => {
    const first = Array.from({ length: 40 }, (_, count) => count).find(
      (count) => timestampOf(count) >= timestampOf(20),
    ) as number;
    expect(judgeSearch(20, { offset: first, timestamp: timestampOf(first) })).toBe(true);
    expect(judgeSearch(20, { offset: first, timestamp: timestampOf(first) + 1 })).toBe(false);
    expect(judgeSearch(20, { offset: 39, timestamp: timestampOf(39) })).toBe(false);
    expect(judgeSearch(20, { offset: 0, timestamp: timestampOf(0) })).toBe(false);
  });

  test('accept a search without result before the end of a run only', () => {
    const nothing = { offset: -1, timestamp: -1 };
    expect(judgeSearch(20, nothing)).toBe(true);
    expect(judgeSearch(20, nothing, true)).toBe(false);
    expect(judgeSearch(80, nothing, true)).toBe(true);
  });
});

describe('the oracle of metadata operations', () => {
  type Fields = Partial<MetadataOperations['operations'][number]>;

  /**
   * Gives operations to the oracle. In its time line, topic t0-0 existed from offset 10 to 20, and setting 5 was made at offset
   * 15.
   */
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

  test('accepts responses that agree with the time line', () => {
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
    ['no topic was deleted then', { kind: 'delete', floor: 20, ceiling: 30 }],
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

    test('a request that created the topic must not get "exists", one that deleted it must not get "unknown"', () => {
      expect(judge(created)).toContain('this very request created it');
      expect(judge({ ...created, floor: 4, ceiling: 8, code: 38 }, created)).toContain('this very request');
      expect(judge({}, deleted)).toContain('this very request deleted it');
    });

    test('the errors are accepted when another request may have created or deleted the topic', () => {
      expect(judge(asked, created)).toBe(null);
      expect(judge({ floor: 5, ceiling: 12 }, created)).toBe(null);
      expect(judge({ ...created, code: 7 }, created)).toBe(null);
      expect(judge({}, { ...deleted, code: null }, deleted)).toBe(null);
      expect(judge({}, { ...deleted, code: 0 }, deleted)).toBe(null);
    });

    test('the errors are accepted when the active controller may have changed after the commit', () => {
      expect(judge({ ...created, ceilingEpoch: 2 })).toBe(null);
      expect(judge({}, { ...deleted, ceilingEpoch: 3 })).toBe(null);
      // The topic was deleted in epoch 2, the newest. So no later controller can have answered that it does not exist.
      expect(judge({}, { ...deleted, floorEpoch: 1 })).toContain('this very request deleted it');
    });

    test('the errors are accepted for a topic that was created or deleted before the request', () => {
      expect(judge(asked, { ...created, floor: 10 })).toBe(null);
      expect(judge({}, { ...deleted, floor: 20, ceiling: 25 })).toBe(null);
    });
  });

  test('reports a topic that is created twice or deleted twice', () => {
    expect(judge({}, {})).toContain('created twice');
    expect(judge(asked, { kind: 'delete' }, { kind: 'delete' })).toContain('no topic was deleted then');
  });

  test('reports a topic that no request created', () => {
    expect(judge()).toContain('no client requested topic');
  });
});

test('a disk may lose data only while no other node is about to stop', async () => {
  await inMacrotask(() => {
    const cluster = new SimulatedCluster({ seed: 1 });
    cluster.start();
    const [first, second] = cluster.nodes as [SimulatedNode, SimulatedNode];
    const budget = new Budget(cluster, []);
    expect(cluster.run(10_000, () => budget.isWhole())).toBe(true);
    budget.doomed.add(second);
    expect(budget.arm(first)).toBe(null);
    budget.doomed.delete(second);
    budget.stopping.set(second, second.life);
    expect(budget.arm(first)).toBe(null);
    budget.stopping.set(second, null);
    expect(budget.mayMove()).toBe(true);
    const arm = budget.arm(first);
    expect(arm?.node).toBe(first);
    expect(budget.mayDie(second)).toBe(false);
    expect(budget.mayMove()).toBe(false);
    budget.disarm(null);
    expect(budget.mayDie(second)).toBe(false);
    budget.disarm(arm);
    expect(budget.mayDie(second)).toBe(true);
    // Disarming a fault that is over must not affect one that was armed later.
    const later = budget.arm(first);
    budget.disarm(arm);
    expect(budget.mayDie(second)).toBe(false);
    budget.disarm(later);
    expect(budget.mayDie(second)).toBe(true);
  });
});

type Plan = (family: Family, more?: Partial<PlannedFault>) => void;

/** Runs a cluster and lets the test plan faults, by default on the first node for one second. */
async function withFaults(
  strike: (cluster: SimulatedCluster, faults: Faults, plan: Plan) => void,
): Promise<void> {
  await inMacrotask(() => {
    const holder: { faults: Faults | null } = { faults: null };
    const cluster = new SimulatedCluster({
      seed: 1,
      onFatal: (node, error) => holder.faults?.explains(node, error) ?? false,
    });
    cluster.start();
    const faults = new Faults(cluster, []);
    holder.faults = faults;
    expect(cluster.run(10_000, () => faults.budget.isWhole())).toBe(true);
    let number = 0;
    const plan: Plan = (family, more = {}) => {
      number += 1;
      faults.begin([{ number, family, atMs: 0, durationMs: 1_000, victim: 0, dice: 0.9, ...more }]);
      cluster.run(1);
    };
    strike(cluster, faults, plan);
  });
}

describe('overlapping faults', () => {
  test('the network is slow until the last delay fault ends', async () => {
    await withFaults((cluster, faults, plan) => {
      const meanMs = (): number => cluster.network.faults.latencyMeanMs;
      plan('delay', { dice: 0.1, durationMs: 3_000 });
      plan('delay', { dice: 0.5, durationMs: 1_000 });
      expect(meanMs()).toBeCloseTo(35);
      cluster.run(1_500);
      expect(meanMs()).toBeCloseTo(11);
      cluster.run(2_000);
      expect(meanMs()).toBeCloseTo(0.4);
      plan('delay');
      faults.end();
      expect(meanMs()).toBeCloseTo(0.4);
    });
  });

  test('a link that was cut twice is cut until both faults end', async () => {
    await inMacrotask(() => {
      const world = new World(3);
      const network = new SimulatedNetwork(world);
      network.cutFor([['a', 'b']], 500);
      network.cutFor([['a', 'b']], 2_000);
      world.run(1_000);
      expect(network.partitions.isCut('a', 'b')).toBe(true);
      world.run(3_000);
      expect(network.partitions.isCut('a', 'b')).toBe(false);
    });
  });

  test('the end of a write-error fault without a write does not disarm a power cut', async () => {
    await withFaults((cluster, faults, plan) => {
      const [first] = cluster.nodes as [SimulatedNode];
      // No write happens while this fault is armed.
      plan('write-error', { durationMs: 20 });
      plan('power', { dice: 0.3, durationMs: 5_000 });
      expect(faults.budget.mayHaveForgotten(first)).toBe(true);
      cluster.run(100);
      expect(faults.budget.mayHaveForgotten(first)).toBe(true);
    });
  });

  test('a repair ends when its node dies during the shutdown, and later repairs can begin', async () => {
    await withFaults((cluster, faults, plan) => {
      const [first, second] = cluster.nodes as [SimulatedNode, SimulatedNode];
      plan('repair');
      expect(faults.budget.mayHaveForgotten(first)).toBe(true);
      cluster.crash(first, 'kill');
      cluster.boot(first);
      cluster.run(20_000, () => faults.budget.isWhole() && !faults.budget.mayHaveForgotten(first));
      expect(faults.budget.mayHaveForgotten(first)).toBe(false);
      expect(faults.budget.mayDie(second)).toBe(true);
    });
  });
});

describe('a compacted topic', () => {
  /**
   * The verdict after records with these keys were sent (`-`: a deletion) and acknowledged, and a reader got those of `read`.
   */
  function verdictOf(sent: string, read: readonly number[], acknowledged = sent.length): Verdict {
    const verdict = new Verdict();
    const table = new Table('table-0', verdict);
    for (const [serial, letter] of [...sent].entries()) {
      table.send({ key: letter.toLowerCase(), isDeletion: letter !== letter.toLowerCase() });
      if (serial < acknowledged) table.acknowledged(serial, serial);
    }
    const pass = newPass('a reader');
    for (const serial of read) {
      const { key, value, headers } = table.recordOf(serial, 0);
      table.read(pass, { offset: serial, key, value, headers } as unknown as ConsumedRecord);
    }
    table.check(pass);
    return verdict;
  }

  // A capital letter is a deletion of its key.
  test.each<[string, readonly number[], number?]>([
    ['aba', [0, 1, 2]],
    ['aba', [1, 2]],
    ['abA', [1]],
    ['abA', [1, 2]],
    // A deletion that was not acknowledged may have been written.
    ['abA', [0, 1], 2],
    ['abA', [1], 2],
    ['abA', [1, 2], 2],
  ])('%s read as %j may be', (sent, read, acknowledged) => {
    expect(verdictOf(sent, read, acknowledged).violation).toBeNull();
  });

  test.each<[string, readonly number[]]>([
    ['aba', [0, 1]],
    ['aba', [2]],
    ['abA', [0, 1]],
    ['aba', [0, 2, 1]],
    ['ab', [0, 1, 1]],
  ])('%s read as %j may not', (sent, read) => {
    expect(verdictOf(sent, read).violation?.invariant).toBe('I36 compaction keeps the newest');
  });
});
