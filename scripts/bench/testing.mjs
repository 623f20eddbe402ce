/**
 * Measures what a cluster of bendemann/testing costs a test, with loaded modules, in the thread of the test: start, reset,
 * snapshot and restore of 10,000 records, fork, seven days of a manual clock, twenty clusters. Prints medians. For comparison:
 * testcontainers publishes 4 to 12 s for the start of a Kafka.
 *
 * usage: node scripts/bench/testing.mjs [--rounds 15]
 */
import { cpus } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Kafka, logLevel } from 'kafkajs';
import { scriptOptions } from '../lib/options.mjs';
import { ready, root } from '../lib/ready.mjs';

const { rounds } = scriptOptions(import.meta.url, { rounds: { type: 'number', default: 15 } }).values;
ready();
const { startKafka: start } = await import(pathToFileURL(join(root, 'dist/testing/kafka/index.js')).href);

const startKafka = (options = {}) => start({ where: 'here', ...options });

const recordCount = 10_000;

const median = (times) => [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)];

async function timed(work) {
  const started = performance.now();
  const value = await work();
  return [performance.now() - started, value];
}

async function row(name, goalMs, once) {
  const times = [];
  for (let round = 0; round < rounds; round++) times.push(await once());
  console.log(`${name.padEnd(44)} ${median(times).toFixed(1).padStart(8)} ms   goal ${goalMs} ms`);
}

async function startAndClose(options) {
  const [ms, kafka] = await timed(() => startKafka(options));
  await kafka.close();
  return ms;
}

console.log(`${cpus().length} x ${cpus()[0].model}, Node ${process.version}, medians of ${rounds}`);
await startAndClose({ nodes: 3 });
await row('one node ready', 50, () => startAndClose({}));
await row('three nodes ready', 150, () => startAndClose({ nodes: 3 }));

const kafka = await startKafka({ topics: { orders: 3 } });
await row('reset, one node', 5, async () => {
  await kafka.produce('orders', ['one']);
  return (await timed(() => kafka.reset()))[0];
});
await kafka.produce(
  'orders',
  Array.from({ length: recordCount }, (_, at) => `record ${at}`),
);
await row(`snapshot and restore of ${recordCount} records`, 10, async () => {
  const [ms] = await timed(async () => kafka.restore(await kafka.snapshot()));
  return ms;
});
await row(`fork of ${recordCount} records`, 20, async () => {
  const [ms, copy] = await timed(() => kafka.fork());
  await copy.close();
  return ms;
});
await kafka.close();

/** Moves a manual clock by seven days. Retention deletes a record, and a group loses its member and its offsets. */
async function sevenDays() {
  const cluster = await startKafka({
    clock: 'manual',
    topics: { orders: { configs: { 'retention.ms': '3600000', 'segment.ms': '600000' }, records: ['old'] } },
    properties: { 'offsets.retention.minutes': '60' },
    log: 'silent',
  });
  const client = new Kafka({ brokers: cluster.brokers, logLevel: logLevel.NOTHING, retry: { retries: 0 } });
  const consumer = client.consumer({ groupId: 'sleepers', maxWaitTimeInMs: 100 });
  await consumer.connect();
  await consumer.subscribe({ topic: 'orders', fromBeginning: true });
  await consumer.run({ eachMessage: async () => {} });
  await cluster.wait.group('sleepers', { members: 1, topic: 'orders', lag: 0 });
  for (const api of ['Heartbeat', 'JoinGroup', 'Fetch']) cluster.on(api, () => 'ignore');
  cluster.network.disconnectClients();
  const [ms] = await timed(() => cluster.clock.advance('7d'));
  await cluster.wait.group('sleepers', { state: 'Dead' });
  const { start: first } = (await cluster.offsets('orders')).get(0);
  if (first !== 1) throw new Error(`Retention deleted ${first} records, not 1.`);
  await consumer.disconnect().catch(() => {});
  await cluster.close();
  return ms;
}
await row("clock.advance('7d'): retention, session, offsets", 1000, sevenDays);

const [twentyMs] = await timed(async () => {
  const all = await Promise.all(Array.from({ length: 20 }, () => startKafka()));
  await Promise.all(all.map((one) => one.close()));
});
console.log(
  `${'twenty clusters start and stop'.padEnd(44)} ${twentyMs.toFixed(1).padStart(8)} ms   goal 4000 ms`,
);
// Sockets that were closed are released in one of the next turns of the event loop.
await new Promise((resolve) => setTimeout(resolve, 200));
const left = process.getActiveResourcesInfo().filter((name) => /TCP|Timeout|FS/.test(name));
console.log(`left behind: ${left.length === 0 ? 'nothing' : left.join(', ')}`);
