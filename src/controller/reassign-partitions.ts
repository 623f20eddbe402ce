/**
 * AlterPartitionReassignments and ListPartitionReassignments. A reassignment first adds the new replicas. When all of
 * them are in the ISR, `partition-change.ts` removes the old ones. Until then it can be replaced or cancelled.
 */
import type { NodeId } from '../base/ids.ts';
import type { PartitionImage, TopicImage } from '../metadata/topics-image.ts';
import type {
  AlterPartitionReassignmentsRequest,
  AlterPartitionReassignmentsResponse,
} from '../protocol/messages/topics/45-alter-partition-reassignments.ts';
import type {
  ListPartitionReassignmentsRequest,
  ListPartitionReassignmentsResponse,
} from '../protocol/messages/topics/46-list-partition-reassignments.ts';
import { Errors, KafkaError } from '../protocol/errors.ts';
import { checkManualAssignment } from './assignments.ts';
import { ChangeSteps } from './change-steps.ts';
import { changeContext, uncleanElectionAllowed } from './lookups.ts';
import { partitionChange } from './partition-change.ts';
import type { ControllerState, Operation } from './state.ts';

type Change = NonNullable<ReturnType<typeof partitionChange>>;
type PartitionResult = AlterPartitionReassignmentsResponse['responses'][number]['partitions'][number];

export function* alterPartitionReassignments(
  state: ControllerState,
  request: AlterPartitionReassignmentsRequest,
): Operation<AlterPartitionReassignmentsResponse> {
  const steps = new ChangeSteps();
  const responses: AlterPartitionReassignmentsResponse['responses'][number][] = [];
  for (const { name, partitions } of request.topics) {
    const results: PartitionResult[] = [];
    for (const { partitionIndex, replicas } of partitions) {
      try {
        const topicId = state.image.topics.byName(name)?.id;
        if (topicId !== undefined && steps.holds(topicId, partitionIndex)) yield* steps.end();
        const change = reassignOne(
          state,
          name,
          partitionIndex,
          replicas,
          request.allowReplicationFactorChange,
        );
        if (change !== null && steps.add(change)) yield* steps.end();
        results.push({ partitionIndex, errorCode: 0, errorMessage: null });
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error;
        results.push({ partitionIndex, errorCode: error.code, errorMessage: error.ownMessage });
      }
    }
    responses.push({ name, partitions: results });
  }
  yield* steps.end();
  return {
    throttleTimeMs: 0,
    allowReplicationFactorChange: request.allowReplicationFactorChange,
    errorCode: 0,
    // Kafka leaves the field at its default ('') when the request has no topics.
    errorMessage: request.topics.length === 0 ? '' : null,
    responses,
  };
}

function reassignOne(
  state: ControllerState,
  name: string,
  index: number,
  replicas: readonly number[] | null,
  mayChangeFactor: boolean,
): Change | null {
  const topic = state.image.topics.byName(name);
  if (topic === undefined) {
    throw new KafkaError(Errors.UNKNOWN_TOPIC_OR_PARTITION, `Unable to find a topic named ${name}.`);
  }
  const before = topic.partitions[index];
  if (before === undefined) {
    throw new KafkaError(Errors.UNKNOWN_TOPIC_OR_PARTITION, `Unable to find partition ${name}:${index}.`);
  }
  if (replicas === null) return cancel(state, topic, before);
  return start(state, topic, before, replicas as readonly NodeId[], mayChangeFactor);
}

export function isReassigning(partition: PartitionImage): boolean {
  return partition.addingReplicas.length > 0 || partition.removingReplicas.length > 0;
}

function start(
  state: ControllerState,
  topic: TopicImage,
  before: PartitionImage,
  target: readonly NodeId[],
  mayChangeFactor: boolean,
): Change | null {
  checkManualAssignment(state.image, target, null);
  // If a reassignment is in progress, these are the replicas before it; otherwise the present ones.
  const original = before.replicas.filter((id) => !before.addingReplicas.includes(id));
  const factor = isReassigning(before) ? original.length : before.replicas.length;
  if (!mayChangeFactor && target.length !== factor) {
    throw new KafkaError(
      Errors.INVALID_REPLICATION_FACTOR,
      `The replication factor is changed from ${factor} to ${target.length}`,
    );
  }
  const removing = before.replicas.filter((id) => !target.includes(id)).sort((a, b) => a - b);
  const adding = target.filter((id) => !original.includes(id));
  return partitionChange(
    before,
    { replicas: [...target, ...removing], addingReplicas: adding, removingReplicas: removing },
    changeContext(state, topic),
  );
}

function cancel(state: ControllerState, topic: TopicImage, before: PartitionImage): Change | null {
  if (!isReassigning(before)) throw new KafkaError(Errors.NO_REASSIGNMENT_IN_PROGRESS);
  const replicas = before.replicas.filter((id) => !before.addingReplicas.includes(id));
  let isr = before.isr.filter((id) => replicas.includes(id));
  if (isr.length === 0 && before.isr.length > 0) {
    if (!uncleanElectionAllowed(state, topic.name)) {
      throw new KafkaError(
        Errors.INVALID_REPLICA_ASSIGNMENT,
        'Unable to revert partition assignment without performing an unclean leader election.',
      );
    }
    isr = [];
  }
  return partitionChange(
    before,
    { replicas, isr, addingReplicas: [], removingReplicas: [] },
    changeContext(state, topic),
  );
}

export function listPartitionReassignments(
  state: ControllerState,
  request: ListPartitionReassignmentsRequest,
): ListPartitionReassignmentsResponse {
  const topics: ListPartitionReassignmentsResponse['topics'][number][] = [];
  const add = (topic: TopicImage, wanted: readonly PartitionImage[]): void => {
    const partitions = wanted.filter(isReassigning).map((partition) => ({
      partitionIndex: partition.index,
      replicas: partition.replicas,
      addingReplicas: partition.addingReplicas,
      removingReplicas: partition.removingReplicas,
    }));
    if (partitions.length > 0) topics.push({ name: topic.name, partitions });
  };
  if (request.topics === null) {
    for (const topic of state.image.topics.all()) add(topic, topic.partitions);
  } else {
    for (const { name, partitionIndexes } of request.topics) {
      const topic = state.image.topics.byName(name);
      if (topic === undefined) continue;
      const wanted = partitionIndexes.map((index) => topic.partitions[index]);
      add(
        topic,
        wanted.filter((partition) => partition !== undefined),
      );
    }
  }
  return { throttleTimeMs: 0, errorCode: 0, errorMessage: null, topics };
}
