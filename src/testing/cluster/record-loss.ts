/**
 * A fault: all nodes are killed at once. Meanwhile the disk of one loses records that a checkpoint names as durable or as
 * committed, so the node can detect the loss when it starts. Then all nodes are started, in any order. Each replica was in
 * sync, so no acknowledged record may be lost.
 */
import { decodeOffsetCheckpoint } from '../../log/directories/checkpoints.ts';
import { highWatermarkCheckpointName, recoveryPointCheckpointName } from '../../log/names.ts';
import { SeededRandom } from '../../simulation/random.ts';
import type { SimulatedCluster, SimulatedNode } from '../simulated-cluster.ts';
import type { Budget } from './budget.ts';
import { pick, type PlannedFault } from './swarm.ts';

/** A partition that must have records up to `end`. */
interface Victim {
  readonly directory: string;
  readonly end: number;
}

export class RecordLoss {
  private readonly cluster: SimulatedCluster;
  private readonly budget: Budget;
  private readonly bootLater: (node: SimulatedNode, afterMs: number) => void;

  constructor(
    cluster: SimulatedCluster,
    budget: Budget,
    bootLater: (node: SimulatedNode, afterMs: number) => void,
  ) {
    this.cluster = cluster;
    this.budget = budget;
    this.bootLater = bootLater;
  }

  strike({ victim, durationMs }: PlannedFault): string | null {
    const { nodes } = this.cluster;
    const brokers = nodes.filter(({ role }) => role !== 'controller');
    const node = brokers[victim % brokers.length] as SimulatedNode;
    const arm = nodes.length === 1 ? null : this.budget.arm(node);
    if (arm === null) return null;
    const random = new SeededRandom(victim);
    for (const one of this.budget.living()) {
      this.cluster.crash(one, 'kill');
      this.bootLater(one, random.between(1, durationMs));
    }
    const lost = this.lose(node, random);
    if (lost === null) this.budget.disarm(arm);
    else this.budget.forgot(arm);
    return `kill -9 of all nodes; ${node.host.name} loses ${lost ?? 'nothing'}`;
  }

  /** Damages about half of the partitions. Returns the paths of what is lost; null: no checkpoint names any records. */
  private lose(node: SimulatedNode, random: SeededRandom): string | null {
    const lost: string[] = [];
    for (const victim of this.victims(node))
      if (random.chance(0.5)) lost.push(this.damage(node, victim, random));
    return lost.length === 0 ? null : lost.join(', ');
  }

  /** Removes a segment, its content, or the whole partition, or exchanges two segments. Returns what it has damaged. */
  private damage(node: SimulatedNode, { directory, end }: Victim, random: SeededRandom): string {
    const segments = node.disk
      .files()
      .map(({ path }) => path)
      .filter((path) => path.startsWith(`${directory}/`) && path.endsWith('.log'))
      .filter((path) => Number(path.slice(directory.length + 1, -'.log'.length)) < end);
    const segment = segments.length === 0 ? undefined : pick(random, segments);
    const dice = random.fraction();
    if (segment === undefined || dice < 0.25) {
      node.disk.erase(directory);
      return directory;
    }
    const other = pick(random, segments);
    if (dice < 0.5 && other !== segment) {
      this.exchange(node, segment, other);
      return `${segment}, which changes places with ${other}`;
    }
    if (dice < 0.75) node.disk.erase(segment);
    else node.disk.damage(segment, () => new Uint8Array());
    return segment;
  }

  private exchange({ disk }: SimulatedNode, one: string, other: string): void {
    const contents = disk.contents();
    const empty = new Uint8Array();
    disk.damage(one, () => contents.get(other) ?? empty);
    disk.damage(other, () => contents.get(one) ?? empty);
  }

  private victims(node: SimulatedNode): Victim[] {
    const contents = node.disk.contents();
    const ends = new Map<string, number>();
    for (const directory of this.cluster.directories) {
      for (const checkpoint of [recoveryPointCheckpointName, highWatermarkCheckpointName]) {
        const text = new TextDecoder().decode(contents.get(`${directory}/${checkpoint}`));
        for (const [name, offset] of decodeOffsetCheckpoint(text) ?? []) {
          const path = `${directory}/${name}`;
          const isThere = [...contents.keys()].some((file) => file.startsWith(`${path}/`));
          if (offset > 0 && isThere) ends.set(path, Math.max(offset, ends.get(path) ?? 0));
        }
      }
    }
    return [...ends].map(([directory, end]) => ({ directory, end }));
  }
}
