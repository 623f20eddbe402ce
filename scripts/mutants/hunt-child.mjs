/**
 * Runs seeds of a bundled world until one violates an invariant. Prints a line of JSON for each seed; the last line says what
 * was found.
 *
 * usage: node scripts/mutants/hunt-child.mjs BUNDLE FROM TO SECONDS
 */
import { writeSync } from 'node:fs';
import { loadWorld } from '../lib/sim-bundle.mjs';

const [file, from, to, seconds] = process.argv.slice(2);
// Kept before the world is loaded, because a world replaces the functions that read the real clock.
const now = performance.now.bind(performance);
const { hunt, world } = await loadWorld(file);
const untilMs = now() + Number(seconds) * 1000;

// When a node rejects a promise and nothing handles it, this is known only after the world has returned.
let uncaught = null;
process.on('unhandledRejection', (/** @type {any} */ error) => {
  uncaught ??= { by: 'assertion', message: String(error?.stack ?? error) };
});

/**
 * Runs each seed in a turn of the event loop of its own, because a world runs pending promises itself, which has no effect
 * within a microtask.
 */
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
