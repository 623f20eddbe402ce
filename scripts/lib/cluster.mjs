/**
 * Three combined nodes in three processes, made from the properties files in kraft-config/. `npm start`, `npm run demo` and the
 * benchmarks use them. The processes are started through bin/, as a user would start them, and ended by their process ids.
 */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './ready.mjs';

export function sleep(delayMs) {
  return new Promise((resolve) => setTimeout(resolve, delayMs));
}

/** Repeats `condition` until it returns something truthy, and returns that. Throws after `timeoutMs`. */
export async function waitFor(what, timeoutMs, condition) {
  const deadlineMs = performance.now() + timeoutMs;
  let lastError = null;
  while (performance.now() < deadlineMs) {
    try {
      const value = await condition();
      if (value) return value;
    } catch (error) {
      lastError = error;
    }
    await sleep(20);
  }
  throw new Error(
    `${what} did not happen within ${timeoutMs / 1000} s${lastError ? `: ${lastError.message}` : ''}`,
  );
}

/**
 * Returns the properties of `count` combined nodes on this machine. `ports` has the ports of the brokers, then those of the
 * controllers.
 */
export function settingsOf(count, ports, folder) {
  const voters = Array.from({ length: count }, (_, i) => `${i + 1}@localhost:${ports[count + i]}`).join(',');
  return Array.from({ length: count }, (_, i) => ({
    'node.id': i + 1,
    'process.roles': 'broker,controller',
    'controller.quorum.voters': voters,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
    listeners: `PLAINTEXT://:${ports[i]},CONTROLLER://:${ports[count + i]}`,
    'advertised.listeners': `PLAINTEXT://localhost:${ports[i]}`,
    'log.dirs': join(folder, `node-${i + 1}`),
    'num.partitions': 3,
    'default.replication.factor': count,
    'offsets.topic.replication.factor': count,
    'min.insync.replicas': Math.min(2, count),
    'group.initial.rebalance.delay.ms': 0,
  }));
}

export class LocalCluster {
  constructor({ folder, settings, bin = join(root, 'bin'), env = process.env }) {
    this.folder = folder;
    this.bin = bin;
    this.env = env;
    this.nodes = settings.map((properties) => ({ id: properties['node.id'], properties, process: null }));
    mkdirSync(folder, { recursive: true });
  }

  tool(name, ...args) {
    return execFileSync(join(this.bin, name), args, { encoding: 'utf8' });
  }

  path(node) {
    return join(this.folder, `node-${node.id}.properties`);
  }

  /** Writes the properties files, and formats the directories that are not formatted. */
  format() {
    for (const node of this.nodes) {
      const lines = Object.entries(node.properties).map(([key, value]) => `${key}=${value}`);
      writeFileSync(this.path(node), `${lines.join('\n')}\n`);
    }
    const fresh = this.nodes.filter(
      ({ properties }) => !existsSync(join(properties['log.dirs'], 'meta.properties')),
    );
    if (fresh.length === 0) return this;
    const idFile = join(this.folder, 'cluster.id');
    if (!existsSync(idFile)) writeFileSync(idFile, this.tool('kafka-storage', 'random-uuid'));
    const clusterId = readFileSync(idFile, 'utf8').trim();
    for (const node of fresh) this.tool('kafka-storage', 'format', '-t', clusterId, '-c', this.path(node));
    return this;
  }

  /** Starts a node. `bin` may be the folder of another build. */
  start(node, bin = this.bin) {
    const log = openSync(join(this.folder, `node-${node.id}.log`), 'a');
    node.process = spawn(join(bin, 'kafka-server-start'), [this.path(node)], {
      stdio: ['ignore', log, log],
      env: this.env,
    });
    node.exited = new Promise((resolve) => node.process.once('exit', resolve));
    return node;
  }

  startAll() {
    for (const node of this.nodes) this.start(node);
  }

  async kill(node, signal = 'SIGKILL') {
    node.process?.kill(signal);
    await node.exited;
    node.process = null;
  }

  /** Asks all nodes to stop and waits. Nodes that still run after `timeoutMs` are killed. */
  async stopAll(timeoutMs = 15_000) {
    const running = this.nodes.filter((node) => node.process !== null && node.process.exitCode === null);
    for (const node of running) node.process.kill('SIGTERM');
    const all = Promise.all(running.map((node) => node.exited));
    await Promise.race([all, sleep(timeoutMs)]);
    for (const node of running) if (node.process.exitCode === null) node.process.kill('SIGKILL');
    await all;
  }

  addresses() {
    return this.nodes.map(({ properties }) => {
      const port = Number(/PLAINTEXT:\/\/[^:]*:(\d+)/.exec(properties.listeners)[1]);
      return { host: 'localhost', port };
    });
  }

  get bootstrap() {
    return this.addresses()
      .map(({ host, port }) => `${host}:${port}`)
      .join(',');
  }
}
