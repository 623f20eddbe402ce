/**
 * Stock clients of several libraries are members of one group. They and three nodes, most often the coordinator of the group,
 * are ended by `kill -9` every few seconds. At the end each acknowledged record must have been handed out to some member, so
 * that none was skipped.
 *
 * usage: node scripts/group-soak.mjs --programs FOLDER [--minutes N] [--seed S] [--mixed] [--clients a,b,…]
 *         [--member-seconds N] [--node-seconds N] [--rate N]
 *
 * --programs: a folder with the program `run`, which is called with CLIENT BOOTSTRAP member TOPIC OPTIONS. It is a member of
 * the `group` in OPTIONS and speaks its `protocol`. It prints {"r": [partition, offset, value]} for each record that it hands
 * out, commits these records, and ends when a line arrives on its standard input.
 * --mixed: each program chooses the classic or the consumer protocol at random when it starts. Otherwise all use the consumer
 * protocol.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { makeClients } from './lib/client.mjs';
import { LocalCluster, settingsOf, sleep, waitFor } from './lib/cluster.mjs';
import { freePorts } from './lib/ports.mjs';
import { randomOf } from './lib/random.mjs';
import { scriptOptions } from './lib/options.mjs';
import { ready } from './lib/ready.mjs';

const { values: options, refuse } = scriptOptions(import.meta.url, {
  programs: { type: 'string' },
  minutes: { type: 'number', default: 5 },
  seed: { type: 'number', default: 1 },
  mixed: { type: 'boolean', default: false },
  clients: { type: 'string', default: 'java,confluent-kafka-python,franz-go,platformatic' },
  'member-seconds': { type: 'number', default: 8 },
  'node-seconds': { type: 'number', default: 15 },
  rate: { type: 'number', default: 100 },
});
const nodeCount = 3;
const partitions = 12;
const topic = 'soak';
const group = 'soakers';
const sessionMs = 6_000;
const drainMs = 120_000;
const restartMs = 500;

/** A client program that is a member of the group. It is killed and started again. */
class Member {
  starts = 0;
  kills = 0;
  records = 0;
  #isOver = false;
  #child = null;
  #exited = Promise.resolve();

  constructor(client, bootstrap, random, onRecord) {
    this.client = client;
    this.bootstrap = bootstrap;
    this.random = random;
    this.onRecord = onRecord;
    this.#start();
  }

  #start() {
    this.starts++;
    const protocol = options.mixed && this.random() < 0.5 ? undefined : 'consumer';
    const settings = JSON.stringify({ group, protocol, session_ms: sessionMs });
    const args = [this.client, this.bootstrap, 'member', topic, settings];
    // The process gets a process group of its own, so that a kill also reaches a program that a shell started.
    const child = spawn(join(options.programs, 'run'), args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    });
    this.#child = child;
    let said = '';
    child.stderr.on('data', (chunk) => {
      said = `${said}${chunk}`.slice(-2_000);
    });
    createInterface({ input: child.stdout }).on('line', (line) => this.#take(line));
    this.#exited = new Promise((resolve) => {
      child.once('close', (status, signal) => {
        resolve();
        if (this.#isOver) return;
        if (signal === null) console.log(`${this.client} ended with ${status}: ${said.trim().slice(-300)}`);
        setTimeout(() => this.#isOver || this.#start(), restartMs);
      });
    });
  }

  #take(line) {
    if (!line.startsWith('{"r"')) return;
    try {
      const [partition, , value] = JSON.parse(line).r;
      this.records++;
      this.onRecord(partition, value);
    } catch {
      // The program was killed while it wrote this line.
    }
  }

  kill() {
    this.kills++;
    try {
      process.kill(-this.#child.pid, 'SIGKILL');
    } catch {
      // The process has just ended by itself.
    }
  }

  async end() {
    this.#isOver = true;
    this.#child.stdin.on('error', () => {});
    this.#child.stdin.write('stop\n');
    const timer = setTimeout(() => this.kill(), 20_000);
    await this.#exited;
    clearTimeout(timer);
  }
}

/**
 * Sends numbered records to all partitions until `isOver`. Resolves to the number of acknowledged records of each partition.
 */
