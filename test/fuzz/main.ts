/** `npm run fuzz`: sends `--count` random requests to a real node. See README.md. */
import { readdirSync, readFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { SeededRandom } from '../../src/simulation/random.ts';
import type { Producer } from '../../src/client/producer.ts';
import type { KafkaClient } from '../../src/client/kafka-client.ts';
import {
  bytesOf,
  createTopic,
  type NodeFiles,
  producerOf,
  readAll,
  type Tool,
  until,
  Workshop,
} from '../server/process/harness.ts';
import { framesOf, noise } from './frames.ts';
import { PeerFuzz, speak } from './peer-frames.ts';

/** The options of `scripts/fuzz.mjs`. */
interface Options {
  /** How many requests. */
  readonly count: number;
  readonly seed: number;
  readonly connections: number;
  readonly peers: number;
  readonly nodes: number;
}

/** A connection whose requests take longer is closed: many may wait as long as they like. */
const patienceMs = 300;
const framesPerConnection = 20;
const checkEvery = 5_000;
const rssBytesMax = 400 * 1024 * 1024;
const witness = 'witness-of-the-fuzzer';

/** Sends everything, waits until the server closes or nothing came for a while. */
function converse(node: NodeFiles, frames: readonly Buffer[]): Promise<void> {
  return new Promise((resolve) => {
    const socket = net.connect(node.broker);
    socket.setTimeout(patienceMs, () => socket.destroy());
    socket.on('error', () => undefined);
    socket.on('data', () => undefined);
    socket.on('close', () => resolve());
    for (const frame of frames) socket.write(frame);
    socket.end();
  });
}

function rssBytes(pid: number): number {
  const kib = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kib) * 1024;
}

/** A node under fire, with its process. */
interface Target extends NodeFiles {
  readonly server: Tool;
}

/** The `.log` files of every partition of a node that has stopped, one behind the other. */
function logsOf({ directory }: NodeFiles): Map<string, Buffer> {
  const isPartition = (name: string): boolean => /-\d+$/.test(name) && name !== '__cluster_metadata-0';
  const logs = new Map<string, Buffer>();
  for (const name of readdirSync(directory).filter(isPartition)) {
    const files = readdirSync(join(directory, name)).filter((file) => file.endsWith('.log'));
    logs.set(name, Buffer.concat(files.sort().map((file) => readFileSync(join(directory, name, file)))));
  }
  return logs;
}

class Fuzz {
  sent = 0;
  rssMax = 0;
  readonly #random: SeededRandom;
  readonly #targets: readonly Target[];
  readonly #client: KafkaClient;
  readonly #producer: Producer;
  readonly #acknowledged: string[] = [];
  readonly #peers: PeerFuzz;

  constructor(random: SeededRandom, peers: PeerFuzz, targets: readonly Target[], client: KafkaClient) {
    this.#random = random;
    this.#peers = peers;
    this.#targets = targets;
    this.#client = client;
    this.#producer = producerOf(client, { lingerMs: 0 });
  }

  /** `connections`, `peers`: how many connections of clients, and gRPC streams, there are at a time. */
  async run(count: number, connections: number, peers: number): Promise<void> {
    for (let next = checkEvery; this.sent < count; next += checkEvery) {
      while (this.sent < Math.min(next, count)) await this.#burst(connections, peers);
      await this.#check();
    }
  }

