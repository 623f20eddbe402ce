/**
 * `npm run mutants`: shows that the simulator and the tests find bugs. Known bugs (mutants) are inserted into copies of the
 * source, one at a time, and each must be found. Exits with 1 when one is not found, when a patch no longer applies, or when
 * the unchanged source fails. The other rows are tried nevertheless.
 *
 * usage: npm run mutants -- [--only 1,6,18] [--jobs 2] [--seeds 50000] [--seconds 900] [--baseline-seeds 2000]
 *                           [--check] [--ledger FILE] [--report FILE --date YYYY-MM-DD]
 *
 * --check      only checks that all patches apply and parse, and that the tests they name are there
 * --seconds    how long to look for one mutant at most
 * --ledger     a file that keeps the results of rows which are not run this time
 * --report     writes the table, as docs/mutants.md; without a ledger, the results of rows that are not run this time remain
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { scriptOptions } from '../lib/options.mjs';
import { ready, root } from '../lib/ready.mjs';
import { huntSeeds } from './hunting.mjs';
import { fromMarkdown, markdown, summary } from './report.mjs';
import { rows as allRows } from './rows/index.mjs';
import { runTests } from './testing.mjs';

const { values } = scriptOptions(import.meta.url, {
  only: { type: 'string' },
  jobs: { type: 'number', default: 2 },
  seeds: { type: 'number', default: 50000 },
  seconds: { type: 'number', default: 900 },
  'baseline-seeds': { type: 'number', default: 2000 },
  check: { type: 'boolean', default: false },
  ledger: { type: 'string' },
  report: { type: 'string' },
  date: { type: 'string' },
});
ready({ build: false });
// Imported only now, because these modules need packages that `ready` may just have installed.
const { bundleWorld } = await import('../lib/sim-bundle.mjs');
const { buildTree, copyTree, problemOf, withEdits } = await import('./tree.mjs');

const only = values.only?.split(',').map(Number);
const rows = only === undefined ? allRows : allRows.filter(({ number }) => only.includes(number));

/**
 * Null when the test that must catch a mutant is there. Its name must be literally in the file.
 * @param {{ test?: string, name?: string, world?: string, needsBuild?: boolean }} caughtBy
 */
function problemOfTest({ test, name, needsBuild = false }) {
  if (test === undefined) return null;
  if (!existsSync(join(root, test))) return `${test} is not there`;
  if (test.startsWith('test/server/process/') && !needsBuild)
    return `${test} starts processes, so the row must have needsBuild`;
  const names = readFileSync(join(root, test), 'utf8').replaceAll("\\'", "'");
  return name === undefined || names.includes(name) ? null : `no test of ${test} has '${name}' in its name`;
}

function check() {
  let problems = 0;
  const seen = new Set();
  for (const row of allRows) {
    const problem = seen.has(row.number)
      ? 'another row has the number too'
      : (problemOf(root, row.edits) ?? problemOfTest(row.caughtBy));
    seen.add(row.number);
    if (problem === null) continue;
    problems += 1;
    console.error(`mutant ${row.number}: ${problem}`);
  }
  console.log(`${allRows.length - problems} of ${allRows.length} mutants apply`);
  return problems === 0;
}

/** Calls `work` for each item, for as many items at the same time as there are trees. */
async function spread(items, trees, work) {
  const waiting = [...items];
  const run = async (tree) => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item, tree);
  };
  await Promise.all(trees.map(run));
}

async function tryRow(row, tree) {
  const { world } = row.caughtBy;
  const unpatched = failures.find(({ fails }) => fails(row.caughtBy));
  if (unpatched !== undefined) throw new Error(`fails without the patch too: ${unpatched.message}`);
  const result = await withEdits(tree, row.edits, async () => {
    if (world === undefined) return await tryTest(tree, row.caughtBy);
    const bundle = await bundleWorld(join(tree, 'src'), world, join(tree, 'mutant'));
    const range = { from: 1, to: values.seeds, seconds: values.seconds };
    const { seeds, seconds, found } = await huntSeeds(bundle, range);
    const by = nameOf(found);
    // When a row names an invariant, another invariant does not count.
    const caught = found !== null && by.startsWith(row.caughtBy.invariant ?? '');
    return { caught, by, message: found?.message ?? '', seeds, seconds };
  });
  if (world === undefined || !result.caught) return result;
  const range = { from: result.seeds, to: result.seeds, seconds: values.seconds };
  const { found } = await huntSeeds(baselines.get(world), range);
  if (found === null) return result;
  throw new Error(`seed ${result.seeds} fails without the patch too: ${found.by}: ${found.message}`);
}

async function tryTest(tree, { test, name = null, needsBuild }) {
  if (needsBuild) await buildTree(tree);
  const { failed, broken, seconds } = await runTests(tree, [test], name);
  const first = failed[0];
  if (first === undefined && broken.length > 0) throw new Error(`no test ran: ${broken[0].message}`);
  const caught = first !== undefined;
  return { caught, by: first?.name ?? '', message: first?.message ?? '', seeds: 0, seconds };
}

/** Returns the name of what found the mutant. An error that is not an assertion is named by its class. */
function nameOf(found) {
  if (found === null) return '';
  return found.by === 'error' ? found.message.split(':')[0] : found.by;
}

/** The bundles of the unchanged source, by world. */
const baselines = new Map();

