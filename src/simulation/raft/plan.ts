/**
 * What a seed determines at the beginning: the number of replicas, the bounds of the core, the quality of network, disks and
 * clocks, and which families of faults occur. Each family is left out in half of the seeds, because some bugs show only without
 * other faults (swarm testing).
 */
import { below } from '../../base/random.ts';
import type { RaftOptions } from '../../raft/state.ts';
import { SeededRandom } from '../random.ts';

/** The families of faults that happen at a point in time. Each such fault has a number, by which a test can leave it out. */
export const faultFamilies = [
  'cut',
  'kill',
  'power',
  'blackout',
  'stall',
  'eio',
  'wipe',
  'pause',
  'hint',
  'retire',
  'snapshot',
  'member',
  'stranger',
] as const;
export type FaultFamily = (typeof faultFamilies)[number];

/** The families of faults that affect network and clocks all the time. */
export const constantFamilies = ['loss', 'duplicate', 'spike', 'drift'] as const;

export const families: readonly string[] = [...faultFamilies, ...constantFamilies];

export interface RaftPlan {
  readonly seed: number;
  readonly voterCount: number;
  /** Controllers that are not voters at first. */
  readonly spareCount: number;
  /**
   * The voters come from the configuration, without directory ids, until the quorum is upgraded. No disk is wiped in such a
   * world.
   */
  readonly staticVoters: boolean;
  readonly tuning: Partial<RaftOptions>;
  /** Messages of a link keep their order, as on a stream. */
  readonly fifo: boolean;
  readonly latencyMsMax: number;
  readonly lossRatio: number;
  readonly duplicateRatio: number;
  readonly spikeRatio: number;
  readonly syncMsMax: number;
  /** The maximum delay between the commit and the application of entries on a replica; 0: they are applied in the same step. */
  readonly applyMsMax: number;
  /** Inputs that arrive within this time are handled in one step, as in the driver's mailbox. 0: each input is a step. */
  readonly turnMs: number;
  /** Clock rate of each replica. */
  readonly clockRates: readonly number[];
  readonly proposeEveryMs: number;
  readonly readEveryMs: number;
  readonly payloadBytesMax: number;
  readonly snapshotEveryEntries: number;
  /** Mean time between two faults of the family; absent: none. */
  readonly faultEveryMs: ReadonlyMap<FaultFamily, number>;
  /** How long the faults last; the liveness checks follow (`settle.ts`). */
  readonly safetyMs: number;
}

/** A limit on learners that is so small that some replicas which are not voters may never receive the log. */
export const learnersFew = 1;

function tuningOf(random: SeededRandom): Partial<RaftOptions> {
  const fetchTimeoutMs = [80, 120, 200, 400, 800][below(random, 5)] as number;
  const electionTimeoutMs = Math.max(40, Math.floor(fetchTimeoutMs * random.between(0.4, 1.5)));
  return {
    fetchTimeoutMs,
    electionTimeoutMs,
    trailingEntries: [0, 1, 5, 50][below(random, 4)] as number,
    appendBytesMax: [1, 200, 1000, 100_000][below(random, 4)] as number,
    cacheBytesMax: [0, 0, 500, 5000, 1_000_000][below(random, 5)] as number,
    inflightCountMax: [1, 2, 4, 64][below(random, 4)] as number,
    inflightBytesMax: [1, 500, 100_000][below(random, 3)] as number,
    uncommittedBytesMax: random.chance(0.2) ? 300 : 1_000_000,
    payloadBytesMax: 1000,
    learnersMax: random.chance(0.1) ? learnersFew : 64,
    readsMax: random.chance(0.1) ? 2 : 10_000,
  };
}

const rare: ReadonlySet<FaultFamily> = new Set(['blackout', 'wipe', 'retire']);

function faultRates(random: SeededRandom, plan: { staticVoters: boolean }): Map<FaultFamily, number> {
  const rates = new Map<FaultFamily, number>();
  // The mean time between faults differs much between seeds, because different bugs need few or many faults.
  const paceMs = [60, 150, 300, 800][below(random, 4)] as number;
  for (const family of faultFamilies) {
    const on = random.chance(0.5);
    const weight = rare.has(family) ? 4 : family === 'member' ? 0.4 : 1;
    const everyMs = Math.floor(paceMs * random.between(0.5, 4) * weight);
    // The quorum cannot detect that a static voter's disk was wiped: static voters have no directory ids.
    const fair = !plan.staticVoters || family !== 'wipe';
    if (on && fair) rates.set(family, everyMs);
  }
  return rates;
}

export function planOf(seed: number, without: ReadonlySet<string>): RaftPlan {
  const random = new SeededRandom(seed).fork('plan');
  const voterCount = [1, 2, 3, 3, 3, 3, 4, 5, 5, 5, 6, 7][below(random, 12)] as number;
  const staticVoters = random.chance(0.25);
  const spareCount = staticVoters ? below(random, 2) : below(random, 4);
  const ratio = (family: string, max: number): number => {
    const drawn = random.chance(0.5) ? random.between(0, max) : 0;
    return without.has(family) ? 0 : drawn;
  };
  const drift = ratio('drift', 0.12);
  const clocks = random.fork('clocks');
  const clockRates = Array.from({ length: voterCount + spareCount }, () => 1 + clocks.between(-drift, drift));
  const rates = faultRates(random.fork('rates'), { staticVoters });
  for (const family of faultFamilies) if (without.has(family)) rates.delete(family);
  return {
    seed,
    voterCount,
    spareCount,
    staticVoters,
    tuning: tuningOf(random.fork('tuning')),
    fifo: random.chance(0.3),
    latencyMsMax: random.chance(0.4) ? 1 : 1 + below(random, 40),
    lossRatio: ratio('loss', 0.2),
    duplicateRatio: ratio('duplicate', 0.3),
    spikeRatio: ratio('spike', 0.05),
    syncMsMax: random.chance(0.4) ? 1 : 1 + below(random, 60),
    applyMsMax: random.chance(0.5) ? 0 : 1 + below(random, 60),
    turnMs: random.chance(0.6) ? 0 : random.between(0.1, 4),
    clockRates,
    proposeEveryMs: 2 + below(random, 40),
    readEveryMs: 5 + below(random, 60),
    payloadBytesMax: random.chance(0.1) ? 1200 : 60,
    snapshotEveryEntries: [4, 15, 60, 1_000_000][below(random, 4)] as number,
    faultEveryMs: rates,
    safetyMs: 2000 + below(random, 4000),
  };
}
