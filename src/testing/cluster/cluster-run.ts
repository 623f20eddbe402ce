/**
 * One run, in phases:
 * 1. The cluster starts and its topics are created.
 * 2. Clients work while faults are injected.
 * 3. The faults end, and the cluster must work again; in some runs first with only the nodes that are up.
 * 4. The clients finish.
 * 5. All records are read again, from leaders and from replicas, and once more after the leader of a partition was killed.
 */
import { offsetsTopic, transactionStateTopic } from '../../metadata/internal-topics.ts';
import type { SimulationResult } from '../../simulation/run.ts';
import { Scenario } from '../scenario.ts';
import { Faults } from './faults.ts';
import { ImageChecker } from './image-checker.ts';
import { MetadataOperations } from './metadata-operations.ts';
import { ReplicaChecker } from './replica-checker.ts';
import { type Plan, type TopicPlan, transactionPartitions } from './swarm.ts';
import { tableTopicLike } from './table-workload.ts';
import { TimeLine } from './time-line.ts';
import { FinalReading } from './final-reading.ts';
import { txnPartitions, txnTimeoutMs, txnTopic, txnTopicLike } from './txn-workload.ts';
import { Verdict } from './verdict.ts';
import { windowTopic, windowTopicLike } from './window-workload.ts';
import { Workload } from './workload.ts';

/** How long the start, the recovery from the faults and the end of the clients may take, in virtual time. */
const startMaxMs = 30_000;
const healMaxMs = 60_000;
const finishMaxMs = 60_000;
/** Additional time in which a group must become stable: for heartbeats, assignment intervals and repeated requests. */
const settleSlackMs = 6_000;
/** The condition that a phase waits for is expensive, so it is checked once in this many events. */
const lookEvents = 64;

/** Larger than any batch that a coordinator writes in a run. */
const coordinatorSegmentBytes = '16000';

/** The coordinators' topics, as brokers create them, but compacted soon. */
function coordinatorTopics(
  { replicationFactor }: TopicPlan,
  compaction: Readonly<Record<string, string>>,
): TopicPlan[] {
  const configs = {
    ...compaction,
    'cleanup.policy': 'compact',
    'internal.segment.bytes': coordinatorSegmentBytes,
  };
  const minimum = { 'min.insync.replicas': replicationFactor > 2 ? '2' : '1' };
  return [
    { name: offsetsTopic, partitions: 50, replicationFactor, configs },
    {
      name: transactionStateTopic,
      partitions: transactionPartitions,
      replicationFactor,
      configs: { ...configs, ...minimum },
    },
  ];
}

export class ClusterRun {
  private readonly cluster: Scenario;
  private readonly plan: Plan;
  private readonly verdict = new Verdict();
  private readonly faults: Faults;
  private readonly images: ImageChecker;
  private readonly operations: MetadataOperations;
  private readonly workload: Workload;

  constructor(seed: number, plan: Plan, log: { onLog?: (line: string) => void }) {
    this.plan = plan;
    this.cluster = new Scenario({
      seed,
      roles: plan.roles,
      properties: plan.properties,
      hasEligibleLeaderReplicas: plan.hasEligibleLeaderReplicas,
      tailCacheBytesMax: plan.tailCacheBytesMax,
      onFatal: (node, error) => this.faults.explains(node, error),
      ...log,
    });
    for (const { delays } of this.cluster.nodes) delays.readMeanMs = plan.diskReadMeanMs;
    this.faults = new Faults(this.cluster, plan.topics);
    const timeLine = new TimeLine();
    this.images = new ImageChecker(this.cluster, timeLine, this.verdict);
    this.operations = new MetadataOperations(timeLine, this.images);
    this.workload = new Workload(
      this.cluster,
      plan,
      this.operations,
      this.verdict,
      (machine) => this.faults.onRebalance(machine),
      (partition) => this.images.leaderEpochOf(partition),
    );
    const replicas = new ReplicaChecker(this.cluster, this.verdict, (node) =>
      this.faults.budget.mayHaveForgotten(node),
    );
    this.cluster.world.afterEvent = () => replicas.check(this.images.check());
  }

