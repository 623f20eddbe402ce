/**
 * Whole nodes in one process on a virtual clock: the same `Node` that a process runs, on simulated machines that can be
 * killed, lose power, stand still or be cut off. Clients of our own run on a machine of theirs.
 *
 * A kill keeps what was written, a power cut only what was synced. The metadata store is durable write by write.
 */
import { createHash } from 'node:crypto';
import { sleep } from '../base/clock.ts';
import { type ClientOptions, KafkaClient } from '../client/kafka-client.ts';
import { NodeConfig } from '../config/node-config.ts';
import { metaPropertiesText } from '../log/meta-properties.ts';
import type { MetadataImage } from '../metadata/image.ts';
import { MemoryStore } from '../raft/memory-store.ts';
import { Node } from '../server/node.ts';
import { SimulatedDisk } from '../simulation/disk.ts';
import { type Incarnation, SimulatedHost } from '../simulation/host.ts';
import { SimulatedNetwork } from '../simulation/network.ts';
import { slowDisk } from '../simulation/slow-disk.ts';
import { World } from '../simulation/world.ts';
import { type Logger, silentLogger } from '../telemetry/logger.ts';
import { uuidFromBytes } from '../base/uuid.ts';

const dataPath = '/data';
const brokerPort = 9092;
const controllerPort = 9093;
const clusterId = 'c2ltdWxhdGVkLWNsdXN0ZXI';

export interface SimulatedNode {
  readonly id: number;
  readonly host: SimulatedHost;
  readonly disk: SimulatedDisk;
  /** Of the current life or the last one. */
  metadataStore: MemoryStore;
  life: Incarnation | null;
  node: Node | null;
  /** `start` of the current life has resolved. */
  isUp: boolean;
}

export interface SimulatedClusterOptions {
  readonly seed: number;
  readonly nodeCount: number;
  /** Added to every node's properties. */
  readonly properties?: Readonly<Record<string, string>>;
  /** Called with the line of every node's log. */
  readonly onLog?: (line: string) => void;
}

export class SimulatedCluster {
  readonly world: World;
  readonly network: SimulatedNetwork;
  readonly nodes: readonly SimulatedNode[];
  /** What ended a node: never expected. */
  readonly fatal: unknown[] = [];
  private readonly options: SimulatedClusterOptions;
  private readonly clientHost: SimulatedHost;
  private readonly clientLife: Incarnation;

  constructor(options: SimulatedClusterOptions) {
    this.options = options;
    this.world = new World(options.seed);
    this.network = new SimulatedNetwork(this.world);
    this.clientHost = new SimulatedHost(this.world, 'client');
    this.clientLife = this.clientHost.boot();
    this.nodes = Array.from({ length: options.nodeCount }, (_, index) => this.makeNode(index + 1));
  }

  /** Starts a node that is down. It serves some virtual time later. */
  boot(node: SimulatedNode): void {
    const life = node.host.boot();
    this.note(`boot of ${node.host.name}`);
    const { network, peers } = this.network.join(node.host, life);
    const started = new Node(new NodeConfig(this.propertiesOf(node.id)), {
      clock: life,
      scheduler: life,
      random: life.random,
      fs: slowDisk(node.disk, life),
      network,
      peers,
      logger: this.loggerOf(node.host.name),
      hostName: node.host.name,
      openRaftStore: () => this.storeOf(node, life),
      onFatal: (error) => this.fatal.push(error),
    });
    node.life = life;
    node.node = started;
    life.after(0, () => {
      started.start().then(
        () => {
          if (node.life === life) node.isUp = true;
        },
        (error: unknown) => {
          if (life.isAlive) this.fatal.push(error);
        },
      );
    });
  }

  /** Ends a node at once: `kill -9`, or the plug pulled out. */
  crash(node: SimulatedNode, kind: 'kill' | 'power'): void {
    const { life } = node;
    if (life === null) return;
    this.note(`${kind} of ${node.host.name}`);
    node.host.crash();
    this.network.crashed(life, kind === 'kill');
    if (kind === 'power') node.disk.powerCut();
    else node.disk.processKilled();
    node.life = null;
    node.node = null;
    node.isUp = false;
  }

