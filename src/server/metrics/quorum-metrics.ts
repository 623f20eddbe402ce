/** Metrics of the metadata quorum as this node knows it. */
import type { QuorumStatus } from '../../raft/api.ts';
import type { Collector, Sink } from '../../telemetry/metrics.ts';
import type { QuorumMeter } from '../raft/quorum-meter.ts';

const roles = ['leader', 'candidate', 'prospective', 'follower', 'unattached', 'resigned', 'observer'];

/** `isActiveController`: this node leads the quorum, and its controller handles requests. */
export function quorumMetrics(
  status: () => QuorumStatus,
  meter: QuorumMeter,
  isActiveController: () => boolean,
): Collector {
  return (sink) => {
    const now = status();
    const { role, leaderId, epoch, highWatermark, logEndOffset, voters } = now;
    for (const one of roles) sink('kafka_server_raftmetrics_current_state', one === role ? 1 : 0, [one]);
    sink('kafka_server_raftmetrics_current_leader', leaderId ?? -1);
    sink('kafka_server_raftmetrics_current_epoch', epoch);
    sink('kafka_server_raftmetrics_high_watermark', highWatermark);
    sink('kafka_server_raftmetrics_log_end_offset', logEndOffset);
    sink('kafka_server_raftmetrics_number_of_voters', voters.length);
    meter.report(sink);
    if (role === 'leader') followers(now, sink);
    sink('kafka_controller_kafkacontroller_activecontrollercount', isActiveController() ? 1 : 0);
  };
}

/** Metrics of the other replicas, on the leader. No lag is reported for a replica that has not responded to this leader yet. */
function followers({ leaderId, logEndOffset, voters, observers }: QuorumStatus, sink: Sink): void {
  sink('kafka_server_raftmetrics_number_of_observers', observers.length);
  for (const replica of [...voters, ...observers]) {
    if (replica.id === leaderId || replica.logEndOffset < 0) continue;
    sink('bendemann_raft_follower_lag', Math.max(0, logEndOffset - replica.logEndOffset), [replica.id]);
  }
}
