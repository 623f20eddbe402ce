/**
 * Checks at the end of a run that all replicas of a partition have the same bytes, and that leaders return every acknowledged
 * record.
 */
import { Fetcher } from '../../client/fetcher.ts';
import type { Partition } from '../../replication/partition.ts';
import type { SimulatedCluster, SimulatedNode } from '../simulated-cluster.ts';
import type { Ledger } from './ledger.ts';
import type { OffsetProber } from './offset-prober.ts';
import type { TopicPlan } from './swarm.ts';
import type { Verdict } from './verdict.ts';

const decoder = new TextDecoder();
const readBytes = 1024 * 1024;

export class FinalReading {
  private readonly cluster: SimulatedCluster;
  private readonly topics: readonly TopicPlan[];
  private readonly ledger: Ledger;
  private readonly prober: OffsetProber;
  private readonly verdict: Verdict;

  constructor(
    cluster: SimulatedCluster,
    topics: readonly TopicPlan[],
    { ledger, prober }: { readonly ledger: Ledger; readonly prober: OffsetProber },
    verdict: Verdict,
  ) {
    this.cluster = cluster;
    this.topics = topics;
    this.ledger = ledger;
    this.prober = prober;
    this.verdict = verdict;
  }

  /**
   * Begins to read everything from the leaders. The returned function returns true when that is done. `ofReplicas`: the same
   * for replicas, also those of the one partition of the topic `window`.
   */
  ofLeaders(): () => boolean {
    return this.begin(this.topics, (topic, partition) => this.readLeader(topic, partition));
  }

  ofReplicas(window: string): () => boolean {
    const topics = [...this.topics, { name: window, partitions: 1 }];
    return this.begin(topics, (topic, partition) => this.compareReplicas(topic, partition));
  }

  private begin(
    topics: readonly Pick<TopicPlan, 'name' | 'partitions'>[],
    read: (topic: string, partition: number) => Promise<void>,
  ): () => boolean {
    let pending = 0;
    for (const { name, partitions } of topics) {
      for (let partition = 0; partition < partitions; partition++) {
        pending++;
        read(name, partition).then(
          () => pending--,
          (error: unknown) => this.verdict.threw(error),
        );
      }
    }
    return () => pending === 0;
  }

  private async readLeader(topic: string, partition: number): Promise<void> {
    const name = `${topic}-${partition}`;
    const end = this.ledger.endOffset(name);
    const client = this.cluster.client({}, partition);
    const fetcher = new Fetcher(client, { reset: 'none' });
    fetcher.assign(topic, partition, 0);
    let next = 0;
    while (next < end && this.verdict.violation === null) {
      for (const { offset, value } of await fetcher.poll(500, 10_000)) {
        if (offset !== next)
          this.verdict.report(
            'I24 no gaps',
            `${name}: read ${offset} where ${next} was expected, at the end`,
          );
        next = offset + 1;
        this.ledger.read(name, offset, decoder.decode(value ?? new Uint8Array(0)), 'the last reader');
      }
    }
    await this.prober.searchAll(client, topic, partition);
  }

  private async compareReplicas(topic: string, index: number): Promise<void> {
    const name = `${topic}-${index}`;
    const replicas = this.replicasOf(topic, index);
    const end = Math.max(...replicas.map(({ partition }) => partition.highWatermark));
    // A replica that was down may not have deleted yet what the others have.
    const start = Math.max(...replicas.map(({ partition }) => partition.logStartOffset));
    let known: { id: number; bytes: Buffer } | null = null;
    for (const { node, partition } of replicas) {
      if (partition.logEndOffset < end) {
        const text = `${name} on ${node.id} ends at ${partition.logEndOffset}, though ${end} is committed`;
        this.verdict.report('I22 produce durability', text);
      }
      const bytes = await bytesOf(partition, start, end);
      if (known !== null && !known.bytes.equals(bytes)) {
        this.verdict.report(
          'I22 produce durability',
          `${name} differs between ${known.id} and ${node.id} below ${end}`,
        );
      }
      known ??= { id: node.id, bytes };
    }
    if (end < this.ledger.endOffset(name)) {
      this.verdict.report(
        'I22 produce durability',
        `${name} is committed up to ${end} only, and clients know ${this.ledger.endOffset(name)} records`,
      );
    }
  }

  private replicasOf(topic: string, index: number): { node: SimulatedNode; partition: Partition }[] {
    return this.cluster.nodes.flatMap((node) => {
      const partition = node.node?.replicas?.partition(topic, index) ?? null;
      return partition === null ? [] : [{ node, partition }];
    });
  }
}

async function bytesOf(partition: Partition, start: number, end: number): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for (let offset = start; offset < end; ) {
    const { records, nextOffset } = await partition.log.read(offset, readBytes, end, true);
    if (nextOffset <= offset) break;
    pieces.push(records.slice());
    offset = nextOffset;
  }
  return Buffer.concat(pieces);
}
