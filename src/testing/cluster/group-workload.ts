/**
 * A group that reads and commits, with each member on its own machine, which may pause or be cut off; and a group with a single
 * member, which is deleted whenever it is empty. Members use the classic protocol, the consumer protocol (KIP-848), or a mixture,
 * so that the group is converted between the two kinds.
 */
import { sleep } from '../../base/clock.ts';
import { randomUuid } from '../../base/uuid.ts';
import { offsetsTopic } from '../../broker/groups/group-service.ts';
import { Fetcher } from '../../client/fetcher.ts';
import { GroupConsumer } from '../../client/group-consumer.ts';
import type { KafkaClient } from '../../client/kafka-client.ts';
import {
  DeleteGroupsRequest,
  DeleteGroupsResponse,
} from '../../protocol/messages/groups/42-delete-groups.ts';
import { coordinatorPartition } from '../../coordinator/partition.ts';
import type { SeededRandom } from '../../simulation/random.ts';
import type { SimulatedCluster } from '../simulated-cluster.ts';
import { GroupOracle } from './group-oracle.ts';
import { GroupWatch } from './group-watch.ts';
import type { Ledger } from './ledger.ts';
import type { GroupProtocol, Plan } from './swarm.ts';
import type { Verdict } from './verdict.ts';

/** Machines of members, on which faults of clients act. */
export const memberMachines = ['member 0', 'member 1', 'member 2', 'visitor'] as const;

const groupId = 'readers';
const heartbeatIntervalMs = 300;
const metadataMaxAgeMs = 300_000;
/** The share of former members that commit once more, and the delay of that commit. */
const hauntPart = 0.3;
const zombieMs = 200;
const visitors = 'visitors';
const visitMs = 3_000;
const visitPauseMs = 300;
/** Small, so that many records are read from the disk. */
const visitBytes = 300;
/** `offsets.topic.num.partitions` of simulated nodes. */
const offsetsPartitions = 3;
const decoder = new TextDecoder();

export interface GroupWorkloadOptions {
  readonly cluster: SimulatedCluster;
  readonly verdict: Verdict;
  readonly plan: Plan;
  readonly ledger: Ledger;
  /** Members continue while it returns true. */
  readonly isReading: () => boolean;
  /** While it returns true, members join and leave, and groups are deleted. */
  readonly isRestless: () => boolean;
  /** The member on this machine is about to send JoinGroup. */
  readonly onRebalance: (machine: string) => void;
}

export class GroupWorkload {
  /** Offsets that members of the group have received, by partition. */
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

  /** A record that was acknowledged and that no member has received. */
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
   * A former member that was only slow commits its position. The group must refuse it, unless it is a static member whose place is
   * kept.
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

  /** Reads the group's records in the log of its coordinators and passes them to the oracle. */
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
        // The topic is created with the first group; until then brokers may not respond.
        await sleep(client.ports.scheduler, 100);
      }
    }
  }

  /** Reads all topics in small pieces and commits nothing, so every visit begins at the start. */
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
        // There was no response: the next round tries again.
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
      // Removed from the group: joins again as a new member.
      await sleep(scheduler, plan.thinkMs * 2);
    }
    this.watch.ended(consumer);
    await consumer.close().catch(() => {});
  }
}

/** Null: the classic protocol. */
function consumerProtocolId(protocol: GroupProtocol, random: SeededRandom): string | null {
  const isConsumer = protocol === 'consumer' || (protocol === 'mixed' && random.chance(0.5));
  return isConsumer ? randomUuid(random) : null;
}
