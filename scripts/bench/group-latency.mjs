/**
 * Part `group-latency`: how long a consumer of a stock client library waits for its first record: when it joins an empty group,
 * when it joins a group with one member, and when it takes over the partitions of a member that was killed (counted from the
 * end of that member's session). A proxy in front of the broker sees the first and the last request of each member; records are
 * counted when the program prints them.
 */
import { spawn } from 'node:child_process';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { sleep, waitFor } from '../lib/cluster.mjs';
import { freePorts } from '../lib/ports.mjs';
import { startAndWait, withCluster } from './systems.mjs';

const partitions = 6;
const sessionMs = 6_000;
const patienceMs = 90_000;
/** The proxy breaks the connections of a killed process after this time. */
const breakMs = 500;
/** The time between two records of a partition. */
const tickMs = 20;
const memberRequests = new Set([11, 12, 14, 68]);
/** After this time a group does not change any more; it is longer than the interval between two assignments (KIP-1263). */
const restMs = 3_000;

/** `library protocol`. A library that supports both protocols is listed twice. */
const members = [
  ['java', 'classic'],
  ['java', 'consumer'],
  ['confluent-kafka-python', 'classic'],
  ['confluent-kafka-python', 'consumer'],
  ['franz-go', 'classic'],
  ['franz-go', 'consumer'],
  ['platformatic', 'classic'],
  ['platformatic', 'consumer'],
  ['kafkajs', 'classic'],
];

/** Passes bytes on, and notes on each connection when a request of a group member passes. */
class Proxy {
  connections = [];

  constructor(port, target) {
    this.server = createServer((client) => this.#pass(client, target())).listen(port, 'localhost');
  }

  #pass(client, port) {
    const connection = { firstMs: null, lastMs: null, closedMs: null };
    this.connections.push(connection);
    const broker = connect(port, 'localhost');
    for (const socket of [client, broker]) socket.setNoDelay(true);
    let rest = Buffer.alloc(0);
    client.on('data', (chunk) => {
      rest = this.#look(connection, Buffer.concat([rest, chunk]));
      broker.write(chunk);
    });
    broker.on('data', (chunk) => client.write(chunk));
    for (const [from, to] of [
      [client, broker],
      [broker, client],
    ]) {
      from.on('error', () => to.destroy());
      from.on('close', () => {
        connection.closedMs ??= performance.now();
        to.destroy();
      });
    }
  }

  /** Removes complete requests from the front of the bytes. */
  #look(connection, bytes) {
    let at = 0;
    while (bytes.length - at >= 6 && bytes.length - at >= 4 + bytes.readInt32BE(at)) {
      if (memberRequests.has(bytes.readInt16BE(at + 4))) {
        connection.lastMs = performance.now();
        connection.firstMs ??= connection.lastMs;
      }
      at += 4 + bytes.readInt32BE(at);
    }
    return bytes.subarray(at);
  }

  /** Returns when a member sent its first request, on a connection that was opened after the first `known` ones. */
  firstSince(known) {
    const times = this.connections.slice(known).flatMap(({ firstMs }) => firstMs ?? []);
    return times.length === 0 ? null : Math.min(...times);
  }

  /** Returns when a client that was killed at `killedMs` sent its last request. Its connections broke at once. */
  lastOfKilled(killedMs) {
    const closed = this.connections.filter(
      ({ closedMs }) => closedMs !== null && closedMs >= killedMs && closedMs < killedMs + breakMs,
    );
    return Math.max(...closed.flatMap(({ lastMs }) => lastMs ?? []));
  }
}

/** A program that is a member of the group and prints its records. */
class Program {
  /** For each partition, when its last record was printed. */
  seen = new Map();
  firstMs = null;

