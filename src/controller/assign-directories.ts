/**
 * AssignReplicasToDirs (KIP-858): a broker reports in which of its log directories its replicas are. The controller records the
 * assignment even if that directory has failed in the meantime; the replica then leaves the ISR and loses its leadership at
 * once.
 */
import type { NodeId } from '../base/ids.ts';
import type { Uuid } from '../base/uuid.ts';
import type { PartitionImage } from '../metadata/topics-image.ts';
import { uuidUnassignedDirectory } from '../metadata/topics-image.ts';
import type {
  AssignReplicasToDirsRequest,
  AssignReplicasToDirsResponse,
} from '../protocol/messages/brokers/73-assign-replicas-to-dirs.ts';
import { type ErrorRow, Errors } from '../protocol/errors.ts';
import { ChangeSteps } from './change-steps.ts';
import { checkBrokerEpoch } from './broker-heartbeat.ts';
import { changeContext } from './lookups.ts';
import { partitionChange } from './partition-change.ts';
import type { ControllerState, Operation } from './state.ts';

type DirectoryResult = AssignReplicasToDirsResponse['directories'][number];

/** Throws STALE_BROKER_EPOCH when the request is from an older incarnation of the broker. */
export function* assignReplicasToDirs(
  state: ControllerState,
  request: AssignReplicasToDirsRequest,
): Operation<AssignReplicasToDirsResponse> {
  const broker = checkBrokerEpoch(state, request.brokerId, request.brokerEpoch);
  const steps = new ChangeSteps();
  const directories: DirectoryResult[] = [];
  for (const { id, topics } of request.directories) {
    const hasFailed = !broker.logDirs.includes(id);
    const results: DirectoryResult['topics'][number][] = [];
    for (const { topicId, partitions } of topics) {
      const codes: { partitionIndex: number; errorCode: number }[] = [];
      for (const { partitionIndex } of partitions) {
        if (steps.holds(topicId, partitionIndex)) yield* steps.end();
        const error = findError(state, topicId, partitionIndex, broker.id);
        codes.push({ partitionIndex, errorCode: error.code });
        if (error !== Errors.NONE) continue;
        const change = assign(state, topicId, partitionIndex, broker.id, id, hasFailed);
        if (change !== null && steps.add(change)) yield* steps.end();
      }
      results.push({ topicId, partitions: codes });
    }
    directories.push({ id, topics: results });
  }
  yield* steps.end();
  return { throttleTimeMs: 0, errorCode: 0, directories };
}

function findError(state: ControllerState, topicId: Uuid, index: number, id: NodeId): ErrorRow {
  const topic = state.image.topics.byId(topicId);
  if (topic === undefined) return Errors.UNKNOWN_TOPIC_ID;
  const partition = topic.partitions[index];
  if (partition === undefined) return Errors.UNKNOWN_TOPIC_OR_PARTITION;
  return partition.replicas.includes(id) ? Errors.NONE : Errors.NOT_LEADER_OR_FOLLOWER;
}

function assign(
  state: ControllerState,
  topicId: Uuid,
  index: number,
  id: NodeId,
  directory: Uuid,
  hasFailed: boolean,
): ReturnType<typeof partitionChange> {
  const topic = state.image.topics.byId(topicId);
  const partition = topic?.partitions[index] as PartitionImage;
  if (topic === undefined) return null;
  const directories = partition.replicas.map((member, at) =>
    member === id ? directory : (partition.directories[at] ?? uuidUnassignedDirectory),
  );
  const isr = hasFailed ? partition.isr.filter((member) => member !== id) : partition.isr;
  return partitionChange(partition, { directories, isr }, changeContext(state, topic));
}
