/**
 * The simulation of whole clusters as a `SimulationWorld`: a seed determines nodes, clients and faults; invariants are checked
 * after every event; when the faults have ended, the cluster must work again. See `docs/simulation.md`.
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
