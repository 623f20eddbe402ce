/** Requests of the run itself, sent by this project's own client. Each uses a new client, because nodes come and go. */
import { systemClock, systemScheduler } from '../../src/adapters/clock.ts';
import { connectTcp } from '../../src/adapters/tcp-network.ts';
import { KafkaClient, type PartitionInfo } from '../../src/client/kafka-client.ts';
import {
  ListOffsetsRequest,
  ListOffsetsResponse,
} from '../../src/protocol/messages/records/02-list-offsets.ts';
import {
  CreateTopicsRequest,
  CreateTopicsResponse,
} from '../../src/protocol/messages/topics/19-create-topics.ts';
import type { Key } from './history.ts';
import { clientPort } from './node.ts';

export interface TopicPlan {
  readonly name: string;
  readonly partitions: number;
  readonly configs: Readonly<Record<string, string>>;
}

const latest = -1;
const replicationFactor = 3;

export class Probes {
  private readonly hosts: readonly string[];

  constructor(hosts: readonly string[]) {
    this.hosts = hosts;
  }

  createTopic({ name, partitions, configs }: TopicPlan): Promise<number> {
    return this.ask(async (client) => {
      const { topics } = await client.request(CreateTopicsRequest, CreateTopicsResponse, {
        topics: [
          {
            name,
            numPartitions: partitions,
            replicationFactor,
            assignments: [],
            configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
          },
        ],
        timeoutMs: 10_000,
        validateOnly: false,
      });
      return topics[0]?.errorCode ?? -1;
    });
  }

  /** Partitions of the topics, as the first node that answers knows them. */
  partitions(topics: readonly string[]): Promise<Map<Key, PartitionInfo>> {
    return this.ask((client) => partitionsOf(client, topics));
  }

  /**
   * How many replicas of the `count` partitions are not in sync, added up over what each node knows: 0 when every node knows a
   * leader and a complete ISR of each. A node that does not answer counts as one that knows of no partition.
   */
  async outOfSync(topics: readonly string[], count: number): Promise<number> {
    let total = 0;
    for (const host of this.hosts) {
      const found = await this.askOne(host, (client) => partitionsOf(client, topics)).catch(() => null);
      total += (count - (found?.size ?? 0)) * replicationFactor;
      for (const { leader, isr, replicas } of found?.values() ?? [])
        total += leader < 0 ? replicas.length : replicas.length - isr.length;
    }
    return total;
  }

  /** Log end offsets (high watermarks) by partition. */
  ends(topics: readonly string[]): Promise<Map<Key, number>> {
    return this.ask(async (client) => {
      const ends = new Map<Key, number>();
      for (const [key, { leader, index }] of await partitionsOf(client, topics)) {
        const name = key.slice(0, key.lastIndexOf('-'));
        const answer = await client.requestTo(leader, ListOffsetsRequest, ListOffsetsResponse, {
          replicaId: -1,
          isolationLevel: 0,
          topics: [{ name, partitions: [{ partitionIndex: index, timestamp: latest }] }],
          timeoutMs: 10_000,
        });
        const found = answer.topics[0]?.partitions[0];
        if (found === undefined || found.errorCode !== 0)
          throw new Error(`the end of ${key}: ${found?.errorCode}`);
        ends.set(key, found.offset);
      }
      return ends;
    });
  }

  private async ask<T>(question: (client: KafkaClient) => Promise<T>): Promise<T> {
    let last: unknown = null;
    for (const host of this.hosts) {
      try {
        return await this.askOne(host, question);
      } catch (error) {
        last = error;
      }
    }
    throw last instanceof Error ? last : new Error(String(last));
  }

  private async askOne<T>(host: string, question: (client: KafkaClient) => Promise<T>): Promise<T> {
    const bootstrap = [{ host, port: clientPort }];
    const client = new KafkaClient(
      { bootstrap, requestTimeoutMs: 5000, connectTimeoutMs: 2000 },
      { network: { connect: connectTcp }, clock: systemClock, scheduler: systemScheduler },
    );
    try {
      return await question(client);
    } finally {
      client.close();
    }
  }
}

async function partitionsOf(
  client: KafkaClient,
  topics: readonly string[],
): Promise<Map<Key, PartitionInfo>> {
  const found = new Map<Key, PartitionInfo>();
  const cluster = await client.metadata(topics);
  for (const topic of cluster.topics.values())
    for (const partition of topic.partitions) found.set(`${topic.name}-${partition.index}`, partition);
  return found;
}
