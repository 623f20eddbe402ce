/**
 * One process of `npm run sim`. It loads a bundled world and runs the jobs that its parent sends.
 *
 * usage: forked by scripts/sim.mjs with the path of the bundle
 */
import { loadWorld } from './sim-bundle.mjs';

const { world, shrink, listenToMarks } = await loadWorld(process.argv[2]);
const marks = new Set();
listenToMarks((name) => marks.add(name));

let rejected = null;
process.on('unhandledRejection', (reason) => {
  rejected ??= reason instanceof Error ? (reason.stack ?? reason.message) : String(reason);
});

/**
 * Runs a seed in a turn of the event loop of its own, because the world runs pending promises itself, which has no effect
 * within a microtask. Then it waits for another turn: only then a promise that was rejected and never handled becomes known. It
 * would end a real node, so it counts as a violation.
 */
async function run(options) {
  const result = await new Promise((resolve, reject) => {
    setImmediate(() => {
      try {
        const finished = world.run(options);
        setImmediate(() => resolve(finished));
      } catch (error) {
        reject(error);
      }
    });
  });
  const message = rejected;
  rejected = null;
  if (message === null || result.violation !== null) return result;
  return { ...result, violation: { invariant: 'assertion', message: `unhandled rejection: ${message}` } };
}

const jobs = {
  /** Runs the seeds one after the other, until one violates an invariant. */
  async seeds({ seeds }) {
    const report = { seeds: 0, events: 0, virtualMs: 0, faults: 0, found: null, hashes: [] };
    for (const seed of seeds) {
      process.send({ type: 'seed', seed });
      const result = await run({ seed });
      report.seeds += 1;
      report.events += result.events;
      report.virtualMs += result.virtualMs;
      report.faults += result.faults.length;
      if (seed % 100 === 0) report.hashes.push({ seed, hash: result.traceHash });
      if (result.violation === null) continue;
      report.found = { seed, violation: result.violation };
      break;
    }
    return report;
  },
  /** Runs a seed again, to compare the hash of its trace. */
  async hash({ seed }) {
    process.send({ type: 'seed', seed });
    return { seed, hash: (await run({ seed })).traceHash };
  },
  async shrink({ seed }) {
    const { without, skip, runs } = shrink(world, seed);
    const { faults } = await run({ seed, without, skip });
    return { without: [...without], skip: [...skip], runs, faults };
  },
  async trace({ seed, without, skip }) {
    const lines = [];
    const onTrace = (line) => lines.push(line);
    const result = await run({ seed, without: new Set(without), skip: new Set(skip), onTrace });
    return { result, lines };
  },
};

process.on('message', async (/** @type {any} */ job) => {
  const { user, system } = process.cpuUsage();
  const value = await jobs[job.type](job);
  const after = process.cpuUsage();
  const cpuMs = (after.user + after.system - user - system) / 1000;
  process.send({ type: 'done', value, cpuMs, marks: [...marks] });
});
process.send({ type: 'ready' });
