/**
 * Compares the partitions that the members of a group believe they own with the coordinator's state. No two members that the
 * coordinator knows read the same partition (I31). The group becomes stable when members no longer join or leave (L10).
 */
import { offsetsTopic } from '../../metadata/internal-topics.ts';
import type { GroupConsumer } from '../../client/group-consumer.ts';
import type { AssignedPartition } from '../../client/group-consumer.ts';
import type { Group } from '../../group/group-turn.ts';
import { KafkaError } from '../../protocol/errors.ts';
import type { SimulatedCluster, SimulatedNode } from '../simulated-cluster.ts';
import type { Names } from './group-oracle.ts';
import type { Verdict } from './verdict.ts';

export class GroupWatch {
  readonly #cluster: SimulatedCluster;
  readonly #verdict: Verdict;
  readonly #groupId: string;
  /** Running consumers, with the partitions that each believes it owns. */
  readonly #beliefs = new Map<GroupConsumer, Set<string>>();

  constructor(cluster: SimulatedCluster, verdict: Verdict, groupId: string) {
    this.#cluster = cluster;
    this.#verdict = verdict;
    this.#groupId = groupId;
  }

  /** Called when a consumer has got its assignment; an empty one means that all its partitions are revoked. */
  owns(consumer: GroupConsumer, partitions: readonly AssignedPartition[]): void {
    const names = new Set(partitions.map(({ topic, partition }) => `${topic}-${partition}`));
    this.#beliefs.set(consumer, names);
    if (names.size > 0) this.#checkOwners(consumer, names);
  }

  ended(consumer: GroupConsumer): void {
    this.#beliefs.delete(consumer);
  }

  #checkOwners(consumer: GroupConsumer, names: Names): void {
    const group = this.#coordinated();
    // A consumer that was paused may get its assignment only after the coordinator has removed it.
    if (group === null || !isCurrent(group, consumer)) return;
    for (const [other, owned] of this.#beliefs) {
      if (other === consumer || !isCurrent(group, other)) continue;
      for (const name of names)
        if (owned.has(name))
          this.#verdict.report(
            'I31 one owner a partition',
            `members ${other.groupMetadata().memberId} and ${consumer.groupMetadata().memberId} of ${this.#groupId} read ${name}`,
          );
    }
  }

  get isCoordinated(): boolean {
    return this.#coordinated() !== null;
  }

  /** Why the group is not stable; null when it is and each partition of `subscribed` is read by one member. */
  whyUnstable(subscribed: Names): string | null {
    const group = this.#coordinated();
    if (group === null) return 'no broker coordinates it';
    if (group.state !== 'Stable') return `it is ${group.state}`;
    if (group.members.size !== this.#beliefs.size)
      return `it has ${group.members.size} members of ${this.#beliefs.size} consumers`;
    const owned = [...this.#beliefs.values()].flatMap((names) => [...names]);
    for (const consumer of this.#beliefs.keys()) {
      const { memberId } = consumer.groupMetadata();
      if (!group.members.has(memberId)) return `${memberId} is no member`;
    }
    if (owned.length === subscribed.size && new Set(owned).size === owned.length) return null;
    return `members read ${owned.length} partitions of ${subscribed.size}`;
  }

  /**
   * The group as its coordinator has it; null: no broker has it. If several brokers believe they coordinate it, the newest
   * one counts.
   */
  #coordinated(): Group | null {
    let found: Group | null = null;
    let newest = -1;
    for (const node of this.#cluster.nodes) {
      const here = this.#groupOn(node);
      if (here === null || here.leaderEpoch <= newest) continue;
      newest = here.leaderEpoch;
      found = here.group;
    }
    return found;
  }

  #groupOn({ node }: SimulatedNode): { group: Group | null; leaderEpoch: number } | null {
    const groups = node?.groups ?? null;
    const image = node?.image ?? null;
    if (groups === null || image === null || node === null) return null;
    try {
      const group = groups.shardOf(this.#groupId).groups.get(this.#groupId) ?? null;
      const index = groups.partitionOf(this.#groupId, image) ?? 0;
      return {
        group,
        leaderEpoch: node.replicas?.partition(offsetsTopic, index)?.leaderEpoch ?? -1,
      };
    } catch (error) {
      if (error instanceof KafkaError) return null;
      throw error;
    }
  }
}

/**
 * Whether the coordinator still counts the consumer as a member of the present generation. A consumer that was paused for long
 * or cut off may continue to read a partition that another member has got; the coordinator has removed it. A static member of a
 * classic group that missed a rebalance is still a member, but with an earlier generation.
 */
function isCurrent(group: Group, consumer: GroupConsumer): boolean {
  const { memberId, generationId } = consumer.groupMetadata();
  if (!group.members.has(memberId)) return false;
  return group.kind === 'consumer' || generationId === group.generation;
}
