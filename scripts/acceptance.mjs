/**
 * `npm run acceptance`: runs the black-box test suite, which lies beside this repository (../shared/acceptance), against our
 * bin/. At the first run it installs what the suite needs into one folder: a Python environment, Apache Kafka's tools and
 * client libraries.
 *
 * usage: node scripts/acceptance.mjs [--quick] [--home DIR] [pytest arguments]
 *
 * --quick runs what CI runs: five client libraries instead of twelve.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { ready, root } from './lib/ready.mjs';

const beside = join(root, '..', 'shared', 'acceptance');
// Through a symbolic link, pytest would give the tests other names, and none of `later` would be left out.
const suite = existsSync(beside) ? realpathSync(beside) : beside;
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

/**
 * Runs an installation step unless it has succeeded before. After a success it writes a mark, so that the next run skips the
 * step.
 */
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

/** The files of the suite that are run by default. It has more files; name one to run it. */
const files = [
  'test_quickstart.py',
  'test_storage_format.py',
  'test_storage_start.py',
  'test_three_nodes.py',
  'test_quorum_loss.py',
  'test_rolling.py',
  'test_clients.py',
];

/** Tests of features that are not built yet (see the limits in the README). */
const later = [
  // SASL
  'test_storage_start.py::test_add_scram_makes_a_user',
];
/** The client libraries that CI tests. All others take most of the time, so they are tested only in runs by hand. */
const quickClients = ['kafkajs', 'platformatic', 'confluent-kafka-python', 'java', 'franz-go'];

/** Returns the pytest selection of client tests. Tests in test_clients.py are named `test_client[scenario-library]`. */
function clientSelection() {
  if (!quick) return 'client';
  // `java-2`, the old Java client, begins with the name of the new one, so it must be excluded. `admin-franz-go` is excluded
  // because kadm answers from a cache, which may still list a topic that has just been deleted.
  return `not java-2 and not admin-franz-go and (${quickClients.map((client) => `-${client}`).join(' or ')})`;
}

// Without --rootdir, pytest would name tests by the folder that all paths in the options have in common.
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

/** Returns the selections of tests with which pytest is called for a file, one after the other. */
function selectionsOf(file) {
  if (file !== 'test_clients.py')
    return [later.filter((test) => test.startsWith(file)).flatMap((test) => ['--deselect', test])];
  // The scenario `seek` reads records with timestamps of 2023. The first retention check, half a minute after a node's start,
  // deletes them, as in Apache Kafka. So `seek` gets a node of its own and is finished before that check.
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
