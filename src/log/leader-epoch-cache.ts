/**
 * The start offset of each leader epoch in a log. Followers use it to find where their log diverges from the leader's (KIP-101,
 * KIP-279). Invariant: epochs and start offsets are strictly increasing.
 *
 * When `isDirty`, the owner writes the entries to the file `leader-epoch-checkpoint`. `isDirty` compares the entries with those
 * of the file: recovery removes the last entries and adds them again from the batches, mostly with the same result.
 */
import type { EpochEntry } from './directories/checkpoints.ts';

export class LeaderEpochCache {
  /** Replaced, never changed: `#written` may be the same array. */
  #entries: readonly EpochEntry[];
  /** The entries that the file has. */
  #written: readonly EpochEntry[] | null;
  #hasChanged = false;
  /** The latest entry was assigned with `persist` false and need not be in the file yet. */
  #hasUnpersisted = false;

  constructor(entries: readonly EpochEntry[]) {
    this.#entries = [...entries];
    this.#written = this.#entries;
  }

  /** Whether the file must be written. */
  get isDirty(): boolean {
    return this.#hasChanged && !isSame(this.#entries, this.#written);
  }

  /** Returns the entries for the file. They count as written, because a failed write ends the log. */
  toWrite(): readonly EpochEntry[] {
    this.#hasChanged = false;
    this.#written = this.#entries;
    return this.#entries;
  }

  /** Called when the log has got the files of a copy: what their checkpoint has is unknown. */
  forgetFile(): void {
    this.#hasChanged = true;
    this.#written = null;
  }

  get entries(): readonly EpochEntry[] {
    return this.#entries;
  }

  /** The newest leader epoch; -1 when the log has none. */
  get latestEpoch(): number {
    return this.#entries.at(-1)?.epoch ?? -1;
  }

  /**
   * Records that `epoch` begins at `startOffset`. Entries of the same or a later epoch, or with the same or a later start, are
   * removed: their records were truncated, or they never had any. `persist` false: the entry need not be written to disk,
   * because an epoch without records is not needed after a restart.
   */
  assign(epoch: number, startOffset: number, persist = true): void {
    const last = this.#entries.at(-1);
    if (last !== undefined && last.epoch === epoch && last.startOffset <= startOffset) {
      this.#hasChanged ||= persist && this.#hasUnpersisted;
      if (persist) this.#hasUnpersisted = false;
      return;
    }
    if (epoch < 0) return;
    const earlier = this.#entries.filter((entry) => entry.epoch < epoch && entry.startOffset < startOffset);
    this.#entries = [...earlier, { epoch, startOffset }];
    this.#hasUnpersisted = !persist;
    this.#hasChanged ||= persist;
  }

  /**
   * The largest epoch in the log that is not above `epoch`, and its end offset. For the latest epoch this is the log end
   * offset. When `epoch` is older than all epochs of the log: `epoch` itself, which ends where the first epoch of the log
   * begins. When `epoch` is -1 or later than the latest, or the log has no epochs: (-1, -1).
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

  /** Removes the epochs that begin at or after `offset`, because the log was truncated to it. */
  truncateFromEnd(offset: number): void {
    if (this.#entries.length === 0 || (this.#entries.at(-1) as EpochEntry).startOffset < offset) return;
    this.#entries = this.#entries.filter((entry) => entry.startOffset < offset);
    this.#hasChanged = true;
  }

  /** Removes the entries below the new log start offset; the epoch of the record at `offset` now begins at `offset`. */
  truncateFromStart(offset: number): void {
    const first = this.#entries[0];
    if (first === undefined || first.startOffset >= offset) return;
    const epoch = this.epochAt(offset);
    const later = this.#entries.filter((entry) => entry.startOffset > offset);
    this.#entries = [{ epoch, startOffset: offset }, ...later];
    this.#hasChanged = true;
  }

  clear(): void {
    if (this.#entries.length === 0) return;
    this.#entries = [];
    this.#hasChanged = true;
  }
}

function isSame(entries: readonly EpochEntry[], others: readonly EpochEntry[] | null): boolean {
  if (entries.length !== others?.length) return false;
  return entries.every(({ epoch, startOffset }, i) => {
    const other = others[i];
    return other?.epoch === epoch && other.startOffset === startOffset;
  });
}
