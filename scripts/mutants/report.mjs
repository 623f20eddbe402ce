/** Writes docs/mutants.md from the results of a run. */
import { cpus, totalmem } from 'node:os';

export function machine() {
  const memoryGiB = Math.round(totalmem() / 2 ** 30);
  return `${cpus()[0]?.model.trim()}, ${cpus().length} cores, ${memoryGiB} GiB, Node.js ${process.versions.node}`;
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted.length === 0 ? 0 : sorted[Math.floor((sorted.length - 1) / 2)];
}

function cell(text) {
  return String(text).replaceAll('|', '\\|').replaceAll(/\s+/g, ' ').trim();
}

function caughtBy(row, result) {
  if (result === undefined) return 'not run';
  if (!result.caught) return '**not caught**';
  if (row.caughtBy.world !== undefined) return `${result.by} (${row.caughtBy.world})`;
  return `test: ${result.by}`;
}

export function summary(rows, results) {
  const caught = rows.filter(({ number }) => results.get(number)?.caught);
  const seeds = caught
    .filter((row) => row.caughtBy.world !== undefined)
    .map(({ number }) => results.get(number).seeds);
  return {
    caught: caught.length,
    rows: rows.length,
    byHunt: seeds.length,
    byTest: caught.length - seeds.length,
    medianSeeds: median(seeds),
    mostSeeds: Math.max(0, ...seeds),
  };
}

/** Returns a sentence about what the unchanged source has passed. */
function baseline({ worlds, files }) {
  const what = Object.entries(worlds).map(([world, seeds]) => `${seeds} seeds of the world \`${world}\``);
  if (files.length > 0) what.push(`the tests of ${files.length} files`);
  const list = what.join(', ').replace(/, ([^,]*)$/, ' and $1');
  return `Without a patch, ${list} pass, and so does each seed at which a mutant was caught.`;
}

/**
 * Reads back what a report says of the rows that are still in the table: {results, passed} of `markdown`. The files with tests
 * that passed are those of the rows; the report has only their number.
 */
export function fromMarkdown(text, rows) {
  const results = new Map();
  const found = new Map();
  for (const line of text.split('\n')) {
    const cells = line.split(/(?<!\\)\|/).map((part) => part.trim().replaceAll('\\|', '|'));
    if (/^\d+$/.test(cells[1] ?? '')) found.set(Number(cells[1]), cells);
  }
  const files = new Set();
  for (const { number, caughtBy } of rows) {
    const cells = found.get(number);
    if (cells === undefined || cells[5] === 'not run') continue;
    const by = cells[5].replace(/^test: /, '').replace(/ \((raft|cluster)\)$/, '');
    const caught = cells[5] !== '**not caught**';
    results.set(number, { caught, by, message: '', seeds: Number(cells[6]), seconds: Number(cells[7]) });
    if (caughtBy.test !== undefined) files.add(caughtBy.test);
  }
  const worlds = {};
  for (const [, seeds, world] of text.matchAll(/(\d+) seeds of the world `(\w+)`/g))
    worlds[world] = Number(seeds);
  return { results, passed: { worlds, files: [...files] } };
}

export function markdown(rows, results, { date, command, passed }) {
  const { caught, byHunt, byTest, medianSeeds, mostSeeds } = summary(rows, results);
  const lines = [
    '# Mutants',
    '',
    '<!-- Written by scripts/mutants/run.mjs; do not edit. -->',
    '',
    'Each row is a bug that some other implementation had, or that this one could easily have: a small patch of our source. The',
    'simulation, or a test, must detect each of them, and the source without the patch must pass the same seeds and tests.',
    '',
    `**Caught: ${caught} of the ${results.size} that were run; the table has ${rows.length}.** By the simulator ${byHunt}, after a median of ${medianSeeds} seeds (at most ${mostSeeds}); by a test ${byTest}.`,
    baseline(passed),
    '',
    `\`${command}\` on ${machine()}, ${date}.`,
    '',
    'To run one row: `npm run mutants -- --only 6`. The test suite checks that all patches apply (`-- --check`). Seeds are tried from 1.',
    '*I…* and *L…* are the invariants of [the simulation](simulation.md); *assertion* is an assertion of the source, which the patch',
    'did not remove. `raft` and `cluster` are the simulated worlds.',
    '',
    '| # | bug | reference | the patch | caught by | seeds | s |',
    '|--:|---|---|---|---|--:|--:|',
  ];
  for (const row of rows) {
    const result = results.get(row.number);
    const seeds = row.caughtBy.world === undefined ? '' : (result?.seeds ?? '');
    const nearest = row.nearest === undefined ? '' : `${row.nearest} Instead: `;
    const seconds = result === undefined ? '' : result.seconds.toFixed(1);
    const cells = [
      row.number,
      row.bug,
      row.reference,
      nearest + row.change,
      caughtBy(row, result),
      seeds,
      seconds,
    ];
    lines.push(`| ${cells.map(cell).join(' | ')} |`);
  }
  return `${lines.join('\n')}\n`;
}
