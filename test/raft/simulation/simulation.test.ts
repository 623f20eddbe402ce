import { describe, expect, test } from 'vitest';
import { RaftCore } from '../../../src/raft/core.ts';
import { SimCluster, type SimConfig } from './cluster.ts';
import { seededRandom } from './random.ts';

/** Swarm: each seed draws which faults there are, and how hard. */
export function configOf(seed: number): SimConfig {
  const random = seededRandom(seed * 7919 + 1);
  const off = (): boolean => random.chance(0.35);
  return {
    seed,
    nodeCount: [1, 3, 3, 3, 5, 5][random.below(6)] as number,
    lossRatio: off() ? 0 : random.below(20) / 100,
    duplicateRatio: off() ? 0 : random.below(30) / 100,
    latencyMsMax: off() ? 1 : 1 + random.below(80),
    syncMsMax: off() ? 1 : 1 + random.below(60),
    faultEveryMs: off() ? 0 : 50 + random.below(1000),
    proposeEveryMs: 2 + random.below(60),
    tuning: random.chance(0.3) ? { cacheBytesMax: 0, trailingEntries: 0 } : {},
  };
}

export function simulate(seed: number, durationMs: number, core = RaftCore): SimCluster {
  const cluster = new SimCluster(configOf(seed), core);
  try {
    cluster.run(durationMs);
    const missing = cluster.settle(20_000);
    if (missing !== null) throw new Error(missing);
  } catch (error) {
    const message = error instanceof Error ? error.stack : String(error);
    throw new Error(
      `seed ${seed} (SEED=${seed} npx vitest run test/raft/simulation): ${message}\n${cluster.trace.slice(-60).join('\n')}`,
    );
  }
  return cluster;
}

describe('simulation', () => {
  const only = Number(process.env['SEED'] ?? 0);
  const count = Number(process.env['SEEDS'] ?? 60);
  const seeds = only > 0 ? [only] : Array.from({ length: count }, (_, index) => index + 1);

  test(`${seeds.length} seeds from ${seeds[0]}: all invariants hold after every event, and everybody converges`, () => {
    let events = 0;
    let committed = 0;
    for (const seed of seeds) {
      const cluster = simulate(seed, 8000);
      events += cluster.eventCount;
      committed += cluster.checker.committedEnd;
    }
    console.log(`simulated ${events} events, ${committed} entries committed`);
    expect(committed).toBeGreaterThan(seeds.length * 5);
  }, 120_000);
});
