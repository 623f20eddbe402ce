/**
 * Faults of the machines on which clients run: the machine of a group member pauses or is cut off. Some pauses begin when the
 * member begins to join its group: before it acknowledges a new assignment, or just after it has sent JoinGroup; meanwhile the
 * streams of the other members break again and again. Also what an operator does: reassignments of partitions and moves between
 * log directories.
 */
import {
  AlterPartitionReassignmentsRequest,
  AlterPartitionReassignmentsResponse,
} from '../../protocol/messages/topics/45-alter-partition-reassignments.ts';
import {
  AlterReplicaLogDirsRequest,
  AlterReplicaLogDirsResponse,
} from '../../protocol/messages/log-directories/34-alter-replica-log-dirs.ts';
import type { SimulatedHost } from '../../simulation/host.ts';
import { SeededRandom } from '../../simulation/random.ts';
import type { SimulatedCluster, SimulatedNode } from '../simulated-cluster.ts';
import type { Budget } from './budget.ts';
import { memberMachines } from './group-workload.ts';
import { type PlannedFault, struckBy } from './swarm.ts';
import { windowTopic } from './window-workload.ts';

/** The share of pauses that begin when the member joins, and how long such a pause waits for the member to join. */
const joiningPart = 0.4;
const waitMaxMs = 4_000;
/** The share of these pauses that begin at once, and the longest time between `onRebalance` and the start of the others. */
const atOncePart = 0.5;
const joinMaxMs = 4;
/** The longest time between two breaks of the other members' streams. */
const breaksMs = 300;
const groupLogPart = 0.3;
const movedTopics = ['ledger', 'journal', '__consumer_offsets', windowTopic];
const reassignmentTimeoutMs = 2_500;

interface Trap {
  readonly untilMs: number;
  readonly fault: PlannedFault;
}

export class ClientFaults {
  private readonly cluster: SimulatedCluster;
  private readonly budget: Budget;
  /** By machine: pauses that begin when its member joins. */
  private readonly traps = new Map<string, Trap>();
  /** By machine: until when it is paused. If two pauses overlap, it continues when both have ended. */
  private readonly heldUntilMs = new Map<SimulatedHost, number>();
  private isOver = false;

  constructor(cluster: SimulatedCluster, budget: Budget) {
    this.cluster = cluster;
    this.budget = budget;
  }

  /** The member on `machine` has begun to join its group. Both delays below have the same share of their longest times. */
  onRebalance(machine: string): void {
    const trap = this.traps.get(machine);
    const host = this.cluster.clientMachines.get(machine);
    if (trap === undefined || host === undefined || this.isOver) return;
    this.traps.delete(machine);
    if (this.cluster.world.nowMs > trap.untilMs) return;
    const { dice, durationMs, victim } = trap.fault;
    const random = new SeededRandom(victim);
    const share = dice / joiningPart;
    if (share < atOncePart) this.hold(host, durationMs);
    else this.cluster.world.schedule(share * joinMaxMs, null, () => this.hold(host, durationMs));
    for (let atMs = random.between(1, breaksMs); atMs < durationMs; atMs += random.between(1, breaksMs))
      this.cluster.world.schedule(atMs, null, () => this.breakStreamsExcept(host));
  }

  pause(fault: PlannedFault): string | null {
    const host = this.machineOf(fault);
    if (host === null || host.isPaused) return null;
    const text = `${host.name} is paused for ${Math.round(fault.durationMs)} ms`;
    if (fault.dice >= joiningPart) {
      this.hold(host, fault.durationMs);
      return text;
    }
    this.traps.set(host.name, { fault, untilMs: this.cluster.world.nowMs + waitMaxMs });
    return `${text} when it joins`;
  }

  /** Cuts the machine of a member off from all nodes, or from some; in some cuts only the answers are lost. */
  cut(fault: PlannedFault): string | null {
    const member = this.machineOf(fault)?.name;
    const nodes = struckBy(fault, this.cluster.nodes).map(({ host }) => host.name);
    if (member === undefined || nodes.length === 0) return null;
    const bothWays = (fault.victim >>> 8) % 2 === 0;
    const answers = nodes.map((node) => [node, member] as const);
    const requests = bothWays ? nodes.map((node) => [member, node] as const) : [];
    this.cluster.network.cutFor([...answers, ...requests], fault.durationMs);
    const what = bothWays ? member : `answers to ${member}`;
    return `cut ${what} from ${nodes.join(' ')} for ${Math.round(fault.durationMs)} ms`;
  }