  /** A client on a machine of its own that no fault touches. */
  client(options: Partial<ClientOptions> = {}): KafkaClient {
    const { network } = this.network.join(this.clientHost, this.clientLife);
    const bootstrap = this.nodes.map(({ host }) => ({ host: host.name, port: brokerPort }));
    const ports = { network, clock: this.clientLife, scheduler: this.clientLife };
    return new KafkaClient({ bootstrap, connectTimeoutMs: 500, requestTimeoutMs: 3000, ...options }, ports);
  }

  /** Resolves after so much virtual time. */
  clientSleep(delayMs: number): Promise<void> {
    return sleep(this.clientLife, delayMs);
  }

  get clientRandom(): Incarnation['random'] {
    return this.clientLife.random;
  }

  /** A line in the log of the run, such as a fault. */
  note(text: string): void {
    this.options.onLog?.(`${this.world.nowMs.toFixed(1).padStart(9)} ------ ${text}`);
  }

  /** Runs until `done` holds, at most `timeoutMs` of virtual time; true when it did. */
  run(timeoutMs: number, done: () => boolean = () => false): boolean {
    return this.world.run(this.world.nowMs + timeoutMs, () => this.fatal.length > 0 || done());
  }

  /** Images of the nodes that are up. */
  images(): MetadataImage[] {
    return this.nodes.flatMap(({ node }) => (node?.image === null || node === null ? [] : [node.image]));
  }

  private makeNode(id: number): SimulatedNode {
    const host = new SimulatedHost(this.world, `node${id}`);
    const random = this.world.random.fork(`disk of ${host.name}`);
    const disk = new SimulatedDisk({ random });
    const directoryId = uuidFromBytes(createHash('sha256').update(host.name).digest());
    const text = metaPropertiesText({ clusterId, nodeId: id, directoryId }, 'simulated');
    void disk
      .makeDirectory(dataPath)
      .then(() => disk.open(`${dataPath}/meta.properties`, 'write'))
      .then(async (file) => {
        await file.write([new TextEncoder().encode(text)], 0);
        await file.sync();
        await disk.syncDirectory(dataPath);
        await disk.syncDirectory('/');
      });
    return { id, host, disk, metadataStore: new MemoryStore(), life: null, node: null, isUp: false };
  }

  /** Begins with what the last life left durable. A sync of a dead life never ends, so its store changes no more. */
  private storeOf(node: SimulatedNode, life: Incarnation): MemoryStore {
    const sync = (): Promise<void> =>
      new Promise((resolve) => {
        life.after(0.2 + life.random.exponential(2), resolve);
      });
    node.metadataStore = new MemoryStore(node.metadataStore.durable, sync);
    return node.metadataStore;
  }

  private propertiesOf(id: number): Map<string, string> {
    const voters = Array.from(
      { length: this.options.nodeCount },
      (_, i) => `${i + 1}@node${i + 1}:${controllerPort}`,
    );
    const factor = String(Math.min(3, this.options.nodeCount));
    return new Map(
      Object.entries({
        'process.roles': 'broker,controller',
        'node.id': String(id),
        'controller.quorum.voters': voters.join(','),
        'controller.listener.names': 'CONTROLLER',
        'inter.broker.listener.name': 'PLAINTEXT',
        'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
        listeners: `PLAINTEXT://:${brokerPort},CONTROLLER://:${controllerPort}`,
        'advertised.listeners': `PLAINTEXT://node${id}:${brokerPort}`,
        'log.dirs': dataPath,
        'default.replication.factor': factor,
        'offsets.topic.replication.factor': factor,
        'offsets.topic.num.partitions': '3',
        'min.insync.replicas': factor === '3' ? '2' : '1',
        ...this.options.properties,
      }),
    );
  }

  private loggerOf(name: string): Logger {
    const { onLog } = this.options;
    if (onLog === undefined) return silentLogger;
    const write = (level: string, where: string, message: string, fields?: Record<string, unknown>): void =>
      onLog(
        `${this.world.nowMs.toFixed(1).padStart(9)} ${name} ${level} ${where}${message} ${fields === undefined ? '' : JSON.stringify(fields)}`,
      );
    const make = (where: string): Logger => ({
      debug: () => {},
      info: (message, fields) => write('INFO', where, message, fields),
      warn: (message, fields) => write('WARN', where, message, fields),
      error: (message, fields) => write('ERROR', where, message, fields),
      child: (child) => make(`[${child}] `),
    });
    return make('');
  }
}
