/**
 * Part `consumer-group`: a large group of the consumer protocol (KIP-848). All members join at once, one leaves, and the topic
 * gets more partitions. Measured are the time until all members have their partitions, CPU time and the longest turn of the
 * event loop of the server, the longest time that another client waits meanwhile, and the cost of a heartbeat when nothing
 * changes. The members are simulated by our own client over a few connections, so that they cost both brokers the same.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { sleep } from '../lib/cluster.mjs';
import { root } from '../lib/ready.mjs';
import { cpuSecondsOf, startAndWait, withCluster } from './systems.mjs';

const load = (path) => import(pathToFileURL(join(root, 'dist', path)).href);
const connections = 20;
const roundMs = 250;
const settleTimeoutMs = 120_000;
const heartbeatsAtRest = 20;
/**
 * COORDINATOR_LOAD_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE and NOT_COORDINATOR, which mean that the coordinator is still
 * starting.
 */
const notReady = new Set([14, 15, 16]);
/** Enough for Apache Kafka with these groups, and small enough for a small machine. */
const kafkaHeap = '-Xmx512m -Xms512m';
/** Ten topics of 1,000 partitions: Kafka refuses to create one topic of 10,000 partitions at once. */
const topics = Array.from({ length: 10 }, (_, i) => `large-${i}`);

async function loadMessages() {
  const [heartbeat, metadata, create] = await Promise.all([
    load('protocol/messages/groups/68-consumer-group-heartbeat.js'),
    load('protocol/messages/cluster/18-api-versions.js'),
    load('protocol/messages/topics/37-create-partitions.js'),
  ]);
  return { ...heartbeat, ...metadata, ...create };
}

/** A member that behaves as a client: it takes over the partitions that it is assigned, and reports them in each heartbeat. */
class Member {
  epoch = 0;
  owned = [];

  constructor(send, memberId) {
    this.send = send;
    this.memberId = memberId;
  }

  async beat(extra = {}) {
    let answer;
    do {
      answer = await this.send({
        groupId: 'large',
        memberId: this.memberId,
        memberEpoch: this.epoch,
        topicPartitions: this.owned,
        ...extra,
      });
    } while (notReady.has(answer.errorCode) && (await sleep(100)) === undefined);
    if (answer.errorCode !== 0) throw new Error(`heartbeat of ${this.memberId}: error ${answer.errorCode}`);
    this.epoch = answer.memberEpoch;
    if (answer.assignment !== null) this.owned = answer.assignment.topicPartitions;
  }

  join() {
    return this.beat({ rebalanceTimeoutMs: 60_000, subscribedTopicNames: topics, topicPartitions: [] });
  }

  get size() {
    return this.owned.reduce((sum, { partitions }) => sum + partitions.length, 0);
  }
}

/** Sends heartbeats in rounds until all partitions have an owner, are spread evenly, and all members have the same epoch. */
async function settle(members, partitions) {
  const startMs = performance.now();
  for (;;) {
    const total = members.reduce((sum, member) => sum + member.size, 0);
    const epochs = new Set(members.map(({ epoch }) => epoch));
    const sizes = members.map((member) => member.size);
    const isEven = Math.max(...sizes) - Math.min(...sizes) <= 1;
    if (total === partitions && isEven && epochs.size === 1) return performance.now() - startMs;
    if (performance.now() - startMs > settleTimeoutMs)
      throw new Error(`${total} of ${partitions} partitions owned, ${epochs.size} epochs`);
    await Promise.all([sleep(roundMs), ...members.map((member) => member.beat())]);
  }
}

/** Sends a simple request of another client again and again while `body` runs. Returns the longest time until a response. */
async function longestWait(ask, body) {
  let isOver = false;
  let longest = 0;
  const asking = (async () => {
    while (!isOver) {
      const startMs = performance.now();
      await ask();
      longest = Math.max(longest, performance.now() - startMs);
      await sleep(2);
    }
  })();
  try {
    await body();
  } finally {
    isOver = true;
    await asking;
  }
  return longest;
}

/**
 * Returns the longest turn of the server's event loop since `sinceMs`, in processor time; null for a server that has no event
 * loop.
 */
function longestTurnMs(file, sinceMs) {
  if (file === null) return null;
  const lines = readFileSync(file, 'latin1').split('\n').filter(Boolean);
  const turns = lines.map((line) => line.split(' ').map(Number)).filter(([atMs]) => atMs >= sinceMs);
  return Math.max(0, ...turns.map(([, ms]) => ms));
}

/** The large group in one cluster: its members, and what is measured while the group changes. */
class LargeGroup {
  constructor(cluster, system, context, messages, turnsFile) {
    this.cluster = cluster;
    this.system = system;
    this.context = context;
    this.messages = messages;
    this.turnsFile = turnsFile;
    const connect = () => context.clients.client(cluster.addresses(), { requestTimeoutMs: 60_000 });
    this.others = connect();
    this.clients = Array.from({ length: connections }, connect);
    this.size = `${context.members} members, ${context.partitions} partitions`;
  }

