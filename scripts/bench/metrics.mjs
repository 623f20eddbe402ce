/**
 * Measures what metrics cost: the time of a scrape of one node with many partitions and groups, and the throughput of producers
 * with and without a scrape each second, in turns. Prints medians with the smallest and the largest value.
 *
 * usage: node scripts/bench/metrics.mjs [--partitions 1000] [--groups 100] [--seconds 10] [--runs 5]
 */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { sleep, waitFor } from '../lib/cluster.mjs';
import { freePorts } from '../lib/ports.mjs';
import { scriptOptions } from '../lib/options.mjs';
import { ready, root } from '../lib/ready.mjs';
import { machineLine, Results } from './numbers.mjs';
import { cpuSecondsOf, startAndWait, systemsOf, withCluster } from './systems.mjs';

const { values: args } = scriptOptions(import.meta.url, {
  partitions: { type: 'number', default: 1000 },
  groups: { type: 'number', default: 100 },
  seconds: { type: 'number', default: 10 },
  runs: { type: 'number', default: 5 },
});
ready();
const load = (path) => import(pathToFileURL(join(root, 'dist', path)).href);
const [{ makeClients }, { makeProbes }, { OffsetCommitRequest, OffsetCommitResponse }] = await Promise.all([
  import('../lib/client.mjs'),
  import('./probes.mjs'),
  load('protocol/messages/groups/08-offset-commit.js'),
]);
const clients = await makeClients();
const probes = await makeProbes(clients);
const results = new Results();
const [system] = systemsOf(null);
const value = new Uint8Array(1000).fill(120);
const inFlight = 64;
const partitionsOfGroup = 10;

/** Commits offsets of some partitions for each group. */
async function commit(client, groups) {
  const topicId = (await client.metadata(['many'])).topics.get('many').id;
  for (let i = 0; i < groups; i++) {
    const partitions = Array.from({ length: partitionsOfGroup }, (_, at) => ({
      partitionIndex: (i * partitionsOfGroup + at) % args.partitions,
      committedOffset: 0,
      committedMetadata: '',
    }));
    const body = { groupId: `group-${i}`, memberId: '', topics: [{ name: 'many', topicId, partitions }] };
    await waitFor(`the coordinator of ${body.groupId}`, 60_000, async () => {
      const id = await client.coordinator(body.groupId);
      const { topics } = await client.requestTo(id, OffsetCommitRequest, OffsetCommitResponse, body);
      return topics.every(({ partitions: all }) => all.every(({ errorCode }) => errorCode === 0));
    });
  }
}

/** Returns how many records per second were acknowledged, and the CPU time of the node for a million records. */
async function produce(client, cluster, seconds) {
  const producer = clients.producer(client, { lingerMs: 5, acks: 1 });
  const endMs = performance.now() + seconds * 1000;
  const cpuBefore = cpuSecondsOf(cluster);
  const startMs = performance.now();
  let records = 0;
  const worker = async () => {
    while (performance.now() < endMs) {
      await producer.send({ topic: 'load', value });
      records++;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  const tookSeconds = (performance.now() - startMs) / 1000;
  return { rate: records / tookSeconds, cpu: ((cpuSecondsOf(cluster) - cpuBefore) * 1e6) / records };
}

async function scrape(url) {
  const startMs = performance.now();
  const text = await (await fetch(url)).text();
  return { tookMs: performance.now() - startMs, bytes: text.length };
}

/**
 * Returns the milliseconds of CPU time that a scrape takes: of several, because the system counts in hundredths of a second.
 */
async function cpuOfScrape(cluster, url) {
  const scrapes = 20;
  const cpuBefore = cpuSecondsOf(cluster);
  for (let i = 0; i < scrapes; i++) await scrape(url);
  return ((cpuSecondsOf(cluster) - cpuBefore) * 1000) / scrapes;
}

async function withScrapes(url, body) {
  let isDone = false;
  const scrapes = (async () => {
    while (!isDone) {
      const { tookMs } = await scrape(url);
      results.add('a scrape beside producers', 'ms', system, tookMs);
      await sleep(Math.max(0, 1000 - tookMs));
    }
  })();
  const value = await body();
  isDone = true;
  await scrapes;
  return value;
}

const [port] = await freePorts(1);
const extra = { 'metrics.port': port, 'metrics.host': '127.0.0.1', 'offsets.topic.num.partitions': 4 };
await withCluster(
  system,
  1,
  async (cluster) => {
    await startAndWait(cluster, clients);
    const client = clients.client(cluster.addresses(), { requestTimeoutMs: 60_000 });
    try {
      await probes.readyTopic(client, 'many', args.partitions, 1);
      await probes.readyTopic(client, 'load', 4, 1);
      await commit(client, args.groups);
      const url = `http://127.0.0.1:${port}/metrics`;
      await produce(client, cluster, 3);
      for (let i = 0; i < args.runs; i++) {
        const { tookMs, bytes } = await scrape(url);
        results.add('a scrape of an idle node', 'ms', system, tookMs);
        results.add('CPU of a scrape of an idle node', 'ms', system, await cpuOfScrape(cluster, url));
        results.add('size of the page', 'KB', system, bytes / 1000);
        const without = await produce(client, cluster, args.seconds);
        const beside = await withScrapes(url, () => produce(client, cluster, args.seconds));
        results.add('records/s without scrapes', '1/s', system, without.rate);
        results.add('records/s with a scrape each second', '1/s', system, beside.rate);
        results.add('CPU of a million records without scrapes', 's', system, without.cpu);
        results.add('CPU of a million records with a scrape each second', 's', system, beside.cpu);
      }
    } finally {
      client.close();
    }
  },
  extra,
);
console.log(machineLine());
console.log(results.table([system]));
