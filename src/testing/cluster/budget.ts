/**
 * What is fair: the one place that says which faults the documented promise covers, and refuses the others.
 *
 * A record is acknowledged when the replicas in sync have written it, not when they have synced it (as in Kafka; decision
 * 0051). So the promise covers any number of killed processes, and one disk that forgets or is replaced, when all replicas
 * were in sync before, until all are in sync again; meanwhile no other node may restart. With min.insync.replicas=1 no other
 * node may be cut off meanwhile either: it would be fenced, and leave the forgetful one alone in sync. The promise covers one
 * lost store of the metadata quorum of three for good, since the set of voters is fixed here.
 */
import type { MetadataImage } from '../../metadata/image.ts';
import type { SimulatedCluster, SimulatedNode } from '../simulated-cluster.ts';
import type { TopicPlan } from './swarm.ts';

/** After so long a node that is reachable again has sent its heartbeat. */
const afterglowMs = 1_000;

export class Budget {
  /** Nodes whose metadata store is damaged: they never come back. */
  readonly lost = new Set<SimulatedNode>();
  /** Nodes that may die of an error of their disk at any moment. */
  readonly doomed = new Set<SimulatedNode>();
  /** Nodes that got SIGTERM, with the incarnation that ends by it. */
  readonly stopping = new Map<SimulatedNode, SimulatedNode['life']>();
  private readonly cluster: SimulatedCluster;
  /**
   * A replica was taken away, so that a partition may have no more than min.insync.replicas asks for. With one of them lost for
   * good, the other may not lead again after it was killed (KIP-966).
   */
  isThinned = false;
  /** A disk forgot, or may forget at any moment, and its replicas are not whole again. */
  private forgetful: SimulatedNode | null = null;
  /** It has not happened yet. */
  private isArmed = false;
  /** Until then some node is cut off, in one direction or both. */
  private isolatedUntilMs = 0;
  /** Some topic is content with one replica in sync. */
  private readonly isFragile: boolean;

  constructor(cluster: SimulatedCluster, topics: readonly TopicPlan[]) {
    this.cluster = cluster;
    const brokers = cluster.nodes.filter(({ role }) => role !== 'controller').length;
    this.isFragile = brokers < 3 || topics.some(({ configs }) => configs['min.insync.replicas'] === '1');
  }

  /** A node may be cut off or paused for so long. */
  mayIsolate(durationMs: number): boolean {
    this.look();
    if (this.isFragile && this.forgetful !== null) return false;
    const untilMs = this.cluster.world.nowMs + durationMs + afterglowMs;
    this.isolatedUntilMs = Math.max(this.isolatedUntilMs, untilMs);
    return true;
  }

  /** A process may die now; what it has written stays. */
  mayDie(node: SimulatedNode): boolean {
    if (node.life === null) return false;
    this.look();
    return this.forgetful === null;
  }

  /** Partitions may move to other brokers now. */
  mayMove(): boolean {
    this.look();
    return this.forgetful === null && this.lost.size === 0;
  }

  /** From here on the disk of `node` may forget what was not synced, at any moment until `forgot`. False: it must not. */
  arm(node: SimulatedNode): boolean {
    if (!this.mayDie(node) || !this.isWhole()) return false;
    if (this.cluster.nodes.some((other) => other !== node && this.isDying(other))) return false;
    if (this.mayBeAlone()) return false;
    // A broker that is alone syncs every write.
    if (this.cluster.nodes.length > 1 && !this.isCovered(node)) return false;
    this.forgetful = node;
    this.isArmed = true;
    return true;
  }

  /** It has happened: the node is whole again when all its replicas are. */
  forgot(node: SimulatedNode): void {
    if (this.forgetful === node) this.isArmed = false;
  }

  /** What the node acknowledged before may be gone from its disk. */
  mayHaveForgotten(node: SimulatedNode): boolean {
    return this.forgetful === node;
  }

  /** It did not happen and can't any more. */
  disarm(node: SimulatedNode): void {
    if (this.forgetful === node && this.isArmed) this.forgetful = null;
  }

  /** The metadata store of `node` may be damaged, and with it the node lost, disks and all. */
  mayLose(node: SimulatedNode): boolean {
    const controllers = this.cluster.nodes.filter(({ role }) => role !== 'broker');
    if (node.role === 'broker' || controllers.length < 3 || this.lost.size > 0) return false;
    if (this.isThinned || this.mayBeAlone()) return false;
    return this.mayDie(node) && this.isWhole() && this.isCovered(node);
  }

  /** Nodes that can be up. */
  living(): SimulatedNode[] {
    return this.cluster.nodes.filter((node) => !this.lost.has(node));
  }

  /** Every node is up, all have the same metadata, and every replica on them is in sync. */
  isWhole(): boolean {
    const living = this.living();
    if (!living.every(({ isUp }) => isUp)) return false;
    const images = living.map(({ node }) => node?.image ?? null);
    const [first] = images;
    if (first === undefined || first === null) return false;
    const ids = new Set(living.map(({ id }) => id));
    return images.every((image) => image?.offset === first.offset) && areInSync(first, ids);
  }

  /** Every partition with a replica on `node` has another one in sync that is not lost: that disk can be replaced. */
  isCovered(node: SimulatedNode): boolean {
    const newest = this.cluster.images().sort((a, b) => b.offset - a.offset)[0];
    if (newest === undefined) return false;
    const others = new Set<number>(this.living().flatMap((other) => (other === node ? [] : [other.id])));
    for (const topic of newest.topics.all())
      for (const { replicas, isr } of topic.partitions)
        if (replicas.some((id) => id === node.id) && !isr.some((id) => others.has(id))) return false;
    return true;
  }

  /** A leader may have left all others out of the ISR, in an entry that the images don't show yet. */
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
