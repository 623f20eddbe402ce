/**
 * Makes docs/metrics.md from the table in src/telemetry/metrics.ts. Run after a build: node scripts/docs/metrics.mjs.
 * The output is committed; a test checks that it is up to date.
 */
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');

export function metricsPage(rows) {
  const lines = Object.entries(rows).map(
    ([name, { kind, labels, help }]) => `| \`${name}\` | ${kind} | ${labels.join(', ')} | ${help} |`,
  );
  return `# Metrics

\`metrics.port=1234\` in a node's properties serves \`/metrics\` for Prometheus on a port of its own (\`metrics.host\`: on one address
only); \`http.listeners=PLAINTEXT\` serves it on a listener, beside Kafka's protocol. The same ports answer \`/healthz\` (the process
answers), \`/readyz\` (503 until clients are served; its body names each part, see \`ops/containers.md\`) and \`/api/cluster\` (brokers and their state as JSON).

Names are those of the JMX exporter for Kafka's own metrics and those of kafka_exporter for topics, so that existing
dashboards work. \`docs/ops/grafana-dashboard.json\` and \`docs/ops/alert-rules.yml\` are examples to start from. Metrics of the cluster
(\`kafka_controller_*\` counts, \`kafka_topic_partition_*\`) are the same on every node: use those of one, or \`max by\`. Those of
a consumer group (\`kafka_consumergroup_*\`) are on the broker that coordinates it. Besides these there are \`process_*\` and \`nodejs_*\` of prom-client.

Metrics that clients push (KIP-714; \`kafka-client-metrics\` makes a subscription) are on the broker to which a client pushes, as
\`client_\` with the name that the client gives, in which other characters than letters and digits are \`_\`
(\`client_org_apache_kafka_producer_record_send_total\`). Their labels are \`client_instance_id\`, \`client_id\` and the attributes of the
metric; \`client_info\` has the attributes of the client itself, such as its group, its member id and its software. Changes since the last push
are added up, histograms have a sum and a count. A series is there until it was not pushed for three intervals, at least a minute. A broker
keeps at most 20,000 series, and 2,000 of one client (\`limits.md\`).

Made by \`scripts/docs/metrics.mjs\` from \`src/telemetry/metrics.ts\`.

| metric | kind | labels | what it says |
|---|---|---|---|
${lines.join('\n')}
`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { metricRows } = await import(pathToFileURL(join(root, 'dist/telemetry/metrics.js')).href);
  writeFileSync(join(root, 'docs/metrics.md'), metricsPage(metricRows));
}
