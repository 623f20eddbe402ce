/**
 * The fault budget: decides which faults the documented durability promise covers at a given moment, and refuses the others.
 *
 * A record is acknowledged when all in-sync replicas have written it, not when they have synced it (as in Kafka; decision
 * 0051). So:
 * - Any number of processes may be killed.
 * - One disk may lose unsynced data or be replaced, if all replicas were in sync before. Until all are in sync again, no other
 *   node may restart. With min.insync.replicas=1 no other node may be cut off in that time either: it would leave the ISR, and
 *   the replica that lost data would be the only one in it.
 * - One metadata store of a quorum of three may be lost permanently; not more, because these runs do not change the voter set.
 */
import type { MetadataImage } from '../../metadata/image.ts';
import type { SimulatedCluster, SimulatedNode } from '../simulated-cluster.ts';
import type { TopicPlan } from './swarm.ts';

/** Permission for the disk of `node` to lose unsynced data. The fault that has it must report whether that happened. */
export interface Arm {
  readonly node: SimulatedNode;
}

/** A node that was cut off counts as cut off for this much longer, until it has certainly sent a heartbeat again. */
const afterglowMs = 1_000;

export class Budget {
  /** Nodes whose metadata store is damaged; they never start again. */
  readonly lost = new Set<SimulatedNode>();
  /** Nodes whose process may end at any moment because of a disk error. */
  readonly doomed = new Set<SimulatedNode>();
  /** Nodes that got SIGTERM and have not ended yet, with the incarnation that got it. */
  readonly stopping = new Map<SimulatedNode, SimulatedNode['life']>();
  private readonly cluster: SimulatedCluster;
  /**
   * Whether a reassignment has removed a replica. A partition may then have only min.insync.replicas replicas. If one of them
   * is lost permanently, the other may not be allowed to lead after it was killed (KIP-966).
   */
  isThinned = false;
  /**
   * The permission in use: its node's disk has lost unsynced data, or may lose it. Null: none is in use; it ends when all
   * replicas are in sync again, or when the fault gives it back.
   */
  private forgetful: Arm | null = null;
  /** Whether the permission in use was given, but the disk has not lost data yet. */
  private isArmed = false;
  /** The virtual time until which some node is cut off, in one direction or both. */
  private isolatedUntilMs = 0;
  /** Whether some topic has min.insync.replicas=1. */
  private readonly isFragile: boolean;

  constructor(cluster: SimulatedCluster, topics: readonly TopicPlan[]) {
    this.cluster = cluster;
    const brokers = cluster.nodes.filter(({ role }) => role !== 'controller').length;
    this.isFragile = brokers < 3 || topics.some(({ configs }) => configs['min.insync.replicas'] === '1');
  }

  /** Whether a node may be cut off or paused for `durationMs`; if so, notes that it is. */
  mayIsolate(durationMs: number): boolean {
    this.look();
    if (this.isFragile && this.forgetful !== null) return false;
    const untilMs = this.cluster.world.nowMs + durationMs + afterglowMs;
    this.isolatedUntilMs = Math.max(this.isolatedUntilMs, untilMs);
    return true;
  }

  /** Whether a process may be killed now; its written data stays. */
  mayDie(node: SimulatedNode): boolean {
    if (node.life === null) return false;
    this.look();
    return this.forgetful === null;
  }

  /** Whether partitions may be reassigned now. */
  mayMove(): boolean {
    this.look();
    return this.forgetful === null && this.lost.size === 0;
  }

  /**
   * From now on the disk of `node` may lose unsynced data at any moment, until `forgot`. Returns null when that is not allowed.
   */
  arm(node: SimulatedNode): Arm | null {
    if (!this.mayDie(node) || !this.isWhole()) return null;
    if (this.cluster.nodes.some((other) => other !== node && this.isDying(other))) return null;
    if (this.mayBeAlone()) return null;
    // A single broker is configured to sync every write, so it needs no other replica.
    if (this.cluster.nodes.length > 1 && !this.isCovered(node)) return null;
    this.forgetful = { node };
    this.isArmed = true;
    return this.forgetful;
  }

  /** The disk has lost its unsynced data. The permission ends when all replicas are in sync. */
  forgot(arm: Arm): void {
    if (this.forgetful === arm) this.isArmed = false;
  }

  /** Whether records that the node acknowledged may be missing on its disk. */
  mayHaveForgotten(node: SimulatedNode): boolean {
    return this.forgetful?.node === node;
  }

  /** Gives the permission back: the disk has not lost data, and will not. */
  disarm(arm: Arm | null): void {
    if (arm !== null && this.forgetful === arm && this.isArmed) this.forgetful = null;
  }

  /** Whether the metadata store of `node` may be damaged, which loses the node permanently with all its disks. */
  mayLose(node: SimulatedNode): boolean {
    const controllers = this.cluster.nodes.filter(({ role }) => role !== 'broker');
    if (node.role === 'broker' || controllers.length < 3 || this.lost.size > 0) return false;
    if (this.isThinned || this.mayBeAlone()) return false;
    return this.mayDie(node) && this.isWhole() && this.isCovered(node);
  }

  /** The nodes that are not lost permanently. */
  living(): SimulatedNode[] {
    return this.cluster.nodes.filter((node) => !this.lost.has(node));
  }

  /** Whether all nodes that are not lost permanently are up and have the same metadata, and all their replicas are in sync. */
  isWhole(): boolean {
    const living = this.living();
    if (!living.every(({ isUp }) => isUp)) return false;
    const images = living.map(({ node }) => node?.image ?? null);
    const [first] = images;
    if (first === undefined || first === null) return false;
    const ids = new Set(living.map(({ id }) => id));
    return images.every((image) => image?.offset === first.offset) && areInSync(first, ids);
  }

  /**
   * Whether the disk of `node` can be replaced: each of its partitions has an in-sync replica on another node that is not lost.
   */
  isCovered(node: SimulatedNode): boolean {
    const newest = this.cluster.images().sort((a, b) => b.offset - a.offset)[0];
    if (newest === undefined) return false;
    const others = new Set<number>(this.living().flatMap((other) => (other === node ? [] : [other.id])));
    for (const topic of newest.topics.all())
      for (const { replicas, isr } of topic.partitions)
        if (replicas.some((id) => id === node.id) && !isr.some((id) => others.has(id))) return false;
    return true;
  }

  /**
   * Whether a leader may be alone in the ISR although no image shows it: the metadata entry may not have reached any node yet.
   */
  private mayBeAlone(): boolean {
    return this.isFragile && this.cluster.world.nowMs < this.isolatedUntilMs;
  }

  private isDying(node: SimulatedNode): boolean {
    return this.doomed.has(node) || (node.life !== null && this.stopping.get(node) === node.life);
  }

  private look(): void {
    if (this.forgetful !== null && !this.isArmed && this.isWhole()) this.forgetful = null;
  }
}

function areInSync(image: MetadataImage, living: ReadonlySet<number>): boolean {
  for (const topic of image.topics.all()) {
    for (const { replicas, isr, leader } of topic.partitions) {
      if (leader < 0) return false;
      if (replicas.some((id) => living.has(id) && !isr.includes(id))) return false;
    }
  }
  return true;
}
