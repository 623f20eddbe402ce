/**
 * A fault: for some time a node crashes soon after each start, and is started again and again. Meanwhile the network has faults
 * too. Some crashes are like the end of a container, whose network ends with it, so that peers get no reset. Streams of the
 * node to the active controller break during the start. Another node is sometimes cut off from the controller.
 */
import { SeededRandom } from '../../simulation/random.ts';
import type { SimulatedCluster, SimulatedNode } from '../simulated-cluster.ts';
import type { Budget } from './budget.ts';
import type { PlannedFault } from './swarm.ts';

interface Loop {
  readonly node: SimulatedNode;
  readonly random: SeededRandom;
  readonly untilMs: number;
}

const downMs = [5, 120] as const;
/** Interval at which the node is checked for being up. */
const lookMs = 10;
/** The mean time between the end of the node's start and the next crash. */
const livesMeanMs = 40;
/** Within this time after the node's start, its streams to the active controller break twice. */
const breaksMs = 120;
const deafMs = [50, 500] as const;

export class CrashLoops {
  private readonly cluster: SimulatedCluster;
  private readonly budget: Budget;
  private readonly bootLater: (node: SimulatedNode, afterMs: number) => void;
  private isOver = false;

  constructor(
    cluster: SimulatedCluster,
    budget: Budget,
    bootLater: (node: SimulatedNode, afterMs: number) => void,
  ) {
    this.cluster = cluster;
    this.budget = budget;
    this.bootLater = bootLater;
  }

  begin({ durationMs, dice, victim }: PlannedFault, node: SimulatedNode): string | null {
    if (!this.budget.mayDie(node)) return null;
    const random = new SeededRandom(victim);
    const untilMs = this.cluster.world.nowMs + durationMs;
    const loop: Loop = { node, random, untilMs };
    this.crash(loop);
    if (dice < 0.7 && this.budget.mayIsolate(durationMs)) this.flap({ ...loop, random: random.fork('flap') });
    return `${node.host.name} crashes again and again for ${Math.round(durationMs)} ms`;
  }

  end(): void {
    this.isOver = true;
  }

  private goesOn({ untilMs }: Loop): boolean {
    return !this.isOver && this.cluster.world.nowMs < untilMs;
  }

  private crash(loop: Loop): void {
    const { node, random } = loop;
    this.cluster.crash(node, random.chance(0.5) ? 'vanish' : 'kill');
    const afterMs = random.between(...downMs);
    this.bootLater(node, afterMs);
    for (let left = 2; left > 0; left--) this.breakLater(loop, afterMs + random.between(0, breaksMs));
    this.crashOnceUp(loop, afterMs);
  }

  private breakLater({ node }: Loop, afterMs: number): void {
    this.cluster.world.schedule(afterMs, null, () => {
      const controller = this.cluster.activeController();
      if (this.isOver || controller === null || controller === node) return;
      this.cluster.note(`streams between ${node.host.name} and ${controller.host.name} break`);
      this.cluster.network.resetBetween(node.host, controller.host);
    });
  }

  private crashOnceUp(loop: Loop, afterMs: number): void {
    const { node, random } = loop;
    this.cluster.world.schedule(afterMs, null, () => {
      if (!this.goesOn(loop)) return;
      if (!node.isUp) return this.crashOnceUp(loop, lookMs);
      const { life } = node;
      this.cluster.world.schedule(random.exponential(livesMeanMs), null, () => {
        if (this.goesOn(loop) && node.life === life && this.budget.mayDie(node)) this.crash(loop);
      });
    });
  }

  /** Again and again cuts another node off from the active controller, in one direction. */
  private flap(loop: Loop): void {
    const { random, node } = loop;
    if (!this.goesOn(loop)) return;
    const controller = this.cluster.activeController();
    const others = this.cluster.nodes.filter((one) => one !== node && one !== controller);
    const from = others[random.u32() % Math.max(1, others.length)]?.host.name;
    const to = controller?.host.name;
    const forMs = random.between(...deafMs);
    if (from !== undefined && to !== undefined) this.cluster.network.cutFor([[from, to]], forMs);
    this.cluster.world.schedule(forMs * 1.5, null, () => this.flap(loop));
  }
}
