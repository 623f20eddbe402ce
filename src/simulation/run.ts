/**
 * The interface of a simulated world: it runs a seed and returns whether an invariant was violated. The same seed with the same
 * faults left out gives the same events and the same trace hash on every machine. `hunt` searches seeds for a violation.
 * `shrink` leaves out faults that a violation does not need.
 */

export interface SimulationOptions {
  readonly seed: number;
  /** Names of fault families to leave out (for shrinking). */
  readonly without?: ReadonlySet<string>;
  /**
   * Numbers of single faults to leave out (for shrinking). Each fault draws from its own random stream, so leaving one out
   * changes no other.
   */
  readonly skip?: ReadonlySet<number>;
  /** Receives every line of the readable trace. */
  readonly onTrace?: (line: string) => void;
}

export interface FaultRecord {
  readonly number: number;
  readonly family: string;
  readonly text: string;
}

export interface SimulationViolation {
  /** Id and name of the invariant, such as "I6 commit truth"; "assertion" or "error" when the code under test has thrown. */
  readonly invariant: string;
  readonly message: string;
}

export interface SimulationResult {
  readonly seed: number;
  /**
   * The number of deliveries, timers, disk completions, client requests and faults, without internal events of the simulator.
   */
  readonly events: number;
  readonly traceHash: number;
  readonly virtualMs: number;
  /** The injected faults, in order. */
  readonly faults: readonly FaultRecord[];
  readonly violation: SimulationViolation | null;
}

export interface SimulationWorld {
  readonly name: string;
  readonly families: readonly string[];
  /** Runs a seed. An error of the code under test is returned as a violation, never thrown. */
  run(options: SimulationOptions): SimulationResult;
}

export interface Hunt {
  /** The first result with a violation; null when no seed has one. */
  readonly found: SimulationResult | null;
  readonly seeds: number;
  readonly events: number;
}

/** Runs the seeds from `seedFrom` to `seedTo`, both included, until one violates an invariant. */
export function hunt(seedFrom: number, seedTo: number, world: SimulationWorld): Hunt {
  let events = 0;
  for (let seed = seedFrom; seed <= seedTo; seed++) {
    const result = world.run({ seed });
    events += result.events;
    if (result.violation !== null) return { found: result, seeds: seed - seedFrom + 1, events };
  }
  return { found: null, seeds: Math.max(0, seedTo - seedFrom + 1), events };
}

/** Finds fewer faults that lead to the same violation, if possible: first leaves out families, then single faults by halves. */
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