  go(): SimulationResult {
    try {
      this.phases();
    } catch (error) {
      this.verdict.threw(error);
    }
    const [fatal] = this.cluster.fatal;
    if (fatal !== undefined) this.verdict.threw(fatal);
    const { world } = this.cluster;
    return {
      seed: world.seed,
      events: world.eventCount,
      traceHash: world.traceHash,
      virtualMs: Math.round(world.nowMs),
      faults: this.faults.done,
      violation: this.verdict.violation,
    };
  }

  private get isDoomed(): boolean {
    return this.verdict.violation !== null || this.cluster.fatal.length > 0;
  }

  private phases(): void {
    const { cluster, plan } = this;
    cluster.note(
      `${plan.shape}; ${JSON.stringify(plan.properties)}; ${JSON.stringify(plan.topics)}; ${JSON.stringify(plan.group)}`,
    );
    this.begin();
    if (this.isDoomed) return;
    this.workload.start();
    this.faults.begin(plan.faults);
    cluster.run(plan.faultsMs, () => this.isDoomed);
    if (this.isDoomed) return;
    this.heal();
    if (this.isDoomed) return;
    this.finish();
    if (this.isDoomed) return;
    this.readAgain();
  }

  private begin(): void {
    for (const node of this.cluster.nodes) this.cluster.boot(node);
    const { nodes } = this.cluster;
    this.await('L1 one leader', 'all nodes up', startMaxMs, () => nodes.every(({ isUp }) => isUp));
    if (this.isDoomed) return;
    let isCreated = false;
    const [like] = this.plan.topics as readonly [TopicPlan];
    const { compaction, compactsCoordinators } = this.plan;
    const creations = [
      ...this.plan.topics,
      txnTopicLike(like),
      tableTopicLike(like, compaction),
      windowTopicLike(like),
      ...(compactsCoordinators ? coordinatorTopics(like, compaction) : []),
    ].map(({ name, ...options }) => this.cluster.createTopic(name, options));
    Promise.all(creations).then(
      () => {
        isCreated = true;
      },
      (error: unknown) => this.verdict.threw(error),
    );
    this.await(
      'L2 operations commit',
      'the topics',
      startMaxMs,
      () => isCreated && this.faults.budget.isWhole(),
    );
  }

  private heal(): void {
    const { cluster, faults } = this;
    cluster.note('the faults are over');
    faults.end();
    if (this.plan.healsInSteps && this.hasQuorum()) {
      const before = this.images.newestOffset;
      this.await(
        'L2 operations commit',
        'an operation without those that are down',
        healMaxMs,
        () => this.images.newestOffset > before,
      );
      if (this.isDoomed) return;
    }
    faults.revive();
    this.await('L8 under-replicated partitions', 'all replicas in sync', healMaxMs, () =>
      faults.budget.isWhole(),
    );
  }

  /**
   * Whether a majority of the controllers and at least one broker are up, so that the cluster must work without the other
   * nodes.
   */
  private hasQuorum(): boolean {
    const controllers = this.cluster.nodes.filter(({ role }) => role !== 'broker');
    const brokers = this.cluster.nodes.filter(({ role, life }) => role !== 'controller' && life !== null);
    const up = controllers.filter(({ life }) => life !== null);
    return up.length * 2 > controllers.length && brokers.length > 0;
  }

  private finish(): void {
    const { workload } = this;
    workload.stopWriting();
    this.settle();
    if (this.isDoomed) return;
    const done = (): boolean => workload.groupHasAll;
    const isDelivered = this.runUntil(finishMaxMs, done);
    if (this.isDoomed) return;
    if (!isDelivered) {
      const text = `no member of the group received ${workload.groupMisses() ?? 'a record'}`;
      this.verdict.report('I26 commits are not lost', text);
      return;
    }
    workload.stop();
    this.await('L7 pending operations resolve', 'the clients to end', finishMaxMs, () => workload.isIdle);
    if (!this.isDoomed) this.operations.check(this.verdict);
  }

