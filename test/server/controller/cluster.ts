/**
 * For tests: controllers and brokers on simulated machines, without Raft. The metadata log is one shared list, and the test
 * decides who is its leader. What the leader proposes is committed on all nodes after a delay; proposals of other nodes are
 * refused.
 */
import type { NodeId } from '../../../src/base/ids.ts';
import { nodeId } from '../../../src/base/ids.ts';
import type { Address } from '../../../src/base/network.ts';
import { NodeConfig } from '../../../src/config/node-config.ts';
import { MetadataLoader } from '../../../src/metadata/loader.ts';
import { record } from '../../../src/metadata/records.ts';
import type {
  CommittedEntry,
  LeaderView,
  MetadataLog,
  MetadataLogListener,
  QuorumStatus,
} from '../../../src/raft/api.ts';
import { NotLeaderError } from '../../../src/raft/api.ts';
import { controllerChannel } from '../../../src/server/calls/messages.ts';
import { identityOf } from '../identity.ts';
import { BrokerLifecycle } from '../../../src/server/controller/broker-lifecycle.ts';
import { brokerProbe } from '../../../src/server/controller/broker-probe.ts';
import { StreamControllerClient } from '../../../src/server/controller/controller-client.ts';
import { ControllerDriver } from '../../../src/server/controller/controller-driver.ts';
import { ControllerServer } from '../../../src/server/controller/controller-server.ts';
import { supportedFeatures } from '../../../src/metadata/feature-versions.ts';
import type { Incarnation, SimulatedHost } from '../../../src/simulation/host.ts';
import { SimulatedHost as Host } from '../../../src/simulation/host.ts';
import { inMacrotask } from '../../../src/simulation/macrotask.ts';
import { SimulatedNetwork } from '../../../src/simulation/network.ts';
import { World } from '../../../src/simulation/world.ts';
import { silentLogger } from '../../../src/telemetry/logger.ts';
import { unlimitedMutations } from '../../../src/controller/state.ts';

const commitDelayMs = 1;

class SharedLog {
  readonly entries: CommittedEntry[] = [];
  readonly replicas = new Map<NodeId, LogReplica>();
  leader: LeaderView = { id: null, epoch: 0 };
  proposals = 0;
  barriers = 0;
  /** When true, another voter has been elected but `leader` has not heard of it yet. */
  isSuperseded = false;

  elect(id: number): void {
    this.announce(id);
    this.replicas.get(nodeId(id))?.activate();
  }

  /** Elects this node, but no record of its epoch is committed yet. */
  announce(id: number): void {
    const before = this.leader;
    this.leader = { id: nodeId(id), epoch: before.epoch + 1 };
    if (before.id !== null) this.replicas.get(before.id)?.deactivate(before.epoch);
    for (const replica of this.replicas.values()) replica.leaderChanged();
  }
}

class LogReplica implements MetadataLog {
  readonly #shared: SharedLog;
  readonly #life: Incarnation;
  readonly #listeners: MetadataLogListener[] = [];
  readonly id: NodeId;
  #delivered = 0;
  #appended = 0;
  #rejects = new Set<(error: Error) => void>();

  constructor(shared: SharedLog, life: Incarnation, id: NodeId) {
    this.#shared = shared;
    this.#life = life;
    this.id = id;
    shared.replicas.set(id, this);
  }

  addListener(listener: MetadataLogListener): void {
    this.#listeners.push(listener);
  }

  async start(): Promise<void> {
    this.#deliver();
    this.leaderChanged();
  }

