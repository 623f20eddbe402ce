import type { MetadataImage } from '../../src/metadata/image.ts';
import type { SimulatedCluster } from '../../src/testing/simulated-cluster.ts';

/**
 * What must hold after every event of a whole-cluster simulation, told from outside: one leader an epoch of the quorum, one
 * leader a leader epoch of each partition, and the same metadata on every node at the same offset.
 */
export class ClusterChecker {
  private readonly cluster: SimulatedCluster;
  private readonly quorumLeaders = new Map<number, number>();
  private readonly partitionLeaders = new Map<string, number>();
  private readonly digests = new Map<number, string>();
  private readonly seen = new Map<number, number>();

  constructor(cluster: SimulatedCluster) {
    this.cluster = cluster;
    cluster.world.afterEvent = () => this.check();
  }

  private check(): void {
    for (const { id, node } of this.cluster.nodes) {
      if (node === null) continue;
      const leader = node.leader;
      if (leader !== null && leader.id !== null) {
        once(this.quorumLeaders, leader.epoch, leader.id, `leader of quorum epoch ${leader.epoch}`);
      }
      const { image } = node;
      if (image === null || image.offset < 0 || this.seen.get(id) === image.offset) continue;
      this.seen.set(id, image.offset);
      this.checkImage(image);
    }
  }

  private checkImage(image: MetadataImage): void {
    const facts: string[] = [];
    for (const broker of image.cluster.brokers.values())
      facts.push(`${broker.id}/${broker.epoch}/${broker.fenced}`);
    for (const topic of image.topics.all()) {
      for (const partition of topic.partitions) {
        const { leader, leaderEpoch, partitionEpoch, isr } = partition;
        const name = `${topic.name}-${partition.index}`;
        facts.push(`${name}/${leader}/${leaderEpoch}/${partitionEpoch}/${isr.join(',')}`);
        if (leader >= 0)
          once(
            this.partitionLeaders,
            `${topic.id}/${partition.index}/${leaderEpoch}`,
            leader,
            `leader of ${name} epoch ${leaderEpoch}`,
          );
        if (leader !== -1 && !isr.includes(leader))
          throw new Error(`${name}: leader ${leader} is not in the ISR ${isr.join(',')}`);
      }
    }
    once(this.digests, image.offset, facts.join(' '), `metadata at offset ${image.offset}`);
    this.cluster.world.trace(`${image.offset}:${facts.join(' ')}`);
  }
}

/** Notes a fact for good; throws when it was noted otherwise before. */
function once<K, V>(map: Map<K, V>, key: K, value: V, what: string): void {
  const known = map.get(key);
  if (known === undefined) map.set(key, value);
  else if (known !== value) throw new Error(`two answers for ${what}: ${String(known)} and ${String(value)}`);
}
