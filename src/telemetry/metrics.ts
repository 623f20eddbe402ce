/**
 * All metrics of a node in one table, except those of the process itself, which come from prom-client (`adapters/http.ts`).
 * `/metrics`, docs/metrics.md and the checks of docs/ops/ are derived from the table. Metrics have the names that the JMX
 * exporter gives to Kafka's MBeans, or those of kafka_exporter, so that existing dashboards work. Metrics that neither of them
 * has begin with `bendemann_`.
 *
 * Most values are read from the node when Prometheus scrapes it. Only what must be counted when it happens, such as requests,
 * is stored.
 */

import type { Quantiles } from './quantiles.ts';

export type MetricKind = 'counter' | 'gauge' | 'summary';

export interface MetricRow {
  readonly kind: MetricKind;
  readonly labels: readonly string[];
  readonly help: string;
}

const gauge = (help: string, ...labels: string[]): MetricRow => ({ kind: 'gauge', labels, help });
const counter = (help: string, ...labels: string[]): MetricRow => ({ kind: 'counter', labels, help });
const summary = (help: string, ...labels: string[]): MetricRow => ({ kind: 'summary', labels, help });

const partition = ['topic', 'partition'] as const;
const quotaClient = ['resource', 'user', 'clientId'] as const;

export const metricRows = {
  kafka_server_brokertopicmetrics_messagesin_total: counter('Records that producers appended here.', 'topic'),
  kafka_server_brokertopicmetrics_bytesin_total: counter('Bytes that producers appended here.', 'topic'),
  kafka_server_brokertopicmetrics_bytesout_total: counter('Bytes that consumers fetched here.', 'topic'),
  kafka_server_brokertopicmetrics_totalproducerequests_total: counter(
    'Appends of producers, one for each partition of a request.',
    'topic',
  ),
  kafka_server_brokertopicmetrics_failedproducerequests_total: counter('Appends that were refused.', 'topic'),
  kafka_server_brokertopicmetrics_totalfetchrequests_total: counter(
    'Fetches of consumers, one for each partition of a response.',
    'topic',
  ),
  kafka_server_brokertopicmetrics_failedfetchrequests_total: counter('Fetches that were refused.', 'topic'),

  kafka_server_replicamanager_leadercount: gauge('Partitions that this broker leads.'),
  kafka_server_replicamanager_partitioncount: gauge('Replicas that this broker hosts.'),
  kafka_server_replicamanager_offlinereplicacount: gauge('Replicas on a failed log directory.'),
  kafka_server_replicamanager_underreplicatedpartitions: gauge(
    'Led partitions with fewer replicas in sync than assigned.',
  ),
  kafka_server_replicamanager_underminisrpartitioncount: gauge(
    'Led partitions with fewer replicas in sync than min.insync.replicas.',
  ),
  kafka_server_replicamanager_atminisrpartitioncount: gauge(
    'Led partitions with as many replicas in sync as min.insync.replicas.',
  ),
  kafka_server_replicamanager_isrshrinks_total: counter(
    'Times that replicas left the ISR of a partition led here.',
  ),
  kafka_server_replicamanager_isrexpands_total: counter(
    'Times that replicas joined the ISR of a partition led here.',
  ),
  kafka_server_replicamanager_failedisrupdates_total: counter(
    'Proposed changes of an ISR that the controller did not accept.',
  ),
  kafka_server_replicamanager_partitionswithlatetransactionscount: gauge(
    'Led partitions with a transaction that is open for 5 minutes longer than transaction.max.timeout.ms.',
  ),
  kafka_server_delayedoperationpurgatory_purgatorysize: gauge(
    'Pending requests: Fetch waits for records, Produce and DeleteRecords for replicas, Metadata for the changed metadata.',
    'delayedOperation',
  ),
  kafka_server_delayedoperationpurgatory_numdelayedoperations: gauge(
    'Pending requests, as purgatorysize: a completed request is removed at once.',
    'delayedOperation',
  ),
  bendemann_purgatory_completed_total: counter(
    'Pending requests that completed before their deadline.',
    'delayedOperation',
  ),
  bendemann_purgatory_expired_total: counter('Pending requests whose deadline passed.', 'delayedOperation'),
  kafka_server_kafkarequesthandlerpool_requesthandleravgidle_percent: gauge(
    'Share of the time since the last scrape in which the event loop had nothing to do, from 0 to 1.',
  ),
  kafka_network_socketserver_networkprocessoravgidle_percent: gauge(
    'As requesthandleravgidle_percent: one event loop reads requests and handles them.',
  ),

  kafka_server_client_metrics_instance_count: gauge(
    'Client instances that have requested a telemetry subscription from this broker.',
  ),
  kafka_server_client_metrics_unknown_subscription_request_total: counter(
    'PushTelemetry requests with an outdated subscription.',
  ),
  kafka_server_client_metrics_throttle_total: counter(
    'GetTelemetrySubscriptions and PushTelemetry requests that came before the push interval had passed.',
  ),
  kafka_server_client_metrics_push_total: counter('PushTelemetry requests that were accepted.'),
  kafka_server_client_metrics_push_bytes_total: counter(
    'Bytes of client metrics in accepted PushTelemetry requests, as they were sent.',
  ),
  bendemann_client_metrics_series: gauge('Series of client metrics (`client_*`) that this broker keeps.'),
  bendemann_client_metrics_dropped_total: counter('Pushed values of new series above the bounds.'),
  bendemann_client_metrics_refused_push_total: counter(
    'Pushes that could not be decoded or were too large once decompressed.',
  ),
  kafka_server_replicamanager_reassigningpartitions: gauge('Led partitions whose replicas are being moved.'),
  kafka_log_log_logendoffset: gauge('The offset that the next record gets.', ...partition),
  kafka_log_log_logstartoffset: gauge('The first offset that can be read.', ...partition),
  kafka_log_log_size: gauge('Bytes of the segments.', ...partition),
  kafka_log_logflushstats_logflushrateandtimems: summary('Milliseconds of a flush of a partition log.'),
  bendemann_disk_timems: summary(
    'Milliseconds of a read, a write or a sync of a file, without those of the metadata log.',
    'operation',
  ),
  kafka_cluster_partition_insyncreplicascount: gauge(
    'Replicas in sync of a partition led here, else 0.',
    ...partition,
  ),
  kafka_cluster_partition_replicascount: gauge('Replicas of a partition led here, else 0.', ...partition),
  kafka_cluster_partition_underreplicated: gauge(
    '1 when this broker leads and fewer replicas are in sync than assigned.',
    ...partition,
  ),
  kafka_cluster_partition_underminisr: gauge(
    '1 when this broker leads and fewer replicas are in sync than min.insync.replicas.',
    ...partition,
  ),
  kafka_cluster_partition_atminisr: gauge(
    '1 when this broker leads and as many replicas are in sync as min.insync.replicas.',
    ...partition,
  ),
  kafka_cluster_partition_laststableoffsetlag: gauge(
    'Records from the last stable offset to the high watermark: those of open transactions.',
    ...partition,
  ),
  kafka_cluster_partition_highwatermark: gauge('Records below it are on all replicas in sync.', ...partition),
  kafka_log_logmanager_offlinelogdirectorycount: gauge('Log directories that failed.'),

  kafka_controller_kafkacontroller_activecontrollercount: gauge('1 on the active controller, else 0.'),
  kafka_controller_kafkacontroller_activebrokercount: gauge('Registered brokers that are not fenced.'),
  kafka_controller_kafkacontroller_fencedbrokercount: gauge('Registered brokers that are fenced.'),
  kafka_controller_kafkacontroller_globaltopiccount: gauge('Topics of the cluster.'),
  kafka_controller_kafkacontroller_globalpartitioncount: gauge('Partitions of the cluster.'),
  kafka_controller_kafkacontroller_offlinepartitionscount: gauge('Partitions without a leader.'),
  kafka_controller_kafkacontroller_preferredreplicaimbalancecount: gauge(
    'Partitions whose leader is not the preferred replica.',
  ),

  kafka_server_raftmetrics_current_state: gauge('1 for the role that this node has in the quorum.', 'state'),
  kafka_server_raftmetrics_current_leader: gauge(
    'Id of the quorum leader that this node knows, also while it cannot reach that leader (current_state is prospective); -1: none.',
  ),
  kafka_server_raftmetrics_current_epoch: gauge('Epoch of the metadata quorum.'),
  kafka_server_raftmetrics_high_watermark: gauge(
    'High watermark of the metadata log: entries below it are committed.',
  ),
  kafka_server_raftmetrics_log_end_offset: gauge('Log end offset of this node’s metadata log.'),

  kafka_server_raftmetrics_number_of_voters: gauge('Voters of the quorum.'),
  kafka_server_raftmetrics_number_of_observers: gauge('Observers of the quorum; reported by its leader.'),
  kafka_server_raftmetrics_commit_latency_avg: gauge(
    'Milliseconds from a proposal to its commit, on average; reported by the leader.',
  ),
  kafka_server_raftmetrics_commit_latency_max: gauge(
    'Milliseconds from a proposal to its commit, at most; reported by the leader.',
  ),
  kafka_server_raftmetrics_election_latency_avg: gauge(
    'Milliseconds of the elections in which this node was a candidate, on average.',
  ),
  kafka_server_raftmetrics_election_latency_max: gauge(
    'Milliseconds of the elections in which this node was a candidate, at most.',
  ),
  kafka_server_raftmetrics_append_records_rate: gauge(
    'Entries that this node appended as leader, per second.',
  ),
  kafka_server_raftmetrics_fetch_records_rate: gauge(
    'Entries that this node received from the leader, per second.',
  ),
  bendemann_raft_follower_lag: gauge(
    'Entries of the metadata log that a replica lacks; reported by the leader.',
    'replica',
  ),

  kafka_network_requestmetrics_requests_total: counter('Requests answered.', 'request', 'version'),
  kafka_network_requestmetrics_errors_total: counter(
    'Requests that failed with an unexpected error.',
    'request',
  ),
  kafka_network_requestmetrics_totaltimems: summary(
    'Milliseconds from a decoded request to its response.',
    'request',
  ),
  kafka_server_quota_queue_size: gauge('Connections that are muted because of a client quota.', 'resource'),
  kafka_server_quota_byte_rate: gauge(
    'Bytes a second of the clients that share a quota, over its window.',
    ...quotaClient,
  ),
  kafka_server_quota_request_time: gauge(
    'Time of the event loop that the clients that share a quota use, in percent.',
    ...quotaClient,
  ),
  kafka_server_quota_throttle_time: gauge(
    'The last throttle time of the clients that share a quota, in milliseconds.',
    ...quotaClient,
  ),
  kafka_server_quota_mutation_rate: gauge(
    'Partitions a second that the clients that share a quota create and delete, on the active controller.',
    ...quotaClient,
  ),
  kafka_server_quota_tokens: gauge(
    'Partitions that the clients that share a quota may create or delete at once; negative: a debt.',
    ...quotaClient,
  ),
  kafka_server_socket_server_metrics_broker_connection_accept_rate: gauge(
    'New connections a second, without those of a listener for brokers alone.',
  ),
  kafka_server_socket_server_metrics_connection_accept_rate: gauge(
    'New connections a second of a listener, or of an address with a quota.',
    'listener',
    'ip',
  ),
  kafka_server_socket_server_metrics_connection_accept_throttle_time: gauge(
    'Milliseconds that the listener last waited because of max.connection.creation.rate.',
    'listener',
  ),
  kafka_server_socket_server_metrics_ip_connection_accept_throttle_time: gauge(
    'Milliseconds after which the listener last closed a connection above the quota of its address.',
    'listener',
  ),
  kafka_server_socket_server_metrics_connection_count: gauge('Client connections.', 'listener'),

  kafka_brokers: gauge('Brokers in service.'),
  kafka_broker_info: gauge(
    '1 for each broker in service; the address is that of its first listener.',
    'id',
    'address',
  ),
  kafka_topic_partitions: gauge('Partitions of the topic.', 'topic'),
  kafka_topic_partition_current_offset: gauge('High watermark of a replica here.', ...partition),
  kafka_topic_partition_oldest_offset: gauge('Log start offset of a replica here.', ...partition),
  kafka_topic_partition_in_sync_replica: gauge('Replicas in sync.', ...partition),
  kafka_topic_partition_leader: gauge('Id of the leader, -1 while there is none.', ...partition),
  kafka_topic_partition_leader_is_preferred: gauge('1 when the preferred replica leads.', ...partition),
  kafka_topic_partition_replicas: gauge('Assigned replicas.', ...partition),
  kafka_topic_partition_under_replicated_partition: gauge(
    '1 when fewer replicas are in sync than assigned.',
    ...partition,
  ),

  kafka_consumergroup_members: gauge('Members of the group.', 'consumergroup'),
  kafka_consumergroup_current_offset: gauge(
    'Offset that the group has committed.',
    'consumergroup',
    ...partition,
  ),
  kafka_consumergroup_current_offset_sum: gauge('Sum of the committed offsets.', 'consumergroup', 'topic'),
  kafka_consumergroup_lag: gauge(
    'Records from the committed offset to the high watermark; missing while the leader does not respond.',
    'consumergroup',
    ...partition,
  ),
  kafka_consumergroup_lag_sum: gauge('Sum of the lags that are known.', 'consumergroup', 'topic'),
} as const satisfies Readonly<Record<string, MetricRow>>;

export type MetricName = keyof typeof metricRows;

/**
 * Receives one value of a metric. `labels` are in the order of the metric's row. A summary adds a `suffix` (`_count`, `_sum`)
 * for its parts.
 */
export type Sink = (
  name: MetricName,
  value: number,
  labels?: readonly (string | number)[],
  extra?: { readonly suffix?: string; readonly quantile?: number },
) => void;

/**
 * Reports its values to the sink. A collector with many values yields after a part of them, so that the node can handle
 * requests in between: a broker with 10,000 partitions has 100,000 values.
 */
export type Collector = (sink: Sink) => Iterable<void> | void;

const shares = [0.5, 0.75, 0.95, 0.99, 0.999];

/** Reports a summary: its quantiles over the last one to two minutes, and its count and sum since the start of the node. */
export function tellQuantiles(
  sink: Sink,
  name: MetricName,
  durations: Quantiles,
  labels: readonly (string | number)[],
  nowMs: number,
): void {
  for (const quantile of shares) sink(name, durations.quantile(quantile, nowMs), labels, { quantile });
  sink(name, durations.sumMs, labels, { suffix: '_sum' });
  sink(name, durations.count, labels, { suffix: '_count' });
}