/** What the unchanged source fails. `fails` says whether that is what should catch a mutant. */
const failures = [];

/**
 * Returns how many seeds of a world the unchanged source must pass. A seed of a whole cluster takes fifty times as long as one
 * of raft.
 */
function baselineSeeds(world) {
  const seeds = values['baseline-seeds'];
  return world === 'raft' ? seeds : Math.ceil(seeds / 50);
}

/** Runs the seeds and the tests that are to find the mutants on the unchanged source. Adds what it passes to `passed`. */
async function baseline(trees, passed) {
  const worlds = [...new Set(rows.map(({ caughtBy }) => caughtBy.world))].filter(Boolean);
  const files = [...new Set(rows.map(({ caughtBy }) => caughtBy.test))].filter(Boolean);
  const jobs = worlds.map((world) => (tree) => baselineWorld(tree, world, passed));
  if (files.length > 0) jobs.push((tree) => baselineTests(tree, files, passed));
  await spread(jobs, trees, (job, tree) => job(tree));
}

async function baselineTests(tree, files, passed) {
  if (rows.some(({ caughtBy }) => caughtBy.needsBuild)) await buildTree(tree);
  const { passed: count, failed, broken, seconds } = await runTests(tree, files, null);
  const bad = failed.length + broken.length;
  console.log(`without a patch: ${count} tests passed, ${bad} failed, ${seconds.toFixed(0)} s`);
  for (const { file, name, message } of [...failed, ...broken]) {
    console.error(`  ${file}: ${name ?? 'the file'}: ${message.slice(0, 500)}`);
    // Of a broken file no test can catch anything.
    const isNamed = (part) => name === undefined || name.includes(part);
    failures.push({ message, fails: ({ test, name: part = '' }) => test === file && isNamed(part) });
  }
  const failing = new Set([...failed, ...broken].map(({ file }) => file));
  passed.files = [...new Set([...passed.files, ...files])].filter((file) => !failing.has(file));
}

async function baselineWorld(tree, world, passed) {
  const bundle = await bundleWorld(join(tree, 'src'), world, join(tree, 'baseline'));
  baselines.set(world, bundle);
  const range = { from: 1, to: baselineSeeds(world), seconds: values.seconds };
  const { seeds, seconds, found } = await huntSeeds(bundle, range);
  const what = found === null ? 'nothing found' : `seed ${found.seed}: ${found.by}: ${found.message}`;
  console.log(`without a patch: ${seeds} seeds of ${world}, ${seconds.toFixed(0)} s: ${what}`);
  if (found === null) passed.worlds[world] = Math.max(passed.worlds[world] ?? 0, seeds);
  else failures.push({ message: what, fails: (caughtBy) => caughtBy.world === world });
}

/**
 * Returns the results of earlier runs, from the ledger or the report: what found each row, and what the unchanged source has
 * passed.
 */
function readLedger() {
  if (values.ledger === undefined || !existsSync(values.ledger)) {
    const report = values.report !== undefined && existsSync(values.report);
    return fromMarkdown(report ? readFileSync(values.report, 'utf8') : '', allRows);
  }
  const { results, passed } = JSON.parse(readFileSync(values.ledger, 'utf8'));
  return { results: new Map(results), passed };
}

function writeLedger({ results, passed }) {
  if (values.ledger === undefined) return;
  writeFileSync(values.ledger, JSON.stringify({ results: [...results], passed }, null, 1));
}

async function main() {
  if (!check()) return false;
  if (values.check) return true;
  const directory = mkdtempSync(join(tmpdir(), 'bendemann-mutants-'));
  const trees = Array.from({ length: values.jobs }, (_, index) => join(directory, `tree-${index}`));
  try {
    for (const tree of trees) copyTree(root, tree);
    const ledger = readLedger();
    const { results, passed } = ledger;
    await baseline(trees, passed);
    await spread(rows, trees, async (row, tree) => {
      const result = await tryRow(row, tree).catch((error) => {
        console.error(`mutant ${row.number}: ${error.message}`);
        return { caught: false, by: '', message: error.message, seeds: 0, seconds: 0 };
      });
      results.set(row.number, result);
      const { caught, by, seeds, seconds, message } = result;
      const after = row.caughtBy.world === undefined ? '' : ` after ${seeds} seeds`;
      const how = caught ? `caught by ${by}${after}` : `NOT CAUGHT${after}`;
      console.log(
        `${row.number} ${how}, ${seconds.toFixed(1)} s: ${row.change}\n    ${message.split('\n')[0].slice(0, 200)}`,
      );
      writeLedger(ledger);
    });
    const told = summary(values.report === undefined ? rows : allRows, results);
    console.log(
      `caught ${told.caught} of ${told.rows}: ${told.byHunt} by simulation, median ${told.medianSeeds} seeds; ${told.byTest} by tests`,
    );
    if (values.report !== undefined) {
      const options = { date: values.date ?? 'no date given', command: 'npm run mutants', passed };
      writeFileSync(values.report, markdown(allRows, results, options));
    }
    return told.caught === told.rows && failures.length === 0;
  } finally {
    // The link to the dependencies of the checkout is removed first, so that nothing that follows links can delete them.
    for (const tree of trees) rmSync(join(tree, 'node_modules'), { force: true });
    rmSync(directory, { recursive: true, force: true });
  }
}

process.exit((await main()) ? 0 : 1);
