/**
 * What a simulated world is to those who run it: a function from a seed to a verdict. The same seed, with the same faults
 * left out, gives the same events and the same trace hash on every machine.
 */

export interface SimulationOptions {
  readonly seed: number;
  /** Families of faults that are left out, by name: shrinking. */
  readonly without?: ReadonlySet<string>;
  /**
   * Single faults that are left out, by their number in the seed's plan: shrinking. Each fault draws from a stream of its
   * own, so leaving one out moves no other.
   */
  readonly skip?: ReadonlySet<number>;
  /** Every line of the readable trace. */
  readonly onTrace?: (line: string) => void;
}

export interface FaultRecord {
  readonly number: number;
  readonly family: string;
  readonly text: string;
}

export interface SimulationViolation {
  /** Its id and name, as in "I6 commit truth"; "assertion" when the code under test found out by itself. */
  readonly invariant: string;
  readonly message: string;
}

export interface SimulationResult {
  readonly seed: number;
  /** Deliveries, timers, completions of the disk, requests of clients, faults: nothing that only the simulator does. */
  readonly events: number;
  readonly traceHash: number;
  readonly virtualMs: number;
  /** Faults carried out, in order. */
  readonly faults: readonly FaultRecord[];
  readonly violation: SimulationViolation | null;
}

export interface SimulationWorld {
  readonly name: string;
  readonly families: readonly string[];
  /** Never throws for what the code under test does: that is a violation. */
  run(options: SimulationOptions): SimulationResult;
}

export interface Hunt {
  /** The first result with a violation; null when no seed has one. */
  readonly found: SimulationResult | null;
  readonly seeds: number;
  readonly events: number;
}

/** Runs the seeds from `seedFrom` to `seedTo`, both included, until one of them violates an invariant. */
export function hunt(seedFrom: number, seedTo: number, world: SimulationWorld): Hunt {
  let events = 0;
  for (let seed = seedFrom; seed <= seedTo; seed++) {
    const result = world.run({ seed });
    events += result.events;
    if (result.violation !== null) return { found: result, seeds: seed - seedFrom + 1, events };
  }
  return { found: null, seeds: Math.max(0, seedTo - seedFrom + 1), events };
}

/** Fewer faults that lead to the same violation, if there is one: families first, then single faults by halves. */
export function shrink(world: SimulationWorld, seed: number): SimulationOptions & { readonly runs: number } {
  const without = new Set<string>();
  const skip = new Set<number>();
  const wanted = world.run({ seed }).violation?.invariant ?? null;
  if (wanted === null) return { seed, without, skip, runs: 1 };
  let runs = 1;
  const stillFails = (): boolean => {
    runs += 1;
    return world.run({ seed, without, skip }).violation?.invariant === wanted;
  };
  for (const family of world.families) {
    without.add(family);
    if (!stillFails()) without.delete(family);
  }
  let faults = world.run({ seed, without, skip }).faults.map(({ number }) => number);
  for (let size = Math.ceil(faults.length / 2); size >= 1 && runs < 400; size = Math.floor(size / 2)) {
    for (let at = 0; at < faults.length; at += size) {
      const chunk = faults.slice(at, at + size).filter((number) => !skip.has(number));
      for (const number of chunk) skip.add(number);
      if (chunk.length > 0 && !stillFails()) for (const number of chunk) skip.delete(number);
    }
    faults = faults.filter((number) => !skip.has(number));
  }
  return { seed, without, skip, runs };
}
