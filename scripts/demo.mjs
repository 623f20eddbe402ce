/**
 * `npm run demo`: carries out the steps of the README without a user. It starts three nodes, creates a topic, writes records,
 * ends a leader by `kill -9`, measures the time until the next leader is elected, checks that all records are there, and waits
 * until the node is back in the ISR. Exits with 0 when all of this worked.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeClients } from './lib/client.mjs';
import { LocalCluster, settingsOf, waitFor } from './lib/cluster.mjs';
import { freePorts } from './lib/ports.mjs';
import { ready } from './lib/ready.mjs';

ready();
const startedMs = performance.now();
const say = (text) =>
  console.log(`${((performance.now() - startedMs) / 1000).toFixed(2).padStart(6)} s  ${text}`);

const topic = 'purchases';
const recordCount = 1000;
const folder = mkdtempSync(join(tmpdir(), 'bendemann-demo-'));
const cluster = new LocalCluster({ folder, settings: settingsOf(3, await freePorts(6), folder) });
const { client: connect, producer: makeProducer, fetcher: makeFetcher } = await makeClients();
const client = connect(cluster.addresses());
const encoder = new TextEncoder();
const decoder = new TextDecoder();

async function partitions() {
  const info = await client.metadata([topic]);
  const found = info.topics.get(topic);
  if (found === undefined || found.errorCode !== 0) throw new Error(`${topic} is not there`);
  return found.partitions;
}

function inSync(list) {
  return list.length === 3 && list.every(({ isr, leader }) => isr.length === 3 && leader >= 0);
}

/** Reads all records of the topic from the beginning. Returns their values as text. */
async function readAll(expectedCount) {
  const fetcher = makeFetcher(client, { reset: 'earliest' });
  for (let index = 0; index < 3; index++) fetcher.assign(topic, index, 0);
  const seen = [];
  await waitFor(`reading ${expectedCount} records`, 15_000, async () => {
    for (const record of await fetcher.poll(200, 10_000)) seen.push(decoder.decode(record.value));
    return seen.length >= expectedCount;
  });
  return new Set(seen);
}

async function send(producer, from, count) {
  const sends = [];
  for (let i = from; i < from + count; i++) {
    sends.push(
      producer.send({
        topic,
        key: encoder.encode(`buyer-${i % 50}`),
        value: encoder.encode(`purchase ${i}`),
      }),
    );
  }
  await Promise.all(sends);
}

async function story() {
  cluster.format();
  say('three directories formatted');
  cluster.startAll();
  await waitFor('three brokers', 20_000, async () => (await client.metadata([])).brokers.size === 3);
  say('three nodes up, each broker and voter of the metadata quorum');

  cluster.tool(
    'kafka-topics',
    '--create',
    '--topic',
    topic,
    '--partitions',
    '3',
    '--replication-factor',
    '3',
    '--bootstrap-server',
    cluster.bootstrap,
  );
  const before = await waitFor('all replicas in sync', 20_000, async () => {
    const list = await partitions();
    return inSync(list) && list;
  });
  say(`topic ${topic}: leaders ${before.map(({ index, leader }) => `${index}→${leader}`).join(' ')}`);

  const producer = makeProducer(client, { acks: -1, lingerMs: 2 });
  await send(producer, 0, recordCount);
  say(`${recordCount} records acknowledged by all replicas`);

  const victimId = before[0].leader;
  const victim = cluster.nodes.find(({ id }) => id === victimId);
  const killedMs = performance.now();
  await cluster.kill(victim);
  say(`kill -9 of node ${victimId}, the leader of partition 0`);
  const after = await waitFor('a new leader', 20_000, async () => {
    const list = await partitions();
    return list.every(({ leader }) => leader >= 0 && leader !== victimId) && list;
  });
  const electionMs = performance.now() - killedMs;
  say(
    `re-election after ${electionMs.toFixed(0)} ms: leaders ${after.map(({ index, leader }) => `${index}→${leader}`).join(' ')}`,
  );

  await send(producer, recordCount, recordCount);
  say(
    `${recordCount} more records acknowledged by the two that are left (${(performance.now() - killedMs).toFixed(0)} ms after the kill)`,
  );
  const seen = await readAll(2 * recordCount);
  if (seen.size !== 2 * recordCount)
    throw new Error(`expected ${2 * recordCount} different records, saw ${seen.size}`);
  say(`all ${seen.size} records are there`);

  cluster.start(victim);
  await waitFor('the node back in the ISR', 30_000, async () => inSync(await partitions()));
  say(`node ${victimId} is back in the ISR of every partition`);
}

let status = 0;
try {
  await story();
} catch (error) {
  status = 1;
  console.error(`demo failed: ${error.message}\nlogs: ${folder}`);
} finally {
  client.close();
  await cluster.stopAll();
  if (status === 0) rmSync(folder, { recursive: true, force: true });
}
if (status === 0) say('done');
process.exit(status);
