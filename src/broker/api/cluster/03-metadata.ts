/**
 * Metadata (3), v0–v13. Describes the brokers and topics of this broker's metadata image; creates topics that the request names
 * if the client allows it.
 * Versions:  v0 an empty list of topics means all, from v1 on null does · v4 allowAutoTopicCreation · v5 offline replicas ·
 *            v6 LISTENER_NOT_FOUND · v7 leader epochs · v8 authorised operations · v10 topic ids · v12 topics by id.
 * Behaviour: Lists the unfenced brokers, with their addresses on the listener to which the client is connected. The
 *            "controller" is always one of these brokers: clients send admin requests to it, and every broker forwards them to
 *            the real one. Replicas and ISR also contain ids of brokers that are not listed. When the request creates a topic,
 *            the response waits for it (at most `autoCreateWaitMs`) and describes it; Kafka responds
 *            UNKNOWN_TOPIC_OR_PARTITION, and the client retries.
 * Not done:  REBOOTSTRAP_REQUIRED (v13) is never sent.
 */
import { Slices } from '../../../base/slices.ts';
import { uuidZero } from '../../../base/uuid.ts';
import type { NodeId } from '../../../base/ids.ts';
import { isActive } from '../../../metadata/cluster-image.ts';
import type { MetadataImage } from '../../../metadata/image.ts';
import { isInternalTopic } from '../../../metadata/internal-topics.ts';
import type { PartitionImage, TopicImage } from '../../../metadata/topics-image.ts';
import { type ErrorRow, Errors, KafkaError } from '../../../protocol/errors.ts';
import { ApiKey } from '../../../protocol/messages/api-keys.ts';
import { MetadataRequest, MetadataResponse } from '../../../protocol/messages/cluster/03-metadata.ts';
import type { Init } from '../../../protocol/schema/fields.ts';
import { defineHandler, type Handler, type RequestContext } from '../../handler.ts';
import type { BrokerServices } from '../../services.ts';
import type { TopicCreator } from '../../topic-creator.ts';
import type { BrokerEndpoint, Endpoints } from '../endpoints.ts';
import { errorCode } from '../errors.ts';
import { clusterOperations, operationsNotAsked, topicOperations } from '../authorized-operations.ts';
import { topicNameProblem } from '../topics.ts';

type Response = Init<typeof MetadataResponse>;
type TopicResult = Response['topics'][number];

export function createMetadataHandler(
  services: BrokerServices,
  endpoints: Endpoints,
  creator: Pick<TopicCreator, 'create'>,
): Handler {
  return defineHandler(MetadataRequest, MetadataResponse, {
    versions: '0-13',
    listeners: ['broker'],
    handle(request, context) {
      checkTopics(request, context.apiVersion);
      const missing = namesToCreate(services, request, context);
      if (missing.length === 0)
        return respond(services, endpoints, request, context, context.image, noErrors);
      return createAll(creator, missing, context).then((errors) =>
        respond(services, endpoints, request, context, services.metadata(), errors),
      );
    },
    failed: (request, error, { apiVersion }) => ({
      brokers: [],
      topics: (request.topics ?? []).map(({ name, topicId }) =>
        // Versions before 12 cannot have a null name; Kafka sends an empty name instead.
        failedTopic(error.code, apiVersion < idsVersion ? (name ?? '') : name, topicId),
      ),
      errorCode: error.code,
    }),
  });
}

/**
 * From this version on topics can be requested by id. Versions 10 and 11 have the field too, but Kafka refuses requests that
 * use it.
 */
const idsVersion = 12;

function checkTopics(request: MetadataRequest, apiVersion: number): void {
  if (apiVersion >= idsVersion || request.topics === null) return;
  for (const { name, topicId } of request.topics) {
    if (name === null || topicId !== uuidZero) throw new KafkaError(Errors.INVALID_REQUEST);
  }
}

const noErrors: ReadonlyMap<string, ErrorRow> = new Map();

function namesToCreate(
  services: BrokerServices,
  request: MetadataRequest,
  context: RequestContext,
): string[] {
  if (!request.allowAutoTopicCreation || request.topics === null) return [];
  if (!services.config.get('auto.create.topics.enable')) return [];
  const names = new Set<string>();
  for (const { name, topicId } of request.topics) {
    if (
      name === null ||
      topicId !== uuidZero ||
      names.has(name) ||
      context.image.topics.byName(name) !== undefined
    )
      continue;
    if (topicNameProblem(name) === null) names.add(name);
  }
  return [...names];
}

async function createAll(
  creator: Pick<TopicCreator, 'create'>,
  names: readonly string[],
  { connection, clientId }: RequestContext,
): Promise<ReadonlyMap<string, ErrorRow>> {
  const client = { principal: connection.principal, clientId };
  const errors = await Promise.all(names.map((name) => creator.create(name, client)));
  return new Map(names.map((name, index) => [name, errors[index] as ErrorRow]));
}

