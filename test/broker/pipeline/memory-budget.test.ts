import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type BudgetWaiter, MemoryBudget } from '../../../src/broker/pipeline/memory-budget.ts';

describe('memory budget', () => {
  test('grants requests in the order of arrival; small ones may use the reserve', () => {
    const budget = new MemoryBudget(100, 10, 5);
    expect(budget.tryAcquire(90)).toBe(true);
    const granted: string[] = [];
    budget.wait(50, () => granted.push('fifty'));
    expect(budget.tryAcquire(6)).toBe(false);
    expect(budget.tryAcquire(5)).toBe(true);
    budget.wait(10, () => granted.push('ten'));
    budget.release(5);
    expect(granted).toEqual([]);
    budget.release(90);
    expect(granted).toEqual(['fifty', 'ten']);
    expect(budget.usedBytes).toBe(60);
  });

  test('grants a request of nearly the whole budget while little is in use, one at a time', () => {
    const budget = new MemoryBudget(100);
    expect(budget.tryAcquire(100)).toBe(true);
    const granted: string[] = [];
    for (const name of ['first', 'second']) budget.wait(500, () => granted.push(name));
    budget.wait(10, () => granted.push('small'));
    // One byte stays taken, as by a pending fetch.
    budget.release(99);
    expect(granted).toEqual(['first']);
    expect(budget.tryAcquire(1)).toBe(false);
    budget.release(500);
    expect(granted).toEqual(['first', 'second']);
    budget.release(500);
    expect(granted).toEqual(['first', 'second', 'small']);
  });

  test('skips a waiting request whose connection closed, and grants the next ones', () => {
    const budget = new MemoryBudget(100);
    budget.tryAcquire(80);
    const granted: string[] = [];
    const first = budget.wait(90, () => granted.push('first'));
    budget.wait(20, () => granted.push('second'));
    first.cancel();
    first.cancel();
    expect(granted).toEqual(['second']);
    expect(budget.usedBytes).toBe(100);
  });

  test('never exceeds its limits, and has everything back in the end', () => {
    const step = fc.record({
      size: fc.integer({ min: 0, max: 60 }),
      release: fc.boolean(),
      wait: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const budget = new MemoryBudget(100, 20, 4);
        const held: number[] = [];
        const waiters: BudgetWaiter[] = [];
        for (const { size, release, wait } of steps) {
          if (release) budget.release(held.shift() ?? 0);
          else if (budget.tryAcquire(size)) held.push(size);
          else if (wait) waiters.push(budget.wait(size, () => held.push(size)));
          expect(budget.usedBytes).toBe(held.reduce((a, b) => a + b, 0));
          expect(budget.usedBytes).toBeLessThanOrEqual(120);
        }
        for (const waiter of waiters) waiter.cancel();
        while (held.length > 0) budget.release(held.shift() as number);
        expect(budget.usedBytes).toBe(0);
        expect(budget.waiting).toBe(0);
      }),
    );
  });
});
