/**
 * For model tests of replication: simulated brokers which consist of a replica manager only, with a minimal controller. The
 * controller elects leaders from the ISR, fences brokers, and accepts or refuses AlterPartition requests as Kafka's does.
 */
import type { PeerNetwork } from '../../src/base/network.ts';
import { brokerEpoch, nodeId } from '../../src/base/ids.ts';
import { resolveTopicConfig, type TopicConfig } from './config.ts';
import type { ControllerClient } from '../../src/metadata/controller-port.ts';
import { MetadataDelta } from '../../src/metadata/delta.ts';
import { emptyImage, type MetadataImage } from '../../src/metadata/image.ts';
import { type MetadataRecord, record } from '../../src/metadata/records.ts';
import type { PartitionImage } from '../../src/metadata/topics-image.ts';
import { create } from '../../src/protocol/codec/codec.ts';
import { Errors } from '../../src/protocol/errors.ts';
import {
  AlterPartitionRequest,
  AlterPartitionResponse,
} from '../../src/protocol/messages/brokers/56-alter-partition.ts';
import { buildBatch } from '../../src/protocol/records/builder.ts';
import { LogManager } from '../../src/log/manager/log-manager.ts';
import { defaultLogManagerSettings } from '../../src/log/manager/log-settings.ts';
import type { LogStore } from '../../src/replication/log-port.ts';
import type { Partition } from '../../src/replication/partition.ts';
import { ReplicaManager } from '../../src/replication/manager/replica-manager.ts';
import { SimulatedDisk } from '../../src/simulation/disk.ts';
import { type Incarnation, SimulatedHost } from '../../src/simulation/host.ts';
import { SimulatedNetwork } from '../../src/simulation/network.ts';
import { World } from '../../src/simulation/world.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import { identityOf } from '../server/identity.ts';
import { MemoryDisk, MemoryLogs } from './memory-log.ts';

export const topicId = 'AAAAAAAAAAAAAAAAAAAAew';
export const lagTimeMaxMs = 2000;
const port = 9092;

export interface Broker {
  readonly id: number;
  readonly host: SimulatedHost;
  readonly disk: MemoryDisk;
  /** The broker's disk when the cluster has real logs. */
  readonly files: SimulatedDisk;
  life: Incarnation | null;
  manager: ReplicaManager | null;
  logs: MemoryLogs | null;
  epoch: number;
}

export interface ClusterOptions {
  readonly seed: number;
  readonly brokers?: number;
  readonly partitions?: number;
  readonly minInsyncReplicas?: number;
  /** When true, replicas are real logs (src/log) on a simulated disk instead of lists in memory. */
  readonly hasRealLogs?: boolean;
  /** Mean delay until a broker sees a change of the metadata. */
  readonly metadataDelayMs?: number;
}

export class Cluster {
  readonly world: World;
  readonly network: SimulatedNetwork;
  readonly brokers: Broker[] = [];
  /** Configuration of every topic. Brokers take over a new one with their next configuration change. */
  config: TopicConfig;
  /** `leader.replication.throttled.rate` and `follower.replication.throttled.rate` of every broker, in bytes per second. */
  rates = { leader: Number.MAX_SAFE_INTEGER, follower: Number.MAX_SAFE_INTEGER };
  image: MetadataImage = emptyImage();
  /** While true, requests to the controller are lost. */
  controllerIsDown = false;
  alterPartitions = 0;
  readonly #options: ClusterOptions;
  #nextEpoch = 100;

  constructor(options: ClusterOptions) {
    this.#options = options;
    this.world = new World(options.seed);
    this.network = new SimulatedNetwork(this.world);
    this.config = resolveTopicConfig(options.minInsyncReplicas ?? 2);
    const ids = Array.from({ length: options.brokers ?? 3 }, (_, i) => i + 1);
    for (const id of ids) {
      const host = new SimulatedHost(this.world, `b${id}`);
      host.onCrash((life) => this.network.crashed(life, true));
      this.brokers.push({
        id,
        host,
        disk: new MemoryDisk(),
        files: new SimulatedDisk(),
        life: null,
        manager: null,
        logs: null,
        epoch: -1,
      });
    }
    for (const broker of this.brokers) this.start(broker.id);
    if (!this.world.run(10_000, () => this.brokers.every((broker) => broker.manager !== null)))
      throw new Error('the brokers did not start');
    const partitions = Array.from({ length: options.partitions ?? 1 }, (_, index) => index);
    this.commit([
      record('TopicRecord', { name: 't', topicId }),
      ...partitions.map((partitionId) => {
        const replicas = ids.map((_, i) => ids[(i + partitionId) % ids.length] as number);
        return record('PartitionRecord', {
          topicId,
          partitionId,
          replicas,
          isr: replicas,
          removingReplicas: [],
          addingReplicas: [],
          leader: replicas[0] as number,
          leaderEpoch: 0,
          partitionEpoch: 0,
          // Every broker has one log directory here, and all have the same id.
          directories: replicas.map(() => topicId),
        });
      }),
    ]);
  }

