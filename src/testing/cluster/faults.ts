/**
 * Injects the faults of a plan, each at its time. Most faults are skipped when the budget refuses them then (`budget.ts`), or
 * when there is nothing that they could act on. The same seed skips the same faults.
 */
import type { FaultRecord } from '../../simulation/run.ts';
import type { SimulatedCluster, SimulatedNode } from '../simulated-cluster.ts';
import { Budget } from './budget.ts';
import { ClientFaults } from './client-faults.ts';
import { CrashLoops } from './crash-loops.ts';
import { DiskFaults } from './disk-faults.ts';
import { RecordLoss } from './record-loss.ts';
import { type Family, type PlannedFault, struckBy, type TopicPlan } from './swarm.ts';

const clockJumpMaxMs = 30 * 60_000;
const latencyMeanMs = 0.4;
const stopTimeoutMs = 5_000;
/** The share of power cuts before which all syncs of the disk hang for a while. */
const hangingPart = 0.4;
const hangMaxMs = 500;
/**
 * Families that need a cluster whose replicas are all in sync. Other faults seldom leave such a moment, so when the budget
 * refuses a fault of these families, it is tried again.
 */
const patient: ReadonlySet<Family> = new Set(['loss', 'repair']);
const patienceMs = 50;

type Act = (fault: PlannedFault, node: SimulatedNode) => string | null;

export class Faults {
  readonly done: FaultRecord[] = [];
  readonly budget: Budget;
  private readonly cluster: SimulatedCluster;
  private readonly disks: DiskFaults;
  private readonly loops: CrashLoops;
  private readonly clients: ClientFaults;
  private readonly loss: RecordLoss;
  private isOver = false;
  /** True while nodes that are down, or end, must stay down, because the cluster must work without them (`cluster-run.ts`). */
  private staysDown = false;
  private readonly delays = new Set<{ readonly slowMs: number }>();
  private readonly acts: Record<Family, Act>;

  constructor(cluster: SimulatedCluster, topics: readonly TopicPlan[]) {
    this.cluster = cluster;
    this.budget = new Budget(cluster, topics);
    const bootLater = (node: SimulatedNode, afterMs: number): void => this.bootLater(node, afterMs);
    this.disks = new DiskFaults(cluster, this.budget, bootLater);
    this.loops = new CrashLoops(cluster, this.budget, bootLater);
    this.clients = new ClientFaults(cluster, this.budget);
    this.loss = new RecordLoss(cluster, this.budget, bootLater);
    this.acts = this.makeActs();
  }

  private makeActs(): Record<Family, Act> {
    const { disks, loops, clients, loss } = this;
    return {
      kill: (fault, node) => this.kill(fault, node),
      power: (fault, node) => this.power(fault, node),
      restart: (fault, node) => this.restart(fault, node),
      pause: (fault, node) => this.pause(fault, node),
      cut: (fault, node) => this.cut(fault, node, true),
      'one-way': (fault, node) => this.cut(fault, node, false),
      reset: () => this.reset(),
      delay: (fault) => this.delay(fault),
      clock: (fault, node) => this.jump(fault, node),
      stall: (fault, node) => disks.stall(fault, node),
      'read-error': (fault, node) => disks.failOnce(fault, node, ['read']),
      'write-error': (fault, node) => disks.failOnce(fault, node, ['write', 'truncate', 'rename']),
      'sync-error': (fault, node) => disks.failOnce(fault, node, ['sync', 'syncDirectory']),
      'disk-full': (fault, node) => disks.fill(fault, node),
      rot: (fault, node) => disks.rot(fault, node),
      'index-rot': (fault, node) => disks.rotIndexes(fault, node),
      loss: (fault) => loss.strike(fault),
      'store-error': (fault, node) => disks.failStore(fault, node),
      'store-rot': (fault, node) => disks.damageStore(fault, node),
      'crash-loop': (fault, node) => loops.begin(fault, node),
      repair: (fault, node) => this.repair(fault, node),
      reassign: (fault) => clients.reassign(fault),
      'member-pause': (fault) => clients.pause(fault),
      'member-cut': (fault) => clients.cut(fault),
      directory: (fault, node) => disks.loseDirectory(fault, node),
      move: (fault, node) => clients.move(fault, node),
    };
  }

