/**
 * Chooses the partition of a record, as Kafka's Java clients do: by the murmur2 hash of its key; a record without a key goes to
 * the same partition as the one before (the sticky partition) until a batch is full.
 */
import type { Random } from '../base/random.ts';
import { below } from '../base/random.ts';

const multiplier = 0x5bd1e995;

/** The 32-bit murmur2 hash of Kafka's clients, as a signed integer. */
export function murmur2(data: Uint8Array): number {
  let hash = 0x9747b28c ^ data.length;
  const whole = data.length & ~3;
  for (let at = 0; at < whole; at += 4) {
    let word =
      (data[at] as number) |
      ((data[at + 1] as number) << 8) |
      ((data[at + 2] as number) << 16) |
      ((data[at + 3] as number) << 24);
    word = Math.imul(word, multiplier);
    word = Math.imul(word ^ (word >>> 24), multiplier);
    hash = Math.imul(hash, multiplier) ^ word;
  }
  for (let at = data.length - 1; at >= whole; at--) hash ^= (data[at] as number) << ((at - whole) * 8);
  if (whole < data.length) hash = Math.imul(hash, multiplier);
  hash = Math.imul(hash ^ (hash >>> 13), multiplier);
  return hash ^ (hash >>> 15);
}

/** The partition of a key among `partitionCount`. */
export function partitionOfKey(key: Uint8Array, partitionCount: number): number {
  return (murmur2(key) & 0x7fffffff) % partitionCount;
}

/**
 * Chooses partitions for records without a key (KIP-480, KIP-794). Unlike Java's client it ignores how busy the brokers are.
 */
export class StickyPartitioner {
  private readonly random: Random;
  private readonly current = new Map<string, number>();

  constructor(random: Random) {
    this.random = random;
  }

  /** The partition for the next record without a key; `available`: those that have a leader, or all if none has. */
  partition(topic: string, available: readonly number[]): number {
    const sticky = this.current.get(topic);
    if (sticky !== undefined && available.includes(sticky)) return sticky;
    return this.next(topic, available);
  }

  /** A batch of the topic is full: the next record goes to another partition. */
  next(topic: string, available: readonly number[]): number {
    const previous = this.current.get(topic);
    const others = available.length > 1 ? available.filter((index) => index !== previous) : available;
    const chosen = others[below(this.random, others.length)] ?? 0;
    this.current.set(topic, chosen);
    return chosen;
  }
}
