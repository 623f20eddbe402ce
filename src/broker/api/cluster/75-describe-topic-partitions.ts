/**
 * DescribeTopicPartitions (75), v0. Topics with their partitions and eligible leader replicas (KIP-966), page by page.
 * Behaviour: Topics are ordered by name; an empty list in the request means all topics. A page has at most
 *            `responsePartitionLimit` and at most `max.request.partition.size.limit` partitions. Its cursor says where the next
 *            page begins.
 */
import { uuidZero } from '../../../base/uuid.ts';
import type { MetadataImage } from '../../../metadata/image.ts';
import { isInternalTopic } from '../../../metadata/internal-topics.ts';
import type { PartitionImage, TopicImage } from '../../../metadata/topics-image.ts';
import { Errors, KafkaError } from '../../../protocol/errors.ts';
import {
  DescribeTopicPartitionsRequest,
  DescribeTopicPartitionsResponse,
} from '../../../protocol/messages/cluster/75-describe-topic-partitions.ts';
import type { Init } from '../../../protocol/schema/fields.ts';
import { defineHandler, type Handler } from '../../handler.ts';
import type { BrokerServices } from '../../services.ts';
import { offlineReplicas } from './03-metadata.ts';
import type { Endpoints } from '../endpoints.ts';
import { topicOperations } from '../authorized-operations.ts';
import { topicNameProblem } from '../topics.ts';

type Response = Init<typeof DescribeTopicPartitionsResponse>;
type TopicResult = Response['topics'][number];

export function createDescribeTopicPartitionsHandler(
  services: BrokerServices,
  endpoints: Endpoints,
): Handler {
  return defineHandler(DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse, {
    versions: '0',
    listeners: ['broker'],
    handle(request, { image, connection }) {
      if (request.cursor !== null && request.cursor.partitionIndex < 0)
        throw new KafkaError(Errors.INVALID_REQUEST);
      const alive = new Set(endpoints.allAlive(image, connection).map(({ nodeId }) => nodeId));
      const limit = Math.max(
        1,
        Math.min(request.responsePartitionLimit, services.config.get('max.request.partition.size.limit')),
      );
      return page(namesFrom(request, image), request.cursor, limit, image, alive);
    },
    failed: (request, error) => ({
      topics: request.topics.map(({ name }) => ({
        errorCode: error.code,
        name,
        topicId: uuidZero,
        partitions: [],
      })),
    }),
  });
}

function namesFrom(request: DescribeTopicPartitionsRequest, image: MetadataImage): string[] {
  const names =
    request.topics.length === 0
      ? image.topics.names()
      : [...new Set(request.topics.map(({ name }) => name))].sort();
  const { cursor } = request;
  return cursor === null ? names : names.filter((name) => name >= cursor.topicName);
}

function page(
  names: readonly string[],
  cursor: DescribeTopicPartitionsRequest['cursor'],
  limit: number,
  image: MetadataImage,
  alive: ReadonlySet<number>,
): Response {
  const topics: TopicResult[] = [];
  let room = limit;
  for (const name of names) {
    const topic = image.topics.byName(name);
    if (topic === undefined) {
      // A topic at which the last page ended may have been deleted since. That is not an error.
      if (cursor === null || cursor.topicName !== name) topics.push(unknownTopic(name));
      continue;
    }
    const first = cursor?.topicName === name ? cursor.partitionIndex : 0;
    if (room === 0) return { topics, nextCursor: { topicName: name, partitionIndex: first } };
    const end = Math.min(topic.partitions.length, first + room);
    topics.push(describe(topic, first, end, alive));
    room -= Math.max(0, end - first);
    if (end < topic.partitions.length)
      return { topics, nextCursor: { topicName: name, partitionIndex: end } };
  }
  return { topics };
}

function unknownTopic(name: string): TopicResult {
  const error =
    topicNameProblem(name) === null ? Errors.UNKNOWN_TOPIC_OR_PARTITION : Errors.INVALID_TOPIC_EXCEPTION;
  return {
    errorCode: error.code,
    name,
    topicId: uuidZero,
    partitions: [],
    topicAuthorizedOperations: topicOperations,
  };
}

function describe(topic: TopicImage, first: number, end: number, alive: ReadonlySet<number>): TopicResult {
  return {
    errorCode: 0,
    name: topic.name,
    topicId: topic.id,
    isInternal: isInternalTopic(topic.name),
    partitions: topic.partitions.slice(first, end).map((partition) => describePartition(partition, alive)),
    topicAuthorizedOperations: topicOperations,
  };
}

function describePartition(
  partition: PartitionImage,
  alive: ReadonlySet<number>,
): TopicResult['partitions'][number] {
  const reachable = alive.has(partition.leader);
  return {
    errorCode: reachable ? 0 : Errors.LEADER_NOT_AVAILABLE.code,
    partitionIndex: partition.index,
    leaderId: reachable ? partition.leader : -1,
    leaderEpoch: partition.leaderEpoch,
    replicaNodes: partition.replicas,
    isrNodes: partition.isr,
    eligibleLeaderReplicas: partition.elr,
    lastKnownElr: partition.lastKnownElr,
    offlineReplicas: offlineReplicas(partition.replicas, alive),
  };
}