  /** Schedules the faults, each at its time. */
  begin(faults: readonly PlannedFault[]): void {
    for (const fault of faults) this.cluster.world.schedule(fault.atMs, null, () => this.strike(fault));
  }

  /**
   * Called when a node would have ended its process. Returns true when a fault explains that; the node is then started again
   * later, unless its metadata store is lost.
   */
  explains(node: SimulatedNode, error: unknown): boolean {
    return this.disks.explains(node, error);
  }

  /** Called when the group member on this machine begins to join its group. */
  onRebalance(machine: string): void {
    this.clients.onRebalance(machine);
  }

  /** Ends all lasting faults. Nodes that are down stay down. */
  end(): void {
    this.isOver = true;
    this.loops.end();
    this.clients.end();
    this.staysDown = true;
    const { network, nodes } = this.cluster;
    network.partitions.heal();
    this.delays.clear();
    this.setLatency();
    this.disks.end();
    for (const node of nodes) {
      node.host.wallOffsetMs = 0;
      node.host.resume();
    }
  }

  /** Starts every node that is not lost permanently. */
  revive(): void {
    this.staysDown = false;
    for (const node of this.budget.living()) if (node.life === null) this.cluster.boot(node);
  }

  private strike(fault: PlannedFault): void {
    if (this.isOver) return;
    const { nodes } = this.cluster;
    const node = nodes[fault.victim % nodes.length] as SimulatedNode;
    const text = this.acts[fault.family](fault, node);
    if (text === null) {
      if (patient.has(fault.family)) this.cluster.world.schedule(patienceMs, null, () => this.strike(fault));
      return;
    }
    this.done.push({ number: fault.number, family: fault.family, text });
    this.cluster.note(`fault ${fault.number}: ${text}`);
    this.cluster.world.trace(`fault ${fault.number}`);
  }

  private bootLater(node: SimulatedNode, afterMs: number): void {
    this.cluster.world.schedule(afterMs, null, () => {
      if (!this.staysDown && node.life === null && !this.budget.lost.has(node)) this.cluster.boot(node);
    });
  }

  private kill({ durationMs }: PlannedFault, node: SimulatedNode): string | null {
    if (!this.budget.mayDie(node)) return null;
    this.cluster.crash(node, 'kill');
    this.bootLater(node, durationMs);
    return `kill -9 of ${node.host.name}`;
  }

  private power({ durationMs, dice }: PlannedFault, node: SimulatedNode): string | null {
    // A node that is only a controller syncs every write, so a power cut loses nothing.
    const arm = node.role === 'controller' ? null : this.budget.arm(node);
    if (node.role === 'controller' ? !this.budget.mayDie(node) : arm === null) return null;
    const { life } = node;
    const hangsMs = dice < hangingPart ? (dice / hangingPart) * hangMaxMs : 0;
    node.delays.syncsStalledUntilMs = this.cluster.world.nowMs + hangsMs;
    const cut = (): void => {
      if (life === null || node.life !== life) return this.budget.disarm(arm);
      this.cluster.crash(node, 'power');
      if (arm !== null) this.budget.forgot(arm);
      this.bootLater(node, durationMs);
    };
    if (hangsMs === 0) cut();
    else this.cluster.world.schedule(hangsMs, null, cut);
    return `power cut of ${node.host.name}${hangsMs > 0 ? ` after syncs have hung for ${Math.round(hangsMs)} ms` : ''}`;
  }

  private restart({ durationMs }: PlannedFault, node: SimulatedNode): string | null {
    if (!node.isUp || node.host.isPaused || !this.budget.mayDie(node)) return null;
    this.stop(node, durationMs, () => {});
    return `restart of ${node.host.name}`;
  }

