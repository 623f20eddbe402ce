/**
 * A cluster of whole nodes in one process, on a virtual clock. They are the same `Node` objects that a real process runs, on
 * simulated machines whose process can be killed, and which can lose power, pause or be cut off. Clients run on machines of
 * their own.
 *
 * A kill keeps written data; a power cut keeps only synced data. Each write of the metadata store is durable as a whole.
 */
import { sleep } from '../base/clock.ts';
import { type ClientOptions, KafkaClient } from '../client/kafka-client.ts';
import { NodeConfig } from '../config/node-config.ts';
import type { MetadataImage } from '../metadata/image.ts';
import { Node } from '../server/node.ts';
import { SimulatedDisk } from '../simulation/disk.ts';
import { type Incarnation, SimulatedHost } from '../simulation/host.ts';
import { MetadataDisk } from '../simulation/metadata-disk.ts';
import { SimulatedNetwork } from '../simulation/network.ts';
import { type DiskDelays, diskDelays, slowDisk } from '../simulation/slow-disk.ts';
import { World } from '../simulation/world.ts';
import { type Logger, silentLogger } from '../telemetry/logger.ts';
import {
  brokerPort,
  dataPath,
  formatDisk,
  hostNameOf,
  propertiesOf,
  type SimulatedRole,
} from './node-properties.ts';

export interface SimulatedNode {
  readonly id: number;
  readonly role: SimulatedRole;
  readonly host: SimulatedHost;
  readonly disk: SimulatedDisk;
  readonly delays: DiskDelays;
  readonly metadata: MetadataDisk;
  life: Incarnation | null;
  node: Node | null;
  /** Whether the node handles requests: `start` of the current incarnation has resolved. */
  isUp: boolean;
}

export interface SimulatedClusterOptions {
  readonly seed: number;
  /** The number of nodes; each is both broker and controller. */
  readonly nodeCount?: number;
  /** The roles of each node, instead of `nodeCount`. */
  readonly roles?: readonly SimulatedRole[];
  /** Added to every node's properties. */
  readonly properties?: Readonly<Record<string, string>>;
  /** Whether the cluster was formatted with eligible leader replicas (KIP-966), as new clusters are by default. */
  readonly hasEligibleLeaderReplicas?: boolean;
  /** How many bytes of recent batches each broker keeps in memory; 64 MiB by default. */
  readonly tailCacheBytesMax?: number;
  /** Called with each line of every node's log. */
  readonly onLog?: (line: string) => void;
  /** Called when a node would end its process because of `error`. Returns true if the test expected that. */
  readonly onFatal?: (node: SimulatedNode, error: unknown) => boolean;
}

export class SimulatedCluster {
  readonly world: World;
  readonly network: SimulatedNetwork;
  readonly nodes: readonly SimulatedNode[];
  /** The errors by which nodes have ended although `onFatal` did not return true. */
  readonly fatal: unknown[] = [];
  private readonly options: SimulatedClusterOptions;
  private readonly roles: readonly SimulatedRole[];
  /** Machines of clients, by name. */
  readonly clientMachines = new Map<string, SimulatedHost>();
  private readonly clientLife: Incarnation;

  constructor(options: SimulatedClusterOptions) {
    this.options = options;
    this.roles = options.roles ?? Array.from({ length: options.nodeCount ?? 3 }, () => 'both' as const);
    this.world = new World(options.seed);
    this.network = new SimulatedNetwork(this.world);
    this.clientLife = this.lifeOf('client');
    this.nodes = this.roles.map((role, index) => this.makeNode(index + 1, role));
  }

  /** Starts a node that is down. It serves requests some virtual time later. */
  boot(node: SimulatedNode): void {
    const life = node.host.boot();
    this.note(`boot of ${node.host.name}`);
    const { network, peers } = this.network.join(node.host, life);
    const properties = propertiesOf(node.id, this.roles, this.options.properties ?? {});
    const { tailCacheBytesMax } = this.options;
    const started = new Node(new NodeConfig(properties), {
      ...(tailCacheBytesMax === undefined ? {} : { tailCacheBytesMax }),
      clock: life,
      scheduler: life,
      random: life.random,
      fs: slowDisk(node.disk, life, node.delays),
      network,
      peers,
      logger: this.loggerOf(node.host.name),
      hostName: node.host.name,
      openRaftStore: () => node.metadata.openFor(life),
      onFatal: (error) => this.died(node, life, error),
    });
    node.life = life;
    node.node = started;
    life.after(0, () => {
      started.start().then(
        () => {
          if (node.life === life) node.isUp = true;
        },
        (error: unknown) => {
          if (life.isAlive) this.died(node, life, error);
        },
      );
    });
  }

  /** Starts all nodes that are down and runs until they serve requests; throws after `timeoutMs` of virtual time. */
  start(timeoutMs = 20_000): void {
    for (const node of this.nodes) if (node.life === null) this.boot(node);
    if (!this.run(timeoutMs, () => this.nodes.every(({ isUp }) => isUp)) || this.fatal.length > 0)
      throw new Error(`not all nodes are up after ${timeoutMs} ms: ${String(this.fatal[0] ?? '')}`);
  }

