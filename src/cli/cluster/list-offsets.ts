/**
 * Reads offsets of many partitions, with one request to each leader. Requests are repeated while leaders move to other brokers.
 */
import { groupBy } from '../../base/collections.ts';
import type { ClusterInfo, KafkaClient } from '../../client/kafka-client.ts';
import { isRetriable, retry } from '../../client/retry.ts';
import { Errors, errorOf, KafkaError } from '../../protocol/errors.ts';
import { ListOffsetsRequest, ListOffsetsResponse } from '../../protocol/messages/records/02-list-offsets.ts';

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** An offset, -1 when the partition has none for the timestamp, or the error of the partition. */
export type ListedOffset = number | KafkaError;

const consumer = -1;
/**
 * The version of ListOffsets from which on each special timestamp is understood: -3 the offset of the largest timestamp, -4 and
 * -5 offsets of tiered storage, -6 the earliest offset that is not yet in tiered storage.
 */
const versionOfTime: Readonly<Record<number, number>> = { [-3]: 7, [-4]: 8, [-5]: 9, [-6]: 11 };

export const partitionKey = ({ topic, partition }: TopicPartition): string => `${topic}-${partition}`;

/** Compares partitions in Java's order: by topic, then by number. */
export function comparePartitions(left: TopicPartition, right: TopicPartition): number {
  if (left.topic !== right.topic) return left.topic < right.topic ? -1 : 1;
  return left.partition - right.partition;
}

/** Groups partitions by the id of the broker that leads them. The key is null for partitions without a leader. */
export function byLeader<T extends TopicPartition>(
  cluster: ClusterInfo,
  partitions: readonly T[],
): Map<number | null, T[]> {
  return groupBy(partitions, ({ topic, partition }) => {
    const known = cluster.topics.get(topic)?.partitions.find(({ index }) => index === partition);
    return known === undefined || known.leader < 0 ? null : known.leader;
  });
}

/** Groups partitions by topic, as most requests need them. */
export function byTopic<T extends TopicPartition>(partitions: readonly T[]): { name: string; list: T[] }[] {
  return [...groupBy(partitions, ({ topic }) => topic)].map(([name, list]) => ({ name, list }));
}

/**
 * Returns the offset of each partition for `timestamp`, by `partitionKey`. A partition has an error instead when a retry cannot
 * resolve the error of its leader, and when every attempt has failed until `timeoutMs` is over.
 */
export async function listOffsets(
  client: KafkaClient,
  partitions: readonly TopicPartition[],
  timestamp: number,
  timeoutMs = 60_000,
): Promise<Map<string, ListedOffset>> {
  const answers = new Map<string, ListedOffset>();
  let left = partitions;
  const round = async (): Promise<void> => {
    const cluster = await client.metadata([...new Set(left.map(({ topic }) => topic))]);
    const groups = [...byLeader(cluster, left)];
    await Promise.all(groups.map(([leader, group]) => ask(client, leader, group, timestamp, answers)));
    left = left.filter((one) => {
      const answer = answers.get(partitionKey(one));
      return answer === undefined || (answer instanceof KafkaError && isRetriable(answer));
    });
    const failed = left.map((one) => answers.get(partitionKey(one))).find((one) => one instanceof KafkaError);
    if (failed !== undefined) throw failed;
  };
  try {
    await retry(client.ports, timeoutMs, round);
  } catch (error) {
    if (!(error instanceof KafkaError) || answers.size < partitions.length) throw error;
  }
  return answers;
}

async function ask(
  client: KafkaClient,
  leader: number | null,
  partitions: readonly TopicPartition[],
  timestamp: number,
  answers: Map<string, ListedOffset>,
): Promise<void> {
  if (leader === null) {
    const error = new KafkaError(Errors.LEADER_NOT_AVAILABLE);
    for (const one of partitions) answers.set(partitionKey(one), error);
    return;
  }
  const connection = await client.broker(leader);
  if (connection.versionOf(ListOffsetsRequest) < (versionOfTime[timestamp] ?? 0)) {
    const error = new KafkaError(
      Errors.UNSUPPORTED_VERSION,
      `Broker ${leader} does not support this kind of offset`,
    );
    for (const one of partitions) answers.set(partitionKey(one), error);
    return;
  }
  const answer = await connection.request(ListOffsetsRequest, ListOffsetsResponse, {
    replicaId: consumer,
    isolationLevel: 0,
    topics: byTopic(partitions).map(({ name, list }) => ({
      name,
      partitions: list.map(({ partition }) => ({ partitionIndex: partition, timestamp })),
    })),
    timeoutMs: 30_000,
  });
  for (const topic of answer.topics) {
    for (const { partitionIndex, errorCode, offset } of topic.partitions) {
      const value = errorCode === 0 ? offset : new KafkaError(errorOf(errorCode));
      answers.set(`${topic.name}-${partitionIndex}`, value);
    }
  }
}
