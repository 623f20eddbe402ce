/** A cluster for a test: production nodes in this process, with real sockets for Kafka clients, and the operations of a test on it. */
import type { RequestInterceptor } from '../../broker/pipeline/interceptor.ts';
import type { MetadataImage } from '../../metadata/image.ts';
import { ClientDoor } from './client-door.ts';
import { type ControlFunction, Controls } from './controls.ts';
import { type Fault, type FaultOptions, FaultPlan, mapResponse } from './faults.ts';
import { checkNames, type OptionNames } from './known-names.ts';
import { LogRing } from './node-log.ts';
import { DirectoryStorage, MemoryStorage, type NodeStorage, type StoredNode } from './node-storage.ts';
import {
  checkOptions,
  checkRecord,
  checkTopic,
  controllerPort,
  directoryIdOf,
  nodeProperties,
  type StartKafkaOptions,
  type TestRecord,
  type TestTopic,
} from './options.ts';
import { PeerHub } from './peer-hub.ts';
import { RequestLog } from './request-log.ts';
import { Snapshot } from './snapshot.ts';
import { kitClientId, type ReadRecord, TestClient } from './test-client.ts';
import { TestNode } from './test-node.ts';
import { durationMs, type TestTime, testTime } from './time.ts';
import { Deadlines, type WaitOptions } from './waits.ts';
import { ClusterWaits } from './cluster-waits.ts';
import { TestNetwork } from './test-network.ts';

const defaultTimeoutMs = 30_000;
const defaultHost = '127.0.0.1';
/** A cluster whose time stands still starts by having it moved in such steps. */
const startStepMs = 100;

/**
 * When `read` stops.
 *
 * @example
 * ```ts
 * await kafka.read('orders', { until: (records) => records.some(({ value }) => value === 'paid'), timeout: '5s' });
 * ```
 */
export interface ReadOptions extends WaitOptions {
  /** So many records, as soon as they are there. */
  readonly count?: number;
  /** Or read until this returns true. Without `count` and `until`, read the records that exist now. */
  readonly until?: (records: readonly ReadRecord[]) => boolean | Promise<boolean>;
  /** The offset to begin with, of each partition; the beginning by default. */
  readonly from?: number;
  /** `'read_committed'` (default): no record of an open or an aborted transaction, as kafkajs and librdkafka read by default. */
  readonly isolationLevel?: 'read_committed' | 'read_uncommitted';
}

const readNames: OptionNames<ReadOptions> = {
  count: true,
  until: true,
  from: true,
  isolationLevel: true,
  timeout: true,
};

interface Seat {
  readonly node: TestNode;
  readonly door: ClientDoor;
  readonly storage: NodeStorage;
}

/**
 * A running cluster, made by `startKafka`.
 *
 * @example
 * ```ts
 * await kafka.produce('orders', ['tea']);
 * await (await kafka.leader('orders')).kill();
 * const [tea] = await kafka.read('orders', { count: 1 });
 * ```
 */
export class TestKafka {
  readonly clusterId: string;
  /** The newest requests of clients, decoded, with their responses. */
  readonly requests = new RequestLog();
  /** The network between the nodes, and the connections of clients. */
  readonly network: TestNetwork;
  /** Waits for a state of the cluster, to be used instead of sleeping. */
  readonly wait: ClusterWaits;
  private readonly options: StartKafkaOptions;
  private readonly time: TestTime;
  private readonly hub: PeerHub;
  private readonly logRing: LogRing;
  private readonly controls = new Controls();
  private readonly faults: FaultPlan;
  private readonly deadlines: Deadlines;
  private readonly seats: Seat[] = [];
  private initial: Snapshot | null = null;
  private own: { readonly ports: string; readonly client: TestClient } | null = null;
  private isClosed = false;

  /** @internal Use `startKafka`. */
  constructor(options: StartKafkaOptions, clusterId: string) {
    checkOptions(options);
    this.options = options;
    this.clusterId = clusterId;
    this.time = testTime(options.clock ?? 'real');
    this.hub = new PeerHub(this.time);
    this.logRing = new LogRing(options.log ?? 'warn');
    this.faults = new FaultPlan(this.time, (id) => this.image?.topics.byId(id)?.name ?? null);
    this.deadlines = new Deadlines(
      durationMs(options.timeout ?? defaultTimeoutMs),
      () => this.situation(),
      (count) => this.logRing.tail(count),
    );
    const doors = (): ClientDoor[] => this.seats.map(({ door }) => door);
    this.network = new TestNetwork(this.hub, () => this.nodes, doors);
    this.wait = new ClusterWaits({
      deadlines: this.deadlines,
      client: () => this.client,
      image: () => this.image,
      nodes: () => this.nodes,
    });
  }

