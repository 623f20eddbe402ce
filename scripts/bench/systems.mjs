/**
 * The brokers that are compared, as clusters that start and stop in the same way: Bendemann from this tree, Apache Kafka from a
 * directory with `bin/`, and other builds. Also reads what the kernel knows of their processes.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { LocalCluster, settingsOf, waitFor } from '../lib/cluster.mjs';
import { freePorts } from '../lib/ports.mjs';
import { root } from '../lib/ready.mjs';

/** The default of Apache Kafka's kafka-server-start.sh. Bendemann ignores it. */
const heapOptions = '-Xmx1G -Xms1G';
/** Linux reports CPU time in hundredths of a second on all supported architectures. */
const ticksPerSecond = 100;

/** `against`: built checkouts of other commits, which are compared too. */
export function systemsOf(kafka, against = []) {
  const systems = [{ name: 'Bendemann', bin: join(root, 'bin') }];
  for (const folder of against)
    systems.push({ name: `Bendemann in ${basename(folder)}`, bin: join(resolve(folder), 'bin') });
  if (kafka !== null) systems.push({ name: 'Apache Kafka', bin: join(kafka, 'bin') });
  return systems;
}

/**
 * Runs `body` with a formatted cluster in a directory of its own. Afterwards it ends all processes and deletes all files, also
 * after an error.
 */
export async function withCluster(system, count, body, extra = {}, environment = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'bendemann-bench-'));
  const settings = settingsOf(count, await freePorts(2 * count), folder).map((properties) => ({
    ...properties,
    // Deletes files soon, because benchmarks delete the topics that they have written.
    'log.segment.delete.delay.ms': 1000,
    ...extra,
  }));
  const env = { ...process.env, KAFKA_HEAP_OPTS: heapOptions, ...environment };
  const cluster = new LocalCluster({ folder, settings, bin: system.bin, env });
  try {
    cluster.format();
    return await body(cluster);
  } finally {
    for (const node of cluster.nodes) node.process?.kill('SIGCONT');
    await cluster.stopAll();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Starts all nodes, and waits until all brokers are in service. */
export async function startAndWait(cluster, clients) {
  cluster.startAll();
  const client = clients.client(cluster.addresses());
  try {
    const all = cluster.nodes.length;
    await waitFor('all brokers', 60_000, async () => (await client.metadata([])).brokers.size === all);
  } finally {
    client.close();
  }
}

/** Returns the user and system time of a process since its start. */
export function cpuSeconds(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

function statusBytes(pid, key) {
  const found = new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'latin1'));
  return Number(found[1]) * 1024;
}

export const residentBytes = (pid) => statusBytes(pid, 'VmRSS');
export const residentBytesMax = (pid) => statusBytes(pid, 'VmHWM');

export function pidsOf(cluster) {
  return cluster.nodes.filter((node) => node.process !== null).map((node) => node.process.pid);
}

export function cpuSecondsOf(cluster) {
  return pidsOf(cluster).reduce((sum, pid) => sum + cpuSeconds(pid), 0);
}
