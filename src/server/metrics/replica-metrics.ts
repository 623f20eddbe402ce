/** Metrics of this broker's replicas: leaderships, replication state, and log offsets. */
import type { NodeConfig } from '../../config/node-config.ts';
import { topicConfig } from '../../config/topic.ts';
import type { MetadataImage } from '../../metadata/image.ts';
import type { PartitionImage } from '../../metadata/topics-image.ts';
import type { IsrChanges } from '../../replication/leader/alter-partition-manager.ts';
import type { Partition } from '../../replication/partition.ts';
import type { Collector, Sink } from '../../telemetry/metrics.ts';

export interface ReplicaMetricsOptions {
  readonly config: NodeConfig;
  readonly image: () => MetadataImage;
  readonly partitions: () => Iterable<Partition>;
  readonly isrChanges: () => Readonly<IsrChanges>;
  /** Whether a transaction in the partition is open although it should have ended long ago. */
  readonly hasLateTransaction: (topic: string, index: number) => boolean;
  /** Number of log directories that failed. */
  readonly offlineDirectoryCount: () => number;
}

/** The replication state of a partition that this broker leads. */
interface Replication {
  readonly inSync: number;
  readonly replicas: number;
  readonly isUnder: boolean;
  readonly isUnderMinIsr: boolean;
  readonly isAtMinIsr: boolean;
}

/** The values that Kafka reports for a partition that another broker leads. */
const notLed: Replication = {
  inSync: 0,
  replicas: 0,
  isUnder: false,
  isUnderMinIsr: false,
  isAtMinIsr: false,
};

function replicationOf({ isr, replicas, addingReplicas }: PartitionImage, minIsr: number): Replication {
  return {
    inSync: isr.length,
    replicas: replicas.length,
    // Replicas that a reassignment is adding do not make a partition under-replicated.
    isUnder: isr.length < replicas.length - addingReplicas.length,
    isUnderMinIsr: isr.length < minIsr,
    isAtMinIsr: isr.length === minIsr,
  };
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

  addLed({ isUnder, isUnderMinIsr, isAtMinIsr }: Replication, isReassigning: boolean): void {
    this.leaders++;
    if (isUnder) this.underReplicated++;
    if (isUnderMinIsr) this.underMinIsr++;
    if (isAtMinIsr) this.atMinIsr++;
    if (isReassigning) this.reassigning++;
  }

  report(sink: Sink): void {
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
      let replication = notLed;
      if (partition.isLeader && known !== undefined) {
        const { minInsyncReplicas } = topicConfig(image.configs.topic(topic), config);
        replication = replicationOf(known, minInsyncReplicas);
        totals.addLed(replication, known.addingReplicas.length + known.removingReplicas.length > 0);
        if (options.hasLateTransaction(topic, index)) totals.withLateTransactions++;
      }
      describe(partition, replication, sink);
      yield;
    }
    totals.report(sink);
    const { shrinks, expands, failed } = options.isrChanges();
    sink('kafka_server_replicamanager_isrshrinks_total', shrinks);
    sink('kafka_server_replicamanager_isrexpands_total', expands);
    sink('kafka_server_replicamanager_failedisrupdates_total', failed);
    sink('kafka_log_logmanager_offlinelogdirectorycount', options.offlineDirectoryCount());
  };
}

function describe(partition: Partition, replication: Replication, sink: Sink): void {
  const { topic, index, logStartOffset, logEndOffset, highWatermark, log } = partition;
  const labels = [topic, index];
  sink('kafka_log_log_logstartoffset', logStartOffset, labels);
  sink('kafka_log_log_logendoffset', logEndOffset, labels);
  sink('kafka_log_log_size', log.sizeBytes, labels);
  sink('kafka_cluster_partition_highwatermark', highWatermark, labels);
  sink('kafka_cluster_partition_laststableoffsetlag', highWatermark - log.lastStableOffset, labels);
  sink('kafka_cluster_partition_insyncreplicascount', replication.inSync, labels);
  sink('kafka_cluster_partition_replicascount', replication.replicas, labels);
  sink('kafka_cluster_partition_underreplicated', Number(replication.isUnder), labels);
  sink('kafka_cluster_partition_underminisr', Number(replication.isUnderMinIsr), labels);
  sink('kafka_cluster_partition_atminisr', Number(replication.isAtMinIsr), labels);
  sink('kafka_topic_partition_oldest_offset', logStartOffset, labels);
  sink('kafka_topic_partition_current_offset', highWatermark, labels);
}