  /** Restarts a node. While it is down, the end of one of its logs is removed, as by a repair of its file system. */
  private repair(fault: PlannedFault, node: SimulatedNode): string | null {
    if (!node.isUp || node.host.isPaused || node.role === 'controller') return null;
    const arm = this.cluster.nodes.length === 1 ? null : this.budget.arm(node);
    if (arm === null) return null;
    this.stop(node, fault.durationMs, (isClean) => {
      if (!isClean || this.isOver || !this.disks.shorten(fault, node)) return this.budget.disarm(arm);
      this.budget.forgot(arm);
    });
    return `restart of ${node.host.name}, whose file system is repaired meanwhile`;
  }

  /**
   * Stops the node as SIGTERM does, and starts it `bootMs` later. `ended` is called once; true: the node has stopped by itself.
   */
  private stop(node: SimulatedNode, bootMs: number, ended: (isClean: boolean) => void): void {
    const { life } = node;
    let hasEnded = false;
    this.budget.stopping.set(node, life);
    this.cluster.stop(node, () => {
      hasEnded = true;
      ended(true);
      this.bootLater(node, bootMs);
    });
    // The node may have to wait for nodes that are down, so it is killed after this time. If a disk fault has ended it before,
    // it was started again already.
    this.cluster.world.schedule(stopTimeoutMs, null, () => {
      if (hasEnded) return;
      if (life !== null && node.life === life) {
        this.cluster.crash(node, 'kill');
        this.bootLater(node, bootMs);
      }
      ended(false);
    });
  }

  private pause({ durationMs }: PlannedFault, node: SimulatedNode): string | null {
    const { life } = node;
    if (life === null || node.host.isPaused || !this.budget.mayIsolate(durationMs)) return null;
    node.host.pause();
    this.cluster.world.schedule(durationMs, null, () => {
      if (node.life === life) node.host.resume();
    });
    return `${node.host.name} is paused for ${Math.round(durationMs)} ms`;
  }

  /** Cuts the node off from all others, or from some. */
  private cut(fault: PlannedFault, node: SimulatedNode, bothWays: boolean): string | null {
    const isOutgoing = fault.victim % 7 < 4;
    const pairs: [string, string][] = [];
    for (const other of struckBy(fault, this.cluster.nodes)) {
      if (other === node) continue;
      const [from, to] = isOutgoing ? [node, other] : [other, node];
      pairs.push([from.host.name, to.host.name]);
      if (bothWays) pairs.push([to.host.name, from.host.name]);
    }
    if (pairs.length === 0 || !this.budget.mayIsolate(fault.durationMs)) return null;
    this.cluster.network.cutFor(pairs, fault.durationMs);
    return `cut ${pairs.map(([from, to]) => `${from}>${to}`).join(' ')} for ${Math.round(fault.durationMs)} ms`;
  }

  private reset(): string | null {
    this.cluster.network.resetSome();
    return 'reset of a stream';
  }

  private delay({ durationMs, dice }: PlannedFault): string | null {
    if (!this.budget.mayIsolate(durationMs)) return null;
    const slow = { slowMs: 5 + dice * 60 };
    const { slowMs } = slow;
    this.delays.add(slow);
    this.setLatency();
    this.cluster.world.schedule(durationMs, null, () => {
      if (this.delays.delete(slow)) this.setLatency();
    });
    return `the network takes ${slowMs.toFixed(1)} ms longer for ${Math.round(durationMs)} ms`;
  }

  /** Sets the latency of the network to the largest of the delays that are in force. */
  private setLatency(): void {
    const lasting = [...this.delays].map(({ slowMs }) => slowMs);
    this.cluster.network.faults.latencyMeanMs = Math.max(latencyMeanMs, ...lasting);
  }

  private jump({ dice }: PlannedFault, node: SimulatedNode): string | null {
    const jumpMs = Math.round((dice - 0.5) * 2 * clockJumpMaxMs);
    node.host.wallOffsetMs = jumpMs;
    return `the clock of ${node.host.name} is off by ${jumpMs} ms`;
  }
}
