/**
 * Ends the leader of a partition by `kill -9` under load, with default settings of nodes and clients. Measures the longest time
 * without an acknowledged record around each kill, as librdkafka, Kafka's Java producer, kafkajs and a probe see it; the probe
 * sends requests to every node again and again. Three combined nodes; the clients produce all the time.
 *
 * usage: node scripts/bench/failover-clients.mjs [--kills 20] [--python PATH] [--kafka FOLDER] [--kafkajs
 * FOLDER-WITH-node_modules]
 */
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { sleep, waitFor } from '../lib/cluster.mjs';
import { scriptOptions } from '../lib/options.mjs';
import { ready, root } from '../lib/ready.mjs';
import { startAndWait, systemsOf, withCluster } from './systems.mjs';

const { values: args } = scriptOptions(import.meta.url, {
  kills: { type: 'number', default: 20 },
  python: { type: 'string', default: 'python3' },
  kafka: { type: 'string', default: '' },
  kafkajs: { type: 'string', default: '' },
});
ready();
const { makeClients } = await import('../lib/client.mjs');
const { makeProbes } = await import('./probes.mjs');

const topic = 'failover';
const acknowledged = new Map();
const note = (name) => {
  const times = acknowledged.get(name) ?? [];
  acknowledged.set(name, times);
  times.push(performance.now());
};

function startLines(name, command, options, isAcknowledgement) {
  const child = spawn(command, options, { stdio: ['ignore', 'pipe', 'ignore'] });
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (isAcknowledgement(line)) note(name);
  });
  return () => child.kill('SIGKILL');
}

function startClients(addresses) {
  const bootstrap = addresses.map(({ host, port }) => `${host}:${port}`).join(',');
  const worker = join(root, 'test/chaos/workers/librdkafka.py');
  const options = { bootstrap, name: 'load', topic, partitions: 1, rate: 200, defaults: true };
  /** @type {(() => unknown)[]} */
  const stops = [
    startLines('librdkafka', args.python, [worker, 'producer', JSON.stringify(options)], (line) =>
      line.includes('"type":"ok"'),
    ),
  ];
  if (args.kafka !== '') {
    const tool = join(args.kafka, 'bin/kafka-verifiable-producer.sh');
    const java = ['--bootstrap-server', bootstrap, '--topic', topic, '--throughput', '200'];
    stops.push(startLines('Java', tool, java, (line) => line.includes('producer_send_success')));
  }
  if (args.kafkajs !== '') stops.push(startKafkajs(bootstrap.split(',')));
  return stops;
}

function startKafkajs(brokers) {
  const { Kafka, logLevel } = createRequire(join(args.kafkajs, 'package.json'))('kafkajs');
  const producer = new Kafka({ brokers, logLevel: logLevel.NOTHING }).producer();
  let isOver = false;
  const run = async () => {
    await producer.connect();
    while (!isOver) {
      await producer.send({ topic, messages: [{ value: 'x', partition: 0 }] }).then(
        () => note('kafkajs'),
        () => undefined,
      );
      await sleep(5);
    }
  };
  run().catch(() => undefined);
  return () => {
    isOver = true;
    void producer.disconnect();
  };
}

/** Returns the longest pause between two acknowledgements of which the second came after the kill. */
function longestGap(times, fromMs, toMs) {
  let longest = 0;
  for (let i = 1; i < times.length; i++)
    if (times[i] > fromMs && times[i - 1] < toMs) longest = Math.max(longest, times[i] - times[i - 1]);
  return longest;
}

function say(name, values) {
  const sorted = [...values].sort((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)];
  console.log(
    `${name.padEnd(12)} median ${Math.round(median)} ms, worst ${Math.round(sorted.at(-1))} ms, of ${sorted.length}`,
  );
}

const [system] = systemsOf(null);
const clients = await makeClients();
const probes = await makeProbes(clients);
await withCluster(system, 3, async (cluster) => {
  await startAndWait(cluster, clients);
  const client = clients.client(cluster.addresses());
  await probes.readyTopic(client, topic, 1, 3);
  const stops = startClients(cluster.addresses());
  const wire = [];
  const gaps = new Map();
  await sleep(8000);
  for (let kill = 0; kill < args.kills; kill++) {
    const [{ leader }] = await probes.partitionsOf(client, topic);
    const victim = cluster.nodes.find(({ id }) => id === leader);
    const rest = cluster.addresses().filter((_, i) => cluster.nodes[i] !== victim);
    const { leaderId } = await probes.quorumLeader(client);
    const killedMs = performance.now();
    await cluster.kill(victim);
    await probes.produceOne(rest, topic, 30_000);
    const tookMs = performance.now() - killedMs;
    wire.push(tookMs);
    console.log(`${Math.round(tookMs)} ms${leaderId === leader ? ', the quorum leader died too' : ''}`);
    await sleep(4000);
    for (const [name, times] of acknowledged)
      gaps.set(name, [...(gaps.get(name) ?? []), longestGap(times, killedMs, performance.now())]);
    cluster.start(victim);
    await waitFor('the node back in the ISR', 60_000, async () =>
      (await probes.partitionsOf(client, topic)).every(({ isr }) => isr.length === 3),
    );
    await sleep(1000);
  }
  for (const stop of stops) stop();
  client.close();
  say('at the wire', wire);
  for (const [name, values] of gaps) say(name, values);
});
process.exit(0);
