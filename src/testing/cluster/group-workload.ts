/**
 * Two groups of consumers. The members of the first read and commit; each is on its own machine, which may pause or be cut off.
 * The second ("visitors") has one member at a time, and is deleted whenever it is empty. Members use the classic protocol, the
 * consumer protocol (KIP-848), or both mixed, so that the group is converted between the two kinds.
 */
import { sleep } from '../../base/clock.ts';
import { randomUuid } from '../../base/uuid.ts';
import { offsetsTopic } from '../../metadata/internal-topics.ts';
import { Fetcher } from '../../client/fetcher.ts';
import { GroupConsumer } from '../../client/group-consumer.ts';
import type { KafkaClient } from '../../client/kafka-client.ts';
import {
  DeleteGroupsRequest,
  DeleteGroupsResponse,
} from '../../protocol/messages/groups/42-delete-groups.ts';
import { coordinatorPartition } from '../../coordinator/coordinator-partition.ts';
import type { SeededRandom } from '../../simulation/random.ts';
import type { SimulatedCluster } from '../simulated-cluster.ts';
import { GroupOracle } from './group-oracle.ts';
import { GroupWatch } from './group-watch.ts';
import type { Ledger } from './ledger.ts';
import type { GroupProtocol, Plan } from './swarm.ts';
import type { Verdict } from './verdict.ts';

/** The machines of members, on which `client-faults.ts` acts. */
export const memberMachines = ['member 0', 'member 1', 'member 2', 'visitor'] as const;

const groupId = 'readers';
const heartbeatIntervalMs = 300;
const metadataMaxAgeMs = 300_000;
/** The share of former members that try to commit once more after they were replaced, and how long they wait before. */
const hauntPart = 0.3;
const zombieMs = 200;
const visitors = 'visitors';
const visitMs = 3_000;
const visitPauseMs = 300;
/** The size of the visitors' fetches. It is small, so that they read many times from the disk. */
const visitBytes = 300;
/** `offsets.topic.num.partitions` of simulated nodes. */
const offsetsPartitions = 3;
const decoder = new TextDecoder();

export interface GroupWorkloadOptions {
  readonly cluster: SimulatedCluster;
  readonly verdict: Verdict;
  readonly plan: Plan;
  readonly ledger: Ledger;
  /** Whether members go on reading. */
  readonly isReading: () => boolean;
  /** Whether members go on joining and leaving, and groups are deleted. */
  readonly isRestless: () => boolean;
  /** Called when the member on this machine is about to send JoinGroup. */
  readonly onRebalance: (machine: string) => void;
}

export class GroupWorkload {
  /** By partition: the offsets that members of the group have received. */
  private readonly delivered = new Map<string, Set<number>>();
  private readonly options: GroupWorkloadOptions;
  /** All topics; every member subscribes to them. */
  private readonly topics: readonly string[];
  private readonly subscribed: ReadonlySet<string>;
  private readonly watch: GroupWatch;

  constructor(options: GroupWorkloadOptions) {
    this.options = options;
    const { cluster, verdict, plan } = options;
    this.topics = plan.topics.map(({ name }) => name);
    this.subscribed = new Set(
      plan.topics.flatMap(({ name, partitions }) =>
        Array.from({ length: partitions }, (_, index) => `${name}-${index}`),
      ),
    );
    this.watch = new GroupWatch(cluster, verdict, groupId);
  }

  /** An acknowledged record that no member has received; null: there is none. */
  misses(): string | null {
    const { ledger } = this.options;
    for (const name of this.subscribed) {
      const delivered = this.delivered.get(name);
      const missing = ledger.acknowledgedOf(name).find((offset) => delivered?.has(offset) !== true);
      if (missing !== undefined) return `${name}@${missing}`;
    }
    return null;
  }

  get isCoordinated(): boolean {
    return this.watch.isCoordinated;
  }

  /** Why the group is not stable; null when it is. */
  whyUnstable(): string | null {
    return this.watch.whyUnstable(this.subscribed);
  }

  /** Runs one member after the other, on the machine at `position`. */
  async member(client: KafkaClient, random: SeededRandom, position: number): Promise<void> {
    const { plan, isReading } = this.options;
    while (isReading()) {
      const consumer = this.consumerOf(client, random, position);
      const commit = async (): Promise<void> => {
        await sleep(client.ports.scheduler, plan.thinkMs);
        await consumer.commit(consumer.groupMetadata().memberId);
      };
      this.watch.owns(consumer, []);
      await this.follow(client, consumer, plan.group.staysMs, commit, (name, offset) => {
        const delivered = this.delivered.get(name);
        if (delivered === undefined) this.delivered.set(name, new Set([offset]));
        else delivered.add(offset);
      });
      if (random.chance(hauntPart)) void this.commitAsZombie(client, consumer);
    }
  }

  /**
   * Commits once more with a consumer that is no longer a member, as a slow process would. The coordinator must refuse it,
   * unless it was a static member whose place was not taken yet.
   */
  private async commitAsZombie(client: KafkaClient, consumer: GroupConsumer): Promise<void> {
    await sleep(client.ports.scheduler, zombieMs);
    await consumer.commit(consumer.groupMetadata().memberId).catch(() => {});
  }

