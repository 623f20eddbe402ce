/**
 * Metadata of many partitions: what it costs to load, to change and to follow.
 *
 *   node scripts/bench/metadata-scale.mjs [--topics 1000] [--partitions 100] [--dist DIR] [--base-port 25000]
 *     [--keep] [--profile DIR] [--trace-gc] [part…]
 *
 * Parts: `controller` (creates the partitions on a real controller with its real store, changes them in all ways, then starts
 * a new process on what it left), `broker` (one of thirty brokers: a real node with a thirtieth of the replicas), `cluster` (three
 * real nodes; `--cluster-topics 100`). The other brokers of the first two are only registrations. Each row says how long an
 * operation took, what CPU time the nodes spent, and how long an event loop stood still at worst (`metadata-node.mjs` has how).
 * Linux only.
 */
import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { settingsOf } from '../lib/cluster.mjs';
import { ready, root } from '../lib/ready.mjs';
import { machineLine } from './numbers.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    topics: { type: 'string', default: '1000' },
    partitions: { type: 'string', default: '100' },
    'cluster-topics': { type: 'string', default: '100' },
    dist: { type: 'string' },
    'base-port': { type: 'string', default: '25000' },
    keep: { type: 'boolean', default: false },
    profile: { type: 'string' },
    'trace-gc': { type: 'boolean', default: false },
  },
});
if (values.dist === undefined) ready();
const dist = resolve(values.dist ?? join(root, 'dist'));
const basePort = Number(values['base-port']);
const topicCount = Number(values.topics);
const partitionsPerTopic = Number(values.partitions);
const partitionCount = topicCount * partitionsPerTopic;
const mebibyte = 2 ** 20;
const replicationFactor = 3;

const messages = await loadMessages();
const { decode, encode } = await import(pathToFileURL(join(dist, 'protocol/codec/codec.js')).href);
const rows = [];
const memory = [];

async function loadMessages() {
  const files = [
    '19-create-topics',
    '20-delete-topics',
    '43-elect-leaders',
    '44-incremental-alter-configs',
    '45-alter-partition-reassignments',
    '56-alter-partition',
    '62-broker-registration',
    '63-broker-heartbeat',
  ];
  const loaded = await Promise.all(
    files.map((file) => import(pathToFileURL(join(dist, 'protocol/messages', `${file}.js`)).href)),
  );
  return Object.assign({}, ...loaded);
}

function uuid() {
  return randomBytes(16).toString('base64url');
}

/** A node in a process of its own. */
const flagsOfChildren = [
  ...(values.profile ? ['--cpu-prof', `--cpu-prof-dir=${values.profile}`] : []),
  ...(values['trace-gc'] ? ['--trace-gc'] : []),
];

class Child {
  #process;
  #pending = new Map();
  #nextId = 1;
  #ready;

