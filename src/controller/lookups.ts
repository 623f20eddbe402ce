/** Look-ups in the image that several control functions share. */
import type { NodeId } from '../base/ids.ts';
import { type Uuid, uuidZero } from '../base/uuid.ts';
import { storedTopicValue, type TopicValues } from '../config/topic.ts';
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
 * Whether a broker can serve a replica that metadata places in `directory` (KIP-858). If the broker's registration does not
 * have that directory, the replica cannot lead until the broker reports another directory with AssignReplicasToDirs. A
 * registration without any directory comes from a broker whose version has no directory ids; all its replicas count as served.
 */
export function hasDirectory(image: MetadataImage, id: NodeId, directory: Uuid): boolean {
  if (directory === uuidUnassignedDirectory || directory === uuidZero) return true;
  if (directory === uuidLostDirectory) return false;
  const logDirs = image.cluster.brokers.get(id)?.logDirs ?? [];
  return logDirs.length === 0 || logDirs.includes(directory);
}

/** The topic's own value, else the cluster-wide dynamic default, else null. Brokers find the same value (`config/topic.ts`). */
function dynamicValue<K extends 'min.insync.replicas' | 'unclean.leader.election.enable'>(
  image: MetadataImage,
  topic: string,
  key: K,
): TopicValues[K] | null {
  for (const layer of [image.configs.topic(topic), image.configs.brokerDefault()]) {
    const text = layer.get(key);
    const value = text === undefined ? null : storedTopicValue(key, text);
    if (value !== null) return value;
  }
  return null;
}

export function minIsrOf({ image, settings }: ControllerState, topic: string): number {
  return dynamicValue(image, topic, 'min.insync.replicas') ?? settings.minInsyncReplicas;
}

export function uncleanElectionAllowed({ image, settings }: ControllerState, topic: string): boolean {
  return dynamicValue(image, topic, 'unclean.leader.election.enable') ?? settings.uncleanLeaderElectionEnable;
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
