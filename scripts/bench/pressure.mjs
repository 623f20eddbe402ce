/**
 * Measures how clients and followers can load the memory and the event loop of a node. Each part prints the largest resident
 * memory of a node and its longest turn.
 *
 * - `stream`: gigabytes pass through three nodes (acks=all), while one of the followers is stopped for a minute and then
 *   catches up.
 * - `crowd`: one node with 1,000 idle connections, 200 that send nothing, 100 clients that do not read their responses, and 200
 *   fetches of 50 MB at once; first one kind after the other, then all together, while a producer writes all the time.
 *
 * usage: node scripts/bench/pressure.mjs [--gibibytes 5] [--stopped-seconds 60] [--scale 1] [--seconds 10] [stream] [crowd]
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { randomFillSync } from 'node:crypto';
import net from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { sleep, waitFor } from '../lib/cluster.mjs';
import { scriptOptions } from '../lib/options.mjs';
import { ready, root } from '../lib/ready.mjs';
import { machineLine } from './numbers.mjs';
import { residentBytesMax, startAndWait, systemsOf, withCluster } from './systems.mjs';

const { values: args, positionals } = scriptOptions(
  import.meta.url,
  {
    gibibytes: { type: 'number', default: 5 },
    'stopped-seconds': { type: 'number', default: 60 },
    scale: { type: 'number', default: 1 },
    seconds: { type: 'number', default: 10 },
  },
  ['stream', 'crowd'],
);
ready();
const load = (path) => import(pathToFileURL(join(root, 'dist', path)).href);
const [{ makeClients }, { makeProbes }, { requestFrame }, { FetchRequest }, { ApiVersionsRequest }] =
  await Promise.all([
    import('../lib/client.mjs'),
    import('./probes.mjs'),
    load('protocol/frames.js'),
    load('protocol/messages/records/01-fetch.js'),
    load('protocol/messages/cluster/18-api-versions.js'),
  ]);
const clients = await makeClients();
const probes = await makeProbes(clients);
const [system] = systemsOf(null);
const scale = args.scale;
const mebibyte = 1024 * 1024;
const valueBytes = 100 * 1024;
const inFlight = 100;
const fetchBytes = 50_000_000;

/** Values that can hardly be compressed. A few are used in turns. */
const values = Array.from({ length: 8 }, () => randomFillSync(Buffer.alloc(valueBytes)));

/** Produces until `isDone`. Resolves to the number of acknowledged bytes. */
async function produce(client, topic, isDone) {
  const producer = clients.producer(client, { lingerMs: 5, acks: -1, deliveryTimeoutMs: 120_000 });
  let bytes = 0;
  const worker = async (i) => {
    while (!isDone(bytes)) {
      await producer.send({ topic, value: values[i % values.length] });
      bytes += valueBytes;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, (_, i) => worker(i)));
  return bytes;
}

/** Measures all nodes of a cluster while `body` runs. */
async function measured(cluster, turnsFile, what, body) {
  const pids = cluster.nodes.map((node) => node.process.pid);
  // Resets the highest resident memory that the kernel has recorded.
  for (const pid of pids) writeFileSync(`/proc/${pid}/clear_refs`, '5');
  const fromMs = Date.now();
  await body();
  const toMs = Date.now();
  const turns = readFileSync(turnsFile, 'utf8')
    .split('\n')
    .map((line) => line.split(' ').map(Number));
  const longest = Math.max(0, ...turns.filter(([at]) => at >= fromMs && at <= toMs).map(([, ms]) => ms));
  const memory = Math.max(...pids.map(residentBytesMax)) / mebibyte;
  const turn = longest === 0 ? 'below 10' : longest.toFixed(0);
  console.log(`| ${what} | ${((toMs - fromMs) / 1000).toFixed(0)} | ${memory.toFixed(0)} | ${turn} |`);
}

async function withWatchedCluster(count, body) {
  const turnsFile = join(root, `node_modules/.turns-${process.pid}`);
  writeFileSync(turnsFile, '');
  process.env.TURNS_FILE = turnsFile;
  process.env.NODE_OPTIONS = `--import=${pathToFileURL(join(root, 'scripts/bench/log-turns.mjs')).href}`;
  await withCluster(system, count, async (cluster) => {
    await startAndWait(cluster, clients);
    await body(cluster, turnsFile);
  });
}

