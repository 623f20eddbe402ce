/**
 * The simulated quorum as a `SimulationWorld`: there are faults for some time, then the liveness checks of `settle.ts`. The
 * invariants of consensus are checked after each event.
 */
import { AssertionError } from '../../base/assert.ts';
import type { SimulationOptions, SimulationResult, SimulationViolation, SimulationWorld } from '../run.ts';
import { families } from './plan.ts';
import { RaftWorld } from './raft-world.ts';
import { settle } from './settle.ts';
import { Violation } from './watch.ts';

export const raftWorld: SimulationWorld = { name: 'raft', families, run };

function run(options: SimulationOptions): SimulationResult {
  const world = new RaftWorld(options);
  let violation: SimulationViolation | null = null;
  try {
    world.begin();
    world.run(world.plan.safetyMs, () => false);
    const outcome = settle(world);
    world.note(() => outcome);
  } catch (error) {
    violation = violationOf(error);
    world.note(() => `${violation?.invariant}: ${violation?.message}`);
  }
  return {
    seed: options.seed,
    events: world.eventCount,
    traceHash: world.traceHash >>> 0,
    virtualMs: Math.floor(world.nowMs),
    faults: world.faultsDone,
    violation,
  };
}

function violationOf(error: unknown): SimulationViolation {
  if (error instanceof Violation) return { invariant: error.invariant, message: error.message };
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const kind = error instanceof AssertionError ? 'assertion' : 'error';
  return { invariant: kind, message: stack.split('\n').slice(0, 6).join('\n') };
}
