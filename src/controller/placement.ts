/**
 * Places the replicas of new partitions: round robin over racks, and over the brokers of each rack. So leaders and
 * replicas are spread evenly, each partition's replicas are in as many racks as possible, and the first replica is
 * always on an active broker. In each rack, fenced brokers are used last. The same brokers and the same random numbers give the
 * same placement.
 */
import { groupBy } from '../base/collections.ts';
import type { NodeId } from '../base/ids.ts';
import type { Random } from '../base/random.ts';
import { below } from '../base/random.ts';
import { Errors, KafkaError } from '../protocol/errors.ts';
import type { MetadataImage } from '../metadata/image.ts';

export interface UsableBroker {
  readonly id: NodeId;
  readonly rack: string | null;
  readonly fenced: boolean;
}

/** All registered brokers except those in controlled shutdown and those whose log directories are all cordoned. */
export function usableBrokers(image: MetadataImage): UsableBroker[] {
  return [...image.cluster.brokers.values()]
    .filter((broker) => {
      const cordoned =
        broker.logDirs.length > 0 && broker.logDirs.every((d) => broker.cordonedLogDirs.includes(d));
      return !broker.inControlledShutdown && !cordoned;
    })
    .map(({ id, rack, fenced }) => ({ id, rack, fenced }));
}

/**
 * Returns the brokers of a list in turn, one for each call of `next`, and null after the last. A new `round` (one for each
 * partition) begins one broker later than the round before.
 */
class Ring {
  readonly #ids: NodeId[];
  #round = -1;
  #start = 0;
  #taken = 0;

  constructor(ids: NodeId[], random: Random) {
    this.#ids = ids;
    this.shuffle(random);
  }

  shuffle(random: Random): void {
    shuffled(this.#ids, random);
    this.#round = -1;
    this.#start = below(random, this.#ids.length);
  }

  next(round: number): NodeId | null {
    const size = this.#ids.length;
    if (size === 0) return null;
    if (this.#round !== round) {
      this.#round = round;
      this.#taken = 0;
      this.#start = (this.#start + 1) % size;
    }
    if (this.#taken >= size) return null;
    return this.#ids[(this.#start + this.#taken++) % size] as NodeId;
  }
}

interface Rack {
  readonly unfenced: Ring;
  readonly fenced: Ring;
}

function racksOf(brokers: readonly UsableBroker[], random: Random): Rack[] {
  // Brokers without a rack form one rack.
  const byName = groupBy(brokers, ({ rack }) => rack ?? '');
  const ids = (list: UsableBroker[], fenced: boolean): NodeId[] =>
    list.filter((broker) => broker.fenced === fenced).map((broker) => broker.id);
  return [...byName]
    .sort((a, b) => (a[0] < b[0] ? -1 : 1))
    .map(([, list]) => ({
      unfenced: new Ring(ids(list, false), random),
      fenced: new Ring(ids(list, true), random),
    }));
}

/** Throws INVALID_REPLICATION_FACTOR when there are not enough brokers. */
export function placeReplicas(
  brokers: readonly UsableBroker[],
  partitionCount: number,
  replicationFactor: number,
  random: Random,
): NodeId[][] {
  const unfencedCount = brokers.filter((broker) => !broker.fenced).length;
  if (unfencedCount === 0) {
    const why = 'All brokers are currently fenced, or have all their log directories cordoned.';
    throw cannotReplicate(replicationFactor, why);
  }
  if (replicationFactor > brokers.length) {
    throw cannotReplicate(
      replicationFactor,
      `The target replication factor of ${replicationFactor} cannot be reached because only ${brokers.length} broker(s) are registered or some brokers have all their log directories cordoned.`,
    );
  }
  const racks = racksOf(brokers, random);
  const placements: NodeId[][] = [];
  let round = 0;
  let rackAt = below(random, racks.length);
  for (let i = 0; i < partitionCount; i++) {
    // After as many partitions as there are unfenced brokers, the same placements would repeat, so the brokers are shuffled.
    if (round >= unfencedCount && unfencedCount > 1) {
      for (const rack of racks) {
        rack.unfenced.shuffle(random);
        rack.fenced.shuffle(random);
      }
      shuffled(racks, random);
      round = 0;
    }
    placements.push(placeOne(racks, rackAt, round, replicationFactor));
    round++;
    rackAt = (rackAt + 1) % racks.length;
  }
  return placements;
}

function placeOne(
  racks: readonly Rack[],
  rackAt: number,
  round: number,
  replicationFactor: number,
): NodeId[] {
  const replicas: NodeId[] = [];
  let at = rackAt;
  // The first replica, which leads, is on an unfenced broker. It comes from the first rack, from `rackAt` on, that has one.
  for (; replicas.length === 0; at = (at + 1) % racks.length) {
    const leader = (racks[at] as Rack).unfenced.next(round);
    if (leader !== null) replicas.push(leader);
  }
  while (replicas.length < replicationFactor) {
    const rack = racks[at] as Rack;
    const next = rack.unfenced.next(round) ?? rack.fenced.next(round);
    if (next !== null) replicas.push(next);
    at = (at + 1) % racks.length;
  }
  return replicas;
}

function shuffled<T>(list: T[], random: Random): void {
  for (let i = list.length - 1; i > 0; i--) {
    const j = below(random, i + 1);
    [list[i], list[j]] = [list[j] as T, list[i] as T];
  }
}

export function cannotReplicate(replicationFactor: number, why: string): KafkaError {
  return new KafkaError(
    Errors.INVALID_REPLICATION_FACTOR,
    `Unable to replicate the partition ${replicationFactor} time(s): ${why}`,
  );
}
