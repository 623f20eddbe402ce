/**
 * `npm run sim`: simulates clusters, one seed after the other, and stops at the first seed that violates an invariant. Then it
 * looks for fewer faults that cause the same violation, and prints how to replay it. The world `raft` has the replicas of the
 * metadata quorum alone, the world `cluster` has whole nodes. Exits with 1 after a violation.
 *
 * usage: npm run sim -- [options]
 *  --world raft|cluster|all   which worlds; both by default
 *  --seeds N  --from N        how many seeds, and the first; 200 and 1 by default
 *  --events N                 instead of --seeds: as many seeds of each world as are needed for N events (1e8 is a number)
 *  --jobs N                   number of processes; that of processors by default
 *  --seed N [--trace]         one seed; with --trace prints all its events
 *  --without a,b --skip 1,2   leaves out families of faults, or single faults
 *  --shrink                   with --seed: looks for fewer faults that cause the same violation
 *  --marks                    prints which coverage marks were reached
 *  --nightly                  1e9 events of raft, 2e7 of cluster; all coverage marks must be reached
 */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { marksOf } from './lib/sim-marks.mjs';
import { SimPool } from './lib/sim-pool.mjs';
import { scriptOptions } from './lib/options.mjs';
import { ready, root } from './lib/ready.mjs';

const nightlyEvents = { raft: 1e9, cluster: 2e7 };
/** How many seeds a process gets at a time: about as many as it can run in a second. */
const chunkSeeds = { raft: 50, cluster: 4 };

const { values: args, refuse } = scriptOptions(import.meta.url, {
  world: { type: 'string', default: 'all' },
  seeds: { type: 'number', default: 200 },
  from: { type: 'number', default: 1 },
  events: { type: 'number' },
  jobs: { type: 'number', default: availableParallelism() },
  seed: { type: 'number' },
  trace: { type: 'boolean', default: false },
  without: { type: 'string', default: '' },
  skip: { type: 'string', default: '' },
  shrink: { type: 'boolean', default: false },
  marks: { type: 'boolean', default: false },
  nightly: { type: 'boolean', default: false },
});

const list = (text) => text.split(',').filter((part) => part !== '');
const count = (value) => Math.round(value).toLocaleString('en').replaceAll(',', ' ');

ready({ build: false });
// Imported only now, because it needs packages that may just have been installed.
const { bundleWorld, worlds } = await import('./lib/sim-bundle.mjs');
const names = args.world === 'all' ? Object.keys(worlds) : list(args.world);
let failed = false;
for (const name of names) {
  if (worlds[name] === undefined) refuse(`no world is called '${name}'`);
  const bundle = await bundleWorld(join(root, 'src'), name, join(root, 'node_modules/.simulation'));
  const pool = new SimPool(bundle, args.seed === undefined ? args.jobs : 1);
  try {
    const good = args.seed === undefined ? await many(name, pool) : await one(name, pool, args.seed);
    failed ||= !good;
  } finally {
    pool.stop();
  }
}
// The process is not ended by `exit`, because a long trace may not be written completely yet.
process.exitCode = failed ? 1 : 0;

function replay(name, seed, { without = [], skip = [] } = {}) {
  const more = [
    ...(without.length > 0 ? [`--without ${without.join(',')}`] : []),
    ...(skip.length > 0 ? [`--skip ${skip.join(',')}`] : []),
  ];
  return ['npm run sim --', `--world ${name} --seed ${seed}`, ...more, '--trace'].join(' ');
}

/** Runs one seed, with the options of the command line. */
async function one(name, pool, seed) {
  const less = { without: list(args.without), skip: list(args.skip).map(Number) };
  if (args.shrink) {
    await shrunk(name, pool, seed);
    return false;
  }
  const { result, lines } = (await pool.run({ type: 'trace', seed, ...less })).value;
  if (args.trace) for (const line of lines) console.log(line);
  const { events, virtualMs, traceHash, faults, violation } = result;
  const hash = traceHash.toString(16).padStart(8, '0');
  console.log(
    `${name} seed ${seed}: ${count(events)} events, ${virtualMs} ms, ${faults.length} faults, trace ${hash}`,
  );
  if (violation !== null) console.log(`${violation.invariant}: ${violation.message}`);
  return violation === null;
}

