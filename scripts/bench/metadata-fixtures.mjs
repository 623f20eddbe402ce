/** What `metadata-scale.mjs` needs: nodes in processes of their own, and brokers that are registered but do not run. */
import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, openSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** Loads the codec and the messages of a build, and the options to start its processes. */
export async function loadSurroundings({ dist, flags, isProfiled }) {
  const load = (path) => import(pathToFileURL(join(dist, path)).href);
  const files = [
    'topics/19-create-topics.js',
    'topics/20-delete-topics.js',
    'topics/43-elect-leaders.js',
    'configs/44-incremental-alter-configs.js',
    'topics/45-alter-partition-reassignments.js',
    'brokers/56-alter-partition.js',
    'brokers/62-broker-registration.js',
    'brokers/63-broker-heartbeat.js',
  ];
  const loaded = await Promise.all(files.map((file) => load(`protocol/messages/${file}`)));
  const { decode, encode } = await load('protocol/codec/codec.js');
  return { dist, flags, isProfiled, messages: Object.assign({}, ...loaded), decode, encode };
}

function uuid() {
  return randomBytes(16).toString('base64url');
}

export const clusterId = uuid();

/** A node in a process of its own. */
export class Child {
  #surroundings;
  #process;
  #pending = new Map();
  #nextId = 1;
  #ready;

  constructor(surroundings, folder, properties) {
    this.#surroundings = surroundings;
    this.nodeId = properties['node.id'];
    const file = join(folder, `node-${this.nodeId}.properties`);
    writeFileSync(
      file,
      Object.entries(properties)
        .map(([key, value]) => `${key}=${value}\n`)
        .join(''),
    );
    const log = openSync(join(folder, `node-${this.nodeId}.log`), 'a');
    const script = join(fileURLToPath(new URL('.', import.meta.url)), 'metadata-node.mjs');
    this.#process = fork(script, [surroundings.dist, file], {
      execArgv: ['--expose-gc', ...surroundings.flags],
      stdio: ['ignore', log, log, 'ipc'],
    });
    this.#ready = new Promise((done) => this.#pending.set(0, { done, failed: done }));
    this.#process.on('message', (/** @type {any} */ { id, value, error }) => {
      const { done, failed } = this.#pending.get(id);
      this.#pending.delete(id);
      if (error === undefined) done(value);
      else failed(new Error(error));
    });
    this.exited = new Promise((done) => this.#process.once('exit', done));
    void this.exited.then(() => {
      for (const { failed } of this.#pending.values()) failed(new Error(`node ${this.nodeId} has ended`));
    });
  }

  async do(name, options = {}) {
    await this.#ready;
    const id = this.#nextId++;
    return new Promise((done, failed) => {
      this.#pending.set(id, { done, failed });
      this.#process.send({ id, name, options });
    });
  }

  /** Sends a request to the active controller. */
  async submit(name, apiVersion, request) {
    const { messages, decode, encode } = this.#surroundings;
    const [requestSchema, responseSchema] = [messages[`${name}Request`], messages[`${name}Response`]];
    const body = Buffer.from(encode(requestSchema, apiVersion, request)).toString('base64');
    const answer = await this.do('submit', { apiKey: requestSchema.key, apiVersion, body });
    return decode(responseSchema, apiVersion, Buffer.from(answer, 'base64'));
  }

  kill() {
    // A process writes its profile only when it ends in order, so it is asked to end.
    if (this.#surroundings.isProfiled && this.#process.connected) this.#process.disconnect();
    else this.#process.kill('SIGKILL');
    return this.exited;
  }

  async stop() {
    await this.do('stop');
    this.#process.disconnect();
    await this.exited;
  }
}

export function checked(results) {
  const failed = results.find(({ errorCode }) => errorCode !== 0);
  if (failed !== undefined) throw new Error(JSON.stringify(failed));
}

/**
 * Brokers that are registered but do not run. A server listens at their address, so that the controller does not conclude from
 * a refused connection that their processes have ended.
 */
export class SilentBrokers {
  #server = createServer((socket) => socket.on('error', () => {}));
  #sockets = new Set();
  epochs = new Map();
  #child;

  async listen(port) {
    this.port = port;
    this.#server.on('connection', (socket) => this.#sockets.add(socket));
    await new Promise((done) => this.#server.listen(port, () => done(null)));
  }

  async register(child, ids) {
    this.#child = child;
    for (const id of ids) {
      const { errorCode, brokerEpoch } = await child.submit('BrokerRegistration', 4, {
        brokerId: id,
        clusterId,
        incarnationId: uuid(),
        listeners: [{ name: 'PLAINTEXT', host: 'localhost', port: this.port, securityProtocol: 0 }],
        features: [{ name: 'metadata.version', minSupportedVersion: 1, maxSupportedVersion: 40 }],
        rack: null,
        logDirs: [uuid()],
      });
      checked([{ errorCode }]);
      this.epochs.set(id, brokerEpoch);
      await this.beat(id, false);
    }
  }

  async beat(id, wantFence) {
    const brokerEpoch = this.epochs.get(id);
    return this.#child.submit('BrokerHeartbeat', 1, {
      brokerId: id,
      brokerEpoch,
      currentMetadataOffset: Number.MAX_SAFE_INTEGER,
      wantFence,
      wantShutDown: false,
      offlineLogDirs: [],
    });
  }

  close() {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}

export function propertiesOf(folder, roles, id, ports, extra = {}) {
  const [broker, controller] = ports;
  const listeners = [];
  if (roles.includes('broker')) listeners.push(`PLAINTEXT://localhost:${broker}`);
  if (roles.includes('controller')) listeners.push(`CONTROLLER://localhost:${controller}`);
  return {
    'node.id': id,
    'process.roles': roles,
    'controller.quorum.voters': `${id}@localhost:${controller}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
    listeners: listeners.join(','),
    'log.dirs': join(folder, `node-${id}`),
    // Brokers that do not run send no heartbeats, so their sessions must not end.
    'broker.session.timeout.ms': 3_600_000,
    'auto.leader.rebalance.enable': false,
    ...extra,
  };
}

/** Does what `kafka-storage format` does. */
export function format(properties) {
  const directory = properties['log.dirs'];
  mkdirSync(directory, { recursive: true });
  const lines = [
    'version=1',
    `cluster.id=${clusterId}`,
    `node.id=${properties['node.id']}`,
    `directory.id=${uuid()}`,
  ];
  writeFileSync(join(directory, 'meta.properties'), `#\n${lines.join('\n')}\n`);
}
