/**
 * Measures how long each tool of bin/ takes for --help and --version, compared with a Node program that does nothing.
 *
 * usage: npm run build && node scripts/bench/tools.mjs [--runs 9] [--kafka DIR/bin] [TOOL…]
 *
 * Prints medians in ms. The goal is at most 150 ms for each tool. With --kafka, the tools of Apache Kafka are measured too,
 * once in each round.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { scriptOptions } from '../lib/options.mjs';

const root = join(import.meta.dirname, '../..');
const goalMs = 150;
const { values, positionals } = scriptOptions(
  import.meta.url,
  { runs: { type: 'number', default: 9 }, kafka: { type: 'string' } },
  null,
);
const notTools = ['launch.cjs', 'package.json', 'windows'];
const tools =
  positionals.length > 0
    ? positionals
    : readdirSync(join(root, 'bin')).filter((name) => !name.endsWith('.sh') && !notTools.includes(name));
/** Tools that are left out, because they run a node, end nodes, or have no options. */
const without = ['kafka-server-start', 'kafka-server-stop', 'docker-entrypoint'];

function elapsedMs(command, args) {
  const startMs = performance.now();
  const { error } = spawnSync(command, args, { stdio: 'ignore', timeout: 60_000 });
  if (error !== undefined) throw error;
  return performance.now() - startMs;
}

function median(times) {
  return times.sort((a, b) => a - b)[times.length >> 1];
}

const empty = [];
const rows = [];
for (const tool of tools.filter((name) => !without.includes(name))) {
  const times = { help: [], version: [], kafka: [] };
  const kafka = values.kafka === undefined ? null : join(values.kafka, tool);
  for (let run = 0; run < values.runs; run++) {
    empty.push(elapsedMs(process.execPath, ['-e', '0']));
    times.help.push(elapsedMs(join(root, 'bin', tool), ['--help']));
    times.version.push(elapsedMs(join(root, 'bin', tool), ['--version']));
  }
  if (kafka !== null && existsSync(kafka)) times.kafka.push(elapsedMs(kafka, ['--help']));
  rows.push([tool, median(times.help), median(times.version), median(times.kafka)]);
}
const shown = (value) => (value === undefined ? '' : value.toFixed(0));
console.log(
  `${cpus().length} × ${cpus()[0]?.model}, Node.js ${process.version}, median of ${values.runs} runs, ms`,
);
console.log(`| tool | --help | --version |${values.kafka === undefined ? '' : ' Kafka --help |'}`);
for (const [tool, help, version, kafka] of rows.sort((a, b) => b[1] - a[1]))
  console.log(
    `| ${tool} | ${shown(help)} | ${shown(version)} |${values.kafka === undefined ? '' : ` ${shown(kafka)} |`}`,
  );
console.log(`| node -e 0 | ${shown(median(empty))} | |`);
const slow = rows.filter(([, help, version]) => help > goalMs || version > goalMs).map(([tool]) => tool);
console.log(slow.length === 0 ? `all under ${goalMs} ms` : `above ${goalMs} ms: ${slow.join(', ')}`);
