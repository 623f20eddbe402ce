/**
 * The clients of a simulated cluster. They send real Kafka requests: idempotent producers with acks=all, consumers that read
 * from the start, transactional producers, groups, commits of single offsets, writers and readers of a compacted topic,
 * deletions of records, searches for offsets, and operations on topics and configurations.
 */
import { Fetcher } from '../../client/fetcher.ts';
import type { KafkaClient } from '../../client/kafka-client.ts';
import { Producer } from '../../client/producer.ts';
import { KafkaError } from '../../protocol/errors.ts';
import type { SeededRandom } from '../../simulation/random.ts';
import type { SimulatedCluster } from '../simulated-cluster.ts';
import { CommitRegister } from './commit-register.ts';
import { GroupWorkload, memberMachines } from './group-workload.ts';
import { Ledger } from './ledger.ts';
import type { MetadataOperations } from './metadata-operations.ts';
import { OffsetProber, type ProbedPartition } from './offset-prober.ts';
import { timestampOf } from './offset-rules.ts';
import type { Plan, TopicPlan } from './swarm.ts';
import { tablePartitions, TableWorkload } from './table-workload.ts';
import { TxnWorkload, txnPartitions, txnTopic } from './txn-workload.ts';
import type { Verdict } from './verdict.ts';
import { WindowWorkload } from './window-workload.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export class Workload {
  readonly ledger: Ledger;
  readonly prober: OffsetProber;
  private readonly groups: GroupWorkload;
  private readonly transactions: TxnWorkload;
  private readonly table: TableWorkload;
  private readonly window: WindowWorkload;
  private readonly cluster: SimulatedCluster;
  private readonly plan: Plan;
  private readonly verdict: Verdict;
  private readonly operations: MetadataOperations;
  private isProducing = true;
  private isReading = true;
  private runningCount = 0;

  constructor(
    cluster: SimulatedCluster,
    plan: Plan,
    operations: MetadataOperations,
    verdict: Verdict,
    onRebalance: (machine: string) => void,
    newestLeaderEpoch: (partition: string) => number,
  ) {
    this.cluster = cluster;
    this.plan = plan;
    this.operations = operations;
    this.verdict = verdict;
    this.ledger = new Ledger(verdict);
    this.groups = new GroupWorkload({
      cluster,
      verdict,
      plan,
      ledger: this.ledger,
      isReading: () => this.isReading,
      isRestless: () => this.isProducing,
      onRebalance,
    });
    this.transactions = new TxnWorkload({
      cluster,
      verdict,
      thinkMs: plan.thinkMs,
      isProducing: () => this.isProducing,
      isReading: () => this.isReading,
    });
    this.prober = new OffsetProber({
      ledger: this.ledger,
      verdict,
      partitions: probedPartitions(plan),
      newestLeaderEpoch,
    });
    this.window = new WindowWorkload({
      cluster,
      ledger: this.ledger,
      verdict,
      pause: (times) => this.pause(times),
      isProducing: () => this.isProducing,
      isReading: () => this.isReading,
    });
    this.table = new TableWorkload({
      verdict,
      pause: () => this.pause(1),
      isProducing: () => this.isProducing,
      isReading: () => this.isReading,
    });
  }

  /** True when all clients have ended. */
  get isIdle(): boolean {
    return this.runningCount === 0;
  }

  start(): void {
    const register = new CommitRegister(this.verdict);
    this.plan.topics.forEach((topic, position) => this.startTopic(topic, position));
    memberMachines.forEach((name, position) => {
      const isVisitor = name === 'visitor';
      this.actor(
        name,
        position,
        (client, random) =>
          isVisitor ? this.groups.visitor(client, random) : this.groups.member(client, random, position),
        name,
      );
    });
    this.actor('auditor of the group', 2, (client) => this.groups.audit(client));
    this.actor('sweeper', 0, (client, random) => this.groups.sweep(client, random));
    for (let actor = 0; actor < 2; actor++) {
      this.actor(`administrator ${actor}`, actor, (client, random) => this.administer(client, random, actor));
    }
    this.startTransactions();
    this.startTable();
    this.startWindow();
    this.actor('prober of offsets', 0, async (client, random) => {
      while (this.isReading) {
        // A request without an answer proves nothing, so the error is ignored.
        await this.prober.step(client, random).catch(() => {});
        await this.pause(1);
      }
    });
    this.actor('register', 1, async (client) => {
      while (this.isProducing) {
        await register.step(client).catch(() => {});
        await this.pause(1);
      }
    });
  }

  private startTransactions(): void {
    for (const id of ['cashier', 'accountant'])
      this.actor(id, id.length, (client, random) => this.transactions.produce(client, random, id));
    for (let partition = 0; partition < txnPartitions; partition++)
      this.actor(`auditor ${partition}`, partition, (client) => this.transactions.consume(client, partition));
  }

  private startTable(): void {
    for (let partition = 0; partition < tablePartitions; partition++) {
      this.actor(`writer of table ${partition}`, partition, (client, random) =>
        this.table.produce(client, random, partition),
      );
      this.actor(`reader of table ${partition}`, partition, (client) =>
        this.table.consume(client, partition),
      );
    }
  }

  private startWindow(): void {
    const { window } = this;
    this.actor('writer of the window', 0, (client, random) => window.produce(client, random));
    this.actor('reader of the window', 1, (client) => window.consume(client));
    this.actor('trimmer', 0, (client, random) => window.trim(client, random));
    this.actor('watcher of the window', 1, (client) => window.watchStart(client));
  }

  /** Begins to read and check the topic of which records are deleted. The returned function returns true when that is done. */
  readWindowAgain(): () => boolean {
    this.actor('last reader of the window', 0, (client) => this.window.readAgain(client));
    return () => this.isIdle;
  }

  /** Begins to read and check the compacted topic. The returned function returns true when that is done. */
  readTableAgain(): () => boolean {
    this.actor('last reader of the table', 0, (client) => this.table.readAgain(client));
    return () => this.isIdle;
  }

  /** Begins to read and check all transactions again. The returned function returns true when that is done. */
  readTransactionsAgain(): () => boolean {
    this.actor('last auditor', 0, (client) => this.transactions.readAgain(client));
    return () => this.isIdle;
  }

  /** Ends producers and operations; consumers continue until `stop`. */
  stopWriting(): void {
    this.isProducing = false;
  }

  stop(): void {
    this.isProducing = false;
    this.isReading = false;
  }

  /** Whether the group has received every acknowledged record. */
  get groupHasAll(): boolean {
    return this.groupMisses() === null;
  }

  /** An acknowledged record of the group's topics that the group has not received; null: there is none. */
  groupMisses(): string | null {
    return this.groups.misses();
  }

  /** Whether a broker has loaded the group, which takes some time with slow disks. */
  get isCoordinated(): boolean {
    return this.groups.isCoordinated;
  }

  /** Why the group is not stable; null when it is. */
  whyGroupUnstable(): string | null {
    return this.groups.whyUnstable();
  }

  private startTopic(topic: TopicPlan, position: number): void {
    for (let partition = 0; partition < topic.partitions; partition++) {
      const name = `${topic.name}-${partition}`;
      this.actor(`producer of ${name}`, position + partition, (client, random) =>
        this.produce(client, random, topic.name, partition),
      );
      this.actor(`consumer of ${name}`, partition, (client) => this.consume(client, topic.name, partition));
    }
  }

  /** Runs one client until the workload stops it. An error that it throws is a violation. */
  private actor(
    name: string,
    first: number,
    body: (client: KafkaClient, random: SeededRandom) => Promise<void>,
    machine = 'client',
  ): void {
    const client = this.cluster.client({ clientId: name }, first, machine);
    const random = this.cluster.world.random.fork(name);
    this.runningCount++;
    body(client, random)
      .catch((error: unknown) => this.verdict.threw(error))
      .finally(() => {
        client.close();
        this.runningCount--;
      });
  }

  private pause(times: number): Promise<void> {
    return this.cluster.clientSleep(this.plan.thinkMs * times);
  }

  private async produce(
    client: KafkaClient,
    random: SeededRandom,
    topic: string,
    partition: number,
  ): Promise<void> {
    const producer = new Producer(client, random, {
      lingerMs: random.chance(0.5) ? 0 : 3,
      requestTimeoutMs: 2_000,
      deliveryTimeoutMs: 30_000,
      maxBlockMs: 20_000,
    });
    const name = `${topic}-${partition}`;
    let lastOffset = -1;
    for (let count = 0; this.isProducing; ) {
      const burst = random.chance(0.2) ? 1 + (random.u32() % 6) : 1;
      const counts = Array.from({ length: burst }, () => count++);
      const values = counts.map((one) => `${name}:${one}`);
      const sent = counts.map((one, position) =>
        producer.send({
          topic,
          partition,
          value: encoder.encode(values[position] as string),
          timestampMs: timestampOf(one),
        }),
      );
      for (const [position, outcome] of (await Promise.allSettled(sent)).entries()) {
        // The record was refused or timed out. It is not acknowledged, so it may be in the log or not.
        if (outcome.status === 'rejected') continue;
        const { offset } = outcome.value;
        if (offset <= lastOffset)
          this.verdict.report(
            'I22 produce durability',
            `${name}: acknowledged ${offset} after ${lastOffset}`,
          );
        lastOffset = offset;
        this.ledger.acknowledged(name, offset, values[position] as string);
        this.cluster.world.trace(`${name}@${offset}`);
      }
      await this.pause(1);
    }
  }

  /** Reads a partition from its start on, record by record without a gap. */
  private async consume(client: KafkaClient, topic: string, partition: number): Promise<void> {
    const name = `${topic}-${partition}`;
    const { fetchMinBytes } = this.plan;
    const fetcher = new Fetcher(client, { reset: 'none', fetchMinBytes });
    let next = 0;
    fetcher.assign(topic, partition, next);
    while (this.isReading) {
      try {
        for (const { offset, value } of await fetcher.poll(300, 1_000)) {
          if (offset !== next)
            this.verdict.report('I24 no gaps', `${name}: read ${offset} where ${next} was expected`);
          next = offset + 1;
          this.ledger.read(name, offset, decoder.decode(value ?? new Uint8Array(0)), 'a consumer');
        }
      } catch (error) {
        // A batch has a wrong checksum because of a disk fault, or a broker does not respond: the consumer tries again.
        if (!(error instanceof Error)) throw error;
        if (error instanceof KafkaError && error.error.name === 'OFFSET_OUT_OF_RANGE') {
          this.verdict.report('I24 no gaps', `${name}: offset ${next} is out of range`);
        }
        await this.pause(2);
      }
    }
  }

  private async administer(client: KafkaClient, random: SeededRandom, actor: number): Promise<void> {
    while (this.isProducing) {
      // An operation without a response proves nothing, so the error is ignored.
      await this.operations.step(client, random, actor).catch(() => {});
      await this.cluster.clientSleep(random.exponential(150));
    }
  }
}

function probedPartitions({ topics }: Plan): ProbedPartition[] {
  const inLedger = topics.flatMap(({ name, partitions }) =>
    Array.from({ length: partitions }, (_, partition) => ({ topic: name, partition, isInLedger: true })),
  );
  const transactions = Array.from({ length: txnPartitions }, (_, partition) => ({
    topic: txnTopic,
    partition,
    isInLedger: false,
  }));
  return [...inLedger, ...transactions];
}
