/** CreateTopics. Each topic is a step of its own, so a request for many topics does not block the event loop. */
import type { NodeId } from '../base/ids.ts';
import { randomUuid } from '../base/uuid.ts';
import type { Uuid } from '../base/uuid.ts';
import { uuidZero } from '../base/uuid.ts';
import { resourceType } from '../metadata/configs-image.ts';
import type { MetadataRecord } from '../metadata/records.ts';
import { record } from '../metadata/records.ts';
import type {
  CreateTopicsRequest,
  CreateTopicsResponse,
} from '../protocol/messages/topics/19-create-topics.ts';
import { Errors, KafkaError } from '../protocol/errors.ts';
import { checkManualAssignment, firstIsr, firstIsrOfManual, newPartitionRecord } from './assignments.ts';
import { cannotReplicate, placeReplicas, usableBrokers } from './placement.ts';
import type { ControllerState, Operation, PartitionMutations } from './state.ts';
import { partitionsPerRequestMax } from './state.ts';
import { addToCollisionIndex, checkCollision, checkTopicName, collisionIndex } from './topic-names.ts';

type NewTopic = CreateTopicsRequest['topics'][number];
type TopicResult = CreateTopicsResponse['topics'][number];

interface Draft {
  readonly topicId: Uuid;
  readonly records: readonly MetadataRecord[];
  readonly partitionCount: number;
  readonly replicationFactor: number;
  readonly configs: ReadonlyMap<string, string>;
}

export function* createTopics(
  state: ControllerState,
  request: CreateTopicsRequest,
  mutations: PartitionMutations,
): Operation<CreateTopicsResponse> {
  const results: TopicResult[] = [];
  const names = new Map<string, number>();
  for (const topic of request.topics) names.set(topic.name, (names.get(topic.name) ?? 0) + 1);
  checkSize(state, request);
  const collisions = collisionIndex(state.image);
  const done = new Set<string>();
  for (const topic of request.topics) {
    if (done.has(topic.name)) continue;
    done.add(topic.name);
    try {
      if ((names.get(topic.name) ?? 0) > 1) {
        throw new KafkaError(Errors.INVALID_REQUEST, 'Duplicate topic name.');
      }
      checkName(state, topic.name, collisions);
      const draft = draftTopic(state, topic);
      mutations.record(draft.partitionCount);
      if (!request.validateOnly) {
        yield draft.records;
        addToCollisionIndex(topic.name, collisions);
      }
      results.push(created(state, topic.name, draft));
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      results.push(failed(topic.name, error));
    }
  }
  return { throttleTimeMs: mutations.throttleTimeMs, topics: results };
}

function checkSize(state: ControllerState, request: CreateTopicsRequest): void {
  let count = 0;
  for (const topic of request.topics) {
    const asked = topic.numPartitions === -1 ? state.settings.defaultPartitionCount : topic.numPartitions;
    count += topic.assignments.length > 0 ? topic.assignments.length : Math.max(0, asked);
  }
  if (count > partitionsPerRequestMax) {
    throw new KafkaError(Errors.POLICY_VIOLATION, 'Excessively large number of partitions per request.');
  }
}

function checkName(state: ControllerState, name: string, collisions: ReadonlyMap<string, string>): void {
  if (name === '__cluster_metadata') {
    throw new KafkaError(Errors.INVALID_REQUEST, `Creation of internal topic ${name} is prohibited.`);
  }
  checkTopicName(name);
  if (state.image.topics.byName(name) !== undefined) {
    throw new KafkaError(Errors.TOPIC_ALREADY_EXISTS, `Topic '${name}' already exists.`);
  }
  checkCollision(name, collisions);
}

function draftTopic(state: ControllerState, topic: NewTopic): Draft {
  const configs = newConfigs(state, topic);
  const topicId = randomUuid(state.random);
  const placed = topic.assignments.length > 0 ? manualPlacement(state, topic) : freePlacement(state, topic);
  const records: MetadataRecord[] = [record('TopicRecord', { name: topic.name, topicId })];
  for (const [name, value] of configs) {
    records.push(
      record('ConfigRecord', { resourceType: resourceType.topic, resourceName: topic.name, name, value }),
    );
  }
  placed.forEach(({ replicas, isr }, index) => {
    records.push(newPartitionRecord(state.image, topicId, index, replicas, isr));
  });
  return {
    topicId,
    records,
    partitionCount: placed.length,
    replicationFactor: placed[0]?.replicas.length ?? 0,
    configs,
  };
}

