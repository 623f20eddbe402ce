/**
 * `npm run upgrade`: a rolling upgrade and the way back. Three real nodes of an earlier build are replaced by this build, one
 * node after the other, and then by the earlier build again. Meanwhile a producer writes with acks=all and topics are created.
 * No acknowledged record may be lost or duplicated, and each node must come back into the ISR of all partitions while the
 * others run the other build (docs/wire.md).
 *
 * usage: npm run upgrade -- [--from REF | --from-dir FOLDER]
 *
 * --from: the commit of the earlier build. The default is the newest tag v*; while there is none, the commit with which the
 * protocol between nodes began.
 * --from-dir: a built checkout of the earlier build.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LocalCluster, settingsOf, sleep, waitFor } from './lib/cluster.mjs';
import { makeClients } from './lib/client.mjs';
import { freePorts } from './lib/ports.mjs';
import { scriptOptions } from './lib/options.mjs';
import { ready, root } from './lib/ready.mjs';

const { values: options } = scriptOptions(import.meta.url, {
  from: { type: 'string' },
  'from-dir': { type: 'string' },
});
const partitions = 3;
const topic = 'kept';
/** How many records are acknowledged between two steps, so that each mixture of builds has written some. */
const recordsPerStep = 200;
const patienceMs = 120_000;

const git = (...args) => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();

function earlierRef() {
  const [tag] = git('tag', '--list', 'v*', '--sort=-v:refname').split('\n');
  if (tag !== '') return tag;
  return git('log', '--diff-filter=A', '--format=%H', '--', 'proto/peer.proto').split('\n').at(-1);
}

/** Makes a built checkout of `ref`. */
function build(ref, folder) {
  const path = join(folder, 'earlier');
  git('worktree', 'add', '--detach', path, ref);
  console.log(`Building ${ref} …`);
  const run = (...args) => execFileSync('npm', args, { cwd: path, stdio: ['ignore', 'ignore', 'inherit'] });
  run('ci', '--no-audit', '--no-fund', '--loglevel=error');
  run('run', '--silent', 'build');
  return path;
}

/** Writes increasing numbers to each partition, and keeps those that were acknowledged. */
class Writer {
  constructor(clients, bootstrap) {
    this.client = clients.client(bootstrap);
    this.producer = clients.producer(this.client, { lingerMs: 5 });
    this.acknowledged = Array.from({ length: partitions }, () => []);
    this.isOver = false;
    this.done = Promise.all(this.acknowledged.map((kept, partition) => this.write(kept, partition)));
  }

  get count() {
    return this.acknowledged.reduce((sum, { length }) => sum + length, 0);
  }

  async write(kept, partition) {
    for (let number = 0; !this.isOver; number++) {
      const value = Buffer.from(String(number));
      for (let isKept = false; !isKept && !this.isOver; ) {
        try {
          await this.producer.send({ topic, partition, value });
          kept.push(number);
          isKept = true;
        } catch (error) {
          console.log(`  sent again: ${number} of partition ${partition} (${error.message})`);
          await sleep(100);
        }
      }
      await sleep(5);
    }
  }
}

/** Returns whether all brokers are registered and in the ISR of all partitions. */
async function whole(client, names, nodeCount) {
  const { brokers, topics } = await client.metadata(names);
  if (brokers.size !== nodeCount) return false;
  return [...topics.values()].every(
    ({ partitions: all }) => all.length > 0 && all.every(({ isr }) => isr.length === nodeCount),
  );
}

async function readAll(clients, bootstrap, partition, untilNumber) {
  const client = clients.client(bootstrap);
  const fetcher = clients.fetcher(client, { reset: 'none' });
  fetcher.assign(topic, partition, 0);
  const values = [];
  try {
    await waitFor(`record ${untilNumber} of partition ${partition}`, patienceMs, async () => {
      for (const { value } of await fetcher.poll(500, 10_000))
        values.push(Number(Buffer.from(value).toString()));
      return values.includes(untilNumber);
    });
  } finally {
    client.close();
  }
  return values;
}

function faultsOf(kept, read, partition) {
  const faults = [];
  const counts = new Map();
  for (const number of read) counts.set(number, (counts.get(number) ?? 0) + 1);
  for (const number of kept) {
    const count = counts.get(number) ?? 0;
    if (count !== 1)
      faults.push(`partition ${partition}: record ${number} was acknowledged and is there ${count} times`);
  }
  for (let at = 1; at < read.length; at++)
    if (read[at] < read[at - 1])
      faults.push(`partition ${partition}: ${read[at]} comes after ${read[at - 1]}`);
  return faults;
}

ready();
const folder = mkdtempSync(join(tmpdir(), 'bendemann-upgrade-'));
const clients = await makeClients();
const earlier = options['from-dir'] ?? build(options.from ?? earlierRef(), folder);
if (!existsSync(join(earlier, 'dist/tools'))) throw new Error(`${earlier} is not built`);
const bins = { earlier: join(earlier, 'bin'), 'this build': join(root, 'bin') };
const settings = settingsOf(3, await freePorts(6), join(folder, 'cluster'));
const cluster = new LocalCluster({ folder: join(folder, 'cluster'), settings, bin: bins.earlier });
const bootstrap = cluster.addresses();
let faults = [];
try {
  cluster.format().startAll();
  const client = clients.client(bootstrap);
  await waitFor('all brokers', patienceMs, async () => (await client.metadata([])).brokers.size === 3);
  const create = (name) =>
    cluster.tool(
      'kafka-topics',
      '--bootstrap-server',
      cluster.bootstrap,
      '--create',
      '--if-not-exists',
      '--topic',
      name,
    );
  create(topic);
  const names = [topic];
  const writer = new Writer(clients, bootstrap);
  const more = async () => {
    const target = writer.count + recordsPerStep;
    await waitFor(`${recordsPerStep} more records`, patienceMs, () => writer.count >= target);
  };
  await more();
  for (const build of ['this build', 'earlier']) {
    for (const node of cluster.nodes) {
      await cluster.kill(node, 'SIGTERM');
      await more();
      cluster.start(node, bins[build]);
      await waitFor('every replica in sync', patienceMs, () => whole(client, names, 3));
      const name = `made-with-${node.id}-on-${build.replace(' ', '-')}`;
      create(name);
      names.push(name);
      await waitFor('the new topic in sync', patienceMs, () => whole(client, names, 3));
      await more();
      console.log(`node ${node.id} runs ${build}: ${writer.count} records acknowledged`);
    }
  }
  writer.isOver = true;
  await writer.done;
  writer.client.close();
  client.close();
  for (const [partition, kept] of writer.acknowledged.entries()) {
    const read = await readAll(clients, bootstrap, partition, kept.at(-1));
    faults.push(...faultsOf(kept, read, partition));
  }
  console.log(`${writer.count} records acknowledged, ${names.length} topics, ${faults.length} faults`);
} catch (error) {
  faults = [`${error.message}; logs in ${folder}`];
} finally {
  await cluster.stopAll();
  if (options['from-dir'] === undefined) git('worktree', 'remove', '--force', earlier);
  if (faults.length === 0) rmSync(folder, { recursive: true, force: true });
}
for (const fault of faults.slice(0, 20)) console.error(fault);
process.exit(faults.length === 0 ? 0 : 1);
