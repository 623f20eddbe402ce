/** The share of time for which the event loop was idle, under the names of Kafka's thread pools. */
import type { Collector } from '../../telemetry/metrics.ts';

export function idleMetrics(idleShare: () => number): Collector {
  return (sink) => {
    const share = idleShare();
    sink('kafka_server_kafkarequesthandlerpool_requesthandleravgidle_percent', share);
    sink('kafka_network_socketserver_networkprocessoravgidle_percent', share);
  };
}
