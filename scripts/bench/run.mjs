/**
 * Benchmarks, side by side with Apache Kafka when its directory is given.
 *
 * usage: node scripts/bench/run.mjs [--kafka DIR] [--only bendemann|kafka] [--against DIR]… [--runs N] [--records N]
 *        [--pause-seconds N] [--minutes N] [part…]
 *
 * --against: a built checkout of another commit. It is compared too, and every run begins with a new cluster. The systems take
 * turns, so that other load of the machine affects all of them alike.
 *
 * Parts: start idle throughput-1 throughput-3 latency-1 latency-3 transactions-1 transactions-3 consumer-group group-latency
 * failover pauses controller-kill quiet stalls handover recovery compressed; all of them when none is named.
 *
 * Options of single parts: --programs for group-latency (a folder with client programs, as for scripts/group-soak.mjs),
 * --minutes for quiet and stalls, --members and --partitions for consumer-group, --gib and --logs for recovery (the amount of
 * data, and the number of partitions that hold it).
 *
 * Progress goes to standard error, a markdown table with medians (smallest–largest) to standard output. Linux only: CPU
 * time and memory come from /proc.
 */
import { resolve } from 'node:path';
import { makeClients } from '../lib/client.mjs';
import { scriptOptions } from '../lib/options.mjs';
import { ready } from '../lib/ready.mjs';
import { benchConsumerGroup } from './consumer-groups.mjs';
import { benchGroupLatency } from './group-latency.mjs';
import { benchFailover, benchPauses } from './failover.mjs';
import { machineLine, Results } from './numbers.mjs';
import { makeProbes } from './probes.mjs';
import { benchControllerKill, benchHandover, benchQuiet, benchStalls } from './quorum.mjs';
import { benchIdle, benchStart } from './start-and-idle.mjs';
import { benchCompressed, benchRecovery } from './storage.mjs';
import { systemsOf } from './systems.mjs';
import { benchLatency, benchThroughput } from './throughput.mjs';
import { benchTransactions } from './transactions.mjs';

/** `isRepeated`: for several runs the whole part is repeated. The other parts repeat inside one cluster. */
const parts = {
  start: { isRepeated: true, bench: benchStart },
  idle: { isRepeated: false, bench: benchIdle },
  'throughput-1': { isRepeated: false, bench: (system, context) => benchThroughput(system, 1, context) },
  'throughput-3': { isRepeated: false, bench: (system, context) => benchThroughput(system, 3, context) },
  'latency-1': { isRepeated: false, bench: (system, context) => benchLatency(system, 1, context) },
  'latency-3': { isRepeated: false, bench: (system, context) => benchLatency(system, 3, context) },
  'transactions-1': { isRepeated: false, bench: (system, context) => benchTransactions(system, 1, context) },
  'transactions-3': { isRepeated: false, bench: (system, context) => benchTransactions(system, 3, context) },
  'consumer-group': { isRepeated: false, bench: benchConsumerGroup },
  'group-latency': { isRepeated: false, bench: benchGroupLatency },
  failover: { isRepeated: false, bench: benchFailover },
  pauses: { isRepeated: false, bench: benchPauses },
  'controller-kill': { isRepeated: false, bench: benchControllerKill },
  quiet: { isRepeated: false, bench: benchQuiet },
  stalls: { isRepeated: false, bench: benchStalls },
  handover: { isRepeated: false, bench: benchHandover },
  recovery: { isRepeated: true, bench: benchRecovery },
  compressed: { isRepeated: false, bench: benchCompressed },
};

const { values, positionals } = scriptOptions(
  import.meta.url,
  {
    kafka: { type: 'string' },
    only: { type: 'string' },
    against: { type: 'string', multiple: true, default: [] },
    runs: { type: 'number', default: 3 },
    records: { type: 'number', default: 500000 },
    'pause-seconds': { type: 'number', default: 60 },
    minutes: { type: 'number', default: 5 },
    programs: { type: 'string' },
    members: { type: 'number', default: 1000 },
    partitions: { type: 'number', default: 10000 },
    gib: { type: 'number', default: 1 },
    logs: { type: 'number', default: 100 },
  },
  Object.keys(parts),
);

ready();
const kafka = values.kafka === undefined ? null : resolve(values.kafka);
const systems = systemsOf(kafka, values.against).filter(
  ({ name }) => !values.only || name.toLowerCase().includes(values.only),
);
const clients = await makeClients();
const results = new Results();
const context = {
  kafka,
  clients,
  probes: await makeProbes(clients),
  results,
  // With --against, whole parts are repeated instead of measurements inside a part.
  runs: values.against.length === 0 ? values.runs : 1,
  records: values.records,
  pauseSeconds: values['pause-seconds'],
  minutes: values.minutes,
  programs: values.programs ?? null,
  members: values.members,
  partitions: values.partitions,
  gib: values.gib,
  logs: values.logs,
};

let status = 0;
for (const name of positionals.length > 0 ? positionals : Object.keys(parts)) {
  const { isRepeated, bench } = parts[name];
  for (let i = 0; i < (isRepeated || values.against.length > 0 ? values.runs : 1); i++) {
    for (const system of systems) {
      try {
        await bench(system, context);
      } catch (error) {
        status = 1;
        console.error(`${name} of ${system.name} failed: ${error.message}`);
      }
    }
  }
}
console.log(`${machineLine()}\n${new Date().toISOString()}, ${values.runs} runs\n`);
console.log(results.table(systems));
process.exit(status);
