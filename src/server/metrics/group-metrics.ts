/**
 * Metrics of the groups that this broker coordinates: the number of members, committed offsets, and the lag of committed
 * offsets behind the high watermarks. Before each scrape, this broker asks other brokers for the high watermarks of partitions
 * of which it has no replica.
 */
import type { NodeId } from '../../base/ids.ts';
import type { BrokerClient } from '../../metadata/broker-port.ts';
import type { MetadataImage } from '../../metadata/image.ts';
import { KafkaError } from '../../protocol/errors.ts';
import { ListOffsetsRequest, ListOffsetsResponse } from '../../protocol/messages/records/02-list-offsets.ts';
import type { Collector, Sink } from '../../telemetry/metrics.ts';

/** One group, as the coordinator knows it. */
export interface GroupOverview {
  readonly groupId: string;
  readonly memberCount: number;
  readonly topics: readonly {
    readonly name: string;
    readonly partitions: readonly { readonly partitionIndex: number; readonly committedOffset: number }[];
  }[];
}

export interface GroupMetricsOptions {
  /** The groups of all shards that are loaded on this broker. */
  readonly groups: () => Iterable<GroupOverview>;
  readonly image: () => MetadataImage;
  /** The high watermark of a partition; null when this broker has no replica of it. */
  readonly highWatermark: (topic: string, index: number) => number | null;
  readonly brokers: BrokerClient;
}

const listOffsetsVersion = 7;
const latest = -1;
/** A scrape waits at most this long for a leader's response. Without it, the scrape has no lag for that leader's partitions. */
const deadlineMs = 1000;

type Asked = Map<NodeId, Map<string, Set<number>>>;

export class GroupMetrics {
  readonly #options: GroupMetricsOptions;
  /** High watermarks fetched from leaders for this scrape, by topic and partition. */
  #remote = new Map<string, number>();

  constructor(options: GroupMetricsOptions) {
    this.#options = options;
  }

  /** Fetches the high watermarks that this broker does not have; never rejects. */
  async prepare(): Promise<void> {
    const told = new Map<string, number>();
    await Promise.all([...this.#missing()].map(([leader, topics]) => this.#ask(leader, topics, told)));
    this.#remote = told;
  }

  readonly collect: Collector = function* (this: GroupMetrics, sink: Sink) {
    for (const group of this.#options.groups()) {
      sink('kafka_consumergroup_members', group.memberCount, [group.groupId]);
      for (const topic of group.topics) {
        this.#describe(group.groupId, topic, sink);
        yield;
      }
    }
  }.bind(this);

  #describe(groupId: string, { name, partitions }: GroupOverview['topics'][number], sink: Sink): void {
    let [offsetSum, lagSum] = [0, 0];
    for (const { partitionIndex, committedOffset } of partitions) {
      if (committedOffset < 0) continue;
      const labels = [groupId, name, partitionIndex];
      sink('kafka_consumergroup_current_offset', committedOffset, labels);
      offsetSum += committedOffset;
      const end =
        this.#options.highWatermark(name, partitionIndex) ?? this.#remote.get(`${name} ${partitionIndex}`);
      if (end === undefined) continue;
      const lag = Math.max(0, end - committedOffset);
      sink('kafka_consumergroup_lag', lag, labels);
      lagSum += lag;
    }
    sink('kafka_consumergroup_current_offset_sum', offsetSum, [groupId, name]);
    sink('kafka_consumergroup_lag_sum', lagSum, [groupId, name]);
  }

  #missing(): Asked {
    const { groups, image, highWatermark } = this.#options;
    const asked: Asked = new Map();
    const { topics } = image();
    for (const group of groups()) {
      for (const { name, partitions } of group.topics) {
        const known = topics.byName(name);
        for (const { partitionIndex, committedOffset } of partitions) {
          const leader = known?.partitions[partitionIndex]?.leader ?? -1;
          if (leader < 0 || committedOffset < 0 || highWatermark(name, partitionIndex) !== null) continue;
          const ofLeader = asked.get(leader as NodeId) ?? new Map<string, Set<number>>();
          asked.set(leader as NodeId, ofLeader);
          ofLeader.set(name, (ofLeader.get(name) ?? new Set()).add(partitionIndex));
        }
      }
    }
    return asked;
  }

  async #ask(
    leader: NodeId,
    topics: ReadonlyMap<string, ReadonlySet<number>>,
    told: Map<string, number>,
  ): Promise<void> {
    const request = {
      replicaId: -1,
      isolationLevel: 0,
      topics: [...topics].map(([name, indexes]) => ({
        name,
        partitions: [...indexes].map((partitionIndex) => ({
          partitionIndex,
          currentLeaderEpoch: -1,
          timestamp: latest,
        })),
      })),
    };
    try {
      const response = await this.#options.brokers.request(
        leader,
        ListOffsetsRequest,
        ListOffsetsResponse,
        listOffsetsVersion,
        request,
        { deadlineMs },
      );
      for (const { name, partitions } of response.topics)
        for (const { partitionIndex, errorCode, offset } of partitions)
          if (errorCode === 0) told.set(`${name} ${partitionIndex}`, offset);
    } catch (error) {
      // The leader did not respond, so this scrape has no lag for its partitions.
      if (!(error instanceof KafkaError)) throw error;
    }
  }
}
