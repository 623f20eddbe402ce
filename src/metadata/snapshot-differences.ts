/**
 * Finds the differences between the image of a snapshot and the previous image of a node, so that publishers are notified only
 * of topics, brokers and configurations that changed. Other parts of the image are not compared. Topics and partitions that are
 * equal in both stay the objects of the previous image.
 */
import { sameElements } from '../base/collections.ts';
import type { NodeId } from '../base/ids.ts';
import type { Uuid } from '../base/uuid.ts';
import type { BrokerImage } from './cluster-image.ts';
import type { ConfigResource, ResourceConfigImage } from './configs-image.ts';
import { resourceKey } from './configs-image.ts';
import type { MetadataImage } from './image.ts';
import { sameMembers, type PartitionImage, type TopicImage } from './topics-image.ts';

export interface Differences {
  readonly image: MetadataImage;
  readonly changedPartitions: ReadonlyMap<Uuid, ReadonlySet<number>>;
  readonly removedTopics: ReadonlySet<Uuid>;
  readonly changedBrokers: ReadonlySet<NodeId>;
  readonly changedConfigs: readonly ConfigResource[];
}

/** Yields once per topic of `after`, so that the caller can yield to the event loop. */
export function* differences(
  before: MetadataImage,
  after: MetadataImage,
): Generator<void, Differences, void> {
  const changedPartitions = new Map<Uuid, Set<number>>();
  const removedTopics = new Set<Uuid>();
  const topicChanges = new Map<Uuid, TopicImage | null>();
  for (const topic of before.topics.all()) {
    if (after.topics.byId(topic.id) !== undefined) continue;
    removedTopics.add(topic.id);
    topicChanges.set(topic.id, null);
  }
  for (const topic of after.topics.all()) {
    yield;
    const known = before.topics.byId(topic.id);
    const changed = changedIn(known, topic);
    if (changed === null) continue;
    changedPartitions.set(topic.id, changed);
    topicChanges.set(topic.id, known === undefined ? topic : withKept(known, topic, changed));
  }
  return {
    image: { ...after, topics: before.topics.update(topicChanges) },
    changedPartitions,
    removedTopics,
    changedBrokers: changedBrokers(before, after),
    changedConfigs: changedConfigs(before, after),
  };
}

/** The indexes of the partitions that differ; null when the topic did not change. */
function changedIn(known: TopicImage | undefined, topic: TopicImage): Set<number> | null {
  const changed = new Set<number>();
  for (let i = 0; i < topic.partitions.length; i++) {
    const old = known?.partitions[i];
    if (old === undefined || !samePartition(old, topic.partitions[i] as PartitionImage)) changed.add(i);
  }
  return known !== undefined && changed.size === 0 && known.partitions.length === topic.partitions.length
    ? null
    : changed;
}

/** The topic of the snapshot, but with the partition objects of the previous image for the partitions that are equal. */
function withKept(known: TopicImage, topic: TopicImage, changed: ReadonlySet<number>): TopicImage {
  const partitions = topic.partitions.map((partition, i) =>
    changed.has(i) ? partition : (known.partitions[i] as PartitionImage),
  );
  return { ...topic, partitions };
}

const comparedLists = [
  'replicas',
  'directories',
  'isr',
  'removingReplicas',
  'addingReplicas',
  'elr',
  'lastKnownElr',
] as const satisfies readonly (keyof PartitionImage)[];

function samePartition(a: PartitionImage, b: PartitionImage): boolean {
  // Every change increments the partition epoch, so comparing it is usually enough. After a restore from a backup another
  // change may have the same epoch, so the other fields are compared too.
  return (
    a.partitionEpoch === b.partitionEpoch &&
    a.leaderEpoch === b.leaderEpoch &&
    a.leader === b.leader &&
    a.leaderRecoveryState === b.leaderRecoveryState &&
    comparedLists.every((key) => sameElements<unknown>(a[key], b[key])) &&
    sameMembers(a.formerIsr, b.formerIsr)
  );
}

function brokerText(broker: BrokerImage | undefined): string {
  return JSON.stringify(broker, (_, value: unknown) => (value instanceof Map ? [...value] : value)) ?? '';
}

function changedBrokers(before: MetadataImage, after: MetadataImage): Set<NodeId> {
  const ids = new Set([...before.cluster.brokers.keys(), ...after.cluster.brokers.keys()]);
  return new Set(
    [...ids].filter(
      (id) => brokerText(before.cluster.brokers.get(id)) !== brokerText(after.cluster.brokers.get(id)),
    ),
  );
}

function valuesText(config: ResourceConfigImage | undefined): string {
  return JSON.stringify([...(config?.values ?? [])].sort());
}

function changedConfigs(before: MetadataImage, after: MetadataImage): ConfigResource[] {
  const byKey = (image: MetadataImage): Map<string, ResourceConfigImage> =>
    new Map([...image.configs.all()].map((config) => [resourceKey(config.type, config.name), config]));
  const old = byKey(before);
  const now = byKey(after);
  const changed: ConfigResource[] = [];
  for (const key of new Set([...old.keys(), ...now.keys()])) {
    const config = now.get(key) ?? old.get(key);
    if (config === undefined || valuesText(old.get(key)) === valuesText(now.get(key))) continue;
    changed.push({ type: config.type, name: config.name });
  }
  return changed;
}
