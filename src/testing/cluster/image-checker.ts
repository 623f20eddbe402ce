/**
 * Checks the metadata of all nodes after every event: at most one leader in each epoch of the quorum and of a partition; equal
 * images at equal offsets; ISR and ELR are replicas, and the leader is in the ISR. It also records when topics and
 * configurations changed (`time-line.ts`), which `metadata-operations.ts` needs.
 */
import { encodeSnapshot } from '../../metadata/snapshot.ts';
import type { MetadataImage } from '../../metadata/image.ts';
import type { PartitionImage, TopicsImage } from '../../metadata/topics-image.ts';
import type { SimulatedCluster } from '../simulated-cluster.ts';
import type { TimeLine } from './time-line.ts';
import type { Verdict } from './verdict.ts';

/** Whole images are compared at one offset in this many; at the others only the parts that change most. */
const wholeEvery = 8;

export class ImageChecker {
  /** The newest offset of any node's image. */
  newestOffset = -1;
  /** The newest epoch of an entry in any node's image. No controller of a later epoch can have responded to a request yet. */
  newestEpoch = -1;
  private readonly cluster: SimulatedCluster;
  private readonly verdict: Verdict;
  private readonly timeLine: TimeLine;
  private readonly quorumLeaders = new Map<number, number>();
  private readonly partitionLeaders = new Map<string, number>();
  private readonly leaderEpochs = new Map<string, number>();
  private readonly digests = new Map<number, string>();
  private readonly shown: (MetadataImage | null)[];
  private readonly checkedTopics = new WeakSet<TopicsImage>();

  constructor(cluster: SimulatedCluster, timeLine: TimeLine, verdict: Verdict) {
    this.cluster = cluster;
    this.timeLine = timeLine;
    this.verdict = verdict;
    this.shown = cluster.nodes.map(() => null);
  }

  /** Returns true when the metadata of a node has changed since the last call. */
  check(): boolean {
    let moved = false;
    const { nodes } = this.cluster;
    for (let at = 0; at < nodes.length; at++) {
      const node = nodes[at]?.node ?? null;
      const image = node?.image ?? null;
      const before = this.shown[at] ?? null;
      if (image === before || node === null) {
        if (node === null) this.shown[at] = null;
        continue;
      }
      moved = true;
      this.shown[at] = image;
      const { leader } = node;
      if (leader !== null && leader.id !== null) this.led(leader.epoch, leader.id);
      if (image !== null && image.offset >= 0) this.checkImage(image, before);
    }
    return moved;
  }

  /** The newest leader epoch of a partition in any image until now; -1: there was none. */
  leaderEpochOf(partition: string): number {
    return this.leaderEpochs.get(partition) ?? -1;
  }

  private led(epoch: number, id: number): void {
    const known = this.quorumLeaders.get(epoch);
    if (known === undefined) this.quorumLeaders.set(epoch, id);
    else if (known !== id)
      this.verdict.report('I1 election safety', `quorum epoch ${epoch} is led by ${known} and by ${id}`);
  }

  private checkImage(image: MetadataImage, before: MetadataImage | null): void {
    if (before !== null && image.offset < before.offset)
      this.verdict.report('I39 monotonic', `metadata went back from ${before.offset} to ${image.offset}`);
    this.newestOffset = Math.max(this.newestOffset, image.offset);
    this.newestEpoch = Math.max(this.newestEpoch, image.epoch);
    this.timeLine.saw(image, before);
    const digest = image.offset % wholeEvery === 0 ? wholeDigest(image) : quickDigest(image);
    const known = this.digests.get(image.offset);
    if (known === undefined) {
      this.digests.set(image.offset, digest);
      this.cluster.world.trace(`${image.offset}:${digest}`);
    } else if (known !== digest)
      this.verdict.report('I25 equal images', `metadata at offset ${image.offset}: ${known} and ${digest}`);
    if (this.checkedTopics.has(image.topics)) return;
    this.checkedTopics.add(image.topics);
    for (const topic of image.topics.all())
      for (const partition of topic.partitions) this.checkPartition(topic.name, partition);
  }

  private checkPartition(topic: string, partition: PartitionImage): void {
    const { leader, isr, elr, replicas, leaderEpoch, topicId, index } = partition;
    const wrong =
      isr.some((id) => !replicas.includes(id)) ||
      elr.some((id) => !replicas.includes(id) || isr.includes(id)) ||
      (leader !== -1 && !isr.includes(leader));
    if (wrong) {
      this.verdict.report(
        'I25 ISR among the replicas',
        `${topic}-${index}: leader ${leader}, ISR ${isr.join()}, ELR ${elr.join()}, replicas ${replicas.join()}`,
      );
    }
    const name = `${topic}-${index}`;
    this.leaderEpochs.set(name, Math.max(leaderEpoch, this.leaderEpochOf(name)));
    if (leader === -1) return;
    const key = `${topicId}/${index}/${leaderEpoch}`;
    const known = this.partitionLeaders.get(key);
    if (known === undefined) this.partitionLeaders.set(key, leader);
    else if (known !== leader)
      this.verdict.report(
        'I23 partition leader fencing',
        `${topic}-${index} epoch ${leaderEpoch}: ${known} and ${leader}`,
      );
  }
}

function quickDigest(image: MetadataImage): string {
  const facts: string[] = [];
  for (const { id, epoch, fenced } of image.cluster.brokers.values())
    facts.push(`${id}.${epoch}${fenced ? 'f' : ''}`);
  const topics = [...image.topics.all()].sort((a, b) => (a.id < b.id ? -1 : 1));
  for (const { name, id, partitions } of topics) {
    facts.push(`${name}.${id}`);
    for (const { leader, leaderEpoch, partitionEpoch, isr } of partitions)
      facts.push(`${leader}.${leaderEpoch}.${partitionEpoch}.${isr.join()}`);
  }
  return facts.join(' ');
}

/** FNV-1a hash over the bytes of a snapshot, which has everything in the image. */
export function wholeDigest(image: MetadataImage): string {
  let hash = 0x811c9dc5;
  for (const piece of encodeSnapshot(image))
    for (const byte of piece) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash >>> 0).toString(16);
}