  async #burst(connections: number, peers: number): Promise<void> {
    const target = this.#targets[this.#random.u32() % this.#targets.length] as Target;
    const talks: Promise<void>[] = [];
    for (let i = 0; i < peers; i++) {
      const talk = this.#peers.talk(framesPerConnection);
      this.sent += talk.frames.length;
      talks.push(speak(this.#random.chance(0.5) ? target.broker : target.controller, talk, patienceMs));
    }
    for (let i = 0; i < connections; i++) {
      const frames = this.#random.chance(0.05)
        ? [noise(this.#random)]
        : framesOf(this.#random, framesPerConnection);
      this.sent += frames.length;
      talks.push(converse(target, frames));
    }
    await Promise.all(talks);
  }

  /** Every node lives and keeps its memory bounded; the cluster takes a record and gives all of them back. */
  async #check(): Promise<void> {
    for (const { id, server } of this.#targets) {
      if (server.isEnded) throw new Error(`node ${id} has ended`);
      const rss = rssBytes(server.pid);
      this.rssMax = Math.max(this.rssMax, rss);
      if (rss > rssBytesMax) throw new Error(`node ${id} takes ${Math.round(rss / 1048576)} MiB`);
      const bug = server.output.split('\n').find((line) => line.includes(' ERROR '));
      if (bug !== undefined) throw new Error(`node ${id} logged: ${bug}`);
    }
    const value = `witness ${this.#acknowledged.length}`;
    await this.#producer.send({ topic: witness, value: bytesOf(value) });
    this.#acknowledged.push(value);
    const found = await readAll(this.#client, witness);
    if (found.join() !== this.#acknowledged.join()) throw new Error('acknowledged records differ');
  }

  /**
   * Stops the nodes; all replicas of a partition hold the same bytes. Resolves to how many were compared. A topic that one of
   * the last requests deletes in the meantime is left out (seed 92).
   */
  async compareReplicas(): Promise<number> {
    const said = new Map(this.#targets.map(({ id, server }) => [id, server.output.length]));
    const replicas = new Map<string, readonly number[]>();
    await until('all replicas in sync', async () => {
      const { topics } = await this.#client.metadata(null);
      for (const [name, { partitions }] of topics)
        for (const partition of partitions) replicas.set(`${name}-${partition.index}`, partition.replicas);
      const partitions = [...topics.values()].flatMap((topic) => topic.partitions);
      return partitions.every(({ isr, replicas: all }) => isr.length === all.length) ? true : null;
    });
    for (const { server } of this.#targets) server.signal('SIGTERM');
    for (const { server } of this.#targets) await server.ended;
    const logs = new Map(this.#targets.map((target) => [target.id, logsOf(target)]));
    const news = this.#targets.map(({ id, server }) => server.output.slice(said.get(id))).join();
    const deleted = new Set([...news.matchAll(/Topic (\S+) is deleted/g)].map(([, topic]) => topic));
    for (const [name, ids] of replicas) {
      if (deleted.has(name.replace(/-\d+$/, ''))) continue;
      const [first, ...others] = ids.map((id) => logs.get(id)?.get(name));
      if (first === undefined || others.some((other) => other?.equals(first) !== true))
        throw new Error(`${name}: its replicas on nodes ${ids.join(', ')} differ`);
    }
    return [...replicas.values()].flat().length;
  }
}

export async function fuzz({
  count,
  seed,
  connections,
  peers: peerCount,
  nodes: nodeCount,
}: Options): Promise<void> {
  console.log(`fuzz: seed ${seed}, ${count} requests, ${nodeCount} nodes`);
  const workshop = new Workshop();
  const nodes = await workshop.nodes(nodeCount, {
    'auto.create.topics.enable': 'false',
    'default.replication.factor': nodeCount,
    'transaction.state.log.replication.factor': nodeCount,
    'transaction.state.log.min.isr': 1,
  });
  await workshop.format(nodes);
  const servers = await workshop.startAll(nodes);
  const targets = nodes.map((node, i) => ({ ...node, server: servers[i] as Tool }));
  const client = workshop.client(...nodes);
  for (const topic of [witness, 'fuzz', 'kept']) await createTopic(client, topic, 1, nodeCount);
  const random = new SeededRandom(seed);
  const peers = await PeerFuzz.create(random, workshop.clusterId);
  const run = new Fuzz(random, peers, targets, client);
  try {
    await run.run(count, connections, peerCount);
    const equal = await run.compareReplicas();
    console.log(
      `fuzz: ${run.sent} requests, largest RSS ${Math.round(run.rssMax / 1048576)} MiB, ${equal} replicas equal, seed ${seed}: the ${nodeCount === 1 ? 'node is' : 'nodes are'} well`,
    );
    await workshop.close();
  } catch (error) {
    console.error(`fuzz: FAILED after ${run.sent} requests, seed ${seed}: ${String(error)}`);
    console.error(workshop.story());
    process.exitCode = 1;
    await workshop.close(true);
  }
}
