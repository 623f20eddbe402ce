/**
 * A group that reads and commits, its members each on a machine of its own, which may stand still or be cut off; and a group
 * of one visitor that somebody deletes whenever it is empty.
 */
import { sleep } from '../../base/clock.ts';
import { GroupConsumer } from '../../client/group-consumer.ts';
import type { KafkaClient } from '../../client/kafka-client.ts';
import { DeleteGroupsRequest, DeleteGroupsResponse } from '../../protocol/messages/42-delete-groups.ts';
import type { SeededRandom } from '../../simulation/random.ts';
import type { Ledger } from './ledger.ts';
import type { Plan } from './swarm.ts';

export const groupTopic = 'journal';
/** Machines of members: faults of clients choose among them. */
export const memberMachines = ['member 0', 'member 1', 'member 2', 'visitor'] as const;

const groupId = 'readers';
const visitors = 'visitors';
const visitMs = 3_000;
const visitPauseMs = 300;
/** So little that much is read from the disk. */
const visitBytes = 300;
const decoder = new TextDecoder();

export interface GroupWorkloadOptions {
  readonly plan: Plan;
  readonly ledger: Ledger;
  /** Members go on until it is false. */
  readonly isReading: () => boolean;
  /** Members come and go, and groups are deleted, until it is false. */
  readonly isRestless: () => boolean;
  /** The member on this machine is about to ask to join. */
  readonly onRebalance: (machine: string) => void;
}

export class GroupWorkload {
  /** Offsets that the group has handed out, by partition. */
  private readonly delivered = new Map<string, Set<number>>();
  private readonly options: GroupWorkloadOptions;

  constructor(options: GroupWorkloadOptions) {
    this.options = options;
  }

  /** A record of the group's topic that was acknowledged and not handed out. */
  misses(): string | null {
    const { ledger } = this.options;
    for (const name of ledger.names()) {
      if (!name.startsWith(groupTopic)) continue;
      const delivered = this.delivered.get(name);
      const missing = ledger.acknowledgedOf(name).find((offset) => delivered?.has(offset) !== true);
      if (missing !== undefined) return `${name}@${missing}`;
    }
    return null;
  }

  /** One member after the other, on the machine at `position`. */
  async member(client: KafkaClient, position: number): Promise<void> {
    const { sessionTimeoutMs, rebalanceTimeoutMs, hasStaticMembers, staysMs } = this.options.plan.group;
    const consumerOf = (): GroupConsumer =>
      new GroupConsumer(client, [groupTopic], {
        group: {
          groupId,
          groupInstanceId: hasStaticMembers && position < 2 ? `seat ${position}` : null,
          sessionTimeoutMs,
          heartbeatIntervalMs: 300,
          rebalanceTimeoutMs,
          consumerProtocolId: null,
        },
        fetch: { reset: 'earliest' },
        autoCommitIntervalMs: null,
        onRebalance: () => this.options.onRebalance(memberMachines[position] as string),
      });
    while (this.options.isReading()) {
      const consumer = consumerOf();
      const commit = async (): Promise<void> => {
        await sleep(client.ports.scheduler, this.options.plan.thinkMs);
        await consumer.commit();
      };
      await this.follow(client, consumer, staysMs, commit, (name, offset) => {
        const delivered = this.delivered.get(name);
        if (delivered === undefined) this.delivered.set(name, new Set([offset]));
        else delivered.add(offset);
      });
    }
  }

  /** Reads all topics in small pieces, and commits nothing: every visit begins at the start. */
  async visitor(client: KafkaClient): Promise<void> {
    const topics = this.options.plan.topics.map(({ name }) => name);
    while (this.options.isRestless()) {
      const consumer = new GroupConsumer(client, topics, {
        group: {
          groupId: visitors,
          groupInstanceId: null,
          sessionTimeoutMs: 1_000,
          heartbeatIntervalMs: 200,
          rebalanceTimeoutMs: 1_000,
          consumerProtocolId: null,
        },
        fetch: { reset: 'earliest', partitionMaxBytes: visitBytes },
        autoCommitIntervalMs: null,
      });
      const pause = (): Promise<void> => sleep(client.ports.scheduler, 1);
      await this.follow(client, consumer, visitMs, pause, () => {});
      await sleep(client.ports.scheduler, visitPauseMs);
    }
  }

  /** Deletes the visitors' group when nobody is in it. */
  async sweep(client: KafkaClient, random: SeededRandom): Promise<void> {
    while (this.options.isRestless()) {
      await sleep(client.ports.scheduler, random.exponential(300));
      try {
        const coordinator = await client.coordinator(visitors);
        await client.requestTo(coordinator, DeleteGroupsRequest, DeleteGroupsResponse, {
          groupsNames: [visitors],
        });
      } catch {
        // Nobody answered: another time.
      }
    }
  }

  /** The life of one member, which ends when it was thrown out, after `staysMs`, or with the workload. */
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
      // Thrown out of the group: joins again as somebody else.
      await sleep(scheduler, plan.thinkMs * 2);
    }
    await consumer.close().catch(() => {});
  }
}
