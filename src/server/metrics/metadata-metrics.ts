/** Metrics of the cluster, from the metadata image. Nodes with the same image report the same values. */
import type { MetadataImage } from '../../metadata/image.ts';
import { noLeader, type PartitionImage } from '../../metadata/topics-image.ts';
import type { Collector, Sink } from '../../telemetry/metrics.ts';

interface Totals {
  topics: number;
  partitions: number;
  offline: number;
  imbalanced: number;
}

export function metadataMetrics(image: () => MetadataImage): Collector {
  return function* (sink) {
    const { cluster, topics } = image();
    const brokers = [...cluster.brokers.values()];
    const fenced = brokers.filter((broker) => broker.fenced).length;
    sink('kafka_controller_kafkacontroller_activebrokercount', brokers.length - fenced);
    sink('kafka_controller_kafkacontroller_fencedbrokercount', fenced);
    sink('kafka_brokers', brokers.length - fenced);
    for (const { id, fenced: isFenced, endpoints } of brokers) {
      const address = endpoints[0] === undefined ? '' : `${endpoints[0].host}:${endpoints[0].port}`;
      if (!isFenced) sink('kafka_broker_info', 1, [id, address]);
    }
    const totals: Totals = { topics: 0, partitions: 0, offline: 0, imbalanced: 0 };
    for (const topic of topics.all()) {
      totals.topics++;
      sink('kafka_topic_partitions', topic.partitions.length, [topic.name]);
      for (const partition of topic.partitions) {
        count(totals, partition);
        describe(sink, topic.name, partition);
        yield;
      }
    }
    sink('kafka_controller_kafkacontroller_globaltopiccount', totals.topics);
    sink('kafka_controller_kafkacontroller_globalpartitioncount', totals.partitions);
    sink('kafka_controller_kafkacontroller_offlinepartitionscount', totals.offline);
    sink('kafka_controller_kafkacontroller_preferredreplicaimbalancecount', totals.imbalanced);
  };
}

const isPreferred = ({ leader, replicas }: PartitionImage): boolean => leader === replicas[0];

function count(totals: Totals, partition: PartitionImage): void {
  totals.partitions++;
  if (partition.leader === noLeader) totals.offline++;
  if (!isPreferred(partition)) totals.imbalanced++;
}

function describe(sink: Sink, topic: string, partition: PartitionImage): void {
  const { index, leader, replicas, isr } = partition;
  const labels = [topic, index];
  sink('kafka_topic_partition_leader', leader, labels);
  sink('kafka_topic_partition_leader_is_preferred', isPreferred(partition) ? 1 : 0, labels);
  sink('kafka_topic_partition_replicas', replicas.length, labels);
  sink('kafka_topic_partition_in_sync_replica', isr.length, labels);
  sink('kafka_topic_partition_under_replicated_partition', isr.length < replicas.length ? 1 : 0, labels);
}
