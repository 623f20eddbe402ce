/**
 * Part `recovery`: how long a node takes until it serves all partitions after `kill -9` under load, and how much of its logs it
 * reads for that. Part `compressed`: throughput and CPU time with compressed batches, for each codec.
 */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../lib/ready.mjs';
import { sleep, waitFor } from '../lib/cluster.mjs';
import { startAndWait, withCluster } from './systems.mjs';
import { consume, costOf, produce } from './throughput.mjs';

const gibibyte = 2 ** 30;
const recordBytes = 10_000;
const fillTimeoutMs = 800_000;
const serveTimeoutMs = 120_000;
const codecs = ['gzip', 'snappy', 'lz4', 'zstd'];
const topic = 'load';

/** Returns the bytes of the segments in a log directory. */
function storedBytes(folder) {
  let sizeBytes = 0;
  for (const name of readdirSync(folder).filter((one) => one.startsWith(`${topic}-`)))
    for (const file of readdirSync(join(folder, name)))
      if (file.endsWith('.log')) sizeBytes += statSync(join(folder, name, file)).size;
  return sizeBytes;
}

/** Returns the bytes that a process has read, from the page cache or from disk. */
function readBytes(pid) {
  return Number(/^rchar: (\d+)/m.exec(readFileSync(`/proc/${pid}/io`, 'latin1'))[1]);
}

/** Starts our own producer tool, which is quick to start. It is ended together with the node. */
function startProducer(cluster, records) {
  const args = ['--topic', topic, '--num-records', records, '--record-size', recordBytes, '--throughput', -1];
  args.push('--bootstrap-server', cluster.bootstrap, '--command-property', 'acks=1');
  return spawn(join(root, 'bin', 'kafka-producer-perf-test'), args.map(String), { stdio: 'ignore' });
}

async function fillAndKill(cluster, sizeBytes) {
  const [node] = cluster.nodes;
  const producer = startProducer(cluster, Math.ceil((2 * sizeBytes) / recordBytes));
  try {
    const folder = node.properties['log.dirs'];
    await waitFor(`${sizeBytes} bytes`, fillTimeoutMs, async () => {
      await sleep(200);
      return storedBytes(folder) >= sizeBytes;
    });
    await cluster.kill(node);
    return storedBytes(folder);
  } finally {
    producer.kill('SIGKILL');
  }
}

/** Waits until each partition has a leader and one acknowledged record. */
async function serveAll(cluster, clients, partitions) {
  await waitFor('all partitions', serveTimeoutMs, async () => {
    const client = clients.client(cluster.addresses(), { connectTimeoutMs: 200, requestTimeoutMs: 5000 });
    try {
      const producer = clients.producer(client, { acks: -1, lingerMs: 0, isIdempotent: false });
      const all = Array.from({ length: partitions }, (_, partition) =>
        producer.send({ topic, partition, value: new Uint8Array(10) }),
      );
      await Promise.all(all);
      return true;
    } finally {
      client.close();
    }
  });
}

export async function benchRecovery(system, { clients, probes, results, gib, logs: partitions }) {
  await withCluster(system, 1, async (cluster) => {
    await startAndWait(cluster, clients);
    const client = clients.client(cluster.addresses());
    await probes.readyTopic(client, topic, partitions, 1);
    client.close();
    const sizeBytes = await fillAndKill(cluster, gib * gibibyte);
    const [node] = cluster.nodes;
    const startedMs = performance.now();
    cluster.start(node);
    await serveAll(cluster, clients, partitions);
    const label = `after kill -9 under load, ${gib} GiB in ${partitions} partitions`;
    results.add(
      `start to all partitions serving ${label}`,
      's',
      system,
      (performance.now() - startedMs) / 1000,
    );
    results.add(`of them read by the start ${label}`, 'MiB', system, readBytes(node.process.pid) / 2 ** 20);
    results.add(`in the logs ${label}`, 'MiB', system, sizeBytes / 2 ** 20);
  });
}

export async function benchCompressed(system, { kafka, clients, probes, results, runs, records }) {
  if (kafka === null) throw new Error("throughput is measured with Apache Kafka's tools: give --kafka DIR");
  await withCluster(system, 1, async (cluster) => {
    await startAndWait(cluster, clients);
    const client = clients.client(cluster.addresses(), { requestTimeoutMs: 60_000 });
    try {
      for (let i = -1; i < runs; i++) {
        for (const codec of codecs) {
          const name = `${codec}-${i}`;
          await probes.readyTopic(client, name, 3, 1);
          const properties = [`compression.type=${codec}`, 'linger.ms=5', 'batch.size=131072'];
          const written = await costOf(cluster, records, () =>
            produce(kafka, cluster, name, '1', records, -1, properties),
          );
          const read = await costOf(cluster, records, () => consume(kafka, cluster, name, records));
          await probes.deleteTopics(client, [name]);
          // The first turn is for warming up, and is not counted.
          if (i < 0) continue;
          results.add(`produce ${codec}, acks=1, one node`, 'MB/s', system, written.value.rate);
          results.add(`server CPU of produce ${codec}`, 's/GB', system, written.cost);
          results.add(`consume ${codec}, one node`, 'MB/s', system, read.value);
        }
      }
    } finally {
      client.close();
    }
  });
}
