/**
 * The pending offsets of open transactions, of all groups of a shard. They become committed offsets when the marker of their
 * transaction is committed; until then OffsetFetch with `requireStable` gets UNSTABLE_OFFSET_COMMIT.
 */
import { createOffsets, type GroupOffsets, removeOffset, setOffset } from './offset-table.ts';

export class PendingOffsets {
  /** Group → producer id → pending offsets of its transaction. */
  readonly #open = new Map<string, Map<number, GroupOffsets>>();
  /** Producer id → groups in which its transaction has offsets. */
  readonly #groups = new Map<number, Set<string>>();
  /** Group → transactional commits that are being written to the log. */
  readonly #underWay = new Map<string, Set<GroupOffsets>>();

  /**
   * A transactional commit is being written: its partitions are unstable from now on. The caller must call the returned function
   * when the outcome is known.
   */
  begin(groupId: string, offsets: GroupOffsets): () => void {
    const set = this.#underWay.get(groupId) ?? new Set();
    this.#underWay.set(groupId, set.add(offsets));
    return () => {
      set.delete(offsets);
      if (set.size === 0 && this.#underWay.get(groupId) === set) this.#underWay.delete(groupId);
    };
  }

  /** A transactional commit is in the log, after all commits that were added before. */
  add(producerId: number, groupId: string, offsets: GroupOffsets): void {
    const ofGroup = this.#open.get(groupId) ?? new Map<number, GroupOffsets>();
    this.#open.set(groupId, ofGroup);
    const pending = ofGroup.get(producerId) ?? createOffsets();
    ofGroup.set(producerId, pending);
    this.#groups.set(producerId, (this.#groups.get(producerId) ?? new Set()).add(groupId));
    for (const [topic, partitions] of offsets)
      for (const [partition, value] of partitions) setOffset(pending, topic, partition, value);
  }

  /** The transaction of `producerId` has ended: removes and returns its pending offsets, by group. */
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

  /** A tombstone is in the log: removes also pending offsets that were added before it. */
  remove(groupId: string, topic: string, partition: number): void {
    for (const offsets of this.#open.get(groupId)?.values() ?? []) removeOffset(offsets, topic, partition);
  }

  has(groupId: string, topic: string, partition: number): boolean {
    for (const offsets of this.#of(groupId)) if (offsets.get(topic)?.has(partition) === true) return true;
    return false;
  }

  /** Whether a transaction has pending offsets of the group, so that the group is in use. */
  hasAny(groupId: string): boolean {
    return this.#open.has(groupId) || this.#underWay.has(groupId);
  }

  /** The partitions of the group with pending offsets, each once. */
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
