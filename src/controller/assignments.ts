/** Checks manual replica assignments and makes the records of new partitions. The error messages are Kafka's. */
import type { NodeId } from '../base/ids.ts';
import type { Uuid } from '../base/uuid.ts';
import type { MetadataImage } from '../metadata/image.ts';
import type { MetadataRecord } from '../metadata/records.ts';
import { record } from '../metadata/records.ts';
import { Errors, KafkaError } from '../protocol/errors.ts';
import { brokerIsActive, defaultDirectory } from './lookups.ts';

function refused(message: string): KafkaError {
  return new KafkaError(Errors.INVALID_REPLICA_ASSIGNMENT, message);
}

/** Throws INVALID_REPLICA_ASSIGNMENT. `replicationFactor`: the required number of replicas; null: any number is accepted. */
export function checkManualAssignment(
  image: MetadataImage,
  replicas: readonly number[],
  replicationFactor: number | null,
): void {
  if (replicas.length === 0) throw refused('The manual partition assignment includes an empty replica list.');
  const sorted = [...replicas].sort((a, b) => a - b);
  sorted.forEach((id, i) => {
    if (!image.cluster.brokers.has(id as NodeId)) {
      throw refused(
        `The manual partition assignment includes broker ${id}, but no such broker is registered.`,
      );
    }
    if (i > 0 && sorted[i - 1] === id) {
      throw refused(`The manual partition assignment includes the broker ${id} more than once.`);
    }
  });
  if (replicationFactor !== null && replicas.length !== replicationFactor) {
    throw refused(
      `The manual partition assignment includes a partition with ${replicas.length} replica(s), but this is not consistent with previous partitions, which have ${replicationFactor} replica(s).`,
    );
  }
}

/** The first ISR of a new partition: its replicas on active brokers. */
export function firstIsr(image: MetadataImage, replicas: readonly NodeId[]): NodeId[] {
  return replicas.filter((id) => brokerIsActive(image, id));
}

/** The first ISR of a manual assignment. Throws INVALID_REPLICA_ASSIGNMENT when none of its brokers is active. */
export function firstIsrOfManual(
  image: MetadataImage,
  replicas: readonly NodeId[],
  partition: number,
): NodeId[] {
  const isr = firstIsr(image, replicas);
  if (isr.length > 0) return isr;
  throw refused(
    `All brokers specified in the manual partition assignment for partition ${partition} are fenced or in controlled shutdown.`,
  );
}

export function newPartitionRecord(
  image: MetadataImage,
  topicId: Uuid,
  partitionId: number,
  replicas: readonly NodeId[],
  isr: readonly NodeId[],
): MetadataRecord {
  return record('PartitionRecord', {
    partitionId,
    topicId,
    replicas,
    isr,
    removingReplicas: [],
    addingReplicas: [],
    leader: isr[0] as NodeId,
    leaderEpoch: 0,
    partitionEpoch: 0,
    directories: replicas.map((id) => defaultDirectory(image, id)),
  });
}
