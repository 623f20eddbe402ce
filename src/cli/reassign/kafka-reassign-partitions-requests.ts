/**
 * The requests of kafka-reassign-partitions: describes assignments, reassignments in progress and directories of replicas;
 * starts and cancels reassignments.
 */
import { groupBy } from '../../base/collections.ts';
import type { KafkaClient } from '../../client/kafka-client.ts';
import { isRetriable, retry } from '../../client/retry.ts';
import { Errors, errorOf, KafkaError } from '../../protocol/errors.ts';
import {
  DescribeLogDirsRequest,
  DescribeLogDirsResponse,
} from '../../protocol/messages/log-directories/35-describe-log-dirs.ts';
import {
  AlterPartitionReassignmentsRequest,
  AlterPartitionReassignmentsResponse,
} from '../../protocol/messages/topics/45-alter-partition-reassignments.ts';
import {
  ListPartitionReassignmentsRequest,
  ListPartitionReassignmentsResponse,
} from '../../protocol/messages/topics/46-list-partition-reassignments.ts';
import {
  DescribeClusterRequest,
  DescribeClusterResponse,
} from '../../protocol/messages/cluster/60-describe-cluster.ts';
import type { Assignment, Replica } from './kafka-reassign-partitions-plan.ts';
import { replicaKey } from './kafka-reassign-partitions-plan.ts';
import type { UsableBroker } from './kafka-reassign-partitions-placement.ts';
import { byTopic, comparePartitions, partitionKey, type TopicPartition } from '../cluster/list-offsets.ts';

export const timeoutMs = 60_000;

export interface Reassignment extends Assignment {
  readonly adding: readonly number[];
  readonly removing: readonly number[];
}

/** Returns all reassignments that are in progress. */
export async function listReassignments(client: KafkaClient): Promise<Reassignment[]> {
  const answer = await retry(client.ports, timeoutMs, async () => {
    const listed = await client.request(
      ListPartitionReassignmentsRequest,
      ListPartitionReassignmentsResponse,
      { timeoutMs, topics: null },
    );
    if (listed.errorCode !== 0) {
      throw new KafkaError(errorOf(listed.errorCode), listed.errorMessage ?? undefined);
    }
    return listed;
  });
  return answer.topics
    .flatMap(({ name, partitions }) =>
      partitions.map(({ partitionIndex, replicas, addingReplicas, removingReplicas }) => ({
        topic: name,
        partition: partitionIndex,
        replicas,
        adding: addingReplicas,
        removing: removingReplicas,
      })),
    )
    .sort(comparePartitions);
}

/** Returns the current assignments of the topics; null for a topic that does not exist. */
export async function describeTopics(
  client: KafkaClient,
  names: readonly string[],
): Promise<Map<string, Assignment[] | null>> {
  const topics = [...new Set(names)];
  if (topics.length === 0) return new Map();
  return retry(client.ports, timeoutMs, async () => {
    const cluster = await client.metadata(topics);
    return new Map(
      topics.map((topic) => {
        const known = cluster.topics.get(topic);
        const error = errorOf(known?.errorCode ?? Errors.UNKNOWN_TOPIC_OR_PARTITION.code);
        if (known === undefined || error === Errors.UNKNOWN_TOPIC_OR_PARTITION) return [topic, null];
        if (error !== Errors.NONE) throw new KafkaError(error);
        return [
          topic,
          known.partitions.map(({ index, replicas }) => ({ topic, partition: index, replicas })),
        ];
      }),
    );
  });
}

/** Does the same as `describeTopics`, but throws when a topic does not exist. */
export async function describeKnownTopics(
  client: KafkaClient,
  names: readonly string[],
): Promise<Map<string, Assignment[]>> {
  const topics = await describeTopics(client, names);
  return new Map(
    [...topics].map(([topic, partitions]) => {
      if (partitions !== null) return [topic, partitions];
      throw new KafkaError(Errors.UNKNOWN_TOPIC_OR_PARTITION, `Topic ${topic} not found.`);
    }),
  );
}

/** Returns the live brokers; when the client was given addresses of controllers, the live controllers. */
export async function describeNodes(client: KafkaClient): Promise<UsableBroker[]> {
  const answer = await retry(client.ports, timeoutMs, async () =>
    (await client.any()).request(DescribeClusterRequest, DescribeClusterResponse, {
      includeClusterAuthorizedOperations: false,
      endpointType: client.speaksToControllers ? 2 : 1,
    }),
  );
  if (answer.errorCode !== 0) {
    throw new KafkaError(errorOf(answer.errorCode), answer.errorMessage ?? undefined);
  }
  return answer.brokers.map(({ brokerId, rack }) => ({ id: brokerId, rack }));
}

/** The log directory of a replica (`current`), and the one to which its broker is moving it (`future`). */
export interface ReplicaDirectory {
  readonly current: string | null;
  readonly future: string | null;
}

/**
 * Returns the directories of replicas by `replicaKey`. Replicas that do not exist are left out. Each broker gets one request.
 * Throws when a broker does not respond.
 */