  /** Ends a node at once: `kill -9`, a power cut, or `kill -9` in a container whose network ends with it. */
  crash(node: SimulatedNode, kind: 'kill' | 'power' | 'vanish'): void {
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

  /**
   * Stops a node as SIGTERM does: it hands over its leaderships and closes its logs. Calls `ended` when its process has ended.
   */
  stop(node: SimulatedNode, ended: () => void = () => {}): void {
    const { life, node: stopping } = node;
    if (life === null || stopping === null) return;
    this.note(`stop of ${node.host.name}`);
    const end = (): void => {
      this.world.schedule(0, null, () => {
        if (node.life !== life) return;
        this.crash(node, 'kill');
        ended();
      });
    };
    life.after(0, () => void stopping.stop().then(end, end));
  }

  /**
   * A client on the machine `machine`; the default one has no faults. `first`: the broker to which it connects first, from 0.
   */
  client(options: Partial<ClientOptions> = {}, first = 0, machine = 'client'): KafkaClient {
    const life = this.lifeOf(machine);
    const { network } = this.network.join(life.host, life);
    const brokers = this.nodes.filter(({ role }) => role !== 'controller');
    const bootstrap = brokers.map((_, at) => ({
      host: (brokers[(at + first) % brokers.length] as SimulatedNode).host.name,
      port: brokerPort,
    }));
    const ports = { network, clock: life, scheduler: life };
    return new KafkaClient({ bootstrap, connectTimeoutMs: 500, requestTimeoutMs: 3000, ...options }, ports);
  }

  /** Resolves after `delayMs` of virtual time. */
  clientSleep(delayMs: number): Promise<void> {
    return sleep(this.clientLife, delayMs);
  }

  get clientRandom(): Incarnation['random'] {
    return this.clientLife.random;
  }

  /** Adds a line to the log of the run, for example about a fault. */
  note(text: string): void {
    this.options.onLog?.(`${this.world.nowMs.toFixed(1).padStart(9)} ------ ${text}`);
  }

  /** Runs until `done` returns true, at most `timeoutMs` of virtual time; returns whether it did. */
  run(timeoutMs: number, done: () => boolean = () => false): boolean {
    return this.world.run(this.world.nowMs + timeoutMs, () => this.fatal.length > 0 || done());
  }

  /** Runs until `promise` settles, at most `timeoutMs` of virtual time; returns its value or throws. */
  await<T>(promise: Promise<T>, timeoutMs = 60_000): T {
    const outcome: { value: T | null; error: unknown; isSettled: boolean } = {
      value: null,
      error: null,
      isSettled: false,
    };
    promise.then(
      (value) => Object.assign(outcome, { value, isSettled: true }),
      (error: unknown) => Object.assign(outcome, { error, isSettled: true }),
    );
    this.run(timeoutMs, () => outcome.isSettled);
    const [fatal] = this.fatal;
    if (fatal !== undefined) throw new Error('a node ended unexpectedly', { cause: fatal });
    if (!outcome.isSettled)
      throw new Error(`the promise did not settle within ${timeoutMs} ms of virtual time`);
    if (outcome.error !== null) throw outcome.error as Error;
    return outcome.value as T;
  }

  /** The images of all nodes that are up. */
  images(): MetadataImage[] {
    return this.nodes.flatMap(({ node }) => (node?.image === null || node === null ? [] : [node.image]));
  }

  /** The leader of a partition in the newest metadata; null when there is none. */
  leaderOf(topic: string, partition: number): SimulatedNode | null {
    const newest = this.images().sort((a, b) => b.offset - a.offset)[0];
    const leader = newest?.topics.byName(topic)?.partitions[partition]?.leader;
    return this.nodes.find(({ id }) => id === leader) ?? null;
  }

  /** The node that believes it is the active controller; of several, the one with the newest epoch; null: there is none. */
  activeController(): SimulatedNode | null {
    const leading = this.nodes.filter(({ id, node }) => node?.leader?.id === id);
    return leading.sort((a, b) => (b.node?.leader?.epoch ?? 0) - (a.node?.leader?.epoch ?? 0))[0] ?? null;
  }

  /** The incarnation of a client machine, which lasts as long as the cluster. */
  private lifeOf(machine: string): Incarnation {
    const known = this.clientMachines.get(machine)?.incarnation ?? null;
    if (known !== null) return known;
    const host = new SimulatedHost(this.world, machine);
    this.clientMachines.set(machine, host);
    return host.boot();
  }

  /** `log.dirs` of every node. */
  get directories(): string[] {
    return (this.options.properties?.['log.dirs'] ?? dataPath).split(',');
  }

  private makeNode(id: number, role: SimulatedRole): SimulatedNode {
    const host = new SimulatedHost(this.world, hostNameOf(id));
    const disk = new SimulatedDisk({ random: this.world.random.fork(`disk of ${host.name}`) });
    formatDisk(disk, id, this.directories, this.options.hasEligibleLeaderReplicas ?? true);
    const metadata = new MetadataDisk(this.world.random.fork(`metadata disk of ${host.name}`));
    return { id, role, host, disk, delays: diskDelays(), metadata, life: null, node: null, isUp: false };
  }

  /** Called when the process of a node would end because of `error`: crashes the node after the current event. */
  private died(node: SimulatedNode, life: Incarnation, error: unknown): void {
    if (node.life !== life) return;
    this.note(`${node.host.name} can't go on: ${String(error)}`);
    if (this.options.onFatal?.(node, error) !== true) {
      this.fatal.push(error);
      return;
    }
    this.world.schedule(0, null, () => {
      if (node.life === life) this.crash(node, 'kill');
    });
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
