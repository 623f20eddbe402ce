/**
 * Chooses the brokers of each replica for `kafka-reassign-partitions --generate`, by the same rules as Kafka's tool. The first
 * replicas of the partitions go to the brokers in turn. The other replicas of a partition go to other brokers, in different
 * racks if all brokers have a rack. Random start positions avoid that all topics begin at the same broker.
 */
import { groupBy } from '../../base/collections.ts';
import { below, type Random } from '../../base/random.ts';

export interface UsableBroker {
  readonly id: number;
  readonly rack: string | null;
}

/**
 * Returns the position, in the list of `count` brokers, of the candidate number `at` (from 0) for a follower. It is never
 * `leader`, the position of the first replica. `shift` changes from round to round, so that not always the same brokers share
 * partitions.
 */
function followerPosition(leader: number, shift: number, at: number, count: number): number {
  return (leader + 1 + ((shift + at) % (count - 1))) % count;
}

/** Orders the brokers so that neighbours in the list are in different racks: one broker of each rack in turn. */
function alternateRacks(brokers: readonly UsableBroker[]): UsableBroker[] {
  const sorted = [...brokers].sort((left, right) => left.id - right.id);
  const racks = groupBy(sorted, ({ rack }) => rack ?? '');
  const queues = [...racks].sort(([left], [right]) => (left < right ? -1 : 1)).map(([, queue]) => queue);
  const longest = Math.max(...queues.map(({ length }) => length));
  return Array.from({ length: longest }, (_, at) => queues.flatMap((queue) => queue[at] ?? [])).flat();
}

/** Returns the broker ids of each partition's replicas. Throws when there are fewer than `factor` brokers. */
export function placeReplicas(
  brokers: readonly UsableBroker[],
  partitionCount: number,
  factor: number,
  random: Random,
): number[][] {
  if (factor > brokers.length) {
    throw new Error(`Replication factor: ${factor} larger than available brokers: ${brokers.length}.`);
  }
  const isRackAware = brokers.every(({ rack }) => rack !== null);
  const order = isRackAware
    ? alternateRacks(brokers)
    : [...brokers].sort((left, right) => left.id - right.id);
  const count = order.length;
  const rackCount = isRackAware ? new Set(order.map(({ rack }) => rack)).size : 1;
  const first = below(random, count);
  let shift = below(random, count);
  return Array.from({ length: partitionCount }, (_, partition) => {
    if (partition > 0 && partition % count === 0) shift++;
    const leader = (partition + first) % count;
    const chosen = [order[leader] as UsableBroker];
    for (let at = 0; chosen.length < factor; at++) {
      const broker = order[followerPosition(leader, shift * rackCount, at, count)] as UsableBroker;
      if (chosen.includes(broker)) continue;
      const racks = new Set(chosen.map(({ rack }) => rack));
      if (!isRackAware || racks.size === rackCount || !racks.has(broker.rack)) chosen.push(broker);
    }
    return chosen.map(({ id }) => id);
  });
}
