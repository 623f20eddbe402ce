/** The options of `startKafka`, their checks, and the node properties that are derived from them. */
import { createHash } from 'node:crypto';
import { uuidFromBytes } from '../../base/uuid.ts';
import { NodeConfig } from '../../config/node-config.ts';
import { checkIntegers, checkNames, checkTexts, type OptionNames, shown } from './known-names.ts';
import { checkLog, type LogOption } from './node-log.ts';
import type { LoggedRequest } from './request-ring.ts';
import type { Snapshot } from './snapshot.ts';

/**
 * A record to write: text is encoded as UTF-8, null is a tombstone.
 *
 * @example
 * ```ts
 * await kafka.produce('orders', [{ key: 'anna', value: 'tea', headers: { source: 'shop' }, partition: 1 }]);
 * ```
 */
export interface TestRecord {
  readonly key?: string | Uint8Array | null;
  readonly value: string | Uint8Array | null;
  readonly headers?: Readonly<Record<string, string | Uint8Array>>;
  readonly partition?: number;
  readonly timestampMs?: number;
}

/**
 * A topic that is created at the cluster's start.
 *
 * @example
 * ```ts
 * await kafka.createTopic('prices', { partitions: 2, configs: { 'cleanup.policy': 'compact' }, records: ['one'] });
 * ```
 */
export interface TestTopic {
  /** The number of partitions, 1 by default. */
  readonly partitions?: number;
  /** The number of replicas; by default the number of nodes, at most 3. */
  readonly replicas?: number;
  /** Topic configuration, such as `{ 'retention.ms': '1000' }`. */
  readonly configs?: Readonly<Record<string, string>>;
  /** Records that are written to the topic when it is created. */
  readonly records?: readonly (TestRecord | string)[];
}

/**
 * TLS and users. **Not built yet**: `startKafka` refuses it, because every listener is PLAINTEXT.
 *
 * @example
 * ```ts
 * const security: SecurityOptions = { tls: true, users: [{ name: 'app', password: 'secret' }] };
 * ```
 */
export interface SecurityOptions {
  /** `true`: a certificate of the cluster's own certificate authority. */
  readonly tls?: true | { readonly cert: string; readonly key: string; readonly ca: string };
  readonly users?: readonly {
    readonly name: string;
    readonly password: string;
    /** SASL mechanisms; `['SCRAM-SHA-512']` by default. */
    readonly mechanisms?: readonly string[];
  }[];
  /** Users that no ACL restricts. */
  readonly superUsers?: readonly string[];
}

/**
 * The options of `startKafka`; all have defaults.
 *
 * @example
 * ```ts
 * await startKafka({ nodes: 3, racks: ['a', 'b', 'c'], topics: { orders: 3 }, clock: 'manual' });
 * ```
 */
export interface StartKafkaOptions {
  /** Number of nodes, each broker and controller. 1 by default. */
  readonly nodes?: number;
  /** `broker.rack` of the nodes, in their order. */
  readonly racks?: readonly string[];
  /** Topics by name, each with a number of partitions or a `TestTopic`. */
  readonly topics?: Readonly<Record<string, number | TestTopic>>;
  /** Properties of `server.properties`; they override the defaults of a test. */
  readonly properties?: Readonly<Record<string, string>>;
  /** `'memory'` (default), or a directory, which is created if missing and otherwise used as it is. */
  readonly storage?: string;
  /** Begin with the state of a snapshot: the object, or the path that `save` wrote. */
  readonly from?: Snapshot | string;
  /**
   * `'thread'` (default): the nodes run in a thread of their own, which all clusters of this process share, so that a test that
   * blocks its event loop, or a debugger, does not delay heartbeats. `'process'`: in a separate process. `'here'`: in the
   * caller's thread.
   */
  readonly where?: 'thread' | 'process' | 'here';
  /** `'manual'`: the time changes only by `clock.advance`. `'real'` by default. */
  readonly clock?: 'real' | 'manual';
  /** The address on which the nodes listen for clients, 127.0.0.1 by default. */
  readonly host?: string;
  /**
   * The name or address by which clients reach the nodes; `host` by default. For clients elsewhere: `host: '0.0.0.0',
   * advertisedHost: 'tests.lan'`.
   */
  readonly advertisedHost?: string;
  /** The port of the first node; each further node has the next port. 0 (default): any free ports. */
  readonly port?: number;
  /** Where log lines are written; `'warn'` by default: warnings and errors to stderr. */
  readonly log?: LogOption;
  /** Called with every request of a client when it arrives. */
  readonly onRequest?: (request: LoggedRequest) => void;
  /** Users and TLS. **Not built yet**: refused. */
  readonly security?: SecurityOptions;
  /** Time-out of the start and of every wait without its own time-out. 30 s by default. */
  readonly timeout?: number | string;
}

