/** Log lines about the partitions that this broker leads and follows, with the reason, and about changes of their ISRs. */
import type { Scheduler } from '../../base/clock.ts';
import { type NodeId } from '../../base/ids.ts';
import { type ClusterImage, isActive } from '../../metadata/cluster-image.ts';
import { leadershipReason } from '../../metadata/leadership-reason.ts';
import type { PartitionImage } from '../../metadata/topics-image.ts';
import { GatheredLines } from '../../telemetry/gathered-lines.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Partition } from '../partition.ts';

export class RoleLogger {
  readonly #lines: GatheredLines;
  readonly #localId: NodeId;

  constructor(localId: NodeId, logger: Logger, scheduler: Scheduler) {
    this.#localId = localId;
    this.#lines = new GatheredLines(logger, scheduler);
  }

  /** Called when the partition has applied new metadata in place of `before`. */
  applied(
    partition: Partition,
    isNewRole: boolean,
    before: PartitionImage | null,
    cluster: ClusterImage,
  ): void {
    const now = partition.applied;
    if (now === null) return;
    if (isNewRole && (before === null || now.leader >= 0 || before.leader >= 0))
      this.#role(partition, now, this.#reason(before, now, cluster));
    else if (partition.isLeader && before !== null) this.#isr(partition.name, before.isr, now);
  }

  #reason(before: PartitionImage | null, now: PartitionImage, cluster: ClusterImage): string {
    if (before !== null) return leadershipReason(before, now, cluster);
    // The controller assigns new replicas only to active brokers. While this broker is not active yet, its replicas were
    // assigned to an earlier incarnation.
    if (!isActive(cluster.brokers.get(this.#localId))) return 'this broker has started';
    return now.leaderEpoch === 0 ? 'it is new' : 'this broker got the replica';
  }

  flush(): void {
    this.#lines.flush();
  }

  #role(partition: Partition, now: PartitionImage, since: string): void {
    const { name, logEndOffset } = partition;
    const own = { epoch: now.leaderEpoch, isr: now.isr, logEndOffset };
    if (partition.isLeader) this.#lines.add('Became leader of', name, own, { since });
    else if (now.leader < 0) this.#lines.add('No leader for', name, own, { since });
    else if (partition.isFollower)
      this.#lines.add('Became follower of', name, own, { leader: now.leader, since });
  }

  #isr(name: string, before: readonly NodeId[], now: PartitionImage): void {
    const left = before.filter((id) => !now.isr.some((member) => member === id));
    const joined = now.isr.filter((id) => !before.includes(id));
    if (left.length + joined.length === 0) return;
    const common = {
      isr: now.isr,
      ...(left.length > 0 ? { left } : {}),
      ...(joined.length > 0 ? { joined } : {}),
    };
    this.#lines.add('ISR changed of', name, { epoch: now.leaderEpoch }, common);
  }
}