function respond(
  services: BrokerServices,
  endpoints: Endpoints,
  request: MetadataRequest,
  context: RequestContext,
  image: MetadataImage,
  creationErrors: ReadonlyMap<string, ErrorRow>,
): Response | Promise<Response> {
  const brokers = endpoints.allAlive(image, context.connection);
  const listed = new Map(brokers.map((broker) => [broker.nodeId, broker]));
  const operations = request.includeTopicAuthorizedOperations ? topicOperations : operationsNotAsked;
  const describe = (topic: TopicImage): TopicResult =>
    describeTopic(topic, image, listed, context.apiVersion, operations);
  const all = request.topics === null || (context.apiVersion === 0 && request.topics.length === 0);
  const answer = (topics: TopicResult[]): Response => ({
    throttleTimeMs: 0,
    brokers,
    clusterId: services.clusterId,
    controllerId: controllerId(services, listed),
    topics,
    clusterAuthorizedOperations: request.includeClusterAuthorizedOperations
      ? clusterOperations
      : operationsNotAsked,
  });
  if (all) return describeAll(services, context, image, describe).then(answer);
  return answer(askedTopics(request, context.apiVersion, image, describe, creationErrors));
}

/** Works in slices: describing all topics of a large cluster at once would block other requests. */
async function describeAll(
  { clock, scheduler }: BrokerServices,
  context: RequestContext,
  image: MetadataImage,
  describe: (topic: TopicImage) => TopicResult,
): Promise<TopicResult[]> {
  const slices = new Slices(clock, scheduler);
  const results: TopicResult[] = [];
  for (const topic of image.topics.all()) {
    results.push(describe(topic));
    if (!slices.isOver) continue;
    await slices.yieldTurn();
    context.resumed();
  }
  return results;
}

/** The active controller if it is also an unfenced broker; otherwise the first of the unfenced brokers. */
function controllerId(services: BrokerServices, listed: ReadonlyMap<number, BrokerEndpoint>): number {
  const { leaderId } = services.quorum();
  if (leaderId !== null && listed.has(leaderId)) return leaderId;
  for (const id of listed.keys()) return id;
  return -1;
}

function askedTopics(
  request: MetadataRequest,
  version: number,
  image: MetadataImage,
  describe: (topic: TopicImage) => TopicResult,
  creationErrors: ReadonlyMap<string, ErrorRow>,
): TopicResult[] {
  const results: TopicResult[] = [];
  const seen = new Set<string>();
  for (const asked of request.topics ?? []) {
    // If the request has an id, the name is ignored: Kafka's Java client sends an empty name with the id, not null.
    const isById = asked.name === null || asked.topicId !== uuidZero;
    const key = isById ? asked.topicId : (asked.name ?? '');
    if (seen.has(key)) continue;
    seen.add(key);
    if (isById) {
      const topic = version >= 12 ? image.topics.byId(asked.topicId) : undefined;
      results.push(
        topic === undefined
          ? failedTopic(unknownId(asked.topicId, version), null, asked.topicId)
          : describe(topic),
      );
      continue;
    }
    const topic = image.topics.byName(key);
    if (topic !== undefined) results.push(describe(topic));
    else results.push(failedTopic(unknownName(key, creationErrors), key, uuidZero));
  }
  return results;
}

function unknownId(topicId: string, version: number): number {
  return (version < 12 || topicId === uuidZero ? Errors.INVALID_REQUEST : Errors.UNKNOWN_TOPIC_ID).code;
}

function unknownName(name: string, creationErrors: ReadonlyMap<string, ErrorRow>): number {
  if (topicNameProblem(name) !== null) return Errors.INVALID_TOPIC_EXCEPTION.code;
  const error = creationErrors.get(name);
  // If the creation timed out or its response was lost, the client retries. If it was refused, the response has the reason.
  if (error === undefined || error === Errors.NONE || error.retriable)
    return Errors.UNKNOWN_TOPIC_OR_PARTITION.code;
  return error === Errors.UNKNOWN_SERVER_ERROR ? Errors.UNKNOWN_TOPIC_OR_PARTITION.code : error.code;
}

function failedTopic(code: number, name: string | null, topicId: string): TopicResult {
  return {
    errorCode: code,
    // Versions before 12 cannot have null here.
    name: name ?? (topicId === uuidZero ? '' : null),
    topicId,
    isInternal: name !== null && isInternalTopic(name),
    partitions: [],
  };
}

function describeTopic(
  topic: TopicImage,
  image: MetadataImage,
  listed: ReadonlyMap<number, BrokerEndpoint>,
  version: number,
  operations: number,
): TopicResult {
  return {
    errorCode: 0,
    name: topic.name,
    topicId: topic.id,
    isInternal: isInternalTopic(topic.name),
    partitions: topic.partitions.map((partition) => describePartition(partition, image, listed, version)),
    topicAuthorizedOperations: operations,
  };
}

function describePartition(
  partition: PartitionImage,
  image: MetadataImage,
  listed: ReadonlyMap<number, BrokerEndpoint>,
  version: number,
): TopicResult['partitions'][number] {
  const reachable = listed.has(partition.leader);
  return {
    errorCode: reachable ? 0 : errorCode(ApiKey.Metadata, version, leaderError(partition, image)),
    partitionIndex: partition.index,
    leaderId: reachable ? partition.leader : -1,
    leaderEpoch: partition.leaderEpoch,
    replicaNodes: partition.replicas,
    isrNodes: partition.isr,
    offlineReplicas: offlineReplicas(partition.replicas, listed),
  };
}

function leaderError(partition: PartitionImage, image: MetadataImage): ErrorRow {
  const broker = image.cluster.brokers.get(partition.leader as NodeId);
  return isActive(broker) ? Errors.LISTENER_NOT_FOUND : Errors.LEADER_NOT_AVAILABLE;
}

const none: readonly number[] = [];

export function offlineReplicas(
  replicas: readonly number[],
  listed: { has(id: number): boolean },
): readonly number[] {
  return replicas.every((id) => listed.has(id)) ? none : replicas.filter((id) => !listed.has(id));
}