  /** `host:port` of every node, for clients that take a list. */
  get brokers(): string[] {
    const { advertisedHost } = this.options;
    return this.seats.map(({ door: { address } }) => `${advertisedHost ?? address.host}:${address.port}`);
  }

  /** `host:port,host:port`, for clients that take Kafka's `bootstrap.servers`. */
  get bootstrapServers(): string {
    return this.brokers.join(',');
  }

  /** All nodes, in the order of their ids. */
  get nodes(): readonly TestNode[] {
    return this.seats.map(({ node }) => node);
  }

  /** The node with this id; ids begin at 1. */
  node(id: number): TestNode {
    return this.seat(id).node;
  }

  /** The disk of a node: `full`, `fail`, `slow`, `mend`. */
  disk(id: number): TestNode['diskFaults'] {
    return this.node(id).diskFaults;
  }

  /** The node that leads a partition. */
  async leader(topic: string, partition = 0): Promise<TestNode> {
    return this.node(await this.wait.leader(topic, partition));
  }

  /** Makes a node, which must be in sync, the leader of a partition. */
  async moveLeader(topic: string, partition: number, id: number): Promise<void> {
    const move = this.client.moveLeader(topic, partition, id);
    await this.deadlines.within(`node ${id} leads ${topic}-${partition}`, undefined, move);
    await this.wait.leader(topic, partition, { is: id });
  }

  /** The node whose controller is active. */
  async controller(): Promise<TestNode> {
    return this.deadlines.until('a controller is active', undefined, () => {
      const leading = this.nodes.filter(({ leadingEpoch }) => leadingEpoch >= 0);
      return leading.sort((a, b) => b.leadingEpoch - a.leadingEpoch)[0];
    });
  }

  /** The node that coordinates a group, or the transactions of a transactional id. */
  async coordinator(kind: 'group' | 'transaction', key: string): Promise<TestNode> {
    const found = this.client.coordinator(key, kind);
    return this.node(await this.deadlines.within(`a coordinator of ${kind} ${key}`, undefined, found));
  }

  /** Injects a fault into requests of clients. Of several faults that match a request, the first is applied. */
  fault(options: FaultOptions): Fault {
    const within: Fault['within'] = (what, timeout, wait) => this.deadlines.within(what, timeout, wait);
    return this.faults.add(options, within);
  }

  /** Registers a function that handles the requests of an API before the node does. Returns a function that removes it. */
  on(api: string, control: ControlFunction): () => void {
    return this.controls.add(api, control);
  }

  /** The cluster's clock. Only with `clock: 'manual'` can it be moved. */
  readonly clock = {
    /** Milliseconds since 1970, by the clock of the nodes. */
    now: (): number => this.time.wallMs(),
    /** Advances the time, for example by `'7d'`. Timers run in the order in which they are due; resolves when the cluster is idle. */
    advance: async (duration: number | string): Promise<void> => this.time.advance(durationMs(duration)),
    /** Advances the time to a date. */
    set: (date: Date | number): Promise<void> => {
      const byMs = Number(date) - this.time.wallMs();
      if (!(byMs >= 0)) return Promise.reject(new RangeError('The clock of a cluster does not go back.'));
      return this.time.advance(byMs);
    },
  };

  /** Creates a topic from a number of partitions or a `TestTopic`. Resolves when its leaders serve requests. */
  async createTopic(name: string, topic: number | TestTopic = 1): Promise<void> {
    checkTopic(name, topic);
    await this.deadlines.within(`topic ${name} is created`, undefined, this.client.createTopic(name, topic));
    await this.wait.inSync(name);
    const records = typeof topic === 'number' ? [] : (topic.records ?? []);
    if (records.length > 0) await this.produce(name, records);
  }

  /** Writes records; resolves when all in-sync replicas have them. */
  async produce(topic: string, records: readonly (TestRecord | string)[]): Promise<void> {
    records.forEach(checkRecord);
    const written = this.client.produce(topic, records);
    await this.deadlines.within(`${records.length} records are written to ${topic}`, undefined, written);
  }

