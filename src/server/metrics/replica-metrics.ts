/** Metrics of this broker's replicas: leaderships, replication state, and log offsets. */
import type { NodeConfig } from '../../config/node-config.ts';
import { topicConfig } from '../../config/topic.ts';
import type { MetadataImage } from '../../metadata/image.ts';
import type { PartitionImage } from '../../metadata/topics-image.ts';
import type { Partition } from '../../replication/partition.ts';
import type { Collector, Sink } from '../../telemetry/metrics.ts';

export interface ReplicaMetricsOptions {
  readonly config: NodeConfig;
  readonly image: () => MetadataImage;
  readonly partitions: () => Iterable<Partition>;
  /** A transaction of the partition has been open for longer than any transaction time-out allows. */
  readonly hasLateTransaction: (topic: string, index: number) => boolean;
  /** Number of log directories that failed. */
  readonly offlineDirectoryCount: () => number;
}

class Totals {
  leaders = 0;
  replicas = 0;
  offline = 0;
  underReplicated = 0;
  underMinIsr = 0;
  atMinIsr = 0;
  reassigning = 0;
  withLateTransactions = 0;

  addLed({ isr, replicas, addingReplicas, removingReplicas }: PartitionImage, minIsr: number): void {
    this.leaders++;
    // A replica that a reassignment adds does not count as under-replicated.
    const assigned = replicas.length - addingReplicas.length;
    if (isr.length < assigned) this.underReplicated++;
    if (isr.length < minIsr) this.underMinIsr++;
    if (isr.length === minIsr) this.atMinIsr++;
    if (addingReplicas.length + removingReplicas.length > 0) this.reassigning++;
  }

  tell(sink: Sink): void {
    sink('kafka_server_replicamanager_leadercount', this.leaders);
    sink('kafka_server_replicamanager_partitioncount', this.replicas);
    sink('kafka_server_replicamanager_offlinereplicacount', this.offline);
    sink('kafka_server_replicamanager_underreplicatedpartitions', this.underReplicated);
    sink('kafka_server_replicamanager_underminisrpartitioncount', this.underMinIsr);
    sink('kafka_server_replicamanager_atminisrpartitioncount', this.atMinIsr);
    sink('kafka_server_replicamanager_partitionswithlatetransactionscount', this.withLateTransactions);
    sink('kafka_server_replicamanager_reassigningpartitions', this.reassigning);
  }
}

export function replicaMetrics(options: ReplicaMetricsOptions): Collector {
  return function* (sink) {
    const { config, partitions } = options;
    const image = options.image();
    const totals = new Totals();
    for (const partition of partitions()) {
      const { topic, topicId, index } = partition;
      totals.replicas++;
      if (partition.isOffline) totals.offline++;
      const known = image.topics.byId(topicId)?.partitions[index];
      if (partition.isLeader && known !== undefined) {
        const { minInsyncReplicas } = topicConfig(image.configs.topic(topic), config);
        totals.addLed(known, minInsyncReplicas);
        if (options.hasLateTransaction(topic, index)) totals.withLateTransactions++;
      }
      describe(partition, sink);
      yield;
    }
    totals.tell(sink);
    sink('kafka_log_logmanager_offlinelogdirectorycount', options.offlineDirectoryCount());
  };
}

function describe(
  { topic, index, logStartOffset, logEndOffset, highWatermark }: Partition,
  sink: Sink,
): void {
  const labels = [topic, index];
  sink('kafka_log_log_logstartoffset', logStartOffset, labels);
  sink('kafka_log_log_logendoffset', logEndOffset, labels);
  sink('kafka_cluster_partition_highwatermark', highWatermark, labels);
  sink('kafka_topic_partition_oldest_offset', logStartOffset, labels);
  sink('kafka_topic_partition_current_offset', highWatermark, labels);
}