  constructor(folder, properties) {
    this.nodeId = properties['node.id'];
    const file = join(folder, `node-${this.nodeId}.properties`);
    writeFileSync(
      file,
      Object.entries(properties)
        .map(([key, value]) => `${key}=${value}\n`)
        .join(''),
    );
    const log = openSync(join(folder, `node-${this.nodeId}.log`), 'a');
    const script = join(fileURLToPath(new URL('.', import.meta.url)), 'metadata-node.mjs');
    this.#process = fork(script, [dist, file], {
      execArgv: ['--expose-gc', ...flagsOfChildren],
      stdio: ['ignore', log, log, 'ipc'],
    });
    this.#ready = new Promise((done) => this.#pending.set(0, { done, failed: done }));
    this.#process.on('message', ({ id, value, error }) => {
      const { done, failed } = this.#pending.get(id);
      this.#pending.delete(id);
      if (error === undefined) done(value);
      else failed(new Error(error));
    });
    this.exited = new Promise((done) => this.#process.once('exit', done));
    void this.exited.then(() => {
      for (const { failed } of this.#pending.values()) failed(new Error(`node ${this.nodeId} has ended`));
    });
  }

  async do(name, options = {}) {
    await this.#ready;
    const id = this.#nextId++;
    return new Promise((done, failed) => {
      this.#pending.set(id, { done, failed });
      this.#process.send({ id, name, options });
    });
  }

  /** A request of the controller's API. */
  async submit(name, apiVersion, request) {
    const [requestSchema, responseSchema] = [messages[`${name}Request`], messages[`${name}Response`]];
    const body = Buffer.from(encode(requestSchema, apiVersion, request)).toString('base64');
    const answer = await this.do('submit', { apiKey: requestSchema.key, apiVersion, body });
    return decode(responseSchema, apiVersion, Buffer.from(answer, 'base64'));
  }

  kill() {
    // Profiles are written at an orderly end only.
    if (values.profile !== undefined && this.#process.connected) this.#process.disconnect();
    else this.#process.kill('SIGKILL');
    return this.exited;
  }

  async stop() {
    await this.do('stop');
    this.#process.disconnect();
    await this.exited;
  }
}

/** Does something and adds what it cost as a row; `watched` are the nodes whose event loops count. */
async function measure(what, watched, body) {
  for (const child of watched) await child.do('begin');
  const startMs = performance.now();
  const note = await body();
  const tookMs = performance.now() - startMs;
  const costs = await Promise.all(watched.map((child) => child.do('end')));
  const cpuMs = costs.reduce((sum, cost) => sum + cost.cpuMs, 0);
  const stallMs = Math.max(...costs.map((cost) => cost.stallMs));
  rows.push({ what, tookMs, cpuMs, stallMs });
  console.error(
    `${what}: ${Math.round(tookMs)} ms, ${Math.round(cpuMs)} ms of CPU, longest stall ${stallMs.toFixed(0)} ms ${note ?? ''}`,
  );
}

function checked(results) {
  const failed = results.find(({ errorCode }) => errorCode !== 0);
  if (failed !== undefined) throw new Error(JSON.stringify(failed));
}

/** Brokers that are only registrations; something listens at their address, so that nobody thinks they died. */
class SilentBrokers {
  #server = createServer((socket) => socket.on('error', () => {}));
  #sockets = new Set();
  epochs = new Map();
  #child;

  async listen(port) {
    this.port = port;
    this.#server.on('connection', (socket) => this.#sockets.add(socket));
    await new Promise((done) => this.#server.listen(port, done));
  }

  async register(child, ids) {
    this.#child = child;
    for (const id of ids) {
      const { errorCode, brokerEpoch } = await child.submit('BrokerRegistration', 4, {
        brokerId: id,
        clusterId,
        incarnationId: uuid(),
        listeners: [{ name: 'PLAINTEXT', host: 'localhost', port: this.port, securityProtocol: 0 }],
        features: [{ name: 'metadata.version', minSupportedVersion: 1, maxSupportedVersion: 40 }],
        rack: null,
        logDirs: [uuid()],
      });
      checked([{ errorCode }]);
      this.epochs.set(id, brokerEpoch);
      await this.beat(id, false);
    }
  }

  async beat(id, wantFence) {
    const brokerEpoch = this.epochs.get(id);
    return this.#child.submit('BrokerHeartbeat', 1, {
      brokerId: id,
      brokerEpoch,
      currentMetadataOffset: Number.MAX_SAFE_INTEGER,
      wantFence,
      wantShutDown: false,
      offlineLogDirs: [],
    });
  }

  close() {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}

const clusterId = uuid();

function propertiesOf(folder, roles, id, ports, extra = {}) {
  const [broker, controller] = ports;
  const listeners = [];
  if (roles.includes('broker')) listeners.push(`PLAINTEXT://localhost:${broker}`);
  if (roles.includes('controller')) listeners.push(`CONTROLLER://localhost:${controller}`);
  return {
    'node.id': id,
    'process.roles': roles,
    'controller.quorum.voters': `${id}@localhost:${controller}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
    listeners: listeners.join(','),
    'log.dirs': join(folder, `node-${id}`),
    // Brokers that are only registrations don't beat.
    'broker.session.timeout.ms': 3_600_000,
    'auto.leader.rebalance.enable': false,
    ...extra,
  };
}

/** What `kafka-storage format` leaves. */
function format(properties) {
  const directory = properties['log.dirs'];
  mkdirSync(directory, { recursive: true });
  const lines = [
    'version=1',
    `cluster.id=${clusterId}`,
    `node.id=${properties['node.id']}`,
    `directory.id=${uuid()}`,
  ];
  writeFileSync(join(directory, 'meta.properties'), `#\n${lines.join('\n')}\n`);
}

async function createTopics(child, count, partitions, prefix = 'topic') {
  const perRequest = Math.max(1, Math.min(count, Math.floor(1000 / partitions)));
  for (let at = 0; at < count; at += perRequest) {
    const topics = Array.from({ length: Math.min(perRequest, count - at) }, (_, i) => ({
      name: `${prefix}-${at + i}`,
      numPartitions: partitions,
      replicationFactor,
      assignments: [],
      configs: [],
    }));
    checked(
      (await child.submit('CreateTopics', 7, { topics, timeoutMs: 60_000, validateOnly: false })).topics,
    );
  }
}

async function changes(child, brokers) {
  const [victim] = brokers.epochs.keys();
  await measure('create a topic of 100 partitions', [child], () => createTopics(child, 1, 100, 'small'));
  await measure('create a topic of 10,000 partitions', [child], () =>
    createTopics(child, 1, 10_000, 'large'),
  );
  await measure('change a setting of one topic', [child], async () => {
    const configs = [{ name: 'retention.ms', configOperation: 0, value: '1000000' }];
    const resources = [{ resourceType: 2, resourceName: 'topic-0', configs }];
    checked((await child.submit('IncrementalAlterConfigs', 1, { resources, validateOnly: false })).responses);
  });
  await measure('a broker is fenced: out of every ISR, a third of the leaders move', [child], async () => {
    await brokers.beat(victim, true);
    await child.do('moved', { from: victim });
  });
  await measure('the broker is back in service', [child], () => brokers.beat(victim, false));
  const joins = await joinRequests(child, brokers, victim);
  await measure('it asks to be in every ISR again: AlterPartition by 1,000', [child], () =>
    joinAll(child, joins),
  );
  await measure('preferred leaders for all partitions: ElectLeaders', [child], async () => {
    const answer = await child.submit('ElectLeaders', 2, {
      electionType: 0,
      topicPartitions: null,
      timeoutMs: 60_000,
    });
    checked([answer]);
  });
  await measure('delete the topic of 10,000 partitions', [child], async () => {
    const topics = [{ name: 'large-0', topicId: 'AAAAAAAAAAAAAAAAAAAAAA' }];
    checked((await child.submit('DeleteTopics', 6, { topics, topicNames: [], timeoutMs: 60_000 })).responses);
  });
  await measure('write a snapshot', [child], () => child.do('snapshot'));
}

/** What the leaders of the partitions would ask: the replica is in sync again. */
async function joinRequests(child, brokers, joiner) {
  const requests = [];
  const leaders = [...brokers.epochs.keys()].filter((id) => id !== joiner);
  for (const leader of leaders) {
    const topics = await child.do('outOfSync', { leader, joiner });
    for (let at = 0; at < topics.length; ) {
      const taken = [];
      for (let count = 0; count < 1000 && at < topics.length; at++) {
        const partitions = topics[at].partitions.map(({ isr, ...partition }) => ({
          ...partition,
          newIsrWithEpochs: isr.map((id) => ({ brokerId: id, brokerEpoch: brokers.epochs.get(id) })),
        }));
        taken.push({ topicId: topics[at].topicId, partitions });
        count += partitions.length;
      }
      requests.push({ brokerId: leader, brokerEpoch: brokers.epochs.get(leader), topics: taken });
    }
  }
  return requests;
}

async function joinAll(child, requests) {
  for (const request of requests) {
    const answer = await child.submit('AlterPartition', 3, request);
    checked([answer]);
    for (const { partitions } of answer.topics) checked(partitions);
  }
}

async function startOn(folder, properties, what) {
  const child = new Child(folder, properties);
  const before = await child.do('memory');
  await measure(what, [child], async () => {
    await child.do('start');
    await child.do('topics', { count: topicCount });
    const { partitions } = await child.do('image');
    return `${partitions} partitions`;
  });
  const after = await child.do('memory');
  const more = (key) => Math.round((after[key] - before[key]) / mebibyte);
  memory.push(
    `${what}: ${more('residentBytes')} MiB more than an empty process after a collection (${more('heapUsedBytes')} of them heap), at most ${more('residentBytesMax')}`,
  );
  console.error(memory.at(-1));
  return child;
}

async function controllerPart(folder) {
  const brokers = new SilentBrokers();
  await brokers.listen(basePort + 9);
  const properties = propertiesOf(folder, 'controller', 1, [basePort, basePort + 1]);
  format(properties);
  const child = new Child(
    folder,
    properties,
    values.profile ? ['--cpu-prof', `--cpu-prof-dir=${values.profile}`] : [],
  );
  try {
    await child.do('start');
    await child.do('active');
    await brokers.register(child, [101, 102, 103]);
    await measure(`create ${topicCount} topics of ${partitionsPerTopic} partitions`, [child], () =>
      createTopics(child, topicCount, partitionsPerTopic),
    );
    await changes(child, brokers);
    await child.stop();
    const second = await startOn(folder, properties, 'start a controller on the snapshot');
    await second.do('active');
    await second.stop();
  } finally {
    brokers.close();
    await child.kill();
  }
}

async function brokerPart(folder) {
  const brokers = new SilentBrokers();
  await brokers.listen(basePort + 19);
  const properties = propertiesOf(folder, 'broker,controller', 1, [basePort + 10, basePort + 11]);
  format(properties);
  const child = new Child(
    folder,
    properties,
    values.profile ? ['--cpu-prof', `--cpu-prof-dir=${values.profile}`] : [],
  );
  let second = null;
  try {
    await child.do('start');
    await child.do('active');
    await brokers.register(
      child,
      Array.from({ length: 29 }, (_, i) => 101 + i),
    );
    const hosted = Math.round((partitionCount * replicationFactor) / 30);
    await measure(
      `one of thirty brokers: ${topicCount} topics are created, ${hosted} replicas here`,
      [child],
      async () => {
        await createTopics(child, topicCount, partitionsPerTopic);
        await child.do('settled');
      },
    );
    await measure('another broker is fenced', [child], async () => {
      await brokers.beat(101, true);
      await child.do('moved', { from: 101 });
      await child.do('settled');
    });
    await measure('write a snapshot', [child], () => child.do('snapshot'));
    await child.kill();
    second = await startOn(folder, properties, 'start the node after kill -9');
    await measure('… its replicas in their roles', [second], () => second.do('settled'));
  } finally {
    brokers.close();
    await child.kill();
    await second?.kill();
  }
}

async function clusterPart(folder) {
  const count = 3;
  const ports = Array.from({ length: 2 * count }, (_, i) => basePort + 20 + i);
  const settings = settingsOf(count, ports, folder).map((properties) => ({
    ...properties,
    'auto.leader.rebalance.enable': false,
  }));
  for (const properties of settings) format(properties);
  let children = settings.map((properties) => new Child(folder, properties));
  const topics = Number(values['cluster-topics']);
  const total = topics * partitionsPerTopic;
  try {
    await measure('three new nodes start', children, () =>
      Promise.all(children.map((child) => child.do('start'))),
    );
    const active = await firstActive(children);
    await measure(
      `create ${total} partitions on three nodes, until all replicas have their roles`,
      children,
      async () => {
        await createTopics(active, topics, partitionsPerTopic);
        await Promise.all(children.map((child) => child.do('topics', { count: topics })));
        await Promise.all(children.map((child) => child.do('settled')));
      },
    );
    const victim = children.find((child) => child !== active);
    const rest = children.filter((child) => child !== victim);
    await measure('kill -9 of a broker until all its partitions have leaders', rest, async () => {
      await victim.kill();
      await Promise.all(rest.map((child) => child.do('moved', { from: victim.nodeId })));
    });
    await measure('… until all replicas have their roles', rest, () =>
      Promise.all(rest.map((child) => child.do('settled'))),
    );
    const again = new Child(folder, settings[victim.nodeId - 1]);
    children = [...rest, again];
    await measure('the killed node starts', [again], () => again.do('start'));
    await measure('… until it is in every ISR again', children, () => again.do('inSync', { count: 3 }));
    await measure(
      'kill -9 of the active controller until all its partitions have leaders',
      children.filter((child) => child !== active),
      async () => {
        await active.kill();
        await Promise.all(
          children
            .filter((child) => child !== active)
            .map((child) => child.do('moved', { from: active.nodeId })),
        );
      },
    );
  } finally {
    await Promise.all(children.map((child) => child.kill()));
  }
}

async function firstActive(children) {
  return Promise.race(
    children.map(async (child) => {
      await child.do('active');
      return child;
    }),
  );
}

const parts = { controller: controllerPart, broker: brokerPart, cluster: clusterPart };
for (const name of positionals.length > 0 ? positionals : Object.keys(parts)) {
  const folder = mkdtempSync(join(tmpdir(), 'SCALE-'));
  try {
    await parts[name](folder);
  } catch (error) {
    process.exitCode = 1;
    console.error(`${name} failed: ${error.stack}; logs in ${folder}`);
  }
  if (values.keep || process.exitCode === 1) console.error(`kept ${folder}`);
  else rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}
console.log(`${machineLine()}\n`);
console.log('| what | time, ms | CPU time, ms | longest stall, ms |\n|---|---|---|---|');
for (const { what, tookMs, cpuMs, stallMs } of rows)
  console.log(`| ${what} | ${Math.round(tookMs)} | ${Math.round(cpuMs)} | ${stallMs.toFixed(0)} |`);
console.log(`\n${memory.join('\n')}`);
process.exit();
