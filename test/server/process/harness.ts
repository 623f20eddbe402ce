/**
 * For tests with real nodes: processes started through `bin/`, directories in the system's temporary folder, clients on real
 * TCP. `Workshop.close` ends every process that the test has started. When a test has failed, it prints where its files and
 * logs are.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
// @ts-expect-error plain JavaScript, as scripts are
import { freePorts as portsThatAreFree } from '../../../scripts/lib/ports.mjs';
import { systemClock, systemScheduler } from '../../../src/adapters/clock.ts';
import { createSystemRandom } from '../../../src/adapters/random.ts';
import { connectTcp } from '../../../src/adapters/tcp-network.ts';
import { sleep } from '../../../src/base/clock.ts';
import { randomUuid } from '../../../src/base/uuid.ts';
import type { Address } from '../../../src/base/network.ts';
import { Fetcher } from '../../../src/client/fetcher.ts';
import { KafkaClient, type PartitionInfo } from '../../../src/client/kafka-client.ts';
import { Producer, type ProducerOptions } from '../../../src/client/producer.ts';
import {
  CreateTopicsRequest,
  CreateTopicsResponse,
} from '../../../src/protocol/messages/topics/19-create-topics.ts';
import {
  DescribeQuorumRequest,
  DescribeQuorumResponse,
} from '../../../src/protocol/messages/quorum/55-describe-quorum.ts';
import type { Infer } from '../../../src/protocol/schema/fields.ts';

/** Ports that were free a moment ago; another process may take one before it is used. */
export const freePorts: (count: number) => Promise<number[]> = portsThatAreFree;

const bin = new URL('../../../bin/', import.meta.url).pathname;
/** How long a test waits for a condition before it fails. Even the slowest test machine needs less. */
const patienceMs = 20_000;

export const clientPorts = {
  network: { connect: connectTcp },
  clock: systemClock,
  scheduler: systemScheduler,
};

export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
export const textOf = (bytes: Uint8Array | null): string =>
  new TextDecoder().decode(bytes ?? new Uint8Array());

/** The first value of `attempt` that is neither null nor false; errors count as "not yet". */
export async function until<T>(what: string, attempt: () => T | Promise<T>): Promise<NonNullable<T>> {
  const deadlineMs = systemClock.monotonicMs() + patienceMs;
  let last: unknown = null;
  while (systemClock.monotonicMs() < deadlineMs) {
    try {
      const value = await attempt();
      if (value !== null && value !== undefined && value !== false) return value;
      last = value;
    } catch (error) {
      last = error;
    }
    await sleep(systemScheduler, 20);
  }
  throw new Error(`waited in vain for: ${what} (last: ${String(last)})`);
}

export interface Ended {
  /** The exit status; null when a signal such as SIGKILL ended the process. */
  readonly status: number | null;
  readonly output: string;
}

export interface Surroundings {
  readonly wrapper?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** A running process of one of the programs in bin/. `output` is its standard output and standard error together. */
export class Tool {
  output = '';
  isEnded = false;
  readonly ended: Promise<Ended>;
  private readonly child: ChildProcess;
  private readonly listeners = new Set<() => void>();

  /**
   * `wrapper`: a command such as `prlimit` that gets the tool and its arguments as its last arguments. Variables in `env`
   * override those of the test's environment.
   */
  constructor(name: string, args: readonly string[], surroundings: Surroundings = {}) {
    const { wrapper = [], env = {} } = surroundings;
    const [command = '', ...words] = [...wrapper, process.execPath, join(bin, name), ...args];
    this.child = spawn(command, words, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    });
    const take = (chunk: Buffer): void => {
      this.output += chunk.toString();
      for (const listener of this.listeners) listener();
    };
    this.child.stdout?.on('data', take);
    this.child.stderr?.on('data', take);
    this.ended = new Promise((resolve) => {
      this.child.once('close', (status) => {
        this.isEnded = true;
        for (const listener of this.listeners) listener();
        resolve({ status, output: this.output });
      });
    });
  }

  get pid(): number {
    return this.child.pid ?? -1;
  }

  signal(signal: NodeJS.Signals): void {
    if (!this.isEnded) this.child.kill(signal);
  }

  async end(signal: NodeJS.Signals): Promise<Ended> {
    this.signal(signal);
    return this.ended;
  }