  broker(id: number): Broker {
    return this.brokers[id - 1] as Broker;
  }

  replica(id: number, index = 0): Partition | null {
    return this.broker(id).manager?.partition(topicId, index) ?? null;
  }

  metadata(index = 0): PartitionImage {
    const found = this.image.topics.partition(topicId, index);
    if (found === undefined) throw new Error('no such partition');
    return found;
  }

  /** The partition on the broker which is leader by the metadata; null until that broker has taken over the leadership. */
  leader(index = 0): Partition | null {
    const { leader } = this.metadata(index);
    const partition = leader < 0 ? null : this.replica(leader, index);
    return partition?.isLeader === true ? partition : null;
  }

  runFor(ms: number): void {
    this.world.run(this.world.nowMs + ms);
  }

  runUntil(done: () => boolean, limitMs = 60_000): void {
    if (!this.world.run(this.world.nowMs + limitMs, done))
      throw new Error(`nothing happened (seed ${this.world.seed})`);
  }

  start(id: number): void {
    const broker = this.broker(id);
    const life = broker.host.boot();
    broker.life = life;
    const { network, peers } = this.network.join(broker.host, life);
    void network.listen({ host: broker.host.name, port }, () => undefined);
    if (this.#options.hasRealLogs === true) this.#openLogs(broker, life, peers);
    else {
      const random = this.world.random.fork(`disk${id}`);
      broker.logs = new MemoryLogs(broker.disk, life, () => 0.1 + random.exponential(0.5));
      this.#run(broker, life, peers, broker.logs);
    }
  }

  #openLogs(broker: Broker, life: Incarnation, peers: PeerNetwork): void {
    const logs = new LogManager({
      fs: broker.files,
      clock: life,
      scheduler: life,
      random: life.random,
      logger: silentLogger,
      directories: [{ path: '/data', id: topicId }],
      settings: { ...defaultLogManagerSettings, locksDirectories: false },
      configOf: () => this.config,
      onDirectoryFailure: (_directory, error) => {
        throw error;
      },
    });
    void broker.files
      .makeDirectory('/data')
      .then(() => logs.start())
      .then(() => {
        if (life.isAlive) this.#run(broker, life, peers, logs);
      });
  }

  #run(broker: Broker, life: Incarnation, peers: PeerNetwork, logs: LogStore): void {
    const { id } = broker;
    broker.epoch = this.#nextEpoch++;
    broker.manager = new ReplicaManager({
      identity: identityOf(id),
      localBrokerEpoch: () => broker.epoch,
      clock: life,
      scheduler: life,
      random: life.random,
      logger: silentLogger,
      peers,
      logs,
      controller: this.#controllerFor(broker, life),
      interBrokerListenerName: 'PLAINTEXT',
      lagTimeMaxMs,
      leaderRate: () => this.rates.leader,
      followerRate: () => this.rates.follower,
      topicConfig: () => this.config,
    });
    broker.manager.start();
    // The broker registers. It gets the present metadata as a snapshot, and each change after that.
    this.commit([
      record('RegisterBrokerRecord', {
        brokerId: id,
        incarnationId: `AAAAAAAAAAAAAAAAAAA${String(broker.epoch).padStart(2, 'A').slice(-2)}w`.slice(0, 22),
        brokerEpoch: broker.epoch,
        endPoints: [{ name: 'PLAINTEXT', host: broker.host.name, port, securityProtocol: 0 }],
        features: [],
        rack: null,
        fenced: false,
        logDirs: [],
      }),
    ]);
    for (let index = 0; index < this.#partitionCount(); index++) this.#elect(index);
  }

  /** Kills the broker process. The controller fences the broker after `fenceAfterMs`. */
  crash(id: number, fenceAfterMs = 0): void {
    const broker = this.broker(id);
    if (broker.life === null) return;
    const { epoch } = broker;
    broker.host.crash();
    broker.life = null;
    broker.manager = null;
    broker.logs = null;
    this.world.schedule(fenceAfterMs, null, () => {
      if (broker.epoch === epoch) this.fence(id);
    });
  }

  fence(id: number): void {
    this.commit([record('FenceBrokerRecord', { id, epoch: this.broker(id).epoch })]);
    for (let index = 0; index < this.#partitionCount(); index++) {
      const { isr } = this.metadata(index);
      const rest = isr.filter((member) => member !== id);
      if (rest.length < isr.length && rest.length > 0) this.#change(index, { isr: rest });
      this.#elect(index);
    }
  }

  unfence(id: number): void {
    this.commit([record('UnfenceBrokerRecord', { id, epoch: this.broker(id).epoch })]);
    for (let index = 0; index < this.#partitionCount(); index++) this.#elect(index);
  }

  /**
   * Makes another replica leader while the old leader is still alive, as a controlled shutdown or a preferred election does.
   */
  moveLeader(to: number, index = 0): void {
    const { isr, leader } = this.metadata(index);
    if (leader !== to && isr.includes(nodeId(to)) && this.#isActive(to)) this.#change(index, { leader: to });
  }

  #partitionCount(): number {
    return this.image.topics.byId(topicId)?.partitions.length ?? 0;
  }

  #isActive(id: number): boolean {
    const broker = this.image.cluster.brokers.get(nodeId(id));
    return broker !== undefined && !broker.fenced;
  }

