/**
 * Which leader epoch began at which offset: what followers compare to find where logs part (KIP-101, KIP-279).
 * Invariant: epochs and start offsets rise. The owner writes it to `leader-epoch-checkpoint` when `isDirty`.
 */
import type { EpochEntry } from './directories/checkpoints.ts';

export class LeaderEpochCache {
  #entries: EpochEntry[];
  isDirty = false;
  /** The latest entry was assigned without asking for a write. */
  #hasUnpersisted = false;

  constructor(entries: readonly EpochEntry[]) {
    this.#entries = [...entries];
  }

  get entries(): readonly EpochEntry[] {
    return this.#entries;
  }

  /** -1 when no epoch is known. */
  get latestEpoch(): number {
    return this.#entries.at(-1)?.epoch ?? -1;
  }

  /**
   * `epoch` begins at `startOffset`. Entries that contradict it (a later epoch, or a start at or after this one) are
   * dropped: they describe records that are no longer there, or an epoch that got none. Without `persist` it need not
   * be on disk: an epoch that gets no records is of no use after a restart.
   */
  assign(epoch: number, startOffset: number, persist = true): void {
    const last = this.#entries.at(-1);
    if (last !== undefined && last.epoch === epoch && last.startOffset <= startOffset) {
      this.isDirty ||= persist && this.#hasUnpersisted;
      if (persist) this.#hasUnpersisted = false;
      return;
    }
    if (epoch < 0) return;
    this.#entries = this.#entries.filter((entry) => entry.epoch < epoch && entry.startOffset < startOffset);
    this.#entries.push({ epoch, startOffset });
    this.#hasUnpersisted = !persist;
    this.isDirty ||= persist;
  }

  /**
   * Where the largest known epoch not above `epoch` ends; (-1, -1) when `epoch` is unknown. For the latest epoch
   * that is the end of the log.
   */
  endOffsetFor(epoch: number, logEndOffset: number): { epoch: number; endOffset: number } {
    if (epoch === -1 || this.#entries.length === 0) return { epoch: -1, endOffset: -1 };
    if (epoch === this.latestEpoch) return { epoch, endOffset: logEndOffset };
    let floor: EpochEntry | null = null;
    for (const entry of this.#entries) {
      // The first higher epoch begins where the requested one ended.
      if (entry.epoch > epoch) return { epoch: floor?.epoch ?? epoch, endOffset: entry.startOffset };
      floor = entry;
    }
    // Higher than anything known: we can't say.
    return { epoch: -1, endOffset: -1 };
  }

  /** Epoch of the record at `offset`; -1 when it is not known. */
  epochAt(offset: number): number {
    let found = -1;
    for (const entry of this.#entries) {
      if (entry.startOffset > offset) break;
      found = entry.epoch;
    }
    return found;
  }

  /** The log now ends at `offset`. */
  truncateFromEnd(offset: number): void {
    if (this.#entries.length === 0 || (this.#entries.at(-1) as EpochEntry).startOffset < offset) return;
    this.#entries = this.#entries.filter((entry) => entry.startOffset < offset);
    this.isDirty = true;
  }

  /** The log now starts at `offset`: the epoch that spans it begins there. */
  truncateFromStart(offset: number): void {
    const first = this.#entries[0];
    if (first === undefined || first.startOffset >= offset) return;
    const epoch = this.epochAt(offset);
    this.#entries = this.#entries.filter((entry) => entry.startOffset > offset);
    this.#entries.unshift({ epoch, startOffset: offset });
    this.isDirty = true;
  }

  clear(): void {
    if (this.#entries.length === 0) return;
    this.#entries = [];
    this.isDirty = true;
  }
}