export async function describeDirectories(
  client: KafkaClient,
  replicas: readonly Replica[],
): Promise<Map<string, ReplicaDirectory>> {
  const asked = [...groupBy(replicas, ({ broker }) => broker)].map(([broker, its]) =>
    askForDirectories(client, broker, its),
  );
  return directoriesIn(await Promise.all(asked));
}

/**
 * As `describeDirectories`, but replicas on brokers that are down are left out, as in Kafka, and those on a broker that the
 * controller fences while the request waits for a response.
 */
export async function describeLivingDirectories(
  client: KafkaClient,
  replicas: readonly Replica[],
): Promise<Map<string, ReplicaDirectory>> {
  const isLiving = async (broker: number): Promise<boolean> =>
    (await retry(client.ports, timeoutMs, () => client.metadata([]))).brokers.has(broker);
  const answers = [...groupBy(replicas, ({ broker }) => broker)].map(async ([broker, its]) => {
    if (!(await isLiving(broker))) return [];
    try {
      return await askForDirectories(client, broker, its);
    } catch (error) {
      if (isRetriable(error) && !(await isLiving(broker))) return [];
      throw error;
    }
  });
  return directoriesIn(await Promise.all(answers));
}

type DirectoryEntry = readonly [string, ReplicaDirectory];

async function askForDirectories(
  client: KafkaClient,
  broker: number,
  replicas: readonly Replica[],
): Promise<DirectoryEntry[]> {
  const topics = byTopic(replicas).map(({ name, list }) => ({
    topic: name,
    partitions: list.map(({ partition }) => partition),
  }));
  const answer = await client.requestTo(broker, DescribeLogDirsRequest, DescribeLogDirsResponse, { topics });
  if (answer.errorCode !== 0) throw new KafkaError(errorOf(answer.errorCode));
  return answer.results.flatMap(({ logDir, topics: found }) =>
    found.flatMap(({ name, partitions }) =>
      partitions.map(
        ({ partitionIndex, isFutureKey }): DirectoryEntry => [
          replicaKey({ topic: name, partition: partitionIndex, broker }),
          isFutureKey ? { current: null, future: logDir } : { current: logDir, future: null },
        ],
      ),
    ),
  );
}

/** Joins the two entries of a replica that is being moved to another directory. */
function directoriesIn(entries: readonly (readonly DirectoryEntry[])[]): Map<string, ReplicaDirectory> {
  const directories = new Map<string, ReplicaDirectory>();
  for (const [key, { current, future }] of entries.flat()) {
    const known = directories.get(key);
    directories.set(key, {
      current: current ?? known?.current ?? null,
      future: future ?? known?.future ?? null,
    });
  }
  return directories;
}

/** A partition for which a change was refused, and why. */
export interface Refusal extends TopicPartition {
  readonly error: KafkaError;
}

/**
 * Starts reassignments; a partition whose replicas are null has its reassignment cancelled. Returns the partitions for which
 * that was refused.
 */
export async function alterReassignments(
  client: KafkaClient,
  wanted: readonly (TopicPartition & { readonly replicas: readonly number[] | null })[],
  allowReplicationFactorChange: boolean,
): Promise<Refusal[]> {
  if (!allowReplicationFactorChange) await requireFactorCheck(client);
  const answer = await retry(client.ports, timeoutMs, async () => {
    const altered = await client.request(
      AlterPartitionReassignmentsRequest,
      AlterPartitionReassignmentsResponse,
      {
        timeoutMs,
        allowReplicationFactorChange,
        topics: byTopic(wanted).map(({ name, list }) => ({
          name,
          partitions: list.map(({ partition, replicas }) => ({ partitionIndex: partition, replicas })),
        })),
      },
    );
    if (altered.errorCode !== 0) {
      throw new KafkaError(errorOf(altered.errorCode), altered.errorMessage ?? undefined);
    }
    return altered;
  });
  return answer.responses
    .flatMap(({ name, partitions }) =>
      partitions
        .filter(({ errorCode }) => errorCode !== 0)
        .map(({ partitionIndex, errorCode, errorMessage }) => ({
          topic: name,
          partition: partitionIndex,
          error: new KafkaError(errorOf(errorCode), errorMessage ?? undefined),
        })),
    )
    .sort(comparePartitions);
}

/**
 * Throws when the node is too old to know the condition that the replication factor must not change, because it would ignore
 * it.
 */
async function requireFactorCheck(client: KafkaClient): Promise<void> {
  const connection = await client.any();
  if (connection.versionOf(AlterPartitionReassignmentsRequest) > 0) return;
  throw new KafkaError(
    Errors.UNSUPPORTED_VERSION,
    'The broker does not support the disallow-replication-factor-change option',
  );
}

/** Returns the partitions as text, sorted as Kafka sorts them: `a-0,a-1`. */
export function keysText(partitions: readonly TopicPartition[]): string {
  return [...partitions].sort(comparePartitions).map(partitionKey).join(',');
}
