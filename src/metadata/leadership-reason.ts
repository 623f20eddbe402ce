/**
 * Describes, for a log line, why the leader or the leader epoch of a partition changed. The reason is derived from the
 * partition before and after the change.
 */
import { sameElements } from '../base/collections.ts';
import type { BrokerImage, ClusterImage } from './cluster-image.ts';
import type { PartitionImage } from './topics-image.ts';

type Leader = PartitionImage['leader'];

export function leadershipReason(before: PartitionImage, now: PartitionImage, cluster: ClusterImage): string {
  if (before.leader === now.leader) {
    if (!sameElements(before.replicas, now.replicas)) return 'its replicas changed';
    const hasLost = before.isr.some((id) => !now.isr.includes(id));
    return hasLost ? 'replicas left the ISR' : 'it was elected again';
  }
  if (now.leader < 0) return `${stateOf(before.leader, cluster)} and no other replica may lead`;
  if (before.leader < 0) return `broker ${now.leader} is in service again`;
  const broker = brokerOf(before.leader, cluster);
  if (broker === undefined || broker.fenced || broker.inControlledShutdown)
    return stateOf(before.leader, cluster);
  if (!now.replicas.some((id) => id === before.leader))
    return `broker ${before.leader} is no longer a replica`;
  return now.leader === now.replicas[0] ? 'it is the preferred leader' : 'an election was requested';
}

function brokerOf(id: Leader, cluster: ClusterImage): BrokerImage | undefined {
  return id === -1 ? undefined : cluster.brokers.get(id);
}

function stateOf(id: Leader, cluster: ClusterImage): string {
  const broker = brokerOf(id, cluster);
  if (broker === undefined) return `broker ${id} is unregistered`;
  if (broker.inControlledShutdown) return `broker ${id} is shutting down`;
  return broker.fenced ? `broker ${id} is fenced` : `broker ${id} was out of sync`;
}
