/** How much of its time the event loop had nothing to do, under the names of the thread pools that Kafka has for its work. */
import type { Collector } from '../../telemetry/metrics.ts';

export function idleMetrics(idleShare: () => number): Collector {
  return (sink) => {
    const share = idleShare();
    sink('kafka_server_kafkarequesthandlerpool_requesthandleravgidle_percent', share);
    sink('kafka_network_socketserver_networkprocessoravgidle_percent', share);
  };
}
