/**
 * `npm run acceptance`: the black-box suite beside this repository (../shared/acceptance) against our bin/. Installs what
 * the suite needs (a Python environment, Apache Kafka's tools, client libraries) into one folder, once.
 *
 * usage: node scripts/acceptance.mjs [--quick] [--home DIR] [pytest arguments]
 *
 * --quick runs what CI runs: no client library that has to be compiled, and only the tests that take seconds.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { ready, root } from './lib/ready.mjs';

const suite = join(root, '..', 'shared', 'acceptance');
const args = process.argv.slice(2);

function takeFlag(name) {
  const index = args.indexOf(name);
  if (index >= 0) args.splice(index, 1);
  return index >= 0;
}

function takeOption(name, otherwise) {
  const index = args.indexOf(name);
  return index < 0 ? otherwise : args.splice(index, 2)[1];
}

const quick = takeFlag('--quick');
const home = takeOption(
  '--home',
  process.env.ACCEPTANCE_HOME ?? join(homedir(), '.cache', 'bendemann-acceptance'),
);

function run(command, commandArgs, options = {}) {
  return spawnSync(command, commandArgs, { stdio: 'inherit', ...options }).status ?? 1;
}

/** Runs an installation step once; its mark is written only when it succeeded. */
function once(name, command, commandArgs) {
  const mark = join(home, `${name}.done`);
  if (existsSync(mark)) return;
  console.log(`acceptance: installing ${name} …`);
  if (run(command, commandArgs) !== 0) {
    console.error(`acceptance: installing ${name} failed`);
    process.exit(1);
  }
  writeFileSync(mark, '');
}

if (!existsSync(suite)) {
  console.log(`acceptance: ${suite} is not here; nothing to run`);
  process.exit(0);
}
ready();
mkdirSync(home, { recursive: true });
const python = join(home, 'py', 'bin', 'python');
once('venv', 'python3', ['-m', 'venv', join(home, 'py')]);
once('requirements', python, ['-m', 'pip', 'install', '-q', '-r', join(suite, 'requirements.txt')]);
once('kafka', 'bash', [join(suite, 'fetch-kafka'), join(home, 'kafka')]);
once('clients', 'bash', [join(suite, 'clients', 'install'), join(home, 'clients')]);

/** What stands in the issues still open: each line names the feature that the test needs (README, limits). */
const files = [
  'test_quickstart.py',
  'test_storage_format.py',
  'test_storage_start.py',
  'test_three_nodes.py',
  'test_quorum_loss.py',
  'test_rolling.py',
  'test_clients.py',
];
const quickClients = 'kafkajs or platformatic or confluent_kafka_python or java or franz';
const selection =
  args.length > 0
    ? args
    : quick
      ? files.slice(0, 6).map((file) => join(suite, file))
      : files.map((file) => join(suite, file));
const options = [
  '-p',
  'no:cacheprovider',
  '-q',
  '--bin',
  join(root, 'bin'),
  '--kafka',
  join(home, 'kafka', 'bin'),
  '--clients',
  join(home, 'clients'),
];
const environment = { ...process.env, PYTHONDONTWRITEBYTECODE: '1', QUICK_CLIENTS: quickClients };
process.exit(run(python, ['-m', 'pytest', ...options, ...selection], { cwd: suite, env: environment }));
