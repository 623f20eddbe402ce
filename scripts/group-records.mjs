/**
 * Compares the records that Apache Kafka and a node of this tree write to `__consumer_offsets`. The same clients do the same to
 * groups on both, and Kafka's `kafka-dump-log` prints the records: versions, fields, sizes.
 *
 * usage: node scripts/group-records.mjs --kafka DIR [--keep FOLDER]
 *
 * `scripts/group-records/scenario.mjs` says what the clients do. Ids, times and hashes differ from run to run, so they are
 * replaced by names in the order in which they appear. The exit status is 1 when something differs.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeClients } from './lib/client.mjs';
import { scriptOptions } from './lib/options.mjs';
import { ready } from './lib/ready.mjs';
import { startAndWait, systemsOf, withCluster } from './bench/systems.mjs';
import { normalised } from './group-records/records.mjs';

const { values, refuse } = scriptOptions(import.meta.url, {
  kafka: { type: 'string' },
  keep: { type: 'string' },
});
if (values.kafka === undefined) refuse('--kafka is missing');
ready();
// Imported only now, because it needs dist/.
const { expiryOf, GroupClient, groupsOf } = await import('./group-records/scenario.mjs');
const clients = await makeClients();
const settings = {
  'offsets.topic.num.partitions': 1,
  'transaction.state.log.num.partitions': 1,
  'transaction.state.log.replication.factor': 1,
  'transaction.state.log.min.isr': 1,
  'group.consumer.assignment.interval.ms': 0,
};
const heap = { KAFKA_HEAP_OPTS: '-Xmx384m' };

/** Groups whose records differ on purpose (`docs/differences.md`), with the reason. */
const decided = new Map([
  ['regex', 'ours resolves an expression with the heartbeat that brings it, so that there is an epoch less'],
]);

/** Returns the records as Kafka's tool prints them, one a line. */
function dump(cluster) {
  const file = join(
    cluster.nodes[0].properties['log.dirs'],
    '__consumer_offsets-0',
    '00000000000000000000.log',
  );
  const args = ['--offsets-decoder', '--files', file];
  const env = { ...process.env, ...heap };
  return execFileSync(join(values.kafka, 'bin', 'kafka-dump-log.sh'), args, {
    encoding: 'utf8',
    env,
    maxBuffer: 1 << 28,
  });
}

async function run(cluster, part) {
  await startAndWait(cluster, clients);
  const { host, port } = cluster.addresses()[0];
  const client = await GroupClient.open(`${host}:${port}`);
  try {
    await part(client);
  } finally {
    client.close();
    await cluster.stopAll();
  }
}

async function recordsOf(system) {
  const body = async (cluster) => {
    await run(cluster, groupsOf);
    cluster.nodes[0].properties['offsets.retention.check.interval.ms'] = 500;
    cluster.format();
    await run(cluster, expiryOf);
    return dump(cluster);
  };
  return withCluster(system, 1, body, settings, heap);
}

const texts = new Map();
for (const system of systemsOf(values.kafka)) {
  const text = await recordsOf(system);
  if (values.keep !== undefined) {
    mkdirSync(values.keep, { recursive: true });
    writeFileSync(join(values.keep, `${system.name.replace(' ', '-')}.txt`), text);
  }
  texts.set(system.name, normalised(text));
}
const [ours, kafka] = [...texts.values()];
let different = 0;
for (const group of new Set([...kafka.keys(), ...ours.keys()])) {
  const [theirs, own] = [kafka.get(group) ?? [], ours.get(group) ?? []];
  if (theirs.join('\n') === own.join('\n')) continue;
  if (decided.has(group)) {
    console.log(`--- ${group}, as decided: ${decided.get(group)}`);
    continue;
  }
  different++;
  console.log(`--- ${group}`);
  for (let at = 0; at < Math.max(theirs.length, own.length); at++) {
    if (theirs[at] === own[at]) continue;
    console.log(`  Kafka: ${theirs[at] ?? 'nothing'}\n  ours:  ${own[at] ?? 'nothing'}`);
  }
}
const count = [...kafka.values()].reduce((sum, lines) => sum + lines.length, 0);
console.log(`${count} records of ${kafka.size} groups compared, ${different} groups differ`);
process.exit(different > 0 ? 1 : 0);
