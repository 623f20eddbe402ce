/** Look-ups in the image that several control functions share. */
import type { NodeId } from '../base/ids.ts';
import { type Uuid, uuidZero } from '../base/uuid.ts';
import { isActive } from '../metadata/cluster-image.ts';
import type { MetadataImage } from '../metadata/image.ts';
import { featureLevel } from '../metadata/image.ts';
import type { TopicImage } from '../metadata/topics-image.ts';
import { uuidLostDirectory, uuidUnassignedDirectory } from '../metadata/topics-image.ts';
import type { ChangeContext, Election } from './partition-change.ts';
import type { ControllerState } from './state.ts';

export function brokerIsActive(image: MetadataImage, id: NodeId): boolean {
  return isActive(image.cluster.brokers.get(id));
}

/**
 * The log directory of a new replica on a broker, if the broker has only one that is not cordoned. Otherwise "unassigned": the
 * broker selects a directory and reports it later.
 */
export function defaultDirectory(image: MetadataImage, id: NodeId): Uuid {
  const broker = image.cluster.brokers.get(id);
  const usable = broker?.logDirs.filter((directory) => !broker.cordonedLogDirs.includes(directory)) ?? [];
  return usable.length === 1 ? (usable[0] as Uuid) : uuidUnassignedDirectory;
}

/**
 * Whether a broker can serve a replica that metadata places in `directory` (KIP-858). If the broker's registration does not have
 * that directory, the replica cannot lead until the broker reports another directory with AssignReplicasToDirs. A registration
 * without any directory comes from a broker whose version has no directory ids; all its replicas count as served.
 */
export function hasDirectory(image: MetadataImage, id: NodeId, directory: Uuid): boolean {
  if (directory === uuidUnassignedDirectory || directory === uuidZero) return true;
  if (directory === uuidLostDirectory) return false;
  const logDirs = image.cluster.brokers.get(id)?.logDirs ?? [];
  return logDirs.length === 0 || logDirs.includes(directory);
}

/** The topic's own value, else the cluster-wide dynamic default, else null. */
function dynamicValue(image: MetadataImage, topic: string, key: string): string | null {
  return image.configs.topic(topic).get(key) ?? image.configs.brokerDefault().get(key) ?? null;
}

export function minIsrOf(state: ControllerState, topic: string): number {
  const text = dynamicValue(state.image, topic, 'min.insync.replicas');
  return text === null ? state.settings.minInsyncReplicas : Number(text);
}

export function uncleanElectionAllowed(state: ControllerState, topic: string): boolean {
  const text = dynamicValue(state.image, topic, 'unclean.leader.election.enable');
  return text === null ? state.settings.uncleanLeaderElectionEnable : text.trim().toLowerCase() === 'true';
}

export function elrEnabled(image: MetadataImage): boolean {
  return featureLevel(image, 'eligible.leader.replicas.version') >= 1;
}

/** The inputs of `partitionChange` for the partitions of a topic. */
export function changeContext(state: ControllerState, topic: TopicImage, election?: Election): ChangeContext {
  const image = state.image;
  return {
    isActive: (id) => brokerIsActive(image, id),
    hasDirectory: (id, directory) => hasDirectory(image, id, directory),
    elrEnabled: elrEnabled(image),
    minIsr: minIsrOf(state, topic.name),
    election: election ?? (uncleanElectionAllowed(state, topic.name) ? 'unclean' : 'online'),
    directoryOf: (id) => defaultDirectory(image, id),
    isConnected: null,
  };
}

export function leadsAny(image: MetadataImage, id: NodeId): boolean {
  for (const topic of image.topics.all()) {
    for (const partition of topic.partitions) if (partition.leader === id) return true;
  }
  return false;
}
