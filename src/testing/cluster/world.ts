/**
 * The world of whole clusters: nodes, clients and faults drawn from a seed, invariants checked after every event, and a cluster
 * that must serve again when the faults have ended. See `docs/simulation.md`.
 */
import { SeededRandom } from '../../simulation/random.ts';
import type { SimulationOptions, SimulationResult, SimulationWorld } from '../../simulation/run.ts';
import { outsideTraps, withTraps } from '../../simulation/traps.ts';
import { loadNativeModules } from '../scenario.ts';
import { ClusterRun } from './cluster-run.ts';
import { families, planOf } from './swarm.ts';

export const clusterWorld: SimulationWorld = {
  name: 'cluster',
  families,
  run(options: SimulationOptions): SimulationResult {
    loadNativeModules();
    const { seed, without, skip, onTrace } = options;
    const plan = planOf(new SeededRandom(seed).fork('plan'), without ?? new Set(), skip ?? new Set());
    const onLog = onTrace === undefined ? {} : { onLog: (line: string) => outsideTraps(() => onTrace(line)) };
    return withTraps(() => new ClusterRun(seed, plan, onLog).go());
  },
};