  constructor(context, [library, protocol], bootstrap, topic) {
    const options = { group: `${topic}-g`, session_ms: sessionMs };
    if (protocol === 'consumer') options.protocol = protocol;
    const args = [library, bootstrap, 'member', topic, JSON.stringify(options)];
    this.child = spawn(join(context.programs, 'run'), args, {
      stdio: ['pipe', 'pipe', 'ignore'],
      detached: true,
    });
    this.child.stdin.on('error', () => {});
    this.ended = new Promise((resolve) => this.child.once('close', resolve));
    createInterface({ input: this.child.stdout }).on('line', (line) => {
      const found = /^\{"r": ?\[(\d+)/.exec(line);
      if (found === null) return;
      this.firstMs ??= performance.now();
      this.seen.set(Number(found[1]), performance.now());
    });
  }

  async kill() {
    try {
      process.kill(-this.child.pid, 'SIGKILL');
    } catch {
      // The process has ended by itself.
    }
    await this.ended;
  }
}

class Measurement {
  constructor(cluster, system, context, proxy, bootstrap) {
    this.cluster = cluster;
    this.system = system;
    this.context = context;
    this.proxy = proxy;
    this.bootstrap = bootstrap;
  }

  /** Produces records to all partitions until `body` has ended. */
  async #whileProducing(topic, body) {
    const client = this.context.clients.client(this.cluster.addresses());
    const producer = this.context.clients.producer(client);
    let isOver = false;
    const producing = Promise.all(
      Array.from({ length: partitions }, async (_, partition) => {
        while (!isOver) {
          await producer.send({ topic, partition, value: Buffer.from('record') });
          await sleep(tickMs);
        }
      }),
    );
    try {
      await body();
    } finally {
      isOver = true;
      await producing;
      client.close();
    }
  }

  #add(what, member, ms) {
    this.context.results.add(`${what}: ${member.join(', ')}`, 'ms', this.system, ms);
  }

  /** Measures from the first request of a new member to its first record. */
  async #join(member, topic) {
    const known = this.proxy.connections.length;
    const program = new Program(this.context, member, this.bootstrap, topic);
    await waitFor(`a record for ${member}`, patienceMs, () => program.firstMs !== null);
    return { program, ms: program.firstMs - this.proxy.firstSince(known) };
  }

  async run(member, topic) {
    const client = this.context.clients.client(this.cluster.addresses());
    await this.context.probes.readyTopic(client, topic, partitions, 1);
    client.close();
    await this.#whileProducing(topic, async () => {
      const programs = [];
      try {
        const one = await this.#join(member, topic);
        programs.push(one.program);
        this.#add('first record after joining an empty group', member, one.ms);
        await sleep(restMs);
        const two = await this.#join(member, topic);
        programs.push(two.program);
        this.#add('first record after joining another member', member, two.ms);
        await sleep(sessionMs);
        await this.#kill(member, one.program, two.program);
      } finally {
        await Promise.all(programs.map((program) => program.kill()));
      }
    });
  }

  async #kill(member, victim, survivor) {
    const lost = [...victim.seen]
      .filter(([, ms]) => ms > performance.now() - 1_000)
      .map(([partition]) => partition);
    const killedMs = performance.now();
    await victim.kill();
    const hasAll = () => lost.every((partition) => (survivor.seen.get(partition) ?? 0) > killedMs);
    await waitFor(`${member} to take over`, patienceMs, hasAll);
    const sessionEndMs = this.proxy.lastOfKilled(killedMs) + sessionMs;
    const tookOverMs = performance.now();
    this.#add('first records of a killed member, after its session', member, tookOverMs - sessionEndMs);
  }
}

export async function benchGroupLatency(system, context) {
  if (context.programs === null)
    throw new Error('--programs is missing: client programs, as for scripts/group-soak.mjs');
  const [port] = await freePorts(1);
  let cluster = null;
  const proxy = new Proxy(port, () => cluster.addresses()[0].port);
  const properties = {
    'offsets.topic.replication.factor': 1,
    'advertised.listeners': `PLAINTEXT://localhost:${port}`,
    'group.consumer.session.timeout.ms': sessionMs,
    'group.consumer.min.session.timeout.ms': sessionMs,
  };
  const body = async (started) => {
    cluster = started;
    await startAndWait(cluster, context.clients);
    const measurement = new Measurement(cluster, system, context, proxy, `localhost:${port}`);
    for (let i = 0; i < context.runs; i++)
      for (const member of members) await measurement.run(member, `latency-${i}-${member.join('-')}`);
  };
  try {
    await withCluster(system, 1, body, properties);
  } finally {
    proxy.server.close();
  }
}
