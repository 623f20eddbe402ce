/** kcat, the most common command-line client. */
import { join } from 'node:path';
import { run, same } from './lib.mjs';

export const about = 'kcat writes, reads, lists, and goes on when a node was killed';
export const isShort = true;

export async function travel(journey) {
  const cluster = await journey.cluster(3);
  const kcat = (args, input) => run('kcat', ['-b', cluster.bootstrap, ...args], { input });
  kcat(['-V']);
  const create = ['--create', '--topic', 'orders', '--partitions', '3'];
  run(join(cluster.bin, 'kafka-topics'), ['--bootstrap-server', cluster.bootstrap, ...create]);
  const numbered = (from, to) => Array.from({ length: to - from }, (_, at) => `order ${from + at}`);
  const write = (from, to) =>
    kcat(['-P', '-t', 'orders', '-X', 'acks=all'], `${numbered(from, to).join('\n')}\n`);
  const read = () => kcat(['-C', '-t', 'orders', '-e', '-q']).trim().split('\n').sort();
  write(0, 10);
  same('records', read(), numbered(0, 10).sort());
  same('brokers listed', [...kcat(['-L']).matchAll(/broker \d+ at/g)].length, 3);
  await cluster.kill(cluster.nodes[0]);
  write(10, 20);
  same('records after a node was killed', read(), numbered(0, 20).sort());
  const grouped = kcat(['-G', 'billing', 'orders', '-X', 'auto.offset.reset=earliest', '-c', '20', '-q']);
  same('records of a group', grouped.trim().split('\n').sort(), numbered(0, 20).sort());
}
