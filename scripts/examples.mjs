/**
 * Runs the projects of examples/ as a user would. It packs this package (or takes the tarball of --package), installs it once
 * together with the dependencies of the projects, runs the tests of each project in a copy, and prints how long each took.
 * Without names it also checks the package itself: with publint and arethetypeswrong, and by an installation without optional
 * packages and install scripts.
 *
 * usage: node scripts/examples.mjs [--package FILE.tgz] [--python INTERPRETER] [name …]
 */
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { scriptOptions } from './lib/options.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const examples = readdirSync(join(root, 'examples'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);
const { values, positionals } = scriptOptions(
  import.meta.url,
  { package: { type: 'string' }, python: { type: 'string', default: 'python3' } },
  examples,
);

function run(command, words, cwd) {
  const shell = process.platform === 'win32';
  const { status, stdout, stderr } = spawnSync(command, words, {
    cwd,
    encoding: 'utf8',
    shell,
    timeout: 240_000,
  });
  return { ok: status === 0, text: `${stdout}${stderr}` };
}

function must(command, words, cwd) {
  const { ok, text } = run(command, words, cwd);
  if (!ok) throw new Error(`${command} ${words.join(' ')} failed:\n${text}`);
  return text;
}

const work = mkdtempSync(join(tmpdir(), 'bendemann-examples-'));
const tarball =
  values.package === undefined
    ? join(
        work,
        must('npm', ['pack', '--silent', '--pack-destination', work], root).trim().split('\n').at(-1),
      )
    : resolve(values.package);
const wanted = positionals.length === 0 ? examples : positionals;

const projectOf = (name) => JSON.parse(readFileSync(join(root, 'examples', name, 'package.json'), 'utf8'));

/** Packages that only this script needs, so they are not dependencies of the repository. */
const packageTools = { publint: '^0.3.25', '@arethetypeswrong/cli': '^0.18.2' };

/** Installs this package, and the dependencies of all projects, into one folder. */
function install(names) {
  const devDependencies = Object.assign({}, ...names.map((name) => projectOf(name).devDependencies));
  Object.assign(devDependencies, { bendemann: `file:${tarball}`, ...packageTools });
  writeFileSync(join(work, 'package.json'), JSON.stringify({ private: true, devDependencies }));
  must('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error'], work);
}

function runNode(name) {
  const needed = Number(/\d+/.exec(projectOf(name).engines?.node ?? '0')[0]);
  if (Number.parseInt(process.versions.node) < needed) return `needs Node ${needed}`;
  symlinkSync(join(work, 'node_modules'), join(work, name, 'node_modules'), 'junction');
  return run('npm', ['test', '--silent'], join(work, name));
}

function runPython(name) {
  if (!run(values.python, ['-c', 'import confluent_kafka']).ok)
    return `${values.python} has no confluent_kafka`;
  return run(values.python, ['test_orders.py', join(root, 'bin/bendemann')], join(work, name));
}

/** Checks the entry points of the package and their types with two tools. */
function checkPackage() {
  const [bin, results] = [join(work, 'node_modules', '.bin'), []];
  results.push(run(join(bin, 'publint'), ['run', tarball, '--strict'], work));
  // Only `bendemann/testing` is there as CommonJS too.
  results.push(run(join(bin, 'attw'), [tarball, '--ignore-rules', 'cjs-resolves-to-esm'], work));
  return { ok: results.every(({ ok }) => ok), text: results.map(({ text }) => text).join('\n') };
}

/**
 * Checks that the package works when it was installed without optional packages and install scripts. Only the codecs are then
 * slower.
 */
function runBare() {
  const folder = join(work, 'bare');
  mkdirSync(folder);
  const bare = { private: true, type: 'module', dependencies: { bendemann: `file:${tarball}` } };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(bare));
  must('npm', ['install', '--omit=optional', '--ignore-scripts', '--no-audit', '--no-fund'], folder);
  const program = `import { startKafka } from 'bendemann/testing';
const kafka = await startKafka({ topics: { a: { configs: { 'compression.type': 'zstd' }, records: ['one'] } } });
const [record] = await kafka.read('a');
if (record.value !== 'one') throw new Error(record.value);
await kafka.close();
`;
  writeFileSync(join(folder, 'run.js'), program);
  return run(process.execPath, ['run.js'], folder);
}

install(wanted.filter((name) => name !== 'python'));
const steps = new Map(
  wanted.map((name) => [
    name,
    () => {
      cpSync(join(root, 'examples', name), join(work, name), { recursive: true });
      return name === 'python' ? runPython(name) : runNode(name);
    },
  ]),
);
if (positionals.length === 0)
  steps.set('package', checkPackage).set('installed without optional packages and scripts', runBare);
let failed = 0;
for (const [name, step] of steps) {
  const started = performance.now();
  const result = step();
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  if (typeof result === 'string') console.log(`${name}: left out, ${result}`);
  else {
    console.log(`${name}: ${result.ok ? 'passed' : 'FAILED'} in ${seconds} s`);
    if (!result.ok) console.log(result.text);
    failed += result.ok ? 0 : 1;
  }
}
rmSync(work, { recursive: true, force: true });
process.exit(failed === 0 ? 0 : 1);
