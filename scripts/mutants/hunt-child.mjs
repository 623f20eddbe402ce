/**
 * Runs seeds of a bundled world until one violates an invariant; a line of JSON for each seed, the last with what it found.
 *
 * usage: node scripts/mutants/hunt-child.mjs BUNDLE FROM TO SECONDS
 */
import { writeSync } from 'node:fs';
import { loadWorld } from '../lib/sim-bundle.mjs';

const [file, from, to, seconds] = process.argv.slice(2);
// Taken before a world lays its traps.
const now = performance.now.bind(performance);
const { hunt, world } = await loadWorld(file);
const untilMs = now() + Number(seconds) * 1000;

// A promise that a node rejected and nobody caught shows after the world has returned.
let uncaught = null;
process.on('unhandledRejection', (error) => {
  uncaught ??= { by: 'assertion', message: String(error?.stack ?? error) };
});

/** Each seed in a turn of its own: a world drains the queue of promises itself, which works from outside of it only. */
function next(seed) {
  if (seed > Number(to) || now() >= untilMs) process.exit(0);
  const { found } = hunt(seed, seed, world);
  setImmediate(() => {
    const violation = found && { by: found.violation.invariant, message: found.violation.message };
    const report = violation ?? uncaught;
    writeSync(1, `${JSON.stringify({ seed, ...report })}\n`);
    if (report !== null) process.exit(0);
    next(seed + 1);
  });
}
setImmediate(() => next(Number(from)));
