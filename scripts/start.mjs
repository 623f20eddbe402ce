/**
 * `npm start`: runs three nodes in three processes on this machine, with their data in data/. Installs, builds and formats when
 * needed, then prints which node leads which partitions. Ctrl-C stops all three.
 */
import { join } from 'node:path';
import { makeClients } from './lib/client.mjs';
import { LocalCluster, settingsOf, sleep } from './lib/cluster.mjs';
import { ready, root } from './lib/ready.mjs';

ready();
const folder = join(root, 'data');
const ports = [9092, 9094, 9096, 9093, 9095, 9097];
const cluster = new LocalCluster({ folder, settings: settingsOf(3, ports, folder) }).format();
const clients = await makeClients();
const client = clients.client(cluster.addresses());

cluster.startAll();
let isStopping = false;
for (const node of cluster.nodes) {
  node.exited.then((status) => {
    if (!isStopping)
      console.log(
        `\nnode ${node.id} ended with status ${status}; see ${join(folder, `node-${node.id}.log`)}`,
      );
  });
}

async function stop() {
  if (isStopping) return;
  isStopping = true;
  console.log('\nStopping …');
  await cluster.stopAll();
  process.exit(0);
}
process.on('SIGINT', stop);
process.on('SIGTERM', stop);

function describe(info) {
  const alive = [...info.brokers.keys()].sort().join(' ');
  const topics = [...info.topics.values()].filter(({ isInternal }) => !isInternal);
  const led = topics.map(({ name, partitions }) => {
    const leaders = partitions.map(
      ({ index, leader, isr }) => `${index}→${leader < 0 ? 'none' : leader} (isr ${isr.join(',')})`,
    );
    return `${name}: ${leaders.slice(0, 6).join('  ')}${leaders.length > 6 ? ' …' : ''}`;
  });
  return `brokers ${alive || 'none'} | ${led.join(' | ') || 'no topics yet'}`;
}

const hints = `
Three nodes: ${cluster.bootstrap} (data and logs in data/). Type in another terminal:

  bin/kafka-topics.sh --create --topic purchases --partitions 3 --replication-factor 3 --bootstrap-server localhost:9092
  bin/kafka-console-producer.sh --topic purchases --bootstrap-server localhost:9092
  bin/kafka-console-consumer.sh --topic purchases --from-beginning --bootstrap-server localhost:9092
  kill -9 ${cluster.nodes.map(({ process: child }) => child.pid).join(' or ')}      and watch another node take over
`;
let last = '';
let hinted = false;
while (!isStopping) {
  try {
    const info = await client.metadata(null);
    const line = describe(info);
    if (!hinted && info.brokers.size === 3) {
      hinted = true;
      console.log(hints);
    }
    if (line !== last) console.log(`${new Date().toISOString().slice(11, 19)}  ${line}`);
    last = line;
  } catch {
    // No node answers yet.
  }
  await sleep(250);
}
