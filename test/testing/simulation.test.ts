import { describe, expect, test } from 'vitest';
import { inMacrotask } from '../../src/simulation/macrotask.ts';
import { runScenario } from './scenario.ts';

/** SEED=n replays one seed with its log; SEEDS=n runs so many. */
const only = process.env.SEED === undefined ? null : Number(process.env.SEED);
const seedCount = Number(process.env.SEEDS ?? 300);
const faultsMs = 8_000;

function seeds(): number[] {
  return only === null ? Array.from({ length: seedCount }, (_, i) => i + 1) : [only];
}

describe('three whole nodes on a virtual clock', () => {
  test.each(seeds())(
    'seed %i: one leader an epoch, one metadata, nothing acknowledged is lost',
    async (seed) => {
      const onLog = only === null ? {} : { onLog: (line: string) => console.log(line) };
      try {
        const result = await inMacrotask(() => runScenario({ seed, faultsMs, ...onLog }));
        expect(result.acknowledged).toBeGreaterThan(0);
      } catch (error) {
        throw new Error(
          `SEED=${seed} npx vitest run --config scripts/check/vitest.config.mjs test/testing: ${String(error)}`,
          { cause: error },
        );
      }
    },
  );

  test('the same seed gives the same run', async () => {
    const first = await inMacrotask(() => runScenario({ seed: 7, faultsMs: 3_000 }));
    const second = await inMacrotask(() => runScenario({ seed: 7, faultsMs: 3_000 }));
    expect(second).toEqual(first);
  });
});
