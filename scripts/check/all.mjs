/**
 * `npm run check`: runs all checks of the code and names those that failed: format, lint, types (also of the scripts),
 * layering, dead code, proto/, tidy, the public surface, whether all mutants apply, and the examples in the documentation.
 *
 * usage: node scripts/check/all.mjs [name …]
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { scriptOptions } from '../lib/options.mjs';

/** @type {[name: string, command: string, args: string[]][]} */
const checks = [
  ['format', 'biome', ['format', '--config-path=scripts/check/format.json', '.']],
  ['lint', 'eslint', ['--config', 'scripts/check/eslint.config.mjs', 'src']],
  ['types', 'tsc', ['-p', 'tsconfig.json']],
  ['types of scripts', 'tsc', ['-p', 'scripts/check/tsconfig.scripts.json']],
  ['pure types', 'tsc', ['-p', 'scripts/check/tsconfig.pure.json']],
  [
    'layering',
    'depcruise',
    ['--config', 'scripts/check/dependency-cruiser.cjs', '--output-type', 'err', 'src'],
  ],
  ['dead code', 'knip', ['--config', 'scripts/check/knip.json']],
  ['proto', process.execPath, ['scripts/proto.mjs', '--check']],
  ['tidy', process.execPath, ['scripts/check/tidy.mjs']],
  ['public surface', process.execPath, ['scripts/check/api.mjs']],
  ['mutants apply', process.execPath, ['scripts/mutants/run.mjs', '--check']],
  ['examples in comments', process.execPath, ['scripts/check/doc-examples.mjs']],
];

const { positionals: wanted } = scriptOptions(
  import.meta.url,
  {},
  checks.map(([name]) => name),
);
if (!existsSync('node_modules'))
  spawnSync('npm', ['ci'], { stdio: 'inherit', shell: process.platform === 'win32' });

const failed = [];
for (const [name, command, args] of checks) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const started = process.hrtime.bigint();
  const path = command === process.execPath ? command : `node_modules/.bin/${command}`;
  const result = spawnSync(path, args, { stdio: 'inherit' });
  const seconds = Number((process.hrtime.bigint() - started) / 100_000_000n) / 10;
  console.log(`check: ${name} ${result.status === 0 ? 'passed' : 'FAILED'} in ${seconds} s`);
  if (result.status !== 0) failed.push(name);
}
if (failed.length > 0) {
  console.error(`check: failed: ${failed.join(', ')}`);
  process.exit(1);
}
