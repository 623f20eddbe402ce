/**
 * A cluster for a test: production nodes in this process, with real sockets for Kafka clients, and the operations that a test
 * can use.
 */
import type { MetadataImage } from '../../metadata/image.ts';
import { ClientDoor } from './client-door.ts';
import { ClientRequests } from './client-requests.ts';
import type { ControlFunction } from './controls.ts';
import type { FaultOptions } from './fault-options.ts';
import type { Fault } from './faults.ts';
import { checkNode } from './known-names.ts';
import { LogRing } from './node-log.ts';
import { DirectoryStorage, MemoryStorage, type NodeStorage, type StoredNode } from './node-storage.ts';
import {
  checkOptions,
  checkRecords,
  checkTopic,
  controllerPort,
  directoryIdOf,
  nodeProperties,
  type StartKafkaOptions,
  type TestRecord,
  type TestTopic,
} from './options.ts';
import { PeerHub } from './peer-hub.ts';
import { checkRead, type ReadOptions } from './read-options.ts';
import type { RequestLog } from './request-log.ts';
import { checkSnapshot, Snapshot } from './snapshot.ts';
import { type ReadRecord, TestClient } from './test-client.ts';
import { activeController, TestNode } from './test-node.ts';
import { durationMs, type TestTime, testTime } from './time.ts';
import { Deadlines } from './waits.ts';
import { ClusterWaits } from './cluster-waits.ts';
import { TestNetwork } from './test-network.ts';

const defaultTimeoutMs = 30_000;
const defaultHost = '127.0.0.1';
const closedText = 'The cluster was closed.';
/** The steps by which a manual clock is advanced while nodes start or stop, because their timers must fire. */
const startStepMs = 100;

