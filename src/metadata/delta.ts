/**
 * A delta: it collects the changes of a sequence of records (`replay`) and makes the next image of them (`apply`). `replay` is
 * the only code that interprets records, on the active controller and on every other node.
 *
 * A snapshot becomes a delta too. It starts from an empty image, so `apply` compares the result with the previous image to find
 * out what has changed.
 */
import { assert } from '../base/assert.ts';
import type { NodeId } from '../base/ids.ts';
import type { Uuid } from '../base/uuid.ts';
import { ClusterDelta } from './cluster-delta.ts';
import { ConfigsDelta } from './configs-delta.ts';
import type { ConfigResource } from './configs-image.ts';
import type { FeaturesImage, MetadataImage, ProducerIdsImage } from './image.ts';
import { emptyImage } from './image.ts';
import type { MetadataRecord } from './records.ts';
import { SecurityDelta } from './security-delta.ts';
import { differences } from './snapshot-differences.ts';
import { TopicsDelta } from './topics-delta.ts';

const noPartitions: ReadonlySet<number> = new Set();

/** Runs a generator to its end without a pause. */
function drained<R>(steps: Generator<void, R, void>): R {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

export class MetadataDelta {
  /** The previous image. */
  readonly before: MetadataImage;
  readonly isSnapshot: boolean;
  readonly #base: MetadataImage;
  readonly #topics: TopicsDelta;
  readonly #cluster: ClusterDelta;
  readonly #configs: ConfigsDelta;
  readonly #security: SecurityDelta;
  #features: Map<string, number> | null = null;
  #producerIds: ProducerIdsImage;

  /** Topics that are new or changed; removed topics are not among them. Valid after `apply`. */
  changedTopics: ReadonlySet<Uuid> = new Set();
  /** Topics that were removed. The image `before` still has them. */
  removedTopics: ReadonlySet<Uuid> = new Set();
  /** Brokers that were registered, changed or unregistered. */
  changedBrokers: ReadonlySet<NodeId> = new Set();
  changedConfigs: readonly ConfigResource[] = [];
  /** Always true for a snapshot: the features are not compared. */
  featuresChanged = false;
  #changedPartitions: (topicId: Uuid) => ReadonlySet<number> = () => noPartitions;

  constructor(before: MetadataImage, options: { readonly isSnapshot: boolean } = { isSnapshot: false }) {
    this.before = before;
    this.isSnapshot = options.isSnapshot;
    this.#base = options.isSnapshot ? emptyImage() : before;
    this.#topics = new TopicsDelta(this.#base.topics);
    this.#cluster = new ClusterDelta(this.#base.cluster);
    this.#configs = new ConfigsDelta(this.#base.configs);
    this.#security = new SecurityDelta(this.#base.security);
    this.#producerIds = this.#base.producerIds;
  }

  /** The partitions of a changed topic that are new or changed. */
  changedPartitions(topicId: Uuid): ReadonlySet<number> {
    return this.#changedPartitions(topicId);
  }

  replayAll(records: readonly MetadataRecord[]): void {
    for (const record of records) this.replay(record);
  }

  replay(record: MetadataRecord): void {
    switch (record.type) {
      case 'TopicRecord':
        return this.#topics.replayTopic(record);
      case 'PartitionRecord':
        return this.#topics.replayPartition(record);
      case 'PartitionChangeRecord':
        return this.#topics.replayPartitionChange(record);
      case 'RemoveTopicRecord': {
        const name = this.#topics.nameOf(record.topicId);
        this.#topics.replayRemoveTopic(record);
        if (name !== undefined) this.#configs.removeTopic(name);
        return;
      }
      case 'ClearElrRecord':
        return this.#topics.replayClearElr(record);
      case 'RegisterBrokerRecord':
        return this.#cluster.replayRegister(record);
      case 'UnregisterBrokerRecord':
        return this.#cluster.replayUnregister(record);
      case 'FenceBrokerRecord':
        return this.#cluster.replayFenced(record.id, true);
      case 'UnfenceBrokerRecord':
        return this.#cluster.replayFenced(record.id, false);
      case 'BrokerRegistrationChangeRecord':
        return this.#cluster.replayChange(record);
      case 'RegisterControllerRecord':
        return this.#cluster.replayController(record);
      case 'ConfigRecord':
        return this.#configs.replay(record);
      default:
        return this.#replayRest(record);
    }
  }

  apply(offset: number, epoch: number): MetadataImage {
    if (this.isSnapshot) return drained(this.applySnapshot(offset, epoch));
    const drafted = this.#drafted(offset, epoch);
    this.changedTopics = this.#topics.changedIds();
    this.removedTopics = this.#topics.removedIds();
    this.changedBrokers = this.#cluster.changedBrokers();
    this.changedConfigs = this.#configs.changed();
    this.featuresChanged = this.#features !== null;
    this.#changedPartitions = (id) => this.#topics.changedPartitions(id);
    return drafted;
  }

  /** `apply` for a snapshot, in steps: between two steps the caller can yield to the event loop. */
  *applySnapshot(offset: number, epoch: number): Generator<void, MetadataImage, void> {
    assert(this.isSnapshot, 'entries are applied at once');
    return yield* this.#compare(this.#drafted(offset, epoch));
  }

  /** Compares two images and returns the delta from one to the other. */
  static between(before: MetadataImage, after: MetadataImage): MetadataDelta {
    const delta = new MetadataDelta(before, { isSnapshot: true });
    drained(delta.#compare(after));
    return delta;
  }

  #drafted(offset: number, epoch: number): MetadataImage {
    return {
      offset,
      epoch,
      features: this.#appliedFeatures(),
      cluster: this.#cluster.apply(),
      topics: this.#topics.apply(),
      configs: this.#configs.apply(),
      producerIds: this.#producerIds,
      security: this.#security.apply(),
    };
  }

  *#compare(after: MetadataImage): Generator<void, MetadataImage, void> {
    const found = yield* differences(this.before, after);
    this.changedTopics = new Set(found.changedPartitions.keys());
    this.removedTopics = found.removedTopics;
    this.changedBrokers = found.changedBrokers;
    this.changedConfigs = found.changedConfigs;
    this.featuresChanged = true;
    this.#changedPartitions = (id) => found.changedPartitions.get(id) ?? noPartitions;
    return found.image;
  }

  #replayRest(record: MetadataRecord): void {
    if (record.type === 'FeatureLevelRecord') {
      this.#features ??= new Map(this.#base.features.levels);
      if (record.featureLevel === 0) this.#features.delete(record.name);
      else this.#features.set(record.name, record.featureLevel);
      return;
    }
    if (record.type === 'ProducerIdsRecord') {
      const { brokerId, brokerEpoch, nextProducerId } = record;
      this.#producerIds = { nextId: nextProducerId, brokerId, brokerEpoch };
      return;
    }
    // The remaining records belong to the security section or change nothing: no-op records, and those of metadata transactions
    // and of the migration from ZooKeeper, which our controller never writes.
    this.#security.replay(record);
  }

  #appliedFeatures(): FeaturesImage {
    return this.#features === null ? this.#base.features : { levels: this.#features };
  }
}
