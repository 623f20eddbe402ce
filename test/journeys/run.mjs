/**
 * `npm run journeys`: runs programs by others with nodes of ours, as docs/journeys.md describes. What a journey needs (jars,
 * packages) is downloaded once into a cache. Prints one line for each journey, then `N passed, N failed`.
 *
 * usage: npm run journeys -- [--short] [--only NAME,…] [--cache DIR] [--keep]
 *
 * --short  only the journeys that CI runs: they download no program but Apache Kafka's own
 * --keep   keeps the folder of each journey
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { scriptOptions } from '../../scripts/lib/options.mjs';
import { ready } from '../../scripts/lib/ready.mjs';
import { Journey, NotHere } from './lib.mjs';

const { values, refuse } = scriptOptions(import.meta.url, {
  short: { type: 'boolean', default: false },
  only: { type: 'string' },
  cache: { type: 'string' },
  keep: { type: 'boolean', default: false },
});
ready();
const here = dirname(fileURLToPath(import.meta.url));
const own = ['run.mjs', 'lib.mjs'];
const names = readdirSync(here)
  .filter((file) => file.endsWith('.mjs') && !own.includes(file))
  .map((file) => file.replace(/\.mjs$/, ''));
const unknown = (values.only?.split(',') ?? []).filter((name) => !names.includes(name));
if (unknown.length > 0) refuse(`there is no journey '${unknown[0]}'; journeys: ${names.join(', ')}`);
let passed = 0;
let failed = 0;
for (const name of names) {
  if (values.only !== undefined && !values.only.split(',').includes(name)) continue;
  const { about, isShort, travel } = await import(`./${name}.mjs`);
  if (values.short && !isShort) continue;
  const folder = mkdtempSync(join(tmpdir(), `bendemann-journey-${name}-`));
  const journey = new Journey(name, folder, values.cache);
  const startedMs = performance.now();
  const seconds = () => `${((performance.now() - startedMs) / 1000).toFixed(0)} s`;
  try {
    const seen = await travel(journey);
    passed++;
    console.log(`ok    ${name} (${seconds()}): ${about}${seen === undefined ? '' : `; ${seen}`}`);
  } catch (error) {
    if (error instanceof NotHere) console.log(`skip  ${name}: ${error.message}`);
    else {
      failed++;
      console.log(`FAIL  ${name} (${seconds()}): ${about}\n${error.stack}\n${journey.tails().join('\n')}`);
    }
  } finally {
    await journey.end();
    if (!values.keep) rmSync(folder, { recursive: true, force: true });
  }
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
