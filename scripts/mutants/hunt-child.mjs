/**
 * Runs seeds of a bundled world until one violates an invariant; a line of JSON for each seed, the last with what it found.
 *
 * usage: node scripts/mutants/hunt-child.mjs BUNDLE SEEDS SECONDS
 */
import { writeSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const [file, seeds, seconds] = process.argv.slice(2);
// Taken before a world lays its traps.
const now = performance.now.bind(performance);
const { hunt, world } = await import(pathToFileURL(file).href);

const untilMs = now() + Number(seconds) * 1000;
for (let seed = 1; seed <= Number(seeds) && now() < untilMs; seed++) {
  const { found } = hunt(seed, seed, world);
  const by = found === null ? {} : { by: found.violation.invariant, message: found.violation.message };
  writeSync(1, `${JSON.stringify({ seed, ...by })}\n`);
  if (found !== null) break;
}
process.exit(0);