function newConfigs(state: ControllerState, topic: NewTopic): Map<string, string> {
  const configs = new Map<string, string>();
  for (const { name, value } of topic.configs) {
    // When the request gives a key twice, the last value wins, as in Kafka.
    if (value === null) {
      throw new KafkaError(Errors.INVALID_CONFIG, `Null value not supported for topic configs: ${name}`);
    }
    configs.set(name, value);
  }
  state.rules.checkTopic(configs);
  return configs;
}

interface Placed {
  readonly replicas: readonly NodeId[];
  readonly isr: readonly NodeId[];
}

function manualPlacement(state: ControllerState, topic: NewTopic): Placed[] {
  const manual = 'A manual partition assignment was specified, but';
  if (topic.replicationFactor !== -1) {
    throw new KafkaError(Errors.INVALID_REQUEST, `${manual} replication factor was not set to -1.`);
  }
  if (topic.numPartitions !== -1) {
    throw new KafkaError(Errors.INVALID_REQUEST, `${manual} numPartitions was not set to -1.`);
  }
  const placed: Placed[] = [];
  let replicationFactor: number | null = null;
  for (const { partitionIndex, brokerIds } of topic.assignments) {
    if (placed[partitionIndex] !== undefined) {
      throw new KafkaError(
        Errors.INVALID_REPLICA_ASSIGNMENT,
        `Found multiple manual partition assignments for partition ${partitionIndex}`,
      );
    }
    checkManualAssignment(state.image, brokerIds, replicationFactor);
    replicationFactor = brokerIds.length;
    if (partitionIndex < 0 || partitionIndex >= topic.assignments.length) throw notConsecutive();
    const replicas = brokerIds as readonly NodeId[];
    placed[partitionIndex] = { replicas, isr: firstIsrOfManual(state.image, replicas, partitionIndex) };
  }
  return placed;
}

function notConsecutive(): KafkaError {
  return new KafkaError(
    Errors.INVALID_REPLICA_ASSIGNMENT,
    'partitions should be a consecutive 0-based integer sequence',
  );
}

function freePlacement(state: ControllerState, topic: NewTopic): Placed[] {
  const { defaultPartitionCount, defaultReplicationFactor } = state.settings;
  if (topic.replicationFactor < -1 || topic.replicationFactor === 0) {
    throw new KafkaError(
      Errors.INVALID_REPLICATION_FACTOR,
      'Replication factor must be larger than 0, or -1 to use the default value.',
    );
  }
  if (topic.numPartitions < -1 || topic.numPartitions === 0) {
    throw new KafkaError(
      Errors.INVALID_PARTITIONS,
      'Number of partitions was set to an invalid non-positive value.',
    );
  }
  const partitionCount = topic.numPartitions === -1 ? defaultPartitionCount : topic.numPartitions;
  const replicationFactor =
    topic.replicationFactor === -1 ? defaultReplicationFactor : topic.replicationFactor;
  const brokers = usableBrokers(state.image);
  return placeReplicas(brokers, partitionCount, replicationFactor, state.random).map((replicas) => {
    const isr = firstIsr(state.image, replicas);
    if (isr.length === 0) {
      throw cannotReplicate(replicationFactor, 'All brokers are currently fenced or in controlled shutdown.');
    }
    return { replicas, isr };
  });
}

function created(state: ControllerState, name: string, draft: Draft): TopicResult {
  return {
    name,
    topicId: draft.topicId,
    errorCode: 0,
    errorMessage: null,
    topicConfigErrorCode: 0,
    numPartitions: draft.partitionCount,
    replicationFactor: draft.replicationFactor,
    configs: state.rules.effectiveTopic(draft.configs),
  };
}

function failed(name: string, error: KafkaError): TopicResult {
  return {
    name,
    topicId: uuidZero,
    errorCode: error.code,
    errorMessage: error.error === Errors.THROTTLING_QUOTA_EXCEEDED ? error.ownMessage : error.message,
    topicConfigErrorCode: 0,
    numPartitions: -1,
    replicationFactor: -1,
    configs: null,
  };
}
