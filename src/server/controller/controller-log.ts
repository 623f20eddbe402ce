/**
 * Writes log lines of the active controller about the cluster: registration, fencing and shutdown of brokers, creation and
 * deletion of topics, changes of leaders. It reads committed metadata only, so it never reports a change that is lost later.
 */
import type { NodeId } from '../../base/ids.ts';
import type { Scheduler } from '../../base/clock.ts';
import type { BrokerImage } from '../../metadata/cluster-image.ts';
import type { MetadataDelta } from '../../metadata/delta.ts';
import type { MetadataImage } from '../../metadata/image.ts';
import { leadershipReason } from '../../metadata/leadership-reason.ts';
import type { MetadataPublisher } from '../../metadata/publisher.ts';
import type { TopicImage } from '../../metadata/topics-image.ts';
import { GatheredLines } from '../../telemetry/gathered-lines.ts';
import type { Logger } from '../../telemetry/logger.ts';

export interface ControllerLogOptions {
  readonly logger: Logger;
  readonly scheduler: Scheduler;
  /** Only the active controller writes these lines, so that each appears on one node only. */
  readonly isActive: () => boolean;
}

function brokerNews(before: BrokerImage | undefined, now: BrokerImage | undefined): string | null {
  if (now === undefined) return 'is unregistered';
  if (before?.epoch !== now.epoch) return 'has registered';
  if (now.inControlledShutdown && !before.inControlledShutdown)
    return 'is shutting down: its leaderships move';
  if (now.fenced && !before.fenced) return before.inControlledShutdown ? 'has shut down' : 'is fenced';
  return before.fenced && !now.fenced ? 'is in service' : null;
}

export class ControllerLog implements MetadataPublisher {
  readonly #options: ControllerLogOptions;
  readonly #lines: GatheredLines;

  constructor(options: ControllerLogOptions) {
    this.#options = options;
    this.#lines = new GatheredLines(options.logger, options.scheduler);
  }

  onMetadataUpdate(delta: MetadataDelta, image: MetadataImage): void {
    if (delta.isSnapshot || !this.#options.isActive()) return;
    for (const id of delta.changedBrokers) this.#broker(id, delta, image);
    for (const id of delta.removedTopics) {
      const topic = delta.before.topics.byId(id);
      if (topic !== undefined) this.#options.logger.info(`Topic ${topic.name} is deleted`, { id });
    }
    for (const id of delta.changedTopics) {
      const topic = image.topics.byId(id);
      if (topic !== undefined) this.#topic(topic, delta, image);
    }
  }

  #broker(id: NodeId, delta: MetadataDelta, image: MetadataImage): void {
    const now = image.cluster.brokers.get(id);
    const news = brokerNews(delta.before.cluster.brokers.get(id), now);
    if (news !== null) this.#options.logger.info(`Broker ${id} ${news}`, { brokerEpoch: now?.epoch });
  }

  #topic(topic: TopicImage, delta: MetadataDelta, image: MetadataImage): void {
    const before = delta.before.topics.byId(topic.id);
    if (before === undefined) {
      this.#options.logger.info(`Topic ${topic.name} is created`, {
        partitions: topic.partitions.length,
        replicationFactor: topic.partitions[0]?.replicas.length,
        id: topic.id,
      });
      return;
    }
    for (const index of delta.changedPartitions(topic.id)) {
      const [was, now] = [before.partitions[index], topic.partitions[index]];
      if (was === undefined || now === undefined || was.leader === now.leader) continue;
      const since = leadershipReason(was, now, image.cluster);
      const own = { epoch: now.leaderEpoch, isr: now.isr };
      const words = now.leader < 0 ? 'No leader for' : `Broker ${now.leader} leads`;
      this.#lines.add(words, `${topic.name}-${index}`, own, { since });
    }
  }
}
