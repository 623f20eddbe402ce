/** `npm run fuzz`: random requests against a real node until `--count` were sent. See README.md. */
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { parseArgs } from 'node:util';
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
  Workshop,
} from '../server/process/harness.ts';
import { framesOf, noise } from './frames.ts';
import { PeerFuzz, speak } from './peer-frames.ts';

const { values: args } = parseArgs({
  options: {
    count: { type: 'string', default: '20000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    connections: { type: 'string', default: '8' },
  },
});

/** A connection whose requests take longer is closed: many may wait as long as they like. */
const patienceMs = 300;
const framesPerConnection = 20;
const checkEvery = 5_000;
const rssBytesMax = 400 * 1024 * 1024;

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

class Fuzz {
  sent = 0;
  rssMax = 0;
  readonly #random: SeededRandom;
  readonly #node: NodeFiles;
  readonly #server: Tool;
  readonly #client: KafkaClient;
  readonly #producer: Producer;
  readonly #acknowledged: string[] = [];
  readonly #peers: PeerFuzz;

  constructor(random: SeededRandom, peers: PeerFuzz, node: NodeFiles, server: Tool, client: KafkaClient) {
    this.#random = random;
    this.#peers = peers;
    this.#node = node;
    this.#server = server;
    this.#client = client;
    this.#producer = producerOf(client, { lingerMs: 0 });
  }

  async run(count: number, connections: number): Promise<void> {
    for (let next = checkEvery; this.sent < count; next += checkEvery) {
      while (this.sent < Math.min(next, count)) {
        const talks: Promise<void>[] = [];
        const talk = this.#peers.talk(framesPerConnection);
        this.sent += talk.frames.length;
        talks.push(
          speak(this.#random.chance(0.5) ? this.#node.broker : this.#node.controller, talk, patienceMs),
        );
        for (let i = 0; i < connections; i++) {
          const frames = this.#random.chance(0.05)
            ? [noise(this.#random)]
            : framesOf(this.#random, framesPerConnection);
          this.sent += frames.length;
          talks.push(converse(this.#node, frames));
        }
        await Promise.all(talks);
      }
      await this.#check();
    }
  }

  /** The node lives, keeps its memory bounded, takes a record and gives all of them back. */
  async #check(): Promise<void> {
    if (this.#server.isEnded) throw new Error('the node has ended');
    const rss = rssBytes(this.#server.pid);
    this.rssMax = Math.max(this.rssMax, rss);
    if (rss > rssBytesMax) throw new Error(`the node takes ${Math.round(rss / 1048576)} MiB`);
    const bug = this.#server.output.split('\n').find((line) => line.includes(' ERROR '));
    if (bug !== undefined) throw new Error(`the node logged: ${bug}`);
    const value = `witness ${this.#acknowledged.length}`;
    await this.#producer.send({ topic: 'witness-of-the-fuzzer', value: bytesOf(value) });
    this.#acknowledged.push(value);
    const found = await readAll(this.#client, 'witness-of-the-fuzzer');
    if (found.join() !== this.#acknowledged.join()) throw new Error('acknowledged records differ');
  }
}

async function main(): Promise<void> {
  const seed = Number(args.seed);
  console.log(`fuzz: seed ${seed}, ${args.count} requests`);
  const workshop = new Workshop();
  const nodes = await workshop.nodes(1, { 'auto.create.topics.enable': 'false' });
  await workshop.format(nodes);
  const [server] = await workshop.startAll(nodes);
  const node = nodes[0] as NodeFiles;
  const client = workshop.client(node);
  for (const topic of ['witness-of-the-fuzzer', 'fuzz', 'kept']) await createTopic(client, topic, 1, 1);
  const random = new SeededRandom(seed);
  const peers = await PeerFuzz.create(random, workshop.clusterId);
  const fuzz = new Fuzz(random, peers, node, server as Tool, client);
  try {
    await fuzz.run(Number(args.count), Number(args.connections));
    console.log(
      `fuzz: ${fuzz.sent} requests, largest RSS ${Math.round(fuzz.rssMax / 1048576)} MiB, seed ${seed}: the node is well`,
    );
    await workshop.close();
  } catch (error) {
    console.error(`fuzz: FAILED after ${fuzz.sent} requests, seed ${seed}: ${String(error)}`);
    console.error(workshop.story());
    process.exitCode = 1;
    await workshop.close(true);
  }
}

await main();
