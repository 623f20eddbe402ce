import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MemoryBudget } from '../../../src/broker/pipeline/memory-budget.ts';
import { Purgatory } from '../../../src/broker/purgatory/delayed-operation.ts';
import { FetchOperation, type FetchTarget } from '../../../src/broker/purgatory/fetch-operation.ts';
import { FakeReplica } from '../fakes.ts';
import { batchOf, idA, ManualTime, settle } from '../harness.ts';

const unit = batchOf(1, 100).length;

function targetsOf(replicas: readonly FakeReplica[], maxBytes: number): FetchTarget[] {
  return replicas.map((replica) => ({
    offset: 0,
    maxBytes,
    currentLeaderEpoch: -1,
    lastFetchedEpoch: -1,
    preferredReplica: () => -1,
    replica: () => replica,
  }));
}

function bytesOf(operation: FetchOperation): number[] {
  return operation.outcomes.map(({ data }) => data?.records.length ?? 0);
}

const fetches = fc.record({
  batches: fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 5 }),
  slow: fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }),
  each: fc.integer({ min: 0, max: 4 }),
  total: fc.integer({ min: 0, max: 8 }),
  minUnits: fc.integer({ min: 0, max: 12 }),
  later: fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 6 }),
  end: fc.constantFrom('timeout', 'cancel'),
});
type Fetch = typeof fetches extends fc.Arbitrary<infer T> ? T : never;

/**
 * Runs a fetch to its end: reads complete, and then either it has enough bytes or its time is over. Returns whether it was
 * done.
 */
async function carryThrough(
  operation: FetchOperation,
  replicas: readonly FakeReplica[],
  time: ManualTime,
  { later, end }: Fetch,
): Promise<boolean> {
  let done = false;
  const running = operation.run();
  if (running === null) done = true;
  else void running.then(() => (done = true));
  await settle();
  for (const index of later) {
    replicas[index % replicas.length]?.appendAsLeader(batchOf(1, 100), 1);
    await settle();
  }
  if (!done && end === 'timeout') await time.advance(100);
  if (!done && end === 'cancel') operation.cancel();
  else expect(done).toBe(true);
  return done;
}

function replicasOf({ batches, slow }: Fetch): FakeReplica[] {
  return batches.map((count, index) => {
    const replica = new FakeReplica('a', idA, index);
    replica.slow = slow[index] === true;
    for (let i = 0; i < count; i++) replica.appendAsLeader(batchOf(1, 100), 1);
    return replica;
  });
}

const onResumed = (): void => {};

describe('a fetch operation', () => {
  test('respects its limits and releases the memory that it counted, in whatever order reads and events come', async () => {
    await fc.assert(
      fc.asyncProperty(fetches, async (fetch) => {
        const { batches, each, total, minUnits } = fetch;
        const time = new ManualTime();
        const budget = new MemoryBudget(1 << 20);
        const purgatory = new Purgatory(time, 10);
        const replicas = replicasOf(fetch);
        const limits = {
          minBytes: minUnits * unit,
          maxBytes: total * unit,
          maxWaitMs: 100,
          isolation: 'high_watermark' as const,
          allowFollower: false,
        };
        const dependencies = { purgatory, budget, onResumed };
        const operation = new FetchOperation(targetsOf(replicas, each * unit), limits, dependencies);
        const done = await carryThrough(operation, replicas, time, fetch);
        const bytes = bytesOf(operation);
        const sum = bytes.reduce((a, b) => a + b, 0);
        expect(sum).toBeLessThanOrEqual(Math.max(total, 1) * unit);
        for (const one of bytes) expect(one).toBeLessThanOrEqual(Math.max(each, 1) * unit);
        // If any partition has data, the response has at least one batch.
        if (done && batches.some((count) => count > 0)) expect(sum).toBeGreaterThan(0);
        if (done) expect(budget.usedBytes).toBeGreaterThanOrEqual(sum);
        operation.release();
        operation.release();
        await settle();
        expect(budget.usedBytes).toBe(0);
        expect(purgatory.pending).toBe(0);
        expect(time.timerCount).toBe(0);
        for (const replica of replicas) expect(replica.watchers.size).toBe(0);
      }),
      { numRuns: 300 },
    );
  });

  test('returns at least one batch when the budget is used up', () => {
    const budget = new MemoryBudget(2 * unit);
    budget.take(2 * unit);
    const replicas = [0, 1].map((index) => {
      const replica = new FakeReplica('a', idA, index);
      for (let i = 0; i < 3; i++) replica.appendAsLeader(batchOf(1, 100), 1);
      return replica;
    });
    const limits = {
      minBytes: 1,
      maxBytes: 1 << 20,
      maxWaitMs: 0,
      isolation: 'high_watermark' as const,
      allowFollower: false,
    };
    const time = new ManualTime();
    const dependencies = { purgatory: new Purgatory(time, 1), budget, onResumed };
    const operation = new FetchOperation(targetsOf(replicas, 1 << 20), limits, dependencies);
    expect(operation.run()).toBeNull();
    expect(bytesOf(operation)).toEqual([3 * unit, 0]);
  });

  test('counts available bytes while it is pending, and reads them once', async () => {
    const replica = new FakeReplica('a', idA, 0);
    const limits = {
      minBytes: 3 * unit,
      maxBytes: 3 * unit,
      maxWaitMs: 1_000,
      isolation: 'high_watermark' as const,
      allowFollower: false,
    };
    const dependencies = {
      purgatory: new Purgatory(new ManualTime(), 1),
      budget: new MemoryBudget(1 << 20),
      onResumed,
    };
    const operation = new FetchOperation(targetsOf([replica], 1 << 20), limits, dependencies);
    let done = false;
    void operation.run()?.then(() => (done = true));
    for (let i = 1; i <= 3; i++) {
      expect(done).toBe(false);
      replica.appendAsLeader(batchOf(1, 100), 1);
      await settle();
    }
    expect(done).toBe(true);
    expect(bytesOf(operation)).toEqual([3 * unit]);
    // Its bytes were counted three times, but read once.
    expect(replica.fetches.length).toBe(1);
  });

  test('answers with what is available when the purgatory is full', () => {
    const time = new ManualTime();
    const limits = {
      minBytes: 1,
      maxBytes: 10,
      maxWaitMs: 1_000,
      isolation: 'high_watermark' as const,
      allowFollower: false,
    };
    const dependencies = { purgatory: new Purgatory(time, 0), budget: new MemoryBudget(100), onResumed };
    const operation = new FetchOperation(targetsOf([new FakeReplica('a', idA, 0)], 10), limits, dependencies);
    expect(operation.run()).toBeNull();
    expect(time.timerCount).toBe(0);
  });
});