  /** Resolves when the output contains `text`; rejects when the process has ended without it. */
  says(text: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        if (!this.output.includes(text) && !this.isEnded) return;
        this.listeners.delete(look);
        if (this.output.includes(text)) resolve();
        else reject(new Error(`the process ended without saying "${text}":\n${this.output}`));
      };
      this.listeners.add(look);
      look();
    });
  }
}

export interface NodeFiles {
  readonly id: number;
  readonly directory: string;
  readonly properties: string;
  readonly broker: Address;
  readonly controller: Address;
}

export type Settings = Readonly<Record<string, string | number>>;

/** Owns everything that one test file uses: its folder, processes and clients. */
export class Workshop {
  readonly folder = mkdtempSync(join(tmpdir(), 'bendemann-process-'));
  readonly clusterId = randomUuid(createSystemRandom());
  private readonly tools = new Set<Tool>();
  private readonly clients = new Set<KafkaClient>();

  tool(name: string, ...args: string[]): Tool {
    return this.toolIn({}, name, ...args);
  }

  toolIn(surroundings: Surroundings, name: string, ...args: string[]): Tool {
    const tool = new Tool(name, args, surroundings);
    this.tools.add(tool);
    return tool;
  }

  /**
   * Writes the properties files of `count` nodes which are broker and controller; `settings` override the defaults. With a
   * 'dynamic' quorum, the files do not list the voters. The caller still has to format the directories.
   */
  async nodes(count: number, settings: Settings = {}, quorum = 'static'): Promise<NodeFiles[]> {
    const ports = await freePorts(2 * count);
    const addresses = Array.from({ length: count }, (_, i) => `localhost:${ports[count + i]}`);
    const quorumSettings =
      quorum === 'dynamic'
        ? { 'controller.quorum.bootstrap.servers': addresses.join(',') }
        : { 'controller.quorum.voters': addresses.map((address, i) => `${i + 1}@${address}`).join(',') };
    return Array.from({ length: count }, (_, i) => {
      const id = i + 1;
      const [brokerPort, controllerPort] = [ports[i] as number, ports[count + i] as number];
      const directory = join(this.folder, `node-${id}`);
      const properties = this.properties(`node-${id}`, {
        'node.id': id,
        'process.roles': 'broker,controller',
        ...quorumSettings,
        'controller.listener.names': 'CONTROLLER',
        'inter.broker.listener.name': 'PLAINTEXT',
        'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
        listeners: `PLAINTEXT://:${brokerPort},CONTROLLER://:${controllerPort}`,
        'advertised.listeners': `PLAINTEXT://localhost:${brokerPort}`,
        'log.dirs': directory,
        'offsets.topic.replication.factor': count,
        'min.insync.replicas': Math.min(2, count),
        ...settings,
      });
      return {
        id,
        directory,
        properties,
        broker: { host: 'localhost', port: brokerPort },
        controller: { host: 'localhost', port: controllerPort },
      };
    });
  }

  /** Writes `<name>.properties` and returns its path. */
  properties(name: string, settings: Settings): string {
    const path = join(this.folder, `${name}.properties`);
    const lines = Object.entries(settings).map(([key, value]) => `${key}=${value}`);
    writeFileSync(path, `${lines.join('\n')}\n`);
    return path;
  }

  async format(
    nodes: readonly NodeFiles[],
    clusterId: string = this.clusterId,
    ...flags: readonly string[]
  ): Promise<void> {
    const formats = nodes.map(({ properties }) =>
      this.tool('kafka-storage', 'format', '-t', clusterId, '-c', properties, ...flags),
    );
    for (const format of formats) {
      const { status, output } = await format.ended;
      if (status !== 0) throw new Error(`formatting failed: ${output}`);
    }
  }

  start(node: NodeFiles | string): Tool {
    return this.tool('kafka-server-start', typeof node === 'string' ? node : node.properties);
  }

  async startAll(nodes: readonly NodeFiles[]): Promise<Tool[]> {
    const servers = nodes.map((node) => this.start(node));
    for (const server of servers) await server.says('Kafka Server started');
    return servers;
  }

  client(...nodes: readonly Pick<NodeFiles, 'broker'>[]): KafkaClient {
    const bootstrap = nodes.map(({ broker }) => broker);
    const client = new KafkaClient(
      { bootstrap, connectTimeoutMs: 2_000, requestTimeoutMs: 10_000 },
      clientPorts,
    );
    this.clients.add(client);
    return client;
  }