/** A node of the cluster, with what stays when the node stops. */
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
  /** The network between the nodes, and the connections of clients. */
  readonly network: TestNetwork;
  /** Waits for a state of the cluster, to be used instead of sleeping. */
  readonly wait: ClusterWaits;
  private readonly options: StartKafkaOptions;
  private readonly time: TestTime;
  private readonly hub: PeerHub;
  private readonly logRing: LogRing;
  private readonly clients: ClientRequests;
  private readonly deadlines: Deadlines;
  private readonly seats: Seat[] = [];
  private initial: Snapshot | null = null;
  /** The kit's own client, and the ports of the nodes to which it was made. */
  private own: { readonly ports: string; readonly client: TestClient } | null = null;
  private closing: Promise<void> | null = null;
  /** Resolves when the snapshots, restores and resets so far have ended. */
  private changes: Promise<void> = Promise.resolve();

  /** @internal Use `startKafka`. */
  constructor(options: StartKafkaOptions, clusterId: string) {
    checkOptions(options);
    this.options = options;
    this.clusterId = clusterId;
    this.time = testTime(options.clock ?? 'real');
    this.hub = new PeerHub(this.time);
    this.logRing = new LogRing(options.log ?? 'warn');
    this.clients = new ClientRequests({
      time: this.time,
      log: this.logRing,
      nodeCount: options.nodes ?? 1,
      handlers: () => this.nodes.flatMap(({ handlers }) => handlers),
      nameOf: (topicId) => this.image?.topics.byId(topicId)?.name ?? null,
      onRequest: options.onRequest ?? null,
    });
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

  /** The newest requests of clients, decoded, with their responses. */
  get requests(): RequestLog {
    return this.clients.log;
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
    const { image } = this;
    if (image !== null && image.topics.byName(topic)?.partitions[partition] === undefined)
      throw new Error(`There is no partition ${topic}-${partition}.`);
    return this.node(await this.wait.leader(topic, partition));
  }

  /** Makes a node, which must be in sync, the leader of a partition. */
  async moveLeader(topic: string, partition: number, id: number): Promise<void> {
    const { state } = this.node(id);
    if (state !== 'running') throw new Error(`Node ${id} is ${state}: it can't lead ${topic}-${partition}.`);
    const move = this.client.moveLeader(topic, partition, id);
    await this.deadlines.within(`node ${id} leads ${topic}-${partition}`, undefined, move);
    await this.wait.leader(topic, partition, { is: id });
  }

  /** The node that is the active controller. Waits until there is one. */
  async controller(): Promise<TestNode> {
    return this.deadlines.until('a controller is active', undefined, () => activeController(this.nodes));
  }

  /** The node that coordinates a group, or the transactions of a transactional id. */
  async coordinator(kind: 'group' | 'transaction', key: string): Promise<TestNode> {
    if (kind !== 'group' && kind !== 'transaction')
      throw new TypeError(`The kind of a coordinator is 'group' or 'transaction', not '${String(kind)}'.`);
    const found = this.client.coordinator(key, kind);
    return this.node(await this.deadlines.within(`a coordinator of ${kind} ${key}`, undefined, found));
  }

  /** Injects a fault into requests of clients. Of several faults that match a request, the first is applied. */
  fault(options: FaultOptions): Fault {
    this.checkOpen();
    const within: Fault['within'] = (what, timeout, wait, seen) =>
      this.deadlines.within(what, timeout, wait, seen);
    return this.clients.faults.add(options, within);
  }

  /** Registers a function that handles the requests of an API before the node does. Returns a function that removes it. */
  on(api: string, control: ControlFunction): () => void {
    this.checkOpen();
    return this.clients.controls.add(api, control);
  }

  /** The cluster's clock. Only with `clock: 'manual'` can it be moved. */
  readonly clock = {
    /** Milliseconds since 1970, by the clock of the nodes. */
    now: (): number => this.time.wallMs(),
    /**
     * Advances the time, for example by `'7d'`. Timers run in the order in which they are due; resolves when the cluster is
     * idle.
     */
    advance: async (duration: number | string): Promise<void> => this.advance(durationMs(duration)),
    /** Advances the time to a date, or to milliseconds since 1970. */
    set: async (date: Date | number): Promise<void> => {
      const toMs = Number(date);
      if (Number.isNaN(toMs))
        throw new TypeError(`'${String(date)}' is neither a Date nor a number of milliseconds since 1970.`);
      const byMs = toMs - this.time.wallMs();
      if (byMs < 0) throw new RangeError('The clock of a cluster does not go back.');
      await this.advance(byMs);
    },
  };

  /**
   * Creates a topic from a number of partitions or a `TestTopic`. Resolves when all its replicas are in sync and its `records`
   * are written.
   */
  async createTopic(name: string, topic: number | TestTopic = 1): Promise<void> {
    checkTopic(name, topic);
    await this.deadlines.within(`topic ${name} is created`, undefined, this.client.createTopic(name, topic));
    await this.wait.inSync(name);
    const records = typeof topic === 'number' ? [] : (topic.records ?? []);
    if (records.length > 0) await this.produce(name, records);
  }

  /** Writes records; resolves when all in-sync replicas have them. */
  async produce(topic: string, records: readonly (TestRecord | string)[]): Promise<void> {
    checkRecords(records);
    // The client gives up before the deadline, because its error gives the reason.
    const written = this.client.produce(topic, records, this.deadlines.defaultMs * 0.9);
    await this.deadlines.within(`${records.length} records are written to ${topic}`, undefined, written);
  }

  /** Reads a topic: the records that it has now, or, with `count` or `until`, records until there are enough. */
  async read(topic: string, options: ReadOptions = {}): Promise<ReadRecord[]> {
    checkRead(options);
    const { count, until, from = 0, isolationLevel } = options;
    let newest: readonly ReadRecord[] = [];
    let trouble = '';
    let isOver = false;
    const reading = this.client.read({
      topic,
      from,
      isReadCommitted: isolationLevel !== 'read_uncommitted',
      isWaiting: count !== undefined || until !== undefined,
      enough: (records, isAtEnd) => {
        newest = records;
        if (until !== undefined) return until(records);
        return count === undefined ? isAtEnd : records.length >= count;
      },
      isOver: () => isOver,
      troubled: (error) => {
        trouble = `${error.message} `;
      },
    });
    const what = `enough records are in ${topic}`;
    const seen = (): string => `${trouble}Read so far: ${newest.length} records.`;
    const records = await this.deadlines.within(what, options.timeout, reading, seen).finally(() => {
      isOver = true;
    });
    return until === undefined && count !== undefined ? records.slice(0, count) : records;
  }

  /** Of each partition: `start`, the log start offset, and `end`, the high watermark. */
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

  /** Takes a snapshot: a copy of everything that the nodes have stored at this moment. */
  snapshot(): Promise<Snapshot> {
    return this.change(() => this.snapshotNow());
  }

  private async snapshotNow(): Promise<Snapshot> {
    this.checkOpen();
    await this.deadlines.within('the cluster is idle', undefined, this.time.whenIdle());
    const nodes = new Map<number, StoredNode>();
    for (const { node, storage } of this.seats) {
      const stored = storage.save();
      if (stored === null)
        throw new Error('A cluster in a directory cannot be saved as a snapshot; copy the directory.');
      nodes.set(node.id, stored);
    }
    return new Snapshot(this.clusterId, nodes, this.time.wallMs());
  }

  /**
   * Restores a snapshot: the nodes restart on the same ports with the data of the snapshot. Faults and control functions are
   * removed, and a manual clock gets the time of the snapshot.
   */
  restore(snapshot: Snapshot): Promise<void> {
    return this.change(() => this.restoreNow(snapshot));
  }

  private async restoreNow(snapshot: Snapshot): Promise<void> {
    this.checkOpen();
    checkSnapshot(snapshot, this.clusterId, this.seats.length);
    const storages = this.seats.map(({ storage }) => storage);
    if (!storages.every((storage) => storage instanceof MemoryStorage))
      throw new Error('Only a cluster in memory can restore a snapshot.');
    this.forgetFaults();
    await Promise.all(this.nodes.map((node) => node.kill()));
    for (const [at, storage] of storages.entries()) storage.restore(snapshot.nodes.get(at + 1) as StoredNode);
    this.time.turnTo(snapshot.wallMs);
    this.own?.client.close();
    this.own = null;
    await this.startNodes();
  }

  /**
   * Restores the state at which `startKafka` resolved: topics, records, groups. Faults, control functions and recorded requests
   * are removed.
   */
  async reset(): Promise<void> {
    const { initial } = this;
    if (initial === null) throw new Error('Only a cluster in memory can be reset.');
    await this.change(async () => {
      await this.restoreNow(initial);
      this.requests.clear();
    });
  }

  /** Stops all nodes and deletes what they stored, except a directory that the test gave. Waits that have not ended reject. */
  close(): Promise<void> {
    this.closing ??= this.end();
    return this.closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Starts a second cluster with the present state of this one. */
  async fork(): Promise<TestKafka> {
    const { port: _port, topics: _topics, ...options } = this.options;
    const snapshot = await this.snapshot();
    const copy = new TestKafka({ ...options, nodes: this.seats.length }, this.clusterId);
    await copy.open(snapshot);
    return copy;
  }

  /** Writes a snapshot to a file that `startKafka({ from: path })` reads. */
  async save(path: string): Promise<void> {
    await (await this.snapshot()).save(path);
  }

  /** @internal Starts the nodes with the data of the snapshot `from`. Null: with the data that their storage has, if any. */
  async open(from: Snapshot | null): Promise<void> {
    const { nodes = 1, host = defaultHost, port = 0 } = this.options;
    try {
      for (let id = 1; id <= nodes; id++) await this.seatNode(id, host, port === 0 ? 0 : port + id - 1, from);
      // A snapshot of a cluster whose manual clock was advanced is in the future: then the clock begins there. For an older
      // snapshot it begins at the present time, which clients use too.
      if (from !== null && (from.wallMs ?? 0) > this.time.wallMs()) this.time.turnTo(from.wallMs);
      await this.startNodes();
      // Topics that the snapshot or the directory already has stay as they are.
      for (const [name, topic] of Object.entries(this.options.topics ?? {}))
        if (this.image?.topics.byName(name) === undefined) await this.createTopic(name, topic);
      // Load the coordinators now. Otherwise the first request of the first group would get a retriable error, and clients
      // retry only after a long delay.
      if (from === null) await this.warmGroups();
      if (this.seats.every(({ storage }) => storage instanceof MemoryStorage))
        this.initial = await this.snapshot();
      this.requests.clear();
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  private async end(): Promise<void> {
    this.forgetFaults();
    this.own?.client.close();
    if (this.seats.some(({ storage }) => storage instanceof DirectoryStorage)) {
      for (const node of this.nodes) node.resume();
      // A node whose stop fails is killed below.
      await Promise.all(this.nodes.map((node) => node.stop().catch(() => {})));
    }
    this.deadlines.end(new Error(closedText));
    await Promise.all(this.nodes.map((node) => node.kill()));
    this.time.close();
  }

  /** Runs `work` after all earlier snapshots, restores and resets: each of them is about the state of all nodes. */
  private change<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.changes.then(work);
    this.changes = turn.then(
      () => {},
      () => {},
    );
    return turn;
  }

  private checkOpen(): void {
    if (this.closing !== null) throw new Error(closedText);
  }

  private async advance(byMs: number): Promise<void> {
    this.checkOpen();
    await this.deadlines.within(`the clock has moved by ${byMs} ms`, undefined, this.time.advance(byMs));
  }

  private async warmGroups(): Promise<void> {
    // This request creates the offsets topic. Its response is an error, because there is no coordinator yet.
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
    const interceptor = this.clients.interceptorOf(id, door);
    const within = (what: string, work: Promise<void>): Promise<void> => this.startedWithin(what, work);
    const checkOpen = (): void => this.checkOpen();
    const parts = { id, properties, door, storage, hub, time, log, interceptor };
    const node = new TestNode({ ...parts, within, checkOpen });
    this.seats.push({ node, door, storage });
  }

  /** Waits for a node that starts or stops. A manual clock is advanced in the meantime, because the node's timers must fire. */
  private async startedWithin(what: string, work: Promise<void>): Promise<void> {
    let isDone = false;
    const wait = this.deadlines.within(what, undefined, work).finally(() => {
      isDone = true;
    });
    const move = async (): Promise<void> => {
      while (this.time.isManual && !isDone) await this.time.advance(startStepMs);
    };
    await Promise.all([wait, move()]);
  }

  private async startNodes(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.start()));
    await this.deadlines.until('all brokers are in service', undefined, () => {
      const brokers = this.image?.cluster.brokers;
      const count = [...(brokers?.values() ?? [])].filter(({ fenced }) => !fenced).length;
      return count === this.seats.length ? true : undefined;
    });
  }

  private forgetFaults(): void {
    this.clients.clear();
    this.hub.heal();
    for (const { diskFaults } of this.nodes) diskFaults.mend();
  }

  private seat(id: number): Seat {
    checkNode(id, this.seats.length);
    return this.seats[id - 1] as Seat;
  }

  /**
   * The kit's own client. It connects only to running nodes, because a paused one would not respond; to all while none runs.
   */
  private get client(): TestClient {
    this.checkOpen();
    const running = this.seats.filter(({ node }) => node.state === 'running');
    const addresses = (running.length > 0 ? running : this.seats).map(({ door }) => door.address);
    const ports = addresses.map(({ port }) => port).join();
    if (this.own?.ports !== ports) {
      this.own?.client.close();
      const wallMs = (): number => this.time.wallMs();
      this.own = { ports, client: new TestClient(addresses, this.options.host ?? defaultHost, wallMs) };
    }
    return this.own.client;
  }

  /** The newest metadata image of a running node. */
  private get image(): MetadataImage | null {
    const images = this.nodes.flatMap(({ image }) => image ?? []);
    return images.sort((a, b) => b.offset - a.offset)[0] ?? null;
  }

  private situation(): string {
    const nodes = this.nodes.map(
      ({ id, state, failure }) => `${id} ${state}${failure === null ? '' : ` (${String(failure)})`}`,
    );
    const clock = `The clock is manual and stands at ${this.time.wallMs()}: timers of the cluster fire only in clock.advance.`;
    return `${nodes.join(', ')}${this.time.isManual ? `\n${clock}` : ''}`;
  }
}