async function shrunk(name, pool, seed) {
  const { without, skip, runs, faults } = (await pool.run({ type: 'shrink', seed })).value;
  if (runs === 1) {
    console.log(`${name} seed ${seed} violates nothing`);
    return;
  }
  console.log(`\nAfter ${runs} runs, ${faults.length} faults are enough:`);
  for (const { number, family, text } of faults.slice(0, 50)) console.log(`  ${number} ${family}: ${text}`);
  console.log(`\n  ${replay(name, seed, { without, skip })}\n`);
  const { lines } = (await pool.run({ type: 'trace', seed, without, skip })).value;
  for (const line of lines.slice(-40)) console.log(line);
}

/** Runs seeds until there are enough, or until one fails. */
async function many(name, pool) {
  const eventsMax = args.nightly ? nightlyEvents[name] : Number(args.events ?? Number.NaN);
  const byEvents = !Number.isNaN(eventsMax);
  const total = { seeds: 0, events: 0, virtualMs: 0, faults: 0, cpuMs: 0, checked: 0 };
  let next = args.from;
  const end = byEvents ? Number.POSITIVE_INFINITY : next + args.seeds;
  let found = null;
  let toldMs = Date.now();
  const again = [];
  const startMs = Date.now();
  const job = () => {
    const check = again.shift();
    if (check !== undefined) return { type: 'hash', ...check };
    if (found !== null || next >= end || (byEvents && total.events >= eventsMax)) return null;
    const size = Math.min(chunkSeeds[name], end - next);
    const seeds = Array.from({ length: size }, (_, index) => next + index);
    next += size;
    return { type: 'seeds', seeds };
  };
  await pool.drain(job, (sent, { value, cpuMs }) => {
    total.cpuMs += cpuMs;
    if (sent.type === 'hash') {
      total.checked += 1;
      if (value.hash !== sent.hash) found ??= nondeterministic(sent.seed);
      return;
    }
    for (const key of ['seeds', 'events', 'virtualMs', 'faults']) total[key] += value[key];
    again.push(...value.hashes.map(({ seed, hash }) => ({ seed, hash })));
    if (value.found !== null && (found === null || value.found.seed < found.seed)) found = value.found;
    if (Date.now() - toldMs < 30_000) return;
    toldMs = Date.now();
    console.log(`  ${count(total.seeds)} seeds, ${count(total.events)} events`);
  });
  return report(name, pool, total, found, Date.now() - startMs);
}

function nondeterministic(seed) {
  const message = 'the same seed took another way in another process';
  return { seed, violation: { invariant: 'I18 determinism', message } };
}

async function report(name, pool, total, found, wallMs) {
  const perSecond = count((total.events / Math.max(1, total.cpuMs)) * 1000);
  console.log(
    `${name}: ${count(total.seeds)} seeds, ${count(total.events)} events, ${count(total.faults)} faults, ` +
      `${count(total.virtualMs / 1000)} s of virtual time in ${(wallMs / 1000).toFixed(1)} s; ` +
      `${perSecond} events a second of CPU; ${total.checked} seeds the same twice`,
  );
  let good = found === null;
  if (found !== null) {
    const { seed, violation } = found;
    console.log(`\n${name} seed ${seed} violates ${violation.invariant}: ${violation.message}\n`);
    console.log(`  ${replay(name, seed)}`);
    if (!violation.invariant.startsWith('I18')) await shrunk(name, pool, seed);
  }
  if (args.marks || args.nightly) {
    const { known, missing } = marksOf(join(root, 'src'), name, pool.marks);
    console.log(`${name}: ${known.length - missing.length} of ${known.length} coverage marks reached`);
    for (const mark of missing) console.log(`  never reached: ${mark}`);
    if (args.nightly && missing.length > 0) good = false;
  }
  return good;
}