  /**
   * Waits until the group is stable. Members neither join nor leave any more, but the coordinator must still remove those that
   * have ended, so several rebalances may follow.
   */
  private settle(): void {
    const { workload } = this;
    const { sessionTimeoutMs, rebalanceTimeoutMs } = this.plan.group;
    this.await(
      'L7 pending operations resolve',
      'a coordinator of the group',
      healMaxMs,
      () => workload.isCoordinated,
    );
    if (this.isDoomed) return;
    const settleMaxMs = sessionTimeoutMs + 2 * rebalanceTimeoutMs + settleSlackMs;
    if (this.runUntil(settleMaxMs, () => workload.whyGroupUnstable() === null) || this.isDoomed) return;
    const text = `${settleMaxMs} ms of virtual time after the last change: ${workload.whyGroupUnstable() ?? 'settled'}`;
    this.verdict.report('L10 groups settle', text);
  }

  private readAgain(): void {
    const { cluster, plan, workload, verdict } = this;
    const reading = new FinalReading(cluster, plan.topics, workload, verdict);
    this.await('L8 under-replicated partitions', 'all replicas in sync', healMaxMs, () =>
      this.faults.budget.isWhole(),
    );
    if (this.isDoomed) return;
    this.await('L7 pending operations resolve', 'all records', finishMaxMs, reading.ofReplicas(windowTopic));
    this.await('L7 pending operations resolve', 'all records', finishMaxMs, reading.ofLeaders());
    this.readTransactionsAgain();
    this.readTableAgain();
    this.readWindowAgain();
    const leader = cluster.leaderOf('ledger', 0);
    if (this.isDoomed || leader === null || this.faults.budget.lost.size > 0) return;
    if (plan.roles.length < 3) return;
    // If a reassignment has left the partition with one replica, there is no other leader.
    const replicas = leader.node?.image?.topics.byName('ledger')?.partitions[0]?.replicas ?? [];
    if (replicas.length < 2) return;
    cluster.crash(leader, 'kill');
    this.await('L1 one leader', 'another leader', healMaxMs, () => {
      const next = cluster.leaderOf('ledger', 0);
      return next !== null && next !== leader;
    });
    if (this.isDoomed) return;
    cluster.boot(leader);
    this.await('L7 pending operations resolve', 'all records', finishMaxMs, reading.ofLeaders());
  }

  /** Reads all transactions again. Open ones are aborted after their time-out, so read_committed consumers reach the end. */
  private readTransactionsAgain(): void {
    this.await(
      'L9 readers of committed records go on',
      'the last stable offset',
      txnTimeoutMs + healMaxMs,
      () => this.isStable(),
    );
    if (this.isDoomed) return;
    const isDone = this.workload.readTransactionsAgain();
    this.await('L7 pending operations resolve', 'all transactions', finishMaxMs, isDone);
  }

  private readTableAgain(): void {
    if (this.isDoomed) return;
    const isDone = this.workload.readTableAgain();
    this.await('L7 pending operations resolve', 'the compacted topic', finishMaxMs, isDone);
  }

  private readWindowAgain(): void {
    if (this.isDoomed) return;
    const isDone = this.workload.readWindowAgain();
    this.await('L7 pending operations resolve', 'a deletion, and the records after it', finishMaxMs, isDone);
  }

  private isStable(): boolean {
    for (let index = 0; index < txnPartitions; index++) {
      const leader = this.cluster.leaderOf(txnTopic, index);
      const log = leader?.node?.replicas?.partition(txnTopic, index)?.log;
      if (log === undefined || log.lastStableOffset < log.highWatermark) return false;
    }
    return true;
  }

  /** Runs until `done`, which is checked once in `lookEvents` events. */
  private runUntil(timeoutMs: number, done: () => boolean): boolean {
    let untilLook = 0;
    const isDone = (): boolean => {
      if (this.isDoomed) return true;
      if (untilLook-- > 0) return false;
      untilLook = lookEvents;
      return done();
    };
    return this.cluster.run(timeoutMs, isDone) && !this.isDoomed;
  }

  private await(invariant: string, what: string, timeoutMs: number, done: () => boolean): void {
    if (this.isDoomed || this.runUntil(timeoutMs, done) || this.isDoomed) return;
    this.verdict.report(invariant, `not reached within ${timeoutMs} ms of virtual time: ${what}`);
  }
}