  private consumerOf(client: KafkaClient, random: SeededRandom, position: number): GroupConsumer {
    const { sessionTimeoutMs, rebalanceTimeoutMs, hasStaticMembers, protocol } = this.options.plan.group;
    const consumer: GroupConsumer = new GroupConsumer(client, this.topics, {
      group: {
        groupId,
        groupInstanceId: hasStaticMembers && position < 2 ? `seat ${position}` : null,
        sessionTimeoutMs,
        heartbeatIntervalMs,
        rebalanceTimeoutMs,
        consumerProtocolId: consumerProtocolId(protocol, random),
        remoteAssignor: null,
        metadataMaxAgeMs,
      },
      fetch: { reset: 'earliest' },
      autoCommitIntervalMs: null,
      onRebalance: () => {
        this.watch.owns(consumer, []);
        this.options.onRebalance(memberMachines[position] as string);
      },
      onAssigned: (assigned) => this.watch.owns(consumer, assigned),
    });
    return consumer;
  }

  /** Reads the group's records in `__consumer_offsets` and passes them to the `GroupOracle`. */
  async audit(client: KafkaClient): Promise<void> {
    const { cluster, verdict, isReading } = this.options;
    const topicName = (id: string): string | undefined =>
      cluster
        .images()
        .find(({ topics }) => topics.byId(id) !== undefined)
        ?.topics.byId(id)?.name;
    const oracle = new GroupOracle({
      groupId,
      verdict,
      subscribed: this.subscribed,
      topicName,
    });
    const fetcher = new Fetcher(client, { reset: 'none' });
    fetcher.assign(offsetsTopic, coordinatorPartition(groupId, offsetsPartitions), 0);
    for (let hasRecords = true; hasRecords || isReading(); ) {
      hasRecords = false;
      try {
        for (const { key, value } of await fetcher.poll(500, 1_000)) {
          hasRecords = true;
          if (key !== null) oracle.take({ key, value });
        }
      } catch (error) {
        if (!(error instanceof Error)) throw error;
        // The topic is created with the first group; until then requests fail.
        await sleep(client.ports.scheduler, 100);
      }
    }
  }

  /**
   * Runs the visitors: each reads all topics in small pieces and commits nothing, so the next one begins at the start again.
   */
  async visitor(client: KafkaClient, random: SeededRandom): Promise<void> {
    const { protocol } = this.options.plan.group;
    while (this.options.isRestless()) {
      const consumer = new GroupConsumer(client, this.topics, {
        group: {
          groupId: visitors,
          groupInstanceId: null,
          sessionTimeoutMs: 1_000,
          heartbeatIntervalMs: 200,
          rebalanceTimeoutMs: 1_000,
          consumerProtocolId: consumerProtocolId(protocol, random),
          remoteAssignor: null,
          metadataMaxAgeMs,
        },
        fetch: { reset: 'earliest', partitionMaxBytes: visitBytes },
        autoCommitIntervalMs: null,
      });
      const pause = (): Promise<void> => sleep(client.ports.scheduler, 1);
      await this.follow(client, consumer, visitMs, pause, () => {});
      await sleep(client.ports.scheduler, visitPauseMs);
    }
  }

  /** Deletes the visitors' group when it is empty. */
  async sweep(client: KafkaClient, random: SeededRandom): Promise<void> {
    while (this.options.isRestless()) {
      await sleep(client.ports.scheduler, random.exponential(300));
      try {
        const coordinator = await client.coordinator(visitors);
        await client.requestTo(coordinator, DeleteGroupsRequest, DeleteGroupsResponse, {
          groupsNames: [visitors],
        });
      } catch {
        // There was no response; the next round tries again.
      }
    }
  }

  /** Runs one member until it is removed from the group, `staysMs` have passed, or the workload ends. */
  private async follow(
    client: KafkaClient,
    consumer: GroupConsumer,
    staysMs: number | null,
    afterRecords: () => Promise<void>,
    onRecord: (name: string, offset: number) => void,
  ): Promise<void> {
    const { ledger, plan, isReading, isRestless } = this.options;
    const { clock, scheduler } = client.ports;
    const untilMs = staysMs === null ? Number.POSITIVE_INFINITY : clock.monotonicMs() + staysMs;
    try {
      while (isReading() && !(isRestless() && clock.monotonicMs() > untilMs)) {
        const records = await consumer.poll(300, 50);
        for (const { topic, partition, offset, value } of records) {
          const name = `${topic}-${partition}`;
          ledger.read(name, offset, decoder.decode(value ?? new Uint8Array(0)), 'the group');
          onRecord(name, offset);
        }
        if (records.length > 0) await afterRecords();
      }
    } catch {
      // The member was removed from the group, or a request failed permanently. The caller starts a new one.
      await sleep(scheduler, plan.thinkMs * 2);
    }
    this.watch.ended(consumer);
    await consumer.close().catch(() => {});
  }
}

/** The member id that a client of the consumer protocol generates; null: the member uses the classic protocol. */
function consumerProtocolId(protocol: GroupProtocol, random: SeededRandom): string | null {
  const isConsumer = protocol === 'consumer' || (protocol === 'mixed' && random.chance(0.5));
  return isConsumer ? randomUuid(random) : null;
}
