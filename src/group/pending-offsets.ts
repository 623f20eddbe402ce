/**
 * The offsets that open transactions have committed, for all groups of a shard. An offset is pending from the moment its write
 * begins until the marker of its transaction is committed, or until its write has failed. The marker makes it a committed
 * offset or drops it. Meanwhile OffsetFetch with `requireStable` gets UNSTABLE_OFFSET_COMMIT for its partition.
 */
import { createOffsets, type GroupOffsets, removeOffset, setOffset } from './offset-table.ts';

export class PendingOffsets {
  /** Group → producer id → the offsets of that producer's open transaction that are in the log. */
  readonly #open = new Map<string, Map<number, GroupOffsets>>();
  /** Producer id → the groups for which its open transaction has committed offsets. */
  readonly #groups = new Map<number, Set<string>>();
  /** Group → transactional commits whose write has begun but has no outcome yet. */
  readonly #underWay = new Map<string, Set<GroupOffsets>>();

  /**
   * Called when the write of a transactional commit begins: its partitions have pending offsets from now on. The caller must
   * call the returned function when the outcome of the write is known.
   */
  begin(groupId: string, offsets: GroupOffsets): () => void {
    const set = this.#underWay.get(groupId) ?? new Set();
    this.#underWay.set(groupId, set.add(offsets));
    return () => {
      set.delete(offsets);
      if (set.size === 0 && this.#underWay.get(groupId) === set) this.#underWay.delete(groupId);
    };
  }

  /**
   * Called when a transactional commit is in the log. Calls come in the order of the log, so later offsets replace earlier
   * ones.
   */
  add(producerId: number, groupId: string, offsets: GroupOffsets): void {
    const ofGroup = this.#open.get(groupId) ?? new Map<number, GroupOffsets>();
    this.#open.set(groupId, ofGroup);
    const pending = ofGroup.get(producerId) ?? createOffsets();
    ofGroup.set(producerId, pending);
    this.#groups.set(producerId, (this.#groups.get(producerId) ?? new Set()).add(groupId));
    for (const [topic, partitions] of offsets)
      for (const [partition, value] of partitions) setOffset(pending, topic, partition, value);
  }

  /** Called when the transaction of `producerId` has ended. Removes its pending offsets and returns them, by group. */
  take(producerId: number): Map<string, GroupOffsets> {
    const taken = new Map<string, GroupOffsets>();
    for (const groupId of this.#groups.get(producerId) ?? []) {
      const ofGroup = this.#open.get(groupId);
      const offsets = ofGroup?.get(producerId);
      if (offsets !== undefined) taken.set(groupId, offsets);
      ofGroup?.delete(producerId);
      if (ofGroup?.size === 0) this.#open.delete(groupId);
    }
    this.#groups.delete(producerId);
    return taken;
  }

  /** Called when a tombstone is in the log: it also removes the pending offsets that were added before it. */
  remove(groupId: string, topic: string, partition: number): void {
    for (const offsets of this.#open.get(groupId)?.values() ?? []) removeOffset(offsets, topic, partition);
  }

  has(groupId: string, topic: string, partition: number): boolean {
    for (const offsets of this.#of(groupId)) if (offsets.get(topic)?.has(partition) === true) return true;
    return false;
  }

  /** Whether open transactions have pending offsets of the group; then the group must not expire. */
  hasAny(groupId: string): boolean {
    return this.#open.has(groupId) || this.#underWay.has(groupId);
  }

  /** The partitions for which the group has pending offsets, each once. */
  partitions(groupId: string): { readonly topic: string; readonly partition: number }[] {
    const all = createOffsets();
    for (const offsets of this.#of(groupId))
      for (const [topic, partitions] of offsets)
        for (const [partition, value] of partitions) setOffset(all, topic, partition, value);
    return [...all].flatMap(([topic, partitions]) =>
      [...partitions.keys()].map((partition) => ({ topic, partition })),
    );
  }

  partitionsOf(groupId: string, topic: string): number[] {
    return [...this.#of(groupId)].flatMap((offsets) => [...(offsets.get(topic)?.keys() ?? [])]);
  }

  *#of(groupId: string): Iterable<GroupOffsets> {
    yield* this.#open.get(groupId)?.values() ?? [];
    yield* this.#underWay.get(groupId) ?? [];
  }
}
