/**
 * The start offset of each leader epoch, by which followers find where their log diverges (KIP-101, KIP-279). Invariant: epochs and
 * start offsets increase. The owner writes it to `leader-epoch-checkpoint` when `isDirty`.
 */
import type { EpochEntry } from './directories/checkpoints.ts';

export class LeaderEpochCache {
  #entries: EpochEntry[];
  isDirty = false;
  /** The latest entry was assigned with `persist` false. */
  #hasUnpersisted = false;

  constructor(entries: readonly EpochEntry[]) {
    this.#entries = [...entries];
  }

  get entries(): readonly EpochEntry[] {
    return this.#entries;
  }

  /** -1 when the log has no epoch. */
  get latestEpoch(): number {
    return this.#entries.at(-1)?.epoch ?? -1;
  }

  /**
   * `epoch` begins at `startOffset`. Entries that contradict it (a later epoch, or a start at or after this one) are removed: their
   * records do not exist any more, or they never had one. Without `persist` the entry need not be written to disk, because an epoch
   * without records is not needed after a restart.
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
   * The end offset of the largest known epoch not above `epoch`; (-1, -1) when `epoch` is unknown. For the latest epoch it is the
   * log end.
   */
  endOffsetFor(epoch: number, logEndOffset: number): { epoch: number; endOffset: number } {
    if (epoch === -1 || this.#entries.length === 0) return { epoch: -1, endOffset: -1 };
    if (epoch === this.latestEpoch) return { epoch, endOffset: logEndOffset };
    let floor: EpochEntry | null = null;
    for (const entry of this.#entries) {
      // The requested epoch ends where the first higher epoch begins.
      if (entry.epoch > epoch) return { epoch: floor?.epoch ?? epoch, endOffset: entry.startOffset };
      floor = entry;
    }
    // The requested epoch is higher than any known one.
    return { epoch: -1, endOffset: -1 };
  }

  /** Leader epoch of the record at `offset`; -1 when it is unknown. */
  epochAt(offset: number): number {
    let found = -1;
    for (const entry of this.#entries) {
      if (entry.startOffset > offset) break;
      found = entry.epoch;
    }
    return found;
  }

  /** The log was truncated to `offset`. */
  truncateFromEnd(offset: number): void {
    if (this.#entries.length === 0 || (this.#entries.at(-1) as EpochEntry).startOffset < offset) return;
    this.#entries = this.#entries.filter((entry) => entry.startOffset < offset);
    this.isDirty = true;
  }

  /** The log now starts at `offset`: the epoch of that record begins there. */
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