  async join(run) {
    const { ConsumerGroupHeartbeatRequest: Request, ConsumerGroupHeartbeatResponse: Response } =
      this.messages;
    this.nodeId = await coordinator(this.others);
    this.members = Array.from({ length: this.context.members }, (_, at) => {
      const client = this.clients[at % connections];
      return new Member(
        (init) => client.requestTo(this.nodeId, Request, Response, init),
        `member-${run}-${at}`,
      );
    });
    await Promise.all(this.members.map((member) => member.join()));
  }

  /** A request of a client that has nothing to do with the group. */
  async ask() {
    const { ApiVersionsRequest, ApiVersionsResponse } = this.messages;
    const software = { clientSoftwareName: 'bench', clientSoftwareVersion: '1' };
    await this.others.requestTo(this.nodeId ?? 1, ApiVersionsRequest, ApiVersionsResponse, software);
  }

  /** Measures from the start of `body` until all members have their partitions. */
  async measure(what, partitions, body) {
    const { results } = this.context;
    const cpu = cpuSecondsOf(this.cluster);
    const startMs = performance.now();
    const sinceMs = Date.now();
    const longest = await longestWait(
      () => this.ask(),
      async () => {
        await body();
        await settle(this.members, partitions);
      },
    );
    const seconds = (performance.now() - startMs) / 1000;
    results.add(`${what} (${this.size})`, 's', this.system, seconds);
    results.add(`… CPU time of the server`, `s, ${what}`, this.system, cpuSecondsOf(this.cluster) - cpu);
    const turnMs = longestTurnMs(this.turnsFile, sinceMs);
    if (turnMs !== null) results.add('… longest turn of the event loop', `ms, ${what}`, this.system, turnMs);
    results.add(`… longest wait of somebody else`, `ms, ${what}`, this.system, longest);
  }

  async measureRest() {
    const cpu = cpuSecondsOf(this.cluster);
    for (let round = 0; round < heartbeatsAtRest; round++) {
      await Promise.all(this.members.map((member) => member.beat()));
    }
    const micros = ((cpuSecondsOf(this.cluster) - cpu) * 1e6) / (heartbeatsAtRest * this.members.length);
    this.context.results.add(`CPU time of a heartbeat at rest (${this.size})`, 'µs', this.system, micros);
  }

  close() {
    for (const client of [...this.clients, this.others]) client.close();
  }
}

export async function benchConsumerGroup(system, context) {
  const folder = mkdtempSync(join(tmpdir(), 'bendemann-bench-turns-'));
  const turnsFile = system.name === 'Apache Kafka' ? null : join(folder, 'turns');
  const environment =
    turnsFile === null
      ? { KAFKA_HEAP_OPTS: kafkaHeap }
      : {
          BENCH_TURNS: turnsFile,
          NODE_OPTIONS: `--require ${join(root, 'scripts/bench/turns.cjs')}`,
        };
  const properties = { 'offsets.topic.replication.factor': 1 };
  const body = (cluster) => measureAll(cluster, system, context, turnsFile);
  try {
    await withCluster(system, 1, body, properties, environment);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measureAll(cluster, system, context, turnsFile) {
  const { probes, runs, partitions } = context;
  await startAndWait(cluster, context.clients);
  const messages = await loadMessages();
  const group = new LargeGroup(cluster, system, context, messages, turnsFile);
  const count = partitions / topics.length;
  const more = count / 10;
  try {
    for (let i = 0; i < runs; i++) {
      for (const topic of topics) await probes.readyTopic(group.others, topic, count, 1);
      await group.measure('all join at once', partitions, () => group.join(i));
      const leaver = group.members.pop();
      await group.measure('one leaves', partitions, () => leaver.beat({ memberEpoch: -1 }));
      await group.measure('a topic grows by 10 %', partitions + more, () =>
        grow(group.others, messages, count + more),
      );
      await group.measureRest();
      for (const member of group.members) await member.beat({ memberEpoch: -1 });
      await probes.deleteTopics(group.others, topics);
    }
  } finally {
    group.close();
  }
}

/** Returns the coordinator of the group, as soon as there is one. */
async function coordinator(client) {
  for (;;) {
    try {
      return await client.coordinator('large');
    } catch {
      await sleep(100);
    }
  }
}

async function grow(client, { CreatePartitionsRequest, CreatePartitionsResponse }, count) {
  const { controllerId } = await client.metadata([]);
  const answer = await client.requestTo(controllerId, CreatePartitionsRequest, CreatePartitionsResponse, {
    topics: [{ name: topics[0], count, assignments: null }],
    timeoutMs: 30_000,
    validateOnly: false,
  });
  if (answer.results[0].errorCode !== 0)
    throw new Error(`CreatePartitions: error ${answer.results[0].errorCode}`);
}
