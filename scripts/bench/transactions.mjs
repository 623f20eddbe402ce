/**
 * Parts `transactions-1` and `transactions-3`, one node and three: how many transactions a second one producer commits, with
 * one record each, one after the other; a copy loop with 100 records and a group's offset in each transaction; and the
 * throughput of Kafka's producer tool with transactions of 1 s and without. The first two are sent by our own client, so that
 * they cost both brokers the same.
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { makeTransactions } from '../lib/transactions.mjs';
import { startAndWait, withCluster } from './systems.mjs';

const run = promisify(execFile);
const measureMs = 10_000;
const warmUpMs = 3_000;
const copyRecords = 100;
const inputRecords = 20_000;
const value = Buffer.alloc(100, 'x');
const toolTimeoutMs = 300_000;

/** Repeats `body` for `ms` milliseconds. Returns how often it ran per second. */
async function rate(ms, body) {
  const startMs = performance.now();
  let count = 0;
  while (performance.now() - startMs < ms) {
    await body();
    count += 1;
  }
  return count / ((performance.now() - startMs) / 1000);
}

async function single(transactions, client, topic, ms) {
  const producer = transactions.producer(client, `single-${topic}`);
  await producer.init();
  return rate(ms, async () => {
    await producer.send(topic, 0, [value]);
    await producer.end(true);
  });
}

/** Fills the input topic, in transactions of its own. */
async function fill(transactions, client, topic) {
  const producer = transactions.producer(client, `fill-${topic}`);
  await producer.init();
  for (let i = 0; i < inputRecords; i += copyRecords)
    await producer.send(topic, 0, Array(copyRecords).fill(value));
  await producer.end(true);
}

async function copy(transactions, client, from, to, ms) {
  const producer = transactions.producer(client, `copy-${to}`);
  await producer.init();
  let offset = 0;
  return rate(ms, async () => {
    const answer = await producer.fetch(from, 0, offset, 20_000);
    const { headers } = transactions.batches(answer?.records ?? Buffer.alloc(0));
    const first = headers.find(({ isControl }) => !isControl);
    // The end of the input was reached, so reading starts again at the beginning.
    offset = first === undefined ? 0 : first.lastOffset + 1;
    if (first === undefined) return;
    await producer.send(to, 0, Array(copyRecords).fill(value));
    await producer.sendOffset(`group-${to}`, from, 0, offset);
    await producer.end(true);
  });
}

/** Returns the MB/s of Kafka's producer tool. `extra` are options that make it transactional. */
async function perf(kafka, cluster, topic, records, extra) {
  const args = ['--topic', topic, '--num-records', records, '--record-size', 1024, '--throughput', -1];
  args.push('--bootstrap-server', cluster.bootstrap, '--command-property', 'acks=all', ...extra);
  const { stdout } = await run(join(kafka, 'bin', 'kafka-producer-perf-test'), args.map(String), {
    timeout: toolTimeoutMs,
  });
  const found = /\(([\d.]+) MB\/sec\)/.exec(stdout.trim().split('\n').at(-1));
  if (found === null) throw new Error(`kafka-producer-perf-test: ${stdout}`);
  return Number(found[1]);
}

export async function benchTransactions(system, count, context) {
  const { kafka, clients, probes, results, runs, records } = context;
  const transactions = await makeTransactions();
  const label = count === 1 ? 'one node' : 'three nodes';
  const internal = {
    'offsets.topic.replication.factor': count,
    'transaction.state.log.replication.factor': count,
    'transaction.state.log.min.isr': Math.min(2, count),
  };
  await withCluster(
    system,
    count,
    async (cluster) => {
      await startAndWait(cluster, clients);
      const client = clients.client(cluster.addresses(), { requestTimeoutMs: 60_000 });
      try {
        for (const topic of ['warm-up', 'input', 'output']) await probes.readyTopic(client, topic, 1, count);
        await fill(transactions, client, 'input');
        await single(transactions, client, 'warm-up', warmUpMs);
        await copy(transactions, client, 'input', 'warm-up', warmUpMs);
        for (let i = 0; i < runs; i++) {
          const one = await single(transactions, client, 'output', measureMs);
          results.add(`transactions of one record, ${label}`, '1/s', system, one);
          const copied = await copy(transactions, client, 'input', 'output', measureMs);
          results.add(`copy loop, 100 records and an offset each, ${label}`, '1/s', system, copied);
          if (kafka === null) continue;
          await probes.readyTopic(client, `load-${i}`, 3, count);
          const plain = await perf(kafka, cluster, `load-${i}`, records, []);
          results.add(`produce acks=all, ${label}`, 'MB/s', system, plain);
          const transactional = ['--transactional-id', `perf-${i}`, '--transaction-duration-ms', 1000];
          const inTransactions = await perf(kafka, cluster, `load-${i}`, records, transactional);
          results.add(`produce in transactions of 1 s, ${label}`, 'MB/s', system, inTransactions);
          await probes.deleteTopics(client, [`load-${i}`]);
        }
      } finally {
        client.close();
      }
    },
    internal,
  );
}
