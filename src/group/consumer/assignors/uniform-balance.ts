/**
 * The part of `uniform` for members with different subscriptions. First each partition without an owner goes to the subscriber
 * with the fewest partitions. Then partitions move one by one from a member to another one that has at least two fewer, until
 * no such move is possible. This ends, because each move decreases the sum of the squares of the members' partition counts.
 */
import { defined } from '../../../base/assert.ts';
import type { Uuid } from '../../../base/uuid.ts';
import { Meter } from './assignor.ts';
import type { Share, TopicPartition } from './share.ts';
import { give } from './share.ts';

/** `free`: the partitions without an owner. */
export function* balance(
  shares: readonly Share[],
  free: readonly TopicPartition[],
): Generator<void, void, void> {
  const meter = new Meter();
  const subscribers = new Map<Uuid, Share[]>();
  for (const share of shares) {
    for (const topicId of share.member.topicIds) {
      if (meter.tick()) yield;
      const list = subscribers.get(topicId);
      if (list === undefined) subscribers.set(topicId, [share]);
      else list.push(share);
    }
  }
  // Topics with few subscribers come first: their partitions have the least choice.
  const topicIds = [...subscribers.keys()].sort(
    (a, b) => defined(subscribers.get(a)).length - defined(subscribers.get(b)).length,
  );
  const freeOf = new Map<Uuid, TopicPartition[]>();
  for (const one of free) {
    const list = freeOf.get(one.topicId);
    if (list === undefined) freeOf.set(one.topicId, [one]);
    else list.push(one);
  }
  for (const topicId of topicIds) {
    const ofTopic = freeOf.get(topicId);
    if (ofTopic === undefined) continue;
    const byLoad = new ByLoad(defined(subscribers.get(topicId)));
    for (const one of ofTopic) {
      byLoad.giveToLeast(one);
      if (meter.tick()) yield;
    }
  }
  for (let moved = true; moved; ) {
    moved = false;
    for (const topicId of topicIds) {
      const list = defined(subscribers.get(topicId));
      if (yield* levelTopic(topicId, list, meter)) moved = true;
    }
  }
}

/**
 * Moves partitions of one topic between its subscribers until no owner of such a partition has two partitions more than another
 * subscriber. Returns whether it moved any.
 */
function* levelTopic(
  topicId: Uuid,
  subscribers: readonly Share[],
  meter: Meter,
): Generator<void, boolean, void> {
  const least = new ByLoad(subscribers);
  const givers = subscribers
    .filter((share) => (share.partitions.get(topicId)?.size ?? 0) > 0)
    .sort((a, b) => b.size - a.size);
  let moved = false;
  for (const giver of givers) {
    if (meter.tick()) yield;
    const partitions = defined(giver.partitions.get(topicId));
    for (const partition of partitions) {
      if (giver.size < least.load() + 2) break;
      if (meter.tick()) yield;
      partitions.delete(partition);
      giver.size--;
      least.giveToLeast({ topicId, partition });
      // The giving member may now be among those with the smallest load.
      least.add(giver);
      moved = true;
    }
    if (partitions.size === 0) giver.partitions.delete(topicId);
  }
  return moved;
}

/**
 * A heap of shares, the one with the fewest partitions on top. A share that has got partitions meanwhile is reinserted when it
 * reaches the top; for a share that lost one, `add` inserts a second entry.
 */
class ByLoad {
  readonly #heap: { readonly load: number; readonly share: Share }[] = [];

  constructor(shares: readonly Share[]) {
    const sorted = [...shares].sort((a, b) => a.size - b.size);
    for (const share of sorted) this.#heap.push({ load: share.size, share });
  }

  add(share: Share): void {
    this.#push({ load: share.size, share });
  }

  /** The smallest load. */
  load(): number {
    return this.#least().size;
  }

  giveToLeast(one: TopicPartition): void {
    const share = this.#least();
    give(share, one);
    this.#sink(0, { load: share.size, share });
  }

  #least(): Share {
    for (;;) {
      const top = defined(this.#heap[0], 'a topic without subscribers has no partitions to give');
      if (top.load === top.share.size) return top.share;
      this.#sink(0, { load: top.share.size, share: top.share });
    }
  }

  #push(entry: { load: number; share: Share }): void {
    const heap = this.#heap;
    let i = heap.length;
    heap.push(entry);
    while (i > 0) {
      const parent = (i - 1) >> 1;
      const other = defined(heap[parent]);
      if (other.load <= entry.load) break;
      heap[i] = other;
      i = parent;
    }
    heap[i] = entry;
  }

  #sink(from: number, entry: { load: number; share: Share }): void {
    const heap = this.#heap;
    let i = from;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      const right = heap[child + 1];
      if (right !== undefined && right.load < defined(heap[child]).load) child++;
      const smaller = defined(heap[child]);
      if (smaller.load >= entry.load) break;
      heap[i] = smaller;
      i = child;
    }
    heap[i] = entry;
  }
}