  /** The text that is printed for a failed test: where its files are, and the output of its processes. */
  story(): string {
    const outputs = [...this.tools].map(({ pid, output }) => `--- pid ${pid}\n${output.slice(-2_000)}`);
    return `folder: ${this.folder}\n${outputs.join('\n')}`;
  }

  /** Ends all processes that still run and removes the folder, unless `keep`. */
  async close(keep = false): Promise<void> {
    for (const client of this.clients) client.close();
    for (const tool of this.tools) tool.signal('SIGKILL');
    for (const tool of this.tools) await tool.ended;
    if (!keep) rmSync(this.folder, { recursive: true, force: true });
  }
}

/**
 * Creates a topic. `replicas` is a list of nodes or a number; with a number the controller chooses the nodes, and may choose
 * one that has just died.
 */
export async function createTopic(
  client: KafkaClient,
  name: string,
  partitionCount: number,
  replicas: number | readonly number[],
): Promise<PartitionInfo[]> {
  const indexes = Array.from({ length: partitionCount }, (_, i) => i);
  const placement =
    typeof replicas === 'number'
      ? { numPartitions: partitionCount, replicationFactor: replicas, assignments: [] }
      : {
          numPartitions: -1,
          replicationFactor: -1,
          assignments: indexes.map((partitionIndex) => ({ partitionIndex, brokerIds: [...replicas] })),
        };
  const replicaCount = typeof replicas === 'number' ? replicas : replicas.length;
  const answer = await client.request(CreateTopicsRequest, CreateTopicsResponse, {
    topics: [{ name, ...placement, configs: [] }],
    timeoutMs: 20_000,
    validateOnly: false,
  });
  const errorCode = answer.topics[0]?.errorCode ?? -1;
  if (errorCode !== 0) throw new Error(`creating ${name}: error ${errorCode}`);
  return until(`replicas of ${name} in sync`, async () => {
    const partitions = await partitionsOf(client, name);
    const isReady = partitions.every(({ isr, leader }) => leader >= 0 && isr.length === replicaCount);
    return isReady && partitions.length === partitionCount ? partitions : null;
  });
}

export async function partitionsOf(client: KafkaClient, topic: string): Promise<PartitionInfo[]> {
  const info = (await client.metadata([topic])).topics.get(topic);
  if (info === undefined || info.errorCode !== 0) throw new Error(`${topic}: error ${info?.errorCode}`);
  return [...info.partitions];
}

type QuorumAnswer = Infer<typeof DescribeQuorumResponse>;

/** Asks the leader for the state of the metadata quorum: its partition, and the addresses of the voters. */
export async function describeQuorum(
  client: KafkaClient,
): Promise<[QuorumAnswer['topics'][number]['partitions'][number], QuorumAnswer['nodes']]> {
  const answer = await client.request(DescribeQuorumRequest, DescribeQuorumResponse, {
    topics: [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }],
  });
  const quorum = answer.topics[0]?.partitions[0];
  if (quorum === undefined || quorum.errorCode !== 0 || quorum.leaderId < 0) throw new Error('no leader');
  return [quorum, answer.nodes];
}

/** The leader of the metadata quorum and its epoch. */
export async function quorumOf(client: KafkaClient): Promise<{ leaderId: number; leaderEpoch: number }> {
  const [{ leaderId, leaderEpoch }] = await describeQuorum(client);
  return { leaderId, leaderEpoch };
}

export function producerOf(client: KafkaClient, options: Partial<ProducerOptions> = {}): Producer {
  return new Producer(client, createSystemRandom(), options);
}

/** All values of a topic up to the present end of each partition: partition after partition, in order of offsets. */
export async function readAll(client: KafkaClient, topic: string): Promise<string[]> {
  const fetcher = new Fetcher(client, { reset: 'none' });
  const indexes = (await partitionsOf(client, topic)).map(({ index }) => index);
  const ends = await fetcher.offsets(indexes.map((partition) => ({ topic, partition, timestamp: -1 })));
  for (const index of indexes) fetcher.assign(topic, index, 0);
  const values: string[][] = indexes.map(() => []);
  const isDone = (): boolean =>
    indexes.every(
      (index) => (fetcher.position(topic, index) ?? 0) >= (ends.get(`${topic}-${index}`)?.offset ?? 0),
    );
  await until(`reading ${topic} to its end`, async () => {
    for (const record of await fetcher.poll(200, 100_000))
      values[record.partition]?.push(textOf(record.value));
    return isDone();
  });
  return values.flat();
}
