/** Seeded chance for simulations (xorshift-multiply, 32 bit): the same seed gives the same run. */
import type { Random } from '../../../src/base/random.ts';

export interface SimRandom extends Random {
  below(bound: number): number;
  chance(ratio: number): boolean;
  fork(): SimRandom;
}

export function seededRandom(seed: number): SimRandom {
  let state = (seed ^ 0x9e3779b9) >>> 0;
  const u32 = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let value = state;
    value = Math.imul(value ^ (value >>> 15), value | 1);
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
    return (value ^ (value >>> 14)) >>> 0;
  };
  return {
    u32,
    bytes: (count) => Uint8Array.from({ length: count }, () => u32() & 255),
    below: (bound) => u32() % bound,
    chance: (ratio) => u32() < ratio * 0x1_0000_0000,
    fork: () => seededRandom(u32()),
  };
}