  /** Reads a topic: all that is there, or until there is enough. */
  async read(topic: string, options: ReadOptions = {}): Promise<ReadRecord[]> {
    checkNames('read', options, readNames);
    const { count, until, from = 0, isolationLevel = 'read_committed' } = options;
    if (isolationLevel !== 'read_committed' && isolationLevel !== 'read_uncommitted')
      throw new TypeError(
        `isolationLevel must be read_committed or read_uncommitted, not '${String(isolationLevel)}'.`,
      );
    if (!Number.isSafeInteger(from) || from < 0)
      throw new TypeError(`from must be an offset, not '${String(from)}'.`);
    let newest: readonly ReadRecord[] = [];
    let isOver = false;
    const reading = this.client.read({
      topic,
      from,
      isReadCommitted: isolationLevel === 'read_committed',
      enough: (records, isAtEnd) => {
        newest = records;
        if (until !== undefined) return until(records);
        return count === undefined ? isAtEnd : records.length >= count;
      },
      isOver: () => isOver,
    });
    const what = `enough records are in ${topic}`;
    const records = await this.deadlines.within(what, options.timeout, reading).catch((error: unknown) => {
      isOver = true;
      if (error instanceof Error) error.message += `\nRead so far: ${newest.length} records.`;
      throw error;
    });
    return until === undefined && count !== undefined ? records.slice(0, count) : records;
  }

  /** Log start and log end offset of each partition. */
  async offsets(
    topic: string,
  ): Promise<ReadonlyMap<number, { readonly start: number; readonly end: number }>> {
    return this.deadlines.within(`offsets of ${topic}`, undefined, this.client.offsets(topic));
  }

  /** Committed offsets of a group for a topic, by partition; -1 where there is none. */
  async committed(group: string, topic: string): Promise<ReadonlyMap<number, number>> {
    const committed = this.client.committed(group, topic);
    return this.deadlines.within(`offsets of group ${group}`, undefined, committed);
  }

  /** Everything that the nodes have stored at this moment. */
  async snapshot(): Promise<Snapshot> {
    await this.time.whenIdle();
    const nodes = new Map<number, StoredNode>();
    for (const { node, storage } of this.seats) {
      const stored = storage.save();
      if (stored === null)
        throw new Error('A cluster in a directory cannot be saved as a snapshot; copy the directory.');
      nodes.set(node.id, stored);
    }
    return new Snapshot(this.clusterId, nodes);
  }

  /** Restores a snapshot: the nodes restart with what they had stored then, on the same ports; faults are removed. */
  async restore(snapshot: Snapshot): Promise<void> {
    this.forgetFaults();
    await Promise.all(this.nodes.map((node) => node.kill()));
    for (const { node, storage } of this.seats) {
      const stored = snapshot.nodes.get(node.id);
      if (!(storage instanceof MemoryStorage) || stored === undefined)
        throw new Error(
          `The snapshot does not match this cluster: it has nodes ${[...snapshot.nodes.keys()].join(', ')}, in memory.`,
        );
      storage.restore(stored);
    }
    this.own?.client.close();
    this.own = null;
    await this.startNodes();
  }

  /** Restores the state at which `startKafka` resolved: topics, records, groups. Faults and recorded requests are removed. */
  async reset(): Promise<void> {
    if (this.initial === null) throw new Error('Only a cluster in memory can be reset.');
    await this.restore(this.initial);
    this.requests.clear();
  }

