import { Fetcher } from '../../src/client/fetcher.ts';
import type { KafkaClient } from '../../src/client/kafka-client.ts';
import { Producer } from '../../src/client/producer.ts';
import { CreateTopicsRequest, CreateTopicsResponse } from '../../src/protocol/messages/19-create-topics.ts';
import { SimulatedCluster, type SimulatedNode } from '../../src/testing/simulated-cluster.ts';
import { ClusterChecker } from './checker.ts';

/**
 * Three nodes and a producing client under crashes, restarts and partitions; then everything is healed, and what was
 * acknowledged at acks=all has to be there: on the leaders of the moment, and on those that follow when these are killed.
 */

const topic = 'ledger';
const partitionCount = 2;
/** Between two records of a partition: enough of them for every fault to fall on some, few enough to be quick. */
const thinkMs = 15;

export interface ScenarioResult {
  readonly acknowledged: number;
  readonly events: number;
  readonly traceHash: number;
}

interface Acknowledged {
  readonly partition: number;
  readonly offset: number;
  readonly value: string;
}

export interface ScenarioOptions {
  readonly seed: number;
  /** Virtual time with faults. */
  readonly faultsMs: number;
  readonly onLog?: (line: string) => void;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

class Scenario {
  readonly cluster: SimulatedCluster;
  readonly acknowledged: Acknowledged[] = [];
  private readonly client: KafkaClient;
  private isProducing = true;
  /** A power cut is not made good yet. */
  private isRecovering = false;

  constructor(options: ScenarioOptions) {
    const log = options.onLog === undefined ? {} : { onLog: options.onLog };
    this.cluster = new SimulatedCluster({ seed: options.seed, nodeCount: 3, ...log });
    new ClusterChecker(this.cluster);
    this.client = this.cluster.client();
  }

  begin(): void {
    for (const node of this.cluster.nodes) this.cluster.boot(node);
    this.await('all nodes up', 20_000, () => this.cluster.nodes.every(({ isUp }) => isUp));
    let isCreated = false;
    void this.createTopic().then(() => {
      isCreated = true;
    });
    this.await('the topic', 20_000, () => isCreated && this.isWhole());
  }

  /** Produces one record after the other, for as long as it is let. */
  produce(): void {
    const producer = new Producer(this.client, this.cluster.clientRandom, {
      lingerMs: 0,
      requestTimeoutMs: 2000,
      deliveryTimeoutMs: 60_000,
    });
    for (let partition = 0; partition < partitionCount; partition++) void this.produceTo(producer, partition);
  }

  stopProducing(): void {
    this.isProducing = false;
  }

  faults(forMs: number): void {
    const { cluster } = this;
    const chance = cluster.world.random.fork('faults');
    const endMs = cluster.world.nowMs + forMs;
    while (cluster.world.nowMs < endMs) {
      cluster.run(chance.between(50, 1500));
      this.assertNoFatal();
      const node = cluster.nodes[chance.u32() % cluster.nodes.length] as SimulatedNode;
      const dice = chance.fraction();
      if (node.life === null) cluster.boot(node);
      else if (dice < 0.12 && this.mayLosePower()) {
        cluster.crash(node, 'power');
        this.isRecovering = true;
      } else if (dice < 0.45) {
        if (this.mayCrash()) cluster.crash(node, 'kill');
      } else if (dice < 0.6) this.pause(node, chance.between(20, 600));
      else if (dice < 0.75) this.cut(node, chance.chance(0.5));
      else if (dice < 0.85) cluster.network.partitions.heal();
      else cluster.network.resetSome();
    }
  }

  heal(): void {
    this.cluster.network.partitions.heal();
    for (const node of this.cluster.nodes) {
      node.host.resume();
      if (node.life === null) this.cluster.boot(node);
    }
    this.await('all in sync', 120_000, () => this.isWhole());
  }

  /** Reads all partitions on their present leaders and looks for what was acknowledged. */
  verify(): void {
    const wanted = new Map(
      this.acknowledged.map(({ partition, offset, value }) => [`${partition}/${offset}`, value]),
    );
    const fetcher = new Fetcher(this.client, { reset: 'earliest' });
    for (let partition = 0; partition < partitionCount; partition++) fetcher.assign(topic, partition, 0);
    let isDone = false;
    const missing = new Set(wanted.keys());
    const read = async (): Promise<void> => {
      while (missing.size > 0) {
        for (const { partition, offset, value } of await fetcher.poll(500, 10_000)) {
          const key = `${partition}/${offset}`;
          const text = decoder.decode(value ?? new Uint8Array(0));
          if (wanted.has(key) && wanted.get(key) !== text) {
            throw new Error(`${key} was acknowledged as '${wanted.get(key)}' and reads '${text}'`);
          }
          missing.delete(key);
        }
      }
      isDone = true;
    };
    let failure: unknown = null;
    read().catch((error: unknown) => {
      failure = error;
    });
    this.cluster.run(60_000, () => isDone || failure !== null);
    this.assertNoFatal();
    if (failure !== null) throw failure;
    if (!isDone)
      throw new Error(
        `acknowledged records are missing: ${[...missing].slice(0, 5).join(' ')} (${missing.size} of ${wanted.size})`,
      );
  }

