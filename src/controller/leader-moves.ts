/**
 * Leaderships that have to move because brokers came, went or may lead again. Each function looks at the state alone and gives at
 * most `limit` changes, so that it can be called again and again until it has none left, by this controller or the next one.
 */
import type { NodeId } from '../base/ids.ts';
import type { MetadataRecord } from '../metadata/records.ts';
import type { PartitionImage } from '../metadata/topics-image.ts';
import { noLeader } from '../metadata/topics-image.ts';
import { brokerIsActive, changeContext } from './lookups.ts';
import type { Election, Wanted } from './partition-change.ts';
import { partitionChange } from './partition-change.ts';
import type { ControllerState } from './state.ts';

export const changesPerStepMax = 500;

/** Changes for all partitions for which `wanted` asks for one. */
function changes(
  state: ControllerState,
  limit: number,
  election: Election | undefined,
  wanted: (partition: PartitionImage) => Wanted | null,
): MetadataRecord[] {
  const records: MetadataRecord[] = [];
  for (const topic of state.image.topics.all()) {
    let context: ReturnType<typeof changeContext> | null = null;
    for (const partition of topic.partitions) {
      const want = wanted(partition);
      if (want === null) continue;
      context ??= changeContext(state, topic, election);
      const change = partitionChange(partition, want, context);
      if (change !== null) records.push(change);
      if (records.length >= limit) return records;
    }
  }
  return records;
}

/** Takes brokers that are not in service out of leaderships and ISRs. */
export function evacuate(state: ControllerState, limit = changesPerStepMax): MetadataRecord[] {
  const { image } = state;
  const gone = (id: NodeId): boolean => !brokerIsActive(image, id);
  if ([...image.cluster.brokers.keys()].every((id) => brokerIsActive(image, id))) return [];
  return changes(state, limit, undefined, (partition) => {
    if (!partition.isr.some(gone) && (partition.leader === noLeader || !gone(partition.leader))) return null;
    return { isr: partition.isr.filter((id) => !gone(id)) };
  });
}

/** Takes one broker, which stopped without saying good-bye, out of leaderships, ISRs and ELRs. All at once: the fact is known only now. */
export function evacuateUnclean(state: ControllerState, id: NodeId): MetadataRecord[] {
  return changes(state, Number.POSITIVE_INFINITY, undefined, (partition) =>
    partition.leader === id || partition.isr.includes(id) || partition.elr.includes(id)
      ? { uncleanlyStopped: id }
      : null,
  );
}

/** Gives leaders to partitions that have none and could have one. */
export function electLeaderless(state: ControllerState, limit = changesPerStepMax): MetadataRecord[] {
  return changes(state, limit, undefined, (partition) => (partition.leader === noLeader ? {} : null));
}

/** Gives leaderships back to the preferred replicas. */
export function electPreferred(state: ControllerState, limit = changesPerStepMax): MetadataRecord[] {
  const { image } = state;
  return changes(state, limit, 'preferred', (partition) => {
    const preferred = partition.replicas[0];
    if (preferred === undefined || partition.leader === preferred || partition.leader === noLeader)
      return null;
    return partition.isr.includes(preferred) && brokerIsActive(image, preferred) ? {} : null;
  });
}