async function produce(clients, bootstrap, isOver, acknowledged) {
  const client = clients.client(bootstrap);
  const producer = clients.producer(client, { deliveryTimeoutMs: 60_000, maxBlockMs: 60_000 });
  const pauseMs = (1_000 * partitions) / options.rate;
  const one = async (partition) => {
    for (let count = 0; !isOver(); count++) {
      const value = `${partition}:${count}`;
      try {
        await producer.send({ topic, partition, value: Buffer.from(value) });
        acknowledged.add(value);
      } catch {
        // The record was not acknowledged, so it may have been written or not.
      }
      await sleep(pauseMs);
    }
  };
  await Promise.all(Array.from({ length: partitions }, (_, partition) => one(partition)));
  client.close();
}

async function killMembers(members, random, untilMs) {
  while (Date.now() < untilMs) {
    await sleep(options['member-seconds'] * 1000 * (0.5 + random()));
    members[Math.floor(random() * members.length)].kill();
  }
}

/** Ends nodes by `kill -9` and starts them again: two times of three the coordinator of the group, otherwise any node. */
async function killNodes(cluster, clients, random, untilMs, counts) {
  while (Date.now() < untilMs) {
    await sleep(options['node-seconds'] * 1000 * (0.5 + random()));
    const client = clients.client(cluster.addresses());
    const id = await client.coordinator(group).catch(() => null);
    client.close();
    const isCoordinator = id !== null && random() < 0.66;
    const node = isCoordinator
      ? cluster.nodes.find((one) => one.id === id)
      : cluster.nodes[Math.floor(random() * nodeCount)];
    await cluster.kill(node);
    counts.nodes++;
    if (isCoordinator) counts.coordinators++;
    await sleep(500 + random() * 3_000);
    cluster.start(node);
  }
}

async function run(cluster, clients) {
  cluster.startAll();
  const args = ['--bootstrap-server', cluster.bootstrap, '--create', '--topic', topic];
  args.push('--partitions', String(partitions), '--replication-factor', String(nodeCount));
  await waitFor('the topic', 60_000, () => cluster.tool('kafka-topics', ...args));
  const acknowledged = new Set();
  const delivered = new Map();
  const onRecord = (_partition, value) => delivered.set(value, (delivered.get(value) ?? 0) + 1);
  const random = randomOf(options.seed);
  const members = options.clients
    .split(',')
    .map((client, at) => new Member(client, cluster.bootstrap, randomOf(options.seed + at), onRecord));
  const counts = { nodes: 0, coordinators: 0 };
  let isOver = false;
  const untilMs = Date.now() + options.minutes * 60_000;
  const producing = produce(clients, cluster.addresses(), () => isOver, acknowledged);
  try {
    await Promise.all([
      killMembers(members, random, untilMs),
      killNodes(cluster, clients, randomOf(options.seed + 1_000), untilMs, counts),
    ]);
    isOver = true;
    await producing;
    const missing = () => [...acknowledged].filter((value) => !delivered.has(value));
    const deadlineMs = Date.now() + drainMs;
    while (missing().length > 0 && Date.now() < deadlineMs) await sleep(1_000);
    const skipped = missing();
    const again = [...delivered.values()].reduce((sum, times) => sum + times - 1, 0);
    console.log(
      `${acknowledged.size} records acknowledged, ${skipped.length} skipped, ${again} handed out again`,
    );
    for (const { client, starts, kills, records } of members)
      console.log(`${client}: started ${starts} times, killed ${kills} times, ${records} records`);
    console.log(`killed ${counts.nodes} nodes, ${counts.coordinators} of them as the coordinator`);
    return skipped;
  } finally {
    isOver = true;
    await Promise.all(members.map((member) => member.end()));
  }
}

if (options.programs === undefined) refuse('--programs is missing');
ready();
const clients = await makeClients();
const folder = mkdtempSync(join(tmpdir(), 'bendemann-group-soak-'));
const settings = settingsOf(nodeCount, await freePorts(2 * nodeCount), folder).map((one) => ({
  ...one,
  'group.consumer.session.timeout.ms': sessionMs,
  'group.consumer.min.session.timeout.ms': sessionMs,
  'group.consumer.heartbeat.interval.ms': 1_000,
  'group.consumer.min.heartbeat.interval.ms': 500,
}));
const cluster = new LocalCluster({ folder, settings });
let skipped = ['the run did not end'];
try {
  cluster.format();
  skipped = await run(cluster, clients);
} finally {
  await cluster.stopAll();
  if (skipped.length === 0) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  else console.log(`skipped: ${skipped.slice(0, 10).join(' ')}; logs of the nodes are in ${folder}`);
}
console.log(
  `group-soak --seed ${options.seed}${options.mixed ? ' --mixed' : ''}: ${skipped.length === 0 ? 'passed' : 'FAILED'}`,
);
process.exit(skipped.length === 0 ? 0 : 1);
