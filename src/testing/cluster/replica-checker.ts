/**
 * Checks the replicas of all nodes after every event. A partition has at most one leader in each leader epoch. On a leader
 * neither the high watermark nor the log end offset decreases, and the high watermark never passes the log end offset of a
 * member of the ISR. It reads the state of all nodes at one moment, which no node can do. It lists the partitions of a node
 * again when the node's metadata has changed.
 */
import { nodeId } from '../../base/ids.ts';
import type { Partition } from '../../replication/partition.ts';
import type { SimulatedCluster, SimulatedNode } from '../simulated-cluster.ts';
import type { Verdict } from './verdict.ts';

interface Watched {
  readonly node: SimulatedNode;
  readonly partition: Partition;
  readonly key: string;
  ledEpoch: number;
  highWatermark: number;
  logEndOffset: number;
}

interface Listing {
  offset: number;
  watched: Watched[];
}

/**
 * The number of events after which all partitions are listed again, even if metadata has not changed: a node opens the log of a
 * partition some time after the metadata that assigns it.
 */
const listingEvents = 256;

export class ReplicaChecker {
  private readonly cluster: SimulatedCluster;
  private readonly verdict: Verdict;
  private readonly leaders = new Map<string, number>();
  private readonly listings = new Map<SimulatedNode['node'], Listing>();
  private readonly byKey = new Map<string, Watched[]>();
  private current: Listing[] = [];
  private untilListing = 0;

  /**
   * Whether the disk of a node may have lost records that the node had acknowledged. Leaders may not know that yet, so the log
   * end of such a node is not compared.
   */
  private readonly mayHaveForgotten: (node: SimulatedNode) => boolean;

  constructor(
    cluster: SimulatedCluster,
    verdict: Verdict,
    mayHaveForgotten: (node: SimulatedNode) => boolean,
  ) {
    this.cluster = cluster;
    this.verdict = verdict;
    this.mayHaveForgotten = mayHaveForgotten;
  }

  check(metadataMoved: boolean): void {
    if (metadataMoved || this.untilListing-- <= 0) this.list();
    for (const listing of this.current) for (const watched of listing.watched) this.checkWatched(watched);
  }

  private list(): void {
    this.untilListing = listingEvents;
    this.byKey.clear();
    this.current = [];
    const alive = new Set<SimulatedNode['node']>();
    for (const node of this.cluster.nodes) {
      if (node.node === null) continue;
      alive.add(node.node);
      const listing = this.listingOf(node);
      this.current.push(listing);
      for (const watched of listing.watched) {
        const others = this.byKey.get(watched.key);
        if (others === undefined) this.byKey.set(watched.key, [watched]);
        else others.push(watched);
      }
    }
    for (const node of this.listings.keys()) if (!alive.has(node)) this.listings.delete(node);
  }

  /** The partitions of a node. For a partition that is still the same object, the values of the last check are kept. */
  private listingOf(node: SimulatedNode): Listing {
    let listing = this.listings.get(node.node);
    if (listing === undefined) {
      listing = { offset: -1, watched: [] };
      this.listings.set(node.node, listing);
    }
    const before = new Map(listing.watched.map((watched) => [watched.partition, watched]));
    listing.watched = [...(node.node?.replicas?.partitions() ?? [])].map(
      (partition) =>
        before.get(partition) ?? {
          node,
          partition,
          key: `${partition.topicId}/${partition.index}`,
          ledEpoch: -1,
          highWatermark: -1,
          logEndOffset: -1,
        },
    );
    return listing;
  }

  private checkWatched(watched: Watched): void {
    const { partition } = watched;
    const { highWatermark, logEndOffset } = partition;
    if (highWatermark === watched.highWatermark && logEndOffset === watched.logEndOffset) {
      if (partition.isLeader && partition.leaderEpoch !== watched.ledEpoch) this.leads(watched);
      return;
    }
    if (highWatermark > logEndOffset || partition.logStartOffset > highWatermark) this.disordered(watched);
    if (partition.isLeader) {
      if (partition.leaderEpoch !== watched.ledEpoch) this.leads(watched);
      else if (highWatermark < watched.highWatermark) this.wentBack(watched, 'high watermark');
      else if (logEndOffset < watched.logEndOffset) this.wentBack(watched, 'log end offset');
      if (highWatermark > watched.highWatermark) this.advanced(watched);
    }
    watched.highWatermark = highWatermark;
    watched.logEndOffset = logEndOffset;
  }

  private leads(watched: Watched): void {
    const { partition, node, key } = watched;
    watched.ledEpoch = partition.leaderEpoch;
    const epochKey = `${key}/${partition.leaderEpoch}`;
    const known = this.leaders.get(epochKey);
    if (known === undefined) this.leaders.set(epochKey, node.id);
    else if (known !== node.id) {
      this.verdict.report(
        'I23 partition leader fencing',
        `${partition.name} epoch ${partition.leaderEpoch} is led by ${known} and by ${node.id}`,
      );
    }
  }

  /**
   * Called when a leader's high watermark has advanced: ISR members that follow in this leader epoch must have all records
   * below it.
   */
  private advanced(watched: Watched): void {
    const { partition, node } = watched;
    const isr = partition.leaderState?.isr.committed ?? [];
    for (const other of this.byKey.get(watched.key) ?? []) {
      const replica = other.partition;
      if (other === watched || !isr.includes(nodeId(other.node.id)) || other.node.node === null) continue;
      if (!replica.isFollower || replica.leaderEpoch !== partition.leaderEpoch) continue;
      if (replica.logEndOffset >= partition.highWatermark || this.mayHaveForgotten(other.node)) continue;
      this.verdict.report(
        'I22 produce durability',
        `${partition.name}: high watermark ${partition.highWatermark} on leader ${node.id}, but ${other.node.id} in the ISR ends at ${replica.logEndOffset}`,
      );
    }
  }

  private wentBack(watched: Watched, what: string): void {
    const { partition, node } = watched;
    this.verdict.report(
      'I24 monotone high watermark',
      `${partition.name} on leader ${node.id}: ${what} went back from ${watched.highWatermark}/${watched.logEndOffset} to ${partition.highWatermark}/${partition.logEndOffset}`,
    );
  }

  private disordered({ partition, node }: Watched): void {
    const { logStartOffset, highWatermark, logEndOffset } = partition;
    this.verdict.report(
      'I40 ordering',
      `${partition.name} on ${node.id}: log start ${logStartOffset}, high watermark ${highWatermark}, log end ${logEndOffset}`,
    );
  }
}