const optionNames: OptionNames<StartKafkaOptions> = {
  nodes: true,
  racks: true,
  topics: true,
  properties: true,
  storage: true,
  from: true,
  where: true,
  clock: true,
  host: true,
  advertisedHost: true,
  port: true,
  log: true,
  onRequest: true,
  security: true,
  timeout: true,
};

const topicNames: OptionNames<TestTopic> = { partitions: true, replicas: true, configs: true, records: true };

const recordNames: OptionNames<TestRecord> = {
  key: true,
  value: true,
  headers: true,
  partition: true,
  timestampMs: true,
};

const isContent = (value: unknown): boolean => typeof value === 'string' || value instanceof Uint8Array;

/** Throws TypeError for records that are not valid, such as one without a value. */
export function checkRecords(records: readonly (TestRecord | string)[]): void {
  if (!Array.isArray(records))
    throw new TypeError(
      `Records must be a list of strings or of { key, value, … }, not ${JSON.stringify(records)}.`,
    );
  for (const record of records) if (typeof record !== 'string') checkRecord(record as TestRecord);
}

function checkRecord(record: TestRecord): void {
  checkNames('A record', record, recordNames);
  const { key = null, value, headers = {}, partition, timestampMs } = record;
  if (value !== null && !isContent(value))
    throw new TypeError(
      `A record needs a value: text, bytes, or null for a tombstone, not ${String(JSON.stringify(value))}.`,
    );
  if (key !== null && !isContent(key))
    throw new TypeError(`The key of a record must be a string, bytes or null, not ${JSON.stringify(key)}.`);
  for (const [name, content] of Object.entries(headers))
    if (!isContent(content)) throw new TypeError(`Header ${name} of a record must be a string or bytes.`);
  checkIntegers('A record', { partition, timestampMs });
}

export function checkTopic(name: string, topic: number | TestTopic): void {
  if (typeof topic === 'number') return checkIntegers(`Topic ${name}`, { partitions: topic }, 1);
  checkNames(`Topic ${name}`, topic, topicNames);
  const { partitions, replicas, configs = {}, records = [] } = topic;
  checkIntegers(`Topic ${name}`, { partitions, replicas }, 1);
  checkTexts(`Topic ${name}: configs`, configs);
  checkRecords(records);
}

/** Throws TypeError for an unknown property. A node only logs a warning about it, which the author of a test would not see. */
function checkProperties(options: StartKafkaOptions): void {
  const { properties = {} } = options;
  checkTexts('properties', properties);
  const all = nodeProperties(1, { host: '127.0.0.1', port: 1024 }, '/data', options);
  const unknown = new NodeConfig(all).warnings.find((warning) => warning.startsWith('Unknown configuration'));
  if (unknown !== undefined) throw new TypeError(`properties: ${unknown}`);
}

/** The number of a controller port. No socket uses it, because the nodes of a test cluster communicate in memory. */
export function controllerPort(id: number): number {
  return 100 + id;
}

export const nodesMax = 100;