  #elect(index: number): void {
    const { leader, isr, replicas } = this.metadata(index);
    if (leader >= 0 && this.#isActive(leader) && isr.some((id) => id === leader)) return;
    const next = replicas.find((id) => isr.includes(id) && this.#isActive(id)) ?? -1;
    if (next !== leader) this.#change(index, { leader: next });
  }

  #change(index: number, change: { leader?: number; isr?: number[] }): void {
    this.commit([record('PartitionChangeRecord', { topicId, partitionId: index, ...change })]);
  }

  commit(records: readonly MetadataRecord[]): void {
    const before = this.image;
    const delta = new MetadataDelta(before);
    delta.replayAll(records);
    this.image = delta.apply(before.offset + 1, 1);
    for (const broker of this.brokers) this.#publish(broker);
  }

  readonly #published = new Map<ReplicaManager, MetadataImage>();

  /**
   * Sends the new metadata image to a broker. Each broker has its own delay, and may see several changes as one; images always
   * arrive in order.
   */
  #publish(broker: Broker): void {
    const { manager, life } = broker;
    if (manager === null || life === null) return;
    const delayMs = this.world.random.exponential(this.#options.metadataDelayMs ?? 2);
    const target = this.image;
    life.after(delayMs, () => {
      const seen = this.#published.get(manager) ?? emptyImage();
      if (seen.offset >= target.offset) return;
      this.#published.set(manager, target);
      manager.onMetadataUpdate(MetadataDelta.between(seen, target), target);
    });
  }

  #controllerFor(broker: Broker, life: Incarnation): ControllerClient {
    const { epoch } = broker;
    const later = <T>(work: () => T): Promise<T> =>
      new Promise((resolve, reject) => {
        const answer = (): void => {
          if (this.controllerIsDown) return reject(new Error('no controller'));
          const result = work();
          // The controller's answer is delayed as well.
          life.after(this.world.random.exponential(5), () => resolve(result));
        };
        life.after(this.world.random.exponential(5), answer);
      });
    return {
      send: () => Promise.reject(new Error('not used')),
      request: ((_q: unknown, _s: unknown, _version: number, init: AlterPartitionRequest) =>
        later(() =>
          this.#alterPartition(create(AlterPartitionRequest, init), epoch),
        )) as ControllerClient['request'],
    };
  }

  #alterPartition(request: AlterPartitionRequest, epoch: number): AlterPartitionResponse {
    this.alterPartitions++;
    const current = this.broker(request.brokerId).epoch;
    if (epoch !== current)
      return create(AlterPartitionResponse, { errorCode: Errors.STALE_BROKER_EPOCH.code, topics: [] });
    const topics = request.topics.map((topic) => ({
      topicId: topic.topicId,
      partitions: topic.partitions.map((wanted) => {
        const index = wanted.partitionIndex;
        const errorCode = this.#judge(request.brokerId, index, wanted);
        if (errorCode === 0)
          this.#change(index, { isr: wanted.newIsrWithEpochs.map((member) => member.brokerId) });
        const now = this.metadata(index);
        return {
          partitionIndex: index,
          errorCode,
          leaderId: now.leader,
          leaderEpoch: now.leaderEpoch,
          isr: [...now.isr],
          partitionEpoch: now.partitionEpoch,
        };
      }),
    }));
    return create(AlterPartitionResponse, { errorCode: 0, topics });
  }

  #judge(
    from: number,
    index: number,
    wanted: AlterPartitionRequest['topics'][number]['partitions'][number],
  ): number {
    const now = this.metadata(index);
    if (now.leader !== from || wanted.leaderEpoch < now.leaderEpoch) return Errors.FENCED_LEADER_EPOCH.code;
    if (wanted.partitionEpoch !== now.partitionEpoch) return Errors.INVALID_UPDATE_VERSION.code;
    for (const member of wanted.newIsrWithEpochs) {
      const broker = this.image.cluster.brokers.get(nodeId(member.brokerId));
      const isCurrent = member.brokerEpoch === -1 || broker?.epoch === brokerEpoch(member.brokerEpoch);
      if (broker === undefined || broker.fenced || !isCurrent) return Errors.INELIGIBLE_REPLICA.code;
    }
    return 0;
  }
}

let nextBatch = 1;

/** A batch whose timestamp (`id`) differs from that of every other batch. */
export function uniqueBatch(records = 1, paddingBytes = 0): { id: number; bytes: Uint8Array } {
  const id = nextBatch++;
  const rows = Array.from({ length: records }, () => ({
    value: Buffer.from(`v${id}${'_'.repeat(paddingBytes)}`),
    timestamp: id,
  }));
  return { id, bytes: buildBatch({ records: rows }) };
}
