/**
 * What the journeys share: nodes of ours, programs by others (from Maven and elsewhere), and waits for what they do.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { LocalCluster, settingsOf, waitFor as waitAtMost } from '../../scripts/lib/cluster.mjs';
import { freePorts } from '../../scripts/lib/ports.mjs';

export { freePorts };
export const kafkaVersion = '4.3.1';
const dependencyPlugin = 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1';

/** The time limits are those of an idle machine. A busy one gets so many times as long. */
const patience = 3;

export function waitFor(what, timeoutMs, condition) {
  return waitAtMost(what, patience * timeoutMs, condition);
}

/** A journey whose program is not to be had on this machine. */
export class NotHere extends Error {}

/** Runs a command to its end; throws with its output when it fails. */
export function run(command, args, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    encoding: 'utf8',
    timeout: 600_000,
    ...options,
  });
  if (error !== undefined && 'code' in error && error.code === 'ENOENT')
    throw new NotHere(`${command} is not installed`);
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}\n${stdout}${stderr}`);
  return stdout;
}

/** Skips the journey when a program is not installed; `hint` says where it is to be had. */
export function requireProgram(command, hint) {
  if (spawnSync(command, ['--version']).error !== undefined)
    throw new NotHere(`${command} is not installed (${hint})`);
}

/** Runs Maven. What a repository does not give is not our fault: the journey is skipped, and says why. */
export function maven(args, command = 'mvn') {
  try {
    return run(command, ['-q', '-B', ...args]);
  } catch (error) {
    if (!/Could not (transfer|find|resolve)|Non-resolvable/.test(error.message)) throw error;
    throw new NotHere(
      `Maven could not fetch it: ${/Could not [^\n]*|Non-resolvable[^\n]*/.exec(error.message)[0]}`,
    );
  }
}

/** Fetches what a journey needs. When it is not to be had, the journey is skipped. */
function fetched(what, fetch) {
  try {
    fetch();
  } catch (error) {
    throw error instanceof NotHere ? error : new NotHere(`could not be fetched: ${what}: ${error.message}`);
  }
}

export class Journey {
  constructor(name, folder, cacheFolder) {
    this.name = name;
    this.folder = folder;
    this.cacheFolder = cacheFolder ?? join(homedir(), '.cache', 'bendemann-journeys');
    this.processes = new Set();
    this.clusters = [];
    mkdirSync(folder, { recursive: true });
  }

  path(...parts) {
    return join(this.folder, ...parts);
  }

  write(name, content) {
    const text = typeof content === 'string' ? content : propertiesText(content);
    writeFileSync(this.path(name), text);
    return this.path(name);
  }

  /** A folder of the cache. `fetch` fills it when it was made for something else than `wanted`, or is not there yet. */
  cached(name, wanted, fetch) {
    const target = join(this.cacheFolder, name);
    const mark = join(target, '.wanted');
    if (!existsSync(mark) || readFileSync(mark, 'utf8') !== wanted) {
      rmSync(target, { recursive: true, force: true });
      mkdirSync(target, { recursive: true });
      fetch(target);
      writeFileSync(mark, wanted);
    }
    return target;
  }

  /** Jars of Maven coordinates and all that they need, as a class path. */
  jars(name, coordinates) {
    const target = this.cached(name, coordinates.join('\n'), (folder) => {
      writeFileSync(join(folder, 'pom.xml'), pomOf(coordinates));
      const pom = join(folder, 'pom.xml');
      maven(['-f', pom, `${dependencyPlugin}:copy-dependencies`, `-DoutputDirectory=${folder}`]);
    });
    return join(target, '*');
  }

  /** The unpacked archive of a Maven coordinate, `group:artifact:version:type:classifier`. */
  archive(name, coordinate) {
    return this.cached(name, coordinate, (folder) => {
      const archive = join(folder, 'archive');
      // This version of the plugin fetches an artifact without its parents, which the repository need not have.
      const goal = 'org.apache.maven.plugins:maven-dependency-plugin:2.8:get';
      maven([goal, `-Dartifact=${coordinate}`, '-Dtransitive=false', `-Ddest=${archive}`]);
      run('tar', ['xf', archive, '-C', folder]);
      rmSync(archive);
    });
  }

  /** Packages of npm; returns a function that loads one of them. */
  packages(name, wanted) {
    const target = this.cached(name, wanted.join('\n'), (folder) => {
      writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
      fetched(`npm: ${wanted.join(', ')}`, () =>
        run('npm', ['install', '--silent', '--no-audit', '--no-fund', ...wanted], { cwd: folder }),
      );
    });
    return createRequire(join(target, 'package.json'));
  }

  /** A program of Python packages, with the environment that it needs. */
  pythonProgram(name, wanted) {
    const target = this.cached(name, wanted.join('\n'), (folder) => {
      const install = ['-m', 'pip', 'install', '--quiet', '--target', folder, ...wanted];
      fetched(`pip: ${wanted.join(', ')}`, () => run('python3', install));
    });
    return { command: join(target, 'bin', name), env: { ...process.env, PYTHONPATH: target } };
  }

  /** Nodes of ours, formatted and in service. `properties` are the same for all, or a function of what a node has already. */
  async cluster(count = 1, properties = {}) {
    const more = typeof properties === 'function' ? properties : () => properties;
    const folder = this.path(`cluster-${this.clusters.length + 1}`);
    const settings = settingsOf(count, await freePorts(2 * count), folder);
    const cluster = new LocalCluster({
      folder,
      settings: settings.map((own) => ({
        ...own,
        'transaction.state.log.replication.factor': count,
        'transaction.state.log.min.isr': Math.min(2, count),
        ...more(own),
      })),
    });
    this.clusters.push(cluster);
    cluster.format().startAll();
    await waitFor('nodes in service', 30_000, () => {
      const listed = run(join(cluster.bin, 'kafka-broker-api-versions'), [
        '--bootstrap-server',
        cluster.bootstrap,
      ]);
      return listed.split('(id: ').length - 1 === count;
    });
    return cluster;
  }

  /** Starts a program in the background; its output goes to `<name>.log`. When `detached`, it is killed with its children. */
  start(name, command, args, options = {}) {
    const log = openSync(this.path(`${name}.log`), 'a');
    const child = spawn(command, args, { stdio: ['ignore', log, log], cwd: this.folder, ...options });
    const program = {
      name,
      pid: child.pid,
      exited: new Promise((resolve) => {
        child.once('exit', (code, signal) => {
          this.processes.delete(program);
          resolve(code ?? signal);
        });
      }),
      kill: async (/** @type {NodeJS.Signals} */ signal = 'SIGTERM') => {
        if (options.detached === true) process.kill(-child.pid, signal);
        else child.kill(signal);
        return program.exited;
      },
    };
    child.once('error', () => this.processes.delete(program));
    if (child.pid === undefined) throw new NotHere(`${command} is not installed`);
    this.processes.add(program);
    return program;
  }

  java(name, classPath, main, args, options = {}) {
    const words = ['-Xmx256m', '-XX:+UseSerialGC', '-cp', [classPath].flat().join(delimiter), main, ...args];
    return this.start(name, 'java', words, options);
  }

  logOf(name) {
    return readFileSync(this.path(`${name}.log`), 'utf8');
  }

  async end() {
    await Promise.all([...this.processes].map((program) => program.kill('SIGKILL')));
    await Promise.all(this.clusters.map((cluster) => cluster.stopAll()));
  }

  /** The last lines of every log, for whoever has to find out. */
  tails() {
    const files = [this.folder, ...this.clusters.map(({ folder }) => folder)].flatMap((folder) =>
      readdirSync(folder)
        .filter((file) => file.endsWith('.log'))
        .map((file) => join(folder, file)),
    );
    return files.map((file) => `== ${file}\n${readFileSync(file, 'utf8').split('\n').slice(-15).join('\n')}`);
  }
}

function propertiesText(properties) {
  return Object.entries(properties)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');
}

function pomOf(coordinates) {
  const dependencies = coordinates.map((one) => {
    const [group, artifact, version] = one.split(':');
    return `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>`;
  });
  return `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>journey</groupId><artifactId>journey</artifactId><version>1</version>
