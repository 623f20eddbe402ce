import { describe, expect, test, vi } from 'vitest';
import { LeaderState } from '../../src/replication/leader/leader-state.ts';
import { hunt } from '../../src/simulation/run.ts';
import { inMacrotask } from '../../src/simulation/macrotask.ts';
import { SeededRandom } from '../../src/simulation/random.ts';
import { clusterWorld } from '../../src/testing/cluster/world.ts';
import { families, planOf } from '../../src/testing/cluster/swarm.ts';

/** SEED=n replays one seed and prints its trace; SEEDS=n runs n seeds. */
const only = process.env.SEED === undefined ? null : Number(process.env.SEED);
const seedCount = Number(process.env.SEEDS ?? 32);
/** How many seeds run in one test, because a test for each seed would cost more time than the seed itself. */
const chunk = 4;

const from = only ?? 1;
const to = only ?? seedCount;
const ranges = Array.from({ length: Math.ceil((to - from + 1) / chunk) }, (_, at): [number, number] => [
  from + at * chunk,
  Math.min(to, from + (at + 1) * chunk - 1),
]);

describe('whole clusters on a virtual clock', () => {
  test.each(ranges)(
    'seeds %i to %i violate no invariant',
    async (first, last) => {
      for (let seed = first; seed <= last; seed++) {
        const onTrace = only === null ? {} : { onTrace: (line: string) => console.log(line) };
        const { violation, events } = await inMacrotask(() => clusterWorld.run({ seed, ...onTrace }));
        if (violation !== null) {
          throw new Error(
            `seed ${seed}: ${violation.invariant}: ${violation.message}\nagain: npm run sim -- --world cluster --seed ${seed} --trace`,
          );
        }
        expect(events).toBeGreaterThan(1000);
      }
    },
    120_000,
  );

  test('the same seed gives the same run', async () => {
    const first = await inMacrotask(() => clusterWorld.run({ seed: 7 }));
    const second = await inMacrotask(() => clusterWorld.run({ seed: 7 }));
    expect(second).toEqual(first);
  });
});

/**
 * Each of these tests plants a bug into the broker. The checks must find it, or it means nothing that they find none without
 * it.
 */
describe('a planted bug', () => {
  test('is found: a high watermark that does not wait for the ISR', async () => {
    const spy = vi.spyOn(LeaderState.prototype, 'advanceHighWatermark');
    spy.mockImplementation(function (this: LeaderState) {
      if (this.logEndOffset <= this.highWatermark) return false;
      this.highWatermark = this.logEndOffset;
      return true;
    });
    try {
      const found = await inMacrotask(() => hunt(2, 20, clusterWorld).found);
      expect(found?.violation?.invariant).toBe('I22 produce durability');
    } finally {
      spy.mockRestore();
    }
  });
});

describe('a plan of faults', () => {
  const plan = (seed: number, without: string[] = [], skip: number[] = []) =>
    planOf(new SeededRandom(seed).fork('plan'), new Set(without), new Set(skip));

  test('without a family or a fault has the same other faults', () => {
    for (let seed = 1; seed <= 50; seed++) {
      const whole = plan(seed);
      const without = plan(seed, ['kill', 'cut']);
      expect(without).toEqual({
        ...whole,
        faults: whole.faults.filter(({ family }) => family !== 'kill' && family !== 'cut'),
      });
      const [first] = whole.faults;
      if (first === undefined) continue;
      expect(plan(seed, [], [first.number]).faults).toEqual(whole.faults.slice(1));
    }
  });

  test('has no faults for about a quarter of the seeds, and over all seeds every family and shape', () => {
    const plans = Array.from({ length: 400 }, (_, seed) => plan(seed));
    const calm = plans.filter(({ faults }) => faults.length === 0).length;
    expect(calm).toBeGreaterThan(60);
    expect(calm).toBeLessThan(140);
    const seen = new Set(plans.flatMap(({ faults }) => faults.map(({ family }) => family)));
    expect([...seen].sort()).toEqual([...families].sort());
    expect(new Set(plans.map(({ shape }) => shape)).size).toBe(4);
  });
});