  /** Kills the leader of partition 0, so that another one has to answer for what was acknowledged. */
  dethrone(): void {
    const leader = this.leaderOf(0);
    const node = this.cluster.nodes.find(({ id }) => id === leader);
    if (node === undefined) throw new Error('partition 0 has no leader');
    this.cluster.crash(node, 'kill');
    this.await('another leader', 30_000, () => this.leaderOf(0) !== leader && this.leaderOf(0) >= 0);
  }

  private async produceTo(producer: Producer, partition: number): Promise<void> {
    for (let count = 0; this.isProducing; count++) {
      const value = `${partition}:${count}`;
      try {
        const { offset } = await producer.send({ topic, partition, value: encoder.encode(value) });
        this.acknowledged.push({ partition, offset, value });
      } catch {
        // Too late or refused: not acknowledged, so nothing is promised.
      }
      await this.cluster.clientSleep(thinkMs);
    }
  }

  private async createTopic(): Promise<void> {
    for (;;) {
      try {
        const answer = await this.client.request(CreateTopicsRequest, CreateTopicsResponse, {
          topics: [
            {
              name: topic,
              numPartitions: partitionCount,
              replicationFactor: 3,
              assignments: [],
              configs: [],
            },
          ],
          timeoutMs: 5000,
        });
        const code = answer.topics[0]?.errorCode;
        if (code === 0 || code === 36) return;
      } catch {
        // No controller yet.
      }
    }
  }

  /**
   * A record is acknowledged when the replicas in sync have written it, not when they have synced it (as Kafka): it survives
   * one power cut, as long as no other replica restarts before all are in sync again. For the controller a killed process
   * that comes back may have lost just as much.
   */
  private mayCrash(): boolean {
    if (this.isRecovering && this.mayLosePower()) this.isRecovering = false;
    return !this.isRecovering;
  }

  private mayLosePower(): boolean {
    return this.cluster.nodes.every(({ isUp }) => isUp) && this.isWhole();
  }

  private pause(node: SimulatedNode, forMs: number): void {
    this.cluster.note(`${node.host.name} stands still for ${Math.round(forMs)} ms`);
    node.host.pause();
    this.cluster.world.schedule(forMs, null, () => node.host.resume());
  }

  private cut(node: SimulatedNode, isOneWay: boolean): void {
    for (const other of this.cluster.nodes) {
      if (other === node) continue;
      this.cluster.note(`cut ${node.host.name} > ${other.host.name}${isOneWay ? '' : ' both ways'}`);
      this.cluster.network.partitions.cut(node.host.name, other.host.name);
      if (!isOneWay) this.cluster.network.partitions.cut(other.host.name, node.host.name);
    }
  }

  private isWhole(): boolean {
    const images = this.cluster.images();
    const [first] = images;
    if (images.length < 3 || first === undefined) return false;
    return images.every(({ offset, topics }) => {
      const found = topics.byName(topic);
      return (
        offset === first.offset &&
        found?.partitions.every(({ isr, leader }) => isr.length === 3 && leader >= 0) === true
      );
    });
  }

  private leaderOf(index: number): number {
    const newest = this.cluster.images().sort((a, b) => b.offset - a.offset)[0];
    return newest?.topics.byName(topic)?.partitions[index]?.leader ?? -1;
  }

  private await(what: string, timeoutMs: number, done: () => boolean): void {
    const isDone = this.cluster.run(timeoutMs, done);
    this.assertNoFatal();
    if (!isDone || !done()) throw new Error(`waited ${timeoutMs} ms of virtual time in vain for ${what}`);
  }

  private assertNoFatal(): void {
    const [error] = this.cluster.fatal;
    if (error !== undefined) throw error;
  }
}

/** Runs one seed; throws at the first violation. Call it in a macrotask. */
export function runScenario(options: ScenarioOptions): ScenarioResult {
  const scenario = new Scenario(options);
  scenario.begin();
  scenario.produce();
  scenario.faults(options.faultsMs);
  scenario.heal();
  scenario.stopProducing();
  scenario.cluster.run(5_000);
  scenario.verify();
  scenario.dethrone();
  scenario.verify();
  const { world } = scenario.cluster;
  return { acknowledged: scenario.acknowledged.length, events: world.eventCount, traceHash: world.traceHash };
}
