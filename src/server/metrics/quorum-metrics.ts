/** Metrics of the metadata quorum as this node knows it. */
import type { QuorumStatus } from '../../raft/api.ts';
import type { Collector } from '../../telemetry/metrics.ts';

const roles = ['leader', 'candidate', 'prospective', 'follower', 'unattached', 'resigned', 'observer'];

/** `isActiveController`: this node is the active controller and has taken over. */
export function quorumMetrics(status: () => QuorumStatus, isActiveController: () => boolean): Collector {
  return (sink) => {
    const { role, leaderId, epoch, highWatermark, logEndOffset } = status();
    for (const one of roles) sink('kafka_server_raftmetrics_current_state', one === role ? 1 : 0, [one]);
    sink('kafka_server_raftmetrics_current_leader', leaderId ?? -1);
    sink('kafka_server_raftmetrics_current_epoch', epoch);
    sink('kafka_server_raftmetrics_high_watermark', highWatermark);
    sink('kafka_server_raftmetrics_log_end_offset', logEndOffset);
    sink('kafka_controller_kafkacontroller_activecontrollercount', isActiveController() ? 1 : 0);
  };
}
