/**
 * Parts `throughput-1` and `throughput-3`: Apache Kafka's own perf tools with both brokers, one node and three. `latency-1` and
 * `latency-3`: the producer tool at a fixed rate of 1,000 records a second. Clients, brokers and the page cache share the
 * machine.
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cpuSecondsOf, pidsOf, residentBytesMax, startAndWait, withCluster } from './systems.mjs';

const run = promisify(execFile);
const recordBytes = 1024;
const partitions = 3;
const warmUpRecords = 100_000;
const latencyRecords = 20_000;
/** The tools wait without end for a broker that does not run, so they are ended after this time. */
const toolTimeoutMs = 300_000;

/** Runs the producer tool. Returns the numbers of its last line: records a second, MB a second, latencies. */
export async function produce(kafka, cluster, topic, acks, records, throughput = -1, properties = []) {
  const args = ['--topic', topic, '--num-records', records, '--record-size', recordBytes];
  args.push('--throughput', throughput, '--bootstrap-server', cluster.bootstrap);
  for (const property of [`acks=${acks}`, ...properties]) args.push('--command-property', property);
  const { stdout } = await run(join(kafka, 'bin', 'kafka-producer-perf-test'), args.map(String), {
    timeout: toolTimeoutMs,
  });
  const last = stdout.trim().split('\n').at(-1);
  const found =
    /\(([\d.]+) MB\/sec\).* ([\d.]+) ms avg latency.* (\d+) ms 50th, \d+ ms 95th, (\d+) ms 99th/.exec(last);
  if (found === null) throw new Error(`kafka-producer-perf-test: ${last}`);
  return { rate: Number(found[1]), median: Number(found[3]), percentile99: Number(found[4]) };
}

export async function consume(kafka, cluster, topic, records) {
  const args = ['--topic', topic, '--num-records', records, '--bootstrap-server', cluster.bootstrap];
  const { stdout } = await run(
    join(kafka, 'bin', 'kafka-consumer-perf-test'),
    [...args, '--hide-header'].map(String),
    { timeout: toolTimeoutMs },
  );
  const fields = stdout
    .trim()
    .split('\n')
    .at(-1)
    .split(',')
    .map((field) => field.trim());
  if (Number(fields[4]) < records)
    throw new Error(`kafka-consumer-perf-test read ${fields[4]} of ${records}`);
  return Number(fields[8]);
}

/** Returns the CPU seconds of all nodes for each GB (10^9 bytes of records) while `body` runs. */
export async function costOf(cluster, records, body) {
  const before = cpuSecondsOf(cluster);
  const value = await body();
  const cost = (cpuSecondsOf(cluster) - before) / ((records * recordBytes) / 1e9);
  return { value, cost };
}

async function oneRun(system, cluster, context, count, topic) {
  const { kafka, results, records } = context;
  const acks = count === 1 ? '1' : 'all';
  const label = count === 1 ? 'one node' : 'three nodes';
  const written = await costOf(cluster, records, () => produce(kafka, cluster, topic, acks, records));
  results.add(`produce acks=${acks}, ${label}`, 'MB/s', system, written.value.rate);
  results.add(`server CPU of produce acks=${acks}, ${label}`, 's/GB', system, written.cost);
  const read = await costOf(cluster, records, () => consume(kafka, cluster, topic, records));
  results.add(`consume, ${label}`, 'MB/s', system, read.value);
  results.add(`server CPU of consume, ${label}`, 's/GB', system, read.cost);
}

export async function benchThroughput(system, count, context) {
  const { kafka, clients, probes, results, runs } = context;
  if (kafka === null) throw new Error("throughput is measured with Apache Kafka's tools: give --kafka DIR");
  await withCluster(system, count, async (cluster) => {
    await startAndWait(cluster, clients);
    const client = clients.client(cluster.addresses(), { requestTimeoutMs: 60_000 });
    try {
      await probes.readyTopic(client, 'warm-up', partitions, count);
      await produce(kafka, cluster, 'warm-up', count === 1 ? '1' : 'all', warmUpRecords);
      await consume(kafka, cluster, 'warm-up', warmUpRecords);
      for (let i = 0; i < runs; i++) {
        const topic = `load-${i}`;
        await probes.readyTopic(client, topic, partitions, count);
        await oneRun(system, cluster, context, count, topic);
        await probes.deleteTopics(client, [topic]);
      }
      const peak = Math.max(...pidsOf(cluster).map(residentBytesMax)) / 2 ** 20;
      results.add(
        `largest memory of a node, ${count === 1 ? 'one node' : 'three nodes'}`,
        'MiB',
        system,
        peak,
      );
    } finally {
      client.close();
    }
  });
}

export async function benchLatency(system, count, context) {
  const { kafka, clients, probes, results, runs } = context;
  if (kafka === null) throw new Error("latency is measured with Apache Kafka's tools: give --kafka DIR");
  const label = count === 1 ? 'one node' : 'three nodes';
  await withCluster(system, count, async (cluster) => {
    await startAndWait(cluster, clients);
    const client = clients.client(cluster.addresses(), { requestTimeoutMs: 60_000 });
    try {
      await probes.readyTopic(client, 'latency', partitions, count);
      await produce(kafka, cluster, 'latency', 'all', latencyRecords, 1000);
      for (let i = 0; i < runs; i++) {
        const { median, percentile99 } = await produce(
          kafka,
          cluster,
          'latency',
          'all',
          latencyRecords,
          1000,
        );
        results.add(`latency at 1,000 records/s, acks=all, ${label}: median`, 'ms', system, median);
        results.add(`latency at 1,000 records/s, acks=all, ${label}: 99 %`, 'ms', system, percentile99);
      }
    } finally {
      client.close();
    }
  });
}