async function stream() {
  await withWatchedCluster(3, async (cluster, turnsFile) => {
    const client = clients.client(cluster.addresses(), { requestTimeoutMs: 60_000 });
    await probes.readyTopic(client, 'stream', 3, 3);
    const bytesMax = args.gibibytes * 1024 * mebibyte;
    await measured(
      cluster,
      turnsFile,
      `${args.gibibytes} GiB through three nodes, one stopped for ${args['stopped-seconds']} s`,
      async () => {
        const done = produce(client, 'stream', (bytes) => bytes >= bytesMax);
        await sleep(5000);
        const [{ leader }] = await probes.partitionsOf(client, 'stream');
        const victim = cluster.nodes.find(({ id }) => id !== leader);
        victim.process.kill('SIGSTOP');
        await sleep(args['stopped-seconds'] * 1000);
        victim.process.kill('SIGCONT');
        await done;
        await waitFor('all replicas in sync', 300_000, async () =>
          (await probes.partitionsOf(client, 'stream')).every(({ isr }) => isr.length === 3),
        );
      },
    );
    client.close();
  });
}

class Crowd {
  #address;
  #sockets = [];

  constructor(address) {
    this.#address = address;
  }

  open(count) {
    const opened = Array.from({ length: count }, () => {
      const socket = net.connect(this.#address).on('error', () => {});
      this.#sockets.push(socket);
      return new Promise((resolve) =>
        socket.once('connect', () => resolve(socket)).once('close', () => resolve(socket)),
      );
    });
    return Promise.all(opened);
  }

  async idle(count) {
    const header = { apiVersion: 0, correlationId: 1, clientId: 'idle' };
    for (const socket of await this.open(count)) {
      socket.write(Buffer.concat(requestFrame(ApiVersionsRequest, header, {})));
      socket.resume();
    }
  }

  /** Opens connections that each request 50 MB three times and do not read the responses. */
  async slow(count) {
    for (const socket of await this.open(count)) {
      socket.pause();
      for (let i = 0; i < 3; i++) socket.write(fetchFrame());
    }
  }

  /** Sends fetches of 50 MB, all at once. Resolves when each has received its whole response. */
  async fetches(count) {
    const sockets = await this.open(count);
    await Promise.all(sockets.map((socket) => this.#fetched(socket)));
  }

  #fetched(socket) {
    return new Promise((resolve) => {
      let left = -1;
      socket.on('data', (chunk) => {
        left = (left < 0 ? chunk.readInt32BE(0) + 4 : left) - chunk.length;
        if (left > 0) return;
        socket.destroy();
        resolve();
      });
      socket.once('close', resolve);
      socket.write(fetchFrame());
    });
  }

  close() {
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets = [];
  }
}

function fetchFrame() {
  const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: fetchBytes }];
  const body = {
    replicaId: -1,
    maxWaitMs: 1000,
    minBytes: 1,
    maxBytes: fetchBytes,
    topics: [{ topic: 'crowd', partitions }],
  };
  return Buffer.concat(
    requestFrame(FetchRequest, { apiVersion: 4, correlationId: 1, clientId: 'crowd' }, body),
  );
}

async function crowd() {
  await withWatchedCluster(1, async (cluster, turnsFile) => {
    const [address] = cluster.addresses();
    const client = clients.client([address], { requestTimeoutMs: 60_000 });
    await probes.readyTopic(client, 'crowd', 1, 1);
    const measure = (what, body) => measured(cluster, turnsFile, what, body);
    const load = 300 * mebibyte * scale;
    await measure('300 MB are written', () => produce(client, 'crowd', (bytes) => bytes >= load));
    let isOver = false;
    const background = produce(client, 'crowd', () => isOver).catch(() => 0);
    const counts = { idle: 1000 * scale, silent: 200 * scale, slow: 100 * scale, fetches: 200 * scale };
    const one = async (what, act) => {
      const guests = new Crowd(address);
      await measure(what, async () => {
        await act(guests);
        await sleep(args.seconds * 1000);
      });
      guests.close();
      await sleep(1000);
    };
    await one(`${counts.idle} idle connections`, (guests) => guests.idle(counts.idle));
    await one(`${counts.silent} silent connections`, (guests) => guests.open(counts.silent));
    await one(`${counts.slow} clients that do not read`, (guests) => guests.slow(counts.slow));
    await one(`${counts.fetches} fetches of 50 MB at once`, (guests) => guests.fetches(counts.fetches));
    await one('all of these together', async (guests) => {
      await guests.idle(counts.idle);
      await guests.open(counts.silent);
      await guests.slow(counts.slow);
      await guests.fetches(counts.fetches);
    });
    isOver = true;
    await background;
    client.close();
  });
}

const parts = { stream, crowd };
console.log(`${machineLine()}\n${new Date().toISOString()}\n`);
console.log('| part | s | largest memory of a node, MiB | longest turn, ms |\n| --- | --- | --- | --- |');
for (const name of positionals.length > 0 ? positionals : Object.keys(parts)) await parts[name]();
