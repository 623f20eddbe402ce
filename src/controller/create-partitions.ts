/** CreatePartitions: adds partitions to existing topics. */
import type { NodeId } from '../base/ids.ts';
import type { MetadataRecord } from '../metadata/records.ts';
import type { TopicImage } from '../metadata/topics-image.ts';
import type {
  CreatePartitionsRequest,
  CreatePartitionsResponse,
} from '../protocol/messages/topics/37-create-partitions.ts';
import { Errors, KafkaError } from '../protocol/errors.ts';
import { checkManualAssignment, firstIsr, firstIsrOfManual, newPartitionRecord } from './assignments.ts';
import { cannotReplicate, placeReplicas, usableBrokers } from './placement.ts';
import type { ControllerState, Operation, PartitionMutations } from './state.ts';
import { partitionsPerRequestMax } from './state.ts';

type Wanted = CreatePartitionsRequest['topics'][number];
type TopicResult = CreatePartitionsResponse['results'][number];

export function* createPartitions(
  state: ControllerState,
  request: CreatePartitionsRequest,
  mutations: PartitionMutations,
): Operation<CreatePartitionsResponse> {
  checkSize(state, request);
  /** Null: the request names the topic more than once. */
  const byName = new Map<string, Wanted | null>();
  for (const topic of request.topics) byName.set(topic.name, byName.has(topic.name) ? null : topic);
  const results: TopicResult[] = [];
  for (const [name, wanted] of byName) {
    try {
      if (wanted === null) throw new KafkaError(Errors.INVALID_REQUEST, 'Duplicate topic name.');
      const records = addPartitions(state, wanted);
      mutations.record(records.length);
      if (!request.validateOnly) yield records;
      results.push({ name, errorCode: 0, errorMessage: null });
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      results.push({ name, errorCode: error.code, errorMessage: error.ownMessage });
    }
  }
  return { throttleTimeMs: mutations.throttleTimeMs, results };
}

/** Throws POLICY_VIOLATION when the whole request would add more than `partitionsPerRequestMax` partitions. */
function checkSize(state: ControllerState, request: CreatePartitionsRequest): void {
  let count = 0;
  for (const { name, count: wanted } of request.topics)
    count += Math.max(0, wanted - (state.image.topics.byName(name)?.partitions.length ?? wanted));
  if (count > partitionsPerRequestMax) {
    throw new KafkaError(Errors.POLICY_VIOLATION, 'Excessively large number of partitions per request.');
  }
}

function addPartitions(state: ControllerState, wanted: Wanted): MetadataRecord[] {
  const topic = state.image.topics.byName(wanted.name);
  if (topic === undefined) throw new KafkaError(Errors.UNKNOWN_TOPIC_OR_PARTITION);
  const have = topic.partitions.length;
  if (wanted.count === have) {
    throw new KafkaError(Errors.INVALID_PARTITIONS, `Topic already has ${have} partition(s).`);
  }
  if (wanted.count < have) {
    throw new KafkaError(
      Errors.INVALID_PARTITIONS,
      `The topic ${topic.name} currently has ${have} partition(s); ${wanted.count} would not be an increase.`,
    );
  }
  const count = wanted.count - have;
  const { assignments } = wanted;
  if (assignments !== null && assignments.length !== count) {
    throw new KafkaError(
      Errors.INVALID_REPLICA_ASSIGNMENT,
      `Attempted to add ${count} additional partition(s), but only ${assignments.length} assignment(s) were specified.`,
    );
  }
  const placed = assignments === null ? free(state, topic, count) : manual(state, topic, assignments);
  return placed.map(({ replicas, isr }, i) =>
    newPartitionRecord(state.image, topic.id, have + i, replicas, isr),
  );
}

interface Placed {
  readonly replicas: readonly NodeId[];
  readonly isr: readonly NodeId[];
}

function replicationFactorOf(topic: TopicImage): number {
  return topic.partitions[0]?.replicas.length ?? 1;
}

function free(state: ControllerState, topic: TopicImage, count: number): Placed[] {
  const replicationFactor = replicationFactorOf(topic);
  const placed = placeReplicas(usableBrokers(state.image), count, replicationFactor, state.random);
  return placed.map((replicas) => {
    const isr = firstIsr(state.image, replicas);
    if (isr.length > 0) return { replicas, isr };
    throw cannotReplicate(replicationFactor, 'All brokers are currently fenced or in controlled shutdown.');
  });
}

function manual(
  state: ControllerState,
  topic: TopicImage,
  assignments: readonly { readonly brokerIds: readonly number[] }[],
): Placed[] {
  return assignments.map(({ brokerIds }, i) => {
    checkManualAssignment(state.image, brokerIds, replicationFactorOf(topic));
    const replicas = brokerIds as readonly NodeId[];
    return { replicas, isr: firstIsrOfManual(state.image, replicas, topic.partitions.length + i) };
  });
}