  /**
   * Reassigns a partition: another broker replaces one of its replicas. When no other broker exists, a replica is removed
   * instead; it is added again later if the budget allows it at that time.
   */
  reassign({ victim, dice, durationMs }: PlannedFault): string | null {
    if (!this.budget.mayMove()) return null;
    const newest = this.cluster.images().sort((a, b) => b.offset - a.offset)[0];
    const names = dice < groupLogPart ? ['__consumer_offsets'] : ['ledger', 'journal', windowTopic];
    const topic = newest?.topics.byName(names[victim % names.length] as string);
    const partition = topic?.partitions[(victim >>> 8) % Math.max(1, topic.partitions.length)];
    if (topic === undefined || partition === undefined || partition.replicas.length < 2) return null;
    const before = [...partition.replicas];
    const brokers = this.cluster.nodes.filter(({ role }) => role !== 'controller').map(({ id }) => id);
    const spare = brokers.find((id) => !before.some((replica) => replica === id));
    const goes = (victim >>> 16) % before.length;
    const after: number[] = before.flatMap((id, at) =>
      at !== goes ? [id] : spare === undefined ? [] : [spare],
    );
    this.ask(topic.name, partition.index, after);
    if (spare === undefined) {
      this.budget.isThinned = true;
      this.cluster.world.schedule(durationMs, null, () => {
        if (!this.isOver && this.budget.mayMove()) this.ask(topic.name, partition.index, before);
      });
    }
    return `${topic.name}-${partition.index} moves from ${before.join()} to ${after.join()}`;
  }

  /**
   * Asks a broker to move a replica to a log directory. Nothing moves when the replica is already there or the broker has none.
   */
  move({ victim, dice }: PlannedFault, { id, role }: SimulatedNode): string | null {
    const { directories } = this.cluster;
    if (role === 'controller' || directories.length === 1) return null;
    const name = movedTopics[victim % movedTopics.length] as string;
    const path = directories[Math.floor(dice * directories.length)] as string;
    const partitions = [(victim >>> 8) % 3];
    const client = this.cluster.client({ requestTimeoutMs: reassignmentTimeoutMs });
    client
      .metadata([name])
      .then(() =>
        client.requestTo(id, AlterReplicaLogDirsRequest, AlterReplicaLogDirsResponse, {
          dirs: [{ path, topics: [{ name, partitions }] }],
        }),
      )
      .catch(() => {})
      .finally(() => client.close());
    return `${name}-${partitions.join()} on node ${id} moves to ${path}`;
  }

  end(): void {
    this.isOver = true;
    this.traps.clear();
    for (const name of memberMachines) this.cluster.clientMachines.get(name)?.resume();
  }

  private machineOf({ victim }: Pick<PlannedFault, 'victim'>): SimulatedHost | null {
    const name = memberMachines[victim % memberMachines.length] as string;
    return this.cluster.clientMachines.get(name) ?? null;
  }

  /** Breaks the streams of all members except the one on `spared`. */
  private breakStreamsExcept(spared: SimulatedHost): void {
    if (this.isOver) return;
    for (const name of memberMachines) {
      const host = this.cluster.clientMachines.get(name);
      if (host === undefined || host === spared) continue;
      this.cluster.note(`streams of ${name} break`);
      for (const node of this.cluster.nodes) this.cluster.network.resetBetween(host, node.host);
    }
  }

  private hold(host: SimulatedHost, durationMs: number): void {
    if (this.isOver) return;
    const { world } = this.cluster;
    this.heldUntilMs.set(host, Math.max(this.heldUntilMs.get(host) ?? 0, world.nowMs + durationMs));
    host.pause();
    world.schedule(durationMs, null, () => {
      if (world.nowMs >= (this.heldUntilMs.get(host) ?? 0)) host.resume();
    });
  }

  private ask(topic: string, partitionIndex: number, replicas: readonly number[]): void {
    const client = this.cluster.client({ clientId: 'operator' });
    client
      .request(AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse, {
        timeoutMs: reassignmentTimeoutMs,
        topics: [{ name: topic, partitions: [{ partitionIndex, replicas: [...replicas] }] }],
      })
      .catch(() => {})
      .finally(() => client.close());
  }
}
