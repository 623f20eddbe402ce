/** Requests that need little: blocks of producer ids, and in which directories replicas live. */
import type { NodeId } from '../base/ids.ts';
import type { RecordOf } from '../metadata/records.ts';
import { record } from '../metadata/records.ts';
import type { PartitionImage } from '../metadata/topics-image.ts';
import type {
  AllocateProducerIdsRequest,
  AllocateProducerIdsResponse,
} from '../protocol/messages/67-allocate-producer-ids.ts';
import type {
  AssignReplicasToDirsRequest,
  AssignReplicasToDirsResponse,
} from '../protocol/messages/73-assign-replicas-to-dirs.ts';
import { Errors } from '../protocol/errors.ts';
import { ChangeSteps } from './change-steps.ts';
import { checkBrokerEpoch } from './heartbeat.ts';
import { changeContext } from './lookups.ts';
import { partitionChange } from './partition-change.ts';
import type { ControllerState, Operation, Result } from './state.ts';

const producerIdBlockSize = 1000;

/** Throws STALE_BROKER_EPOCH. */
export function allocateProducerIds(
  state: ControllerState,
  request: AllocateProducerIdsRequest,
): Result<AllocateProducerIdsResponse> {
  checkBrokerEpoch(state, request.brokerId, request.brokerEpoch);
  const producerIdStart = state.image.producerIds.nextId;
  const nextProducerId = producerIdStart + producerIdBlockSize;
  return {
    records: [
      record('ProducerIdsRecord', {
        brokerId: request.brokerId,
        brokerEpoch: request.brokerEpoch,
        nextProducerId,
      }),
    ],
    response: { throttleTimeMs: 0, errorCode: 0, producerIdStart, producerIdLen: producerIdBlockSize },
  };
}

/** Throws STALE_BROKER_EPOCH. */
export function* assignReplicasToDirs(
  state: ControllerState,
  request: AssignReplicasToDirsRequest,
): Operation<AssignReplicasToDirsResponse> {
  const broker = checkBrokerEpoch(state, request.brokerId, request.brokerEpoch);
  const steps = new ChangeSteps();
  const directories: AssignReplicasToDirsResponse['directories'][number][] = [];
  for (const { id, topics } of request.directories) {
    const results: AssignReplicasToDirsResponse['directories'][number]['topics'][number][] = [];
    for (const { topicId, partitions } of topics) {
      const codes: { partitionIndex: number; errorCode: number }[] = [];
      for (const { partitionIndex } of partitions) {
        if (steps.holds(topicId, partitionIndex)) yield* steps.end();
        const topic = state.image.topics.byId(topicId);
        const partition = topic?.partitions[partitionIndex];
        const at = partition?.replicas.indexOf(broker.id) ?? -1;
        let error = Errors.NONE;
        if (topic === undefined) error = Errors.UNKNOWN_TOPIC_ID;
        else if (partition === undefined) error = Errors.UNKNOWN_TOPIC_OR_PARTITION;
        else if (at < 0) error = Errors.NOT_LEADER_OR_FOLLOWER;
        else if (partition.directories[at] !== id) {
          if (steps.add(assigned(partition, at, id))) yield* steps.end();
        }
        codes.push({ partitionIndex, errorCode: error.code });
      }
      results.push({ topicId, partitions: codes });
    }
    yield* steps.end();
    if (!broker.logDirs.includes(id)) {
      // The directory is gone already: replicas in it can't be in an ISR.
      yield* leaveIsrs(state, broker.id, topics);
    }
    directories.push({ id, topics: results });
  }
  return { throttleTimeMs: 0, errorCode: 0, directories };
}

function assigned(
  partition: PartitionImage,
  at: number,
  directory: string,
): RecordOf<'PartitionChangeRecord'> {
  const directories = partition.replicas.map((_, i) =>
    i === at ? directory : (partition.directories[i] ?? ''),
  );
  return record('PartitionChangeRecord', {
    partitionId: partition.index,
    topicId: partition.topicId,
    directories,
  });
}

function* leaveIsrs(
  state: ControllerState,
  id: NodeId,
  topics: AssignReplicasToDirsRequest['directories'][number]['topics'],
): Operation<void> {
  const steps = new ChangeSteps();
  for (const { topicId, partitions } of topics) {
    for (const { partitionIndex } of partitions) {
      if (steps.holds(topicId, partitionIndex)) yield* steps.end();
      const topic = state.image.topics.byId(topicId);
      const partition = topic?.partitions[partitionIndex];
      if (topic === undefined || partition === undefined || !partition.isr.includes(id)) continue;
      const isr = partition.isr.filter((member) => member !== id);
      const change = partitionChange(partition, { isr }, changeContext(state, topic));
      if (change !== null && steps.add(change)) yield* steps.end();
    }
  }
  yield* steps.end();
}
