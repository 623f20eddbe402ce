/**
 * `npm run exactly-once`: stock Java and librdkafka clients copy records from topic to topic, in transactions that also commit
 * the offsets. Meanwhile three real nodes and the copying clients are ended by `kill -9` every few seconds. At the end the
 * output must contain each record of the input exactly once and in order (docs/exactly-once.md).
 *
 * usage: node scripts/exactly-once.mjs [--minutes N] [--seed S] [--node-seconds N] [--client-seconds N] [--rate N]
 *         [--python PATH] [--kafka FOLDER] [--compaction] [--without-transactions]
 *
 * --python: a Python interpreter that has confluent-kafka.
 * --kafka: a Kafka distribution, whose TransactionalMessageCopier takes part.
 * --compaction: compacts the outputs and the topics of the coordinators all the time. Keys are unique, so nothing may be
 * missing.
 * --without-transactions: librdkafka copies without transactions, which should make the run fail. It shows that the kills do
 * harm.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { faults, progress } from './exactly-once/check.mjs';
import { Client, readOutput } from './exactly-once/clients.mjs';
import { LocalCluster, settingsOf, sleep, waitFor } from './lib/cluster.mjs';
import { freePorts } from './lib/ports.mjs';
import { randomOf } from './lib/random.mjs';
import { scriptOptions } from './lib/options.mjs';
import { ready } from './lib/ready.mjs';

const { values: options } = scriptOptions(import.meta.url, {
  minutes: { type: 'number', default: 5 },
  seed: { type: 'number', default: 1 },
  'node-seconds': { type: 'number', default: 8 },
  'client-seconds': { type: 'number', default: 6 },
  rate: { type: 'number', default: 200 },
  python: { type: 'string', default: 'python3' },
  kafka: { type: 'string' },
  compaction: { type: 'boolean', default: false },
  'without-transactions': { type: 'boolean', default: false },
});
const nodeCount = 3;
const timeoutMs = 240_000;
const clusterSettings = {
  'num.partitions': 2,
  'offsets.topic.num.partitions': 5,
  'transaction.state.log.num.partitions': 5,
  'transaction.state.log.replication.factor': nodeCount,
  'transaction.state.log.min.isr': 2,
  ...(options.compaction
    ? {
        'log.cleaner.backoff.ms': 1000,
        'log.cleaner.min.cleanable.ratio': 0.01,
        'log.cleaner.delete.retention.ms': 2000,
        // Segments are closed soon, so that compaction works on most of a topic while it is still written.
        'log.roll.ms': 5000,
      }
    : {}),
};

/** Returns the copies that are made: for each its input, its output, and the clients that copy. */
function copiesOf(bootstrap) {
  const worker = join(
    import.meta.dirname ?? new URL('.', import.meta.url).pathname,
    'exactly-once/worker.py',
  );
  const python = (...args) => [options.python, [worker, 'copy', bootstrap, ...args]];
  const plain = options['without-transactions'] ? ['--without-transactions'] : [];
  const librdkafka = {
    source: 'in-librdkafka',
    target: 'out-librdkafka',
    partitions: 3,
    clients: [1, 2].map((i) =>
      python('in-librdkafka', 'out-librdkafka', 'copy-librdkafka', `librdkafka-${i}`, ...plain),
    ),
  };
  if (options.kafka === undefined) return [librdkafka];
  const java = { source: 'in-java', target: 'out-java', partitions: 2 };
  java.clients = [0, 1].map((partition) => javaCopier(bootstrap, java, partition));
  return [librdkafka, java];
}

/**
 * Makes the client that runs Kafka's own copier. It copies one partition up to its present end, aborts some transactions on
 * purpose, and is then started again.
 */
function javaCopier(bootstrap, { source, target }, partition) {
  const jvm = ['-Xmx96m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-cp', `${options.kafka}/libs/*`];
  const copier = ['--input-topic', source, '--input-partition', String(partition), '--output-topic', target];
  copier.push(
    '--broker-list',
    bootstrap,
    '--consumer-group',
    'copy-java',
    '--transactional-id',
    `java-${partition}`,
  );
  copier.push('--transaction-size', '50', '--transaction-timeout', '20000', '--enable-random-aborts');
  if (partition > 0) copier.push('--use-group-metadata');
  return ['java', [...jvm, 'org.apache.kafka.tools.TransactionalMessageCopier', ...copier]];
}