  /** Stops all nodes and deletes what they stored, except a directory that the test gave. */
  async close(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    this.forgetFaults();
    this.own?.client.close();
    if (this.seats.some(({ storage }) => storage instanceof DirectoryStorage))
      await Promise.all(this.nodes.map((node) => node.stop()));
    await Promise.all(this.nodes.map((node) => node.kill()));
    this.time.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Starts a second cluster with the present state of this one. */
  async fork(): Promise<TestKafka> {
    const { port: _port, topics: _topics, ...options } = this.options;
    const copy = new TestKafka({ ...options, nodes: this.seats.length }, this.clusterId);
    await copy.open(await this.snapshot());
    return copy;
  }

  /** Writes a snapshot to a file that `startKafka({ from: path })` reads. */
  async save(path: string): Promise<void> {
    await (await this.snapshot()).save(path);
  }

  /** @internal Starts the nodes, on a snapshot or empty. */
  async open(from: Snapshot | null): Promise<void> {
    const { nodes = 1, host = defaultHost, port = 0 } = this.options;
    try {
      for (let id = 1; id <= nodes; id++) await this.seatNode(id, host, port === 0 ? 0 : port + id - 1, from);
      await this.startNodes();
      if (from === null)
        for (const [name, topic] of Object.entries(this.options.topics ?? {}))
          await this.createTopic(name, topic);
      // Load the coordinators now. Otherwise the first request of the first group would get a retriable error, and clients retry
      // only after a long delay.
      if (from === null) await this.warmGroups();
      if (this.seats.every(({ storage }) => storage instanceof MemoryStorage))
        this.initial = await this.snapshot();
      this.requests.clear();
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  private async warmGroups(): Promise<void> {
    // The first response is that there is no coordinator yet; the request creates the offsets topic.
    await this.client.coordinatorNow('any').catch(() => -1);
    await this.wait.inSync('__consumer_offsets');
    await this.coordinator('group', 'any');
  }

  private async seatNode(id: number, host: string, port: number, from: Snapshot | null): Promise<void> {
    const { storage: place = 'memory' } = this.options;
    const door = new ClientDoor({ host, port });
    await door.bind();
    const wallMs = (): number => this.time.wallMs();
    const storage =
      place === 'memory' ? new MemoryStorage(wallMs) : new DirectoryStorage(`${place}/node-${id}`);
    const stored = from?.nodes.get(id);
    if (stored !== undefined && storage instanceof MemoryStorage) storage.restore(stored);
    else {
      const directoryId = directoryIdOf(this.clusterId, id);
      await storage.format({ clusterId: this.clusterId, nodeId: id, directoryId }, wallMs());
    }
    this.hub.route(door.address.port, id);
    this.hub.route(controllerPort(id), id);
    const { hub, time, logRing: log } = this;
    const properties = nodeProperties(id, door.address, storage.path, this.options);
    const interceptor = this.interceptorOf(id, door);
    const node = new TestNode({ id, properties, door, storage, hub, time, log, interceptor });
    this.seats.push({ node, door, storage });
  }

  private async startNodes(): Promise<void> {
    const starting = Promise.all(this.nodes.map((node) => node.start()));
    let isUp = false;
    const wait = this.deadlines.within('all nodes answer clients', undefined, starting).finally(() => {
      isUp = true;
    });
    if (this.time.isManual) {
      const move = async (): Promise<void> => {
        while (!isUp) await this.time.advance(startStepMs);
      };
      await Promise.all([wait, move()]);
    } else await wait;
    await this.deadlines.until('all brokers are in service', undefined, () => {
      const brokers = this.image?.cluster.brokers;
      const count = [...(brokers?.values() ?? [])].filter(({ fenced }) => !fenced).length;
      return count === this.seats.length ? true : undefined;
    });
  }

  private interceptorOf(nodeId: number, door: ClientDoor): RequestInterceptor {
    return {
      intercept: (request, run) => {
        door.setClientId(request.connection.remote.port, request.clientId);
        // Requests of the kit itself get no faults.
        if (request.clientId === kitClientId) return run();
        const nameOf = (id: string): string | null => this.image?.topics.byId(id)?.name ?? null;
        const { entry, answered } = this.requests.note(nodeId, request, this.time.wallMs(), nameOf);
        this.options.onRequest?.(entry);
        const result = this.controls.apply(entry, () => this.faults.apply(nodeId, entry, request, run));
        return mapResponse(result, (response) => {
          answered(response);
          return response;
        });
      },
    };
  }

  private forgetFaults(): void {
    this.faults.clear();
    this.controls.clear();
    this.hub.heal();
    for (const { diskFaults } of this.nodes) diskFaults.mend();
  }

  private seat(id: number): Seat {
    const seat = this.seats[id - 1];
    if (seat === undefined)
      throw new RangeError(`There is no node ${id}; nodes are 1 to ${this.seats.length}.`);
    return seat;
  }

  /** Uses only running nodes, because a paused one would not respond. */
  private get client(): TestClient {
    const running = this.seats.filter(({ node }) => node.state === 'running');
    const addresses = (running.length > 0 ? running : this.seats).map(({ door }) => door.address);
    const ports = addresses.map(({ port }) => port).join();
    if (this.own?.ports !== ports) {
      this.own?.client.close();
      this.own = { ports, client: new TestClient(addresses, this.options.host ?? defaultHost) };
    }
    return this.own.client;
  }

  /** The newest metadata image of a running node. */
  private get image(): MetadataImage | null {
    const images = this.nodes.flatMap(({ image }) => image ?? []);
    return images.sort((a, b) => b.offset - a.offset)[0] ?? null;
  }

  private situation(): string {
    return this.nodes
      .map(({ id, state, failure }) => `${id} ${state}${failure === null ? '' : ` (${String(failure)})`}`)
      .join(', ');
  }
}