export function checkOptions(options: StartKafkaOptions): void {
  checkNames('startKafka', options, optionNames);
  const { nodes = 1, port = 0, security, racks = [], clock = 'real', topics = {}, log = 'warn' } = options;
  const { host, advertisedHost, storage, onRequest } = options;
  checkTexts('startKafka', { host, advertisedHost, storage });
  if (storage === '') throw new TypeError("storage must be 'memory' or a directory.");
  checkLog(log);
  if (onRequest !== undefined && typeof onRequest !== 'function')
    throw new TypeError('onRequest must be a function of a request.');
  if (security !== undefined)
    throw new TypeError('security is not built yet: every listener of a test cluster is PLAINTEXT.');
  if (!Number.isInteger(nodes) || nodes < 1 || nodes > nodesMax)
    throw new TypeError(`nodes must be a whole number from 1 to ${nodesMax}, not ${shown(nodes)}.`);
  if ((options.host === '0.0.0.0' || options.host === '::') && options.advertisedHost === undefined)
    throw new TypeError(
      `No client can connect to ${options.host}: say in advertisedHost how clients reach this machine.`,
    );
  if (!Array.isArray(racks) || racks.some((rack) => typeof rack !== 'string'))
    throw new TypeError(`racks must be a list of strings, not ${JSON.stringify(racks)}.`);
  if (racks.length > nodes) throw new TypeError(`racks names ${racks.length} racks, but nodes is ${nodes}.`);
  if (clock !== 'real' && clock !== 'manual')
    throw new TypeError(`clock must be 'real' or 'manual', not '${String(clock)}'.`);
  if (typeof topics !== 'object' || Array.isArray(topics))
    throw new TypeError(
      `topics must be { name: partitions }, such as { orders: 3 }, not ${JSON.stringify(topics)}.`,
    );
  for (const [name, topic] of Object.entries(topics)) checkTopic(name, topic);
  if (!Number.isInteger(port) || port < 0 || port + nodes > 65_536 || (port > 0 && port < 1024))
    throw new TypeError(
      `port must be 0 or a number from 1024 on with room for every node, not ${shown(port)}.`,
    );
  checkProperties(options);
}

/** The directory id of a node. It is derived from the other ids, so that a restarted node has the same. */
export function directoryIdOf(clusterId: string, nodeId: number): string {
  return uuidFromBytes(createHash('sha256').update(`${clusterId} ${nodeId}`).digest());
}

/** The `server.properties` of one node. */
export function nodeProperties(
  id: number,
  address: { readonly host: string; readonly port: number },
  path: string,
  options: StartKafkaOptions,
): Map<string, string> {
  const nodes = options.nodes ?? 1;
  const { host, port } = address;
  const factor = Math.min(3, nodes);
  const voters = Array.from({ length: nodes }, (_, at) => `${at + 1}@${host}:${controllerPort(at + 1)}`);
  const rack = options.racks?.[id - 1];
  return new Map(
    Object.entries({
      'process.roles': 'broker,controller',
      'node.id': String(id),
      'controller.quorum.voters': voters.join(','),
      'controller.listener.names': 'CONTROLLER',
      'inter.broker.listener.name': 'PLAINTEXT',
      'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
      listeners: `PLAINTEXT://${host}:${port},CONTROLLER://${host}:${controllerPort(id)}`,
      'advertised.listeners': `PLAINTEXT://${options.advertisedHost ?? host}:${port}`,
      'log.dirs': path,
      'default.replication.factor': String(factor),
      'offsets.topic.replication.factor': String(factor),
      'offsets.topic.num.partitions': '1',
      'transaction.state.log.replication.factor': String(factor),
      'transaction.state.log.num.partitions': '1',
      'transaction.state.log.min.isr': '1',
      'group.initial.rebalance.delay.ms': '0',
      'controlled.shutdown.enable': 'true',
      // Without sessions every Fetch names all of its partitions, so that filters find them.
      'max.incremental.fetch.session.cache.slots': '0',
      ...(rack === undefined ? {} : { 'broker.rack': rack }),
      // Clients use the machine's clock, which is ahead of a manual clock that does not advance, so their timestamps may be in
      // the future.
      ...(options.clock === 'manual' ? { 'log.message.timestamp.after.max.ms': '9223372036854775807' } : {}),
      ...options.properties,
    }),
  );
}
