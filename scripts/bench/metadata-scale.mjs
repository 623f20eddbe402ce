/**
 * Measures what the metadata of many partitions costs: to load it, to change it, and to follow changes.
 *
 * usage: node scripts/bench/metadata-scale.mjs [--topics 1000] [--partitions 100] [--dist DIR] [--base-port 25000]
 *        [--keep] [--profile DIR] [--trace-gc] [part…]
 *
 * Parts: `controller` creates the partitions on a real controller with its real store, changes them in many ways, and then
 * starts a new process with the stored metadata. `broker` is one of thirty brokers: a real node with a thirtieth of the
 * replicas. `cluster` has three real nodes (`--cluster-topics 100`). In the first two parts the other brokers are only
 * registered and do not run. Each row says how long an operation took, how much CPU time the nodes used, and the longest turn
 * of an event loop (`metadata-node.mjs` measures it). Linux only.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { settingsOf } from '../lib/cluster.mjs';
import { scriptOptions } from '../lib/options.mjs';
import { ready, root } from '../lib/ready.mjs';
import {
  checked,
  Child,
  format,
  loadSurroundings,
  propertiesOf,
  SilentBrokers,
} from './metadata-fixtures.mjs';
import { machineLine } from './numbers.mjs';

const { values, positionals } = scriptOptions(
  import.meta.url,
  {
    topics: { type: 'number', default: 1000 },
    partitions: { type: 'number', default: 100 },
    'cluster-topics': { type: 'number', default: 100 },
    dist: { type: 'string' },
    'base-port': { type: 'number', default: 25000 },
    keep: { type: 'boolean', default: false },
    profile: { type: 'string' },
    'trace-gc': { type: 'boolean', default: false },
  },
  ['controller', 'broker', 'cluster'],
);
if (values.dist === undefined) ready();
const basePort = values['base-port'];
const topicCount = values.topics;
const partitionsPerTopic = values.partitions;
const partitionCount = topicCount * partitionsPerTopic;
const mebibyte = 2 ** 20;
const replicationFactor = 3;

const surroundings = await loadSurroundings({
  dist: resolve(values.dist ?? join(root, 'dist')),
  flags: [
    ...(values.profile ? ['--cpu-prof', `--cpu-prof-dir=${values.profile}`] : []),
    ...(values['trace-gc'] ? ['--trace-gc'] : []),
  ],
  isProfiled: values.profile !== undefined,
});
const rows = [];
const memory = [];

/** Runs `body`, and adds a row with what it cost. `watched` are the nodes whose event loops are measured. */
async function measure(what, watched, body) {
  for (const child of watched) await child.do('begin');
  const startMs = performance.now();
  await body();
  const tookMs = performance.now() - startMs;
  const costs = await Promise.all(watched.map((child) => child.do('end')));
  const cpuMs = costs.reduce((sum, cost) => sum + cost.cpuMs, 0);
  const turnMs = Math.max(...costs.map((cost) => cost.turnMs));
  rows.push({ what, tookMs, cpuMs, turnMs });
  console.error(
    `${what}: ${Math.round(tookMs)} ms, ${Math.round(cpuMs)} ms of CPU, longest turn ${turnMs.toFixed(0)} ms`,
  );
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

/** Returns the requests that the leaders of the partitions would send: the replica is in sync again. */
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
  const child = new Child(surroundings, folder, properties);
  const before = await child.do('memory');
  await measure(what, [child], async () => {
    await child.do('start');
    await child.do('topics', { count: topicCount });
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
  const child = new Child(surroundings, folder, properties);
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
  const child = new Child(surroundings, folder, properties);
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

function threeNodes(folder) {
  const ports = Array.from({ length: 6 }, (_, i) => basePort + 20 + i);
  const settings = settingsOf(3, ports, folder).map((properties) => ({
    ...properties,
    'auto.leader.rebalance.enable': false,
  }));
  for (const properties of settings) format(properties);
  return settings;
}

async function clusterPart(folder) {
  const settings = threeNodes(folder);
  let children = settings.map((properties) => new Child(surroundings, folder, properties));
  const topics = values['cluster-topics'];
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
    await killed('a broker', victim, children);
    await measure('… until all replicas have their roles', rest, () =>
      Promise.all(rest.map((child) => child.do('settled'))),
    );
    let again = new Child(surroundings, folder, settings[victim.nodeId - 1]);
    children = [...rest, again];
    await measure('the killed node starts', [again], () => again.do('start'));
    await measure('… until it is in every ISR again', children, () => again.do('inSync', { count: 3 }));
    await measure('it stops in order, its leaderships move first', rest, () => again.stop());
    again = new Child(surroundings, folder, settings[victim.nodeId - 1]);
    children = [...rest, again];
    await measure('it starts, and is in every ISR again', children, async () => {
      await again.do('start');
      await again.do('inSync', { count: 3 });
    });
    await killed('the active controller', active, children);
  } finally {
    await Promise.all(children.map((child) => child.kill()));
  }
}

async function killed(what, victim, children) {
  const rest = children.filter((child) => child !== victim);
  await measure(`kill -9 of ${what} until all its partitions have leaders`, rest, async () => {
    await victim.kill();
    await Promise.all(rest.map((child) => child.do('moved', { from: victim.nodeId })));
  });
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
console.log('| what | time, ms | CPU time, ms | longest turn, ms |\n|---|---|---|---|');
for (const { what, tookMs, cpuMs, turnMs } of rows)
  console.log(`| ${what} | ${Math.round(tookMs)} | ${Math.round(cpuMs)} | ${turnMs.toFixed(0)} |`);
console.log(`\n${memory.join('\n')}`);
process.exit();
