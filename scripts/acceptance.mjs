/**
 * `npm run acceptance`: the black-box suite beside this repository (../shared/acceptance) against our bin/. Installs what
 * the suite needs (a Python environment, Apache Kafka's tools, client libraries) into one folder, once.
 *
 * usage: node scripts/acceptance.mjs [--quick] [--home DIR] [pytest arguments]
 *
 * --quick runs what CI runs: five client libraries instead of twelve.
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

/** What our first version must pass. The suite has more files; name one to run it. */
const files = [
  'test_quickstart.py',
  'test_storage_format.py',
  'test_storage_start.py',
  'test_three_nodes.py',
  'test_quorum_loss.py',
  'test_rolling.py',
  'test_clients.py',
];

/** Tests of features that are not there yet (README, limits). */
const later = [
  // SASL
  'test_storage_start.py::test_add_scram_makes_a_user',
];
/** The libraries that CI runs; all others, which take most of the time, are left to a run by hand. */
const quickClients = ['kafkajs', 'platformatic', 'confluent-kafka-python', 'java', 'franz-go'];

/** test_clients.py's tests are named `test_client[scenario-library]`. */
function clientSelection() {
  if (!quick) return 'client';
  // The old Java client has a name that begins like the new one's.
  // kadm answers from a cache that may still list a topic which was deleted a moment ago.
  return `not java-2 and not admin-franz-go and (${quickClients.map((client) => `-${client}`).join(' or ')})`;
}

// Without a root of its own pytest would name tests by the folder that all paths in the options share.
const options = ['-p', 'no:cacheprovider', '-q', '--rootdir', suite, '--bin', join(root, 'bin')];
options.push('--kafka', join(home, 'kafka', 'bin'), '--clients', join(home, 'clients'));
const environment = { ...process.env, PYTHONDONTWRITEBYTECODE: '1' };

function pytest(name, pytestArgs) {
  console.log(`acceptance: ${name}`);
  const started = performance.now();
  const status = run(join(home, 'py', 'bin', 'pytest'), [...options, ...pytestArgs], {
    cwd: suite,
    env: environment,
  });
  console.log(`acceptance: ${name} took ${Math.round((performance.now() - started) / 1000)} s`);
  return status;
}

/** What pytest is asked to run of a file: one selection for each time that it is called. */
function selectionsOf(file) {
  if (file !== 'test_clients.py')
    return [later.filter((test) => test.startsWith(file)).flatMap((test) => ['--deselect', test])];
  // `seek` reads records of 2023. The first retention check, half a minute after a node's start, deletes them, from under whoever
  // reads them just then (with Apache Kafka too). On a node of its own the scenario is over by that time.
  return ['seek-', 'not seek-'].map((part) => ['-k', `(${clientSelection()}) and ${part}`]);
}

if (args.length > 0) process.exit(pytest('as asked', args));
const failures = files.filter((file) =>
  selectionsOf(file)
    .map((selection) => pytest(file, [file, ...selection]))
    .some((status) => status !== 0),
);
if (failures.length > 0) {
  console.error(`acceptance: failed: ${failures.join(', ')}`);
  process.exit(1);
}
