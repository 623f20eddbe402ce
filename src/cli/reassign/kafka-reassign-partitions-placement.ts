/**
 * Chooses the brokers of each partition for `kafka-reassign-partitions --generate`, by the same rules as Kafka's tool. The
 * first replicas of the partitions go to the brokers in turn. The other replicas of a partition go to other brokers, in
 * different racks if all brokers have a rack. Random start positions keep all topics from beginning at the same broker.
 */
import { groupBy } from '../../base/collections.ts';
import { below, type Random } from '../../base/random.ts';

export interface UsableBroker {
  readonly id: number;
  readonly rack: string | null;
}

/**
 * Returns the position, in the list of `count` brokers, of the candidate number `at` (from 0) for a follower. It is never
 * `leader`, the position of the first replica. `shift` grows by one each time the first replicas have gone through all brokers,
 * so that the brokers of a partition are not always the same ones.
 */
function followerPosition(leader: number, shift: number, at: number, count: number): number {
  return (leader + 1 + ((shift + at) % (count - 1))) % count;
}

/** Orders the brokers: one of each rack in turn, so that neighbours are in different racks as far as possible. */
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