async function killNodes(cluster, random, until, counts) {
  while (Date.now() < until) {
    await sleep(options['node-seconds'] * 1000 * (0.5 + random()));
    const first = Math.floor(random() * nodeCount);
    const victims = random() < 0.2 ? [first, (first + 1) % nodeCount] : [first];
    await Promise.all(victims.map((at) => cluster.kill(cluster.nodes[at])));
    counts.nodes += victims.length;
    await sleep(random() * 3000);
    for (const at of victims) cluster.start(cluster.nodes[at]);
  }
}

async function killClients(copiers, random, until, counts) {
  while (Date.now() < until) {
    await sleep(options['client-seconds'] * 1000 * (0.5 + random()));
    copiers[Math.floor(random() * copiers.length)].kill();
    counts.clients++;
  }
}

/** Waits until the output has as many different records as the input, then checks it. */
async function judge(bootstrap, copies, fed) {
  const found = [];
  for (const { source, target, partitions } of copies) {
    const countOf = (i) => fed.counts[`${source}-${i}`];
    let output = null;
    const isWhole = () =>
      output.unread.length === 0 &&
      Object.entries(output.values).every(([i, values]) => progress(values) >= countOf(i)) &&
      Object.values(output.unstable).every((behind) => behind === 0);
    const deadlineMs = Date.now() + timeoutMs;
    do {
      await sleep(3000);
      output = await readOutput(options.python, bootstrap, target, partitions);
      const got = Object.entries(output.values).map(([i, values]) => `${progress(values)}/${countOf(i)}`);
      console.log(`${target}: ${got.join(' ')}`);
    } while (!isWhole() && Date.now() < deadlineMs);
    for (const [i, values] of Object.entries(output.values))
      found.push(...faults(`${target}-${i}`, values, countOf(i)));
    for (const [i, behind] of Object.entries(output.unstable))
      if (behind !== 0) found.push(`${target}-${i}: the last stable offset is ${behind} behind the end`);
  }
  return found;
}

async function run(cluster) {
  const { bootstrap } = cluster;
  const copies = copiesOf(bootstrap);
  const counts = { nodes: 0, clients: 0 };
  cluster.startAll();
  for (const { source, target, partitions } of copies) {
    for (const topic of [source, target]) {
      const args = [
        '--bootstrap-server',
        bootstrap,
        '--create',
        '--topic',
        topic,
        '--partitions',
        String(partitions),
        '--replication-factor',
        '3',
      ];
      if (options.compaction && topic === target) args.push('--config', 'cleanup.policy=compact');
      await waitFor(`topic ${topic}`, 60_000, () => cluster.tool('kafka-topics', ...args));
    }
  }
  const topics = copies.map(({ source, partitions }) => `${source}:${partitions}`).join(',');
  const worker = copies[0].clients[0][1][0];
  const feeder = new Client('feeder', options.python, [worker, 'feed', bootstrap, topics, options.rate]);
  const copiers = copies.flatMap(({ clients, target }) =>
    clients.map(([command, args], i) => new Client(`${target}-${i}`, command, args, { isRestarted: true })),
  );
  try {
    const until = Date.now() + options.minutes * 60_000;
    await Promise.all([
      killNodes(cluster, randomOf(options.seed), until, counts),
      killClients(copiers, randomOf(options.seed + 1_000), until, counts),
    ]);
    console.log(`killed ${counts.nodes} nodes and ${counts.clients} clients`);
    const fed = JSON.parse(await feeder.stop('SIGTERM', timeoutMs));
    console.log(`fed ${JSON.stringify(fed)}`);
    if (fed.unacknowledged > 0 || fed.failures.length > 0) return ['the feeder failed'];
    const found = await judge(bootstrap, copies, fed);
    const total = Object.values(fed.counts).reduce((sum, count) => sum + count);
    const aborted = copiers.reduce((sum, { errors }) => sum + errors, 0);
    const started = copiers.reduce((sum, { starts }) => sum + starts, 0);
    console.log(
      `${total} records, copiers started ${started} times, ${aborted} transactions aborted by an error`,
    );
    return found;
  } finally {
    await Promise.all([feeder, ...copiers].map((client) => client.end()));
  }
}

ready();
const folder = mkdtempSync(join(tmpdir(), 'bendemann-exactly-once-'));
const ports = await freePorts(2 * nodeCount);
const settings = settingsOf(nodeCount, ports, folder).map((one) => ({ ...one, ...clusterSettings }));
const cluster = new LocalCluster({ folder, settings });
let found = ['the run did not end'];
try {
  cluster.format();
  found = await run(cluster);
} finally {
  await cluster.stopAll();
  if (found.length === 0) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}
for (const one of found) console.error(one);
console.log(
  found.length === 0 ? 'exactly once' : `NOT exactly once; seed ${options.seed}; files in ${folder}`,
);
process.exit(found.length === 0 ? 0 : 1);