  leaderChanged(): void {
    this.#later(() => {
      for (const listener of this.#listeners) listener.onLeaderChange(this.#shared.leader);
    });
  }

  activate(): void {
    const { epoch } = this.#shared.leader;
    this.#later(() => {
      this.#deliver();
      this.#appended = this.#shared.entries.length;
      for (const listener of this.#listeners) listener.onActivated(epoch, this.#appended);
    });
  }

  deactivate(epoch: number): void {
    if (!this.#life.isAlive) return;
    for (const reject of this.#rejects) reject(new NotLeaderError('lost', null, epoch));
    this.#rejects.clear();
    this.#later(() => {
      for (const listener of this.#listeners) listener.onDeactivated(epoch);
    });
  }

  propose(payload: Uint8Array, epoch: number): Promise<number> {
    const { leader } = this.#shared;
    if (leader.id !== this.id || leader.epoch !== epoch) {
      return Promise.reject(new NotLeaderError('not the leader', leader.id, leader.epoch));
    }
    this.#shared.proposals++;
    const offset = this.#appended++;
    return new Promise((resolve, reject) => {
      this.#rejects.add(reject);
      this.#life.after(commitDelayMs, () => {
        if (!this.#rejects.delete(reject)) return;
        this.#shared.entries[offset] = { offset, epoch, payload, appendedMs: 0 };
        for (const replica of this.#shared.replicas.values()) replica.#later(() => replica.#deliver());
        this.#deliver();
        resolve(offset);
      });
    });
  }

  changeVoters(): Promise<number> {
    return Promise.reject(new NotLeaderError('the voters of this log are fixed', null, -1));
  }

  readBarrier(): Promise<number> {
    const { leader, isSuperseded } = this.#shared;
    this.#shared.barriers++;
    if (leader.id === this.id && !isSuperseded) return Promise.resolve(this.#shared.entries.length);
    return Promise.reject(new NotLeaderError('not the leader', leader.id, leader.epoch));
  }

  async saveSnapshot(): Promise<void> {}

  status(): QuorumStatus {
    return { logEndOffset: this.#appended, voters: [], observers: [] } as unknown as QuorumStatus;
  }

  leader(): LeaderView {
    return this.#shared.leader;
  }

  addressOf(id: NodeId): Address | null {
    return { host: `n${id}`, port: 9093 };
  }

  async shutdown(): Promise<void> {}

  #deliver(): void {
    const fresh = this.#shared.entries.slice(this.#delivered);
    this.#delivered += fresh.length;
    if (fresh.length > 0) for (const listener of this.#listeners) listener.onCommit(fresh);
  }

  #later(run: () => void): void {
    this.#life.after(0.5, run);
  }
}

export interface TestNode {
  readonly id: NodeId;
  readonly host: SimulatedHost;
  readonly life: Incarnation;
  readonly log: LogReplica;
  readonly loader: MetadataLoader;
  readonly driver: ControllerDriver;
  readonly client: StreamControllerClient;
  readonly lifecycle: BrokerLifecycle;
}

function configOf(id: number): NodeConfig {
  return new NodeConfig(
    new Map([
      ['process.roles', 'broker,controller'],
      ['node.id', String(id)],
      ['controller.quorum.voters', '1@n1:9093,2@n2:9093,3@n3:9093'],
      ['listeners', `PLAINTEXT://n${id}:9092,CONTROLLER://n${id}:9093`],
      ['controller.listener.names', 'CONTROLLER'],
    ]),
  );
}

interface LifecycleParts {
  readonly id: number;
  readonly host: SimulatedHost;
  readonly client: StreamControllerClient;
  readonly loader: MetadataLoader;
  readonly previousBrokerEpoch: number;
  readonly clock: Incarnation;
  readonly scheduler: Incarnation;
  readonly random: Incarnation['random'];
  readonly logger: typeof silentLogger;
}

function lifecycleOf({ id, host, loader, ...parts }: LifecycleParts): BrokerLifecycle {
  return new BrokerLifecycle({
    ...parts,
    nodeId: nodeId(id),
    clusterId: 'cluster',
    image: () => loader.image,
    endpoints: [{ name: 'PLAINTEXT', host: host.name, port: 9092, securityProtocol: 0 }],
    rack: null,
    features: supportedFeatures,
    logDirs: [`DDDDDDDDDDDDDDDDDDDD${id}A`],
    offlineLogDirs: () => [],
    lostReplicas: [],
    cordonedLogDirs: () => [],
    directoryFailureTimeoutMs: 30_000,
    onDirectoryFailureUnreported: () => undefined,
    heartbeatIntervalMs: 2000,
    registrationTimeoutMs: 60_000,
  });
}

export class TestCluster {
  readonly world: World;
  readonly network: SimulatedNetwork;
  readonly shared = new SharedLog();
  readonly nodes = new Map<number, TestNode>();
  /** The lines that the controllers have logged at level INFO. */
  readonly infos: string[] = [];
  readonly #hosts = new Map<number, SimulatedHost>();

  constructor(seed: number) {
    this.world = new World(seed);
    this.network = new SimulatedNetwork(this.world);
  }

  boot(id: number, previousBrokerEpoch = -1): TestNode {
    let host = this.#hosts.get(id);
    if (host === undefined) this.#hosts.set(id, (host = new Host(this.world, `n${id}`)));
    const life = host.boot();
    const { network, peers } = this.network.join(host, life);
    void network.listen({ host: host.name, port: 9093 }, () => {});
    void network.listen({ host: host.name, port: 9092 }, () => {});
    const config = configOf(id);
    const identity = identityOf(id, { bootId: life.random.u32() });
    const log = new LogReplica(this.shared, life, nodeId(id));
    const loader = new MetadataLoader(life, life);
    log.addListener(loader);
    const common = { clock: life, scheduler: life, random: life.random, logger: silentLogger };
    const driver = new ControllerDriver({
      ...common,
      logger: { ...silentLogger, info: (message) => void this.infos.push(message) },
      log,
      loader,
      config,
      clusterId: 'cluster',
      bootstrap: [
        record('FeatureLevelRecord', { name: 'metadata.version', featureLevel: 30 }),
        record('FeatureLevelRecord', { name: 'eligible.leader.replicas.version', featureLevel: 1 }),
      ],
      probe: brokerProbe({ network, image: () => loader.image, listenerName: 'PLAINTEXT' }),
      mutationsOf: () => unlimitedMutations,
    });
    log.addListener(driver);
    const server = new ControllerServer({
      identity,
      driver,
      leader: () => log.leader(),
      logger: silentLogger,
    });
    peers.accept(controllerChannel, (stream) => server.accept(stream));
    const client = new StreamControllerClient({
      ...common,
      identity,
      log,
      bootstrap: [1, 2, 3].map((n) => ({ host: `n${n}`, port: 9093 })),
      local: driver,
      peers,
    });
    loader.addPublisher(client);
    const lifecycle = lifecycleOf({ ...common, id, host, client, loader, previousBrokerEpoch });
    loader.addPublisher(lifecycle);
    void log.start();
    const node = { id: nodeId(id), host, life, log, loader, driver, client, lifecycle };
    this.nodes.set(id, node);
    return node;
  }

  start(node: TestNode): void {
    void node.lifecycle.start();
    node.lifecycle.ready();
  }

  kill(id: number): void {
    const node = this.nodes.get(id) as TestNode;
    node.host.crash();
    this.network.crashed(node.life, true);
    this.shared.replicas.delete(node.id);
    this.nodes.delete(id);
  }

  node(id: number): TestNode {
    return this.nodes.get(id) as TestNode;
  }

  /** Runs the simulation until `done` is true and returns how long that took. Throws after `forMs`. */
  until(done: () => boolean, forMs = 20_000): number {
    const startMs = this.world.nowMs;
    if (!this.world.run(startMs + forMs, done))
      throw new Error(`not reached within ${forMs} ms of virtual time`);
    return this.world.nowMs - startMs;
  }

  for(ms: number): void {
    this.world.run(this.world.nowMs + ms);
  }

  /** Runs the simulation until the promise has settled, and returns its result. */
  result<T>(promise: Promise<T>, forMs = 20_000): T {
    let settled: { value?: T; error?: unknown } | null = null;
    promise.then(
      (value) => {
        settled = { value };
      },
      (error: unknown) => {
        settled = { error };
      },
    );
    this.until(() => settled !== null, forMs);
    const outcome = settled as unknown as { value?: T; error?: unknown };
    if ('error' in outcome) throw outcome.error;
    return outcome.value as T;
  }

  isFenced(id: number, seenBy: number): boolean | undefined {
    return this.node(seenBy).loader.image.cluster.brokers.get(nodeId(id))?.fenced;
  }
}

/** A cluster of three running nodes, of which node 1 is the active controller. */
export function threeNodes(seed: number): TestCluster {
  const cluster = new TestCluster(seed);
  for (const id of [1, 2, 3]) cluster.boot(id);
  cluster.shared.elect(1);
  for (const id of [1, 2, 3]) cluster.start(cluster.node(id));
  cluster.until(() => [1, 2, 3].every((id) => cluster.node(id).lifecycle.state === 'RUNNING'));
  return cluster;
}

/** Wraps the body of a test so that it runs outside of microtasks, as the simulation demands. */
export function simulated(body: (seed: number) => void): () => Promise<void> {
  const seed = Number(process.env['SEED'] ?? 1);
  return () =>
    inMacrotask(() => {
      try {
        body(seed);
      } catch (error) {
        throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : String(error)}`, {
          cause: error,
        });
      }
    });
}