<dependencies>${dependencies.join('\n')}</dependencies></project>
`;
}

/** Values of a topic, from its beginning, when at least `count` are there. */
export async function valuesOf(cluster, topic, count, timeoutMs = 60_000) {
  const args = ['--bootstrap-server', cluster.bootstrap, '--topic', topic, '--from-beginning'];
  return waitFor(`${count} records in ${topic}`, timeoutMs, () => {
    const { stdout } = spawnSync(
      join(cluster.bin, 'kafka-console-consumer'),
      [...args, '--timeout-ms', '4000', '--isolation-level', 'read_committed'],
      { encoding: 'utf8' },
    );
    const values = stdout.split('\n').filter((line) => line !== '');
    return values.length >= count ? values : null;
  });
}

/** JSON over HTTP, from a program of the journey. */
export async function json(url, method = 'GET', body = undefined) {
  const sent =
    body === undefined ? {} : { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } };
  const response = await fetch(url, { method, ...sent });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${url}: ${response.status} ${text}`);
  return text === '' ? null : JSON.parse(text);
}

export function same(what, got, wanted) {
  const [left, right] = [JSON.stringify(got), JSON.stringify(wanted)];
  if (left !== right) throw new Error(`${what}: ${left.slice(0, 500)} instead of ${right.slice(0, 500)}`);
}
