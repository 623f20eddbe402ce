/**
 * The epoch of each entry of the log. Entries in a row with the same epoch are a run; a run is stored as its epoch and the
 * offset of its first entry. Invariant: epochs and starts of the runs are strictly increasing. The first run may start before
 * the log; it then gives the epoch of the last entry before the log.
 */
import { assert } from '../base/assert.ts';

interface Run {
  readonly epoch: number;
  readonly start: number;
}

export class EpochIndex {
  #runs: Run[] = [];

  get lastEpoch(): number {
    return this.#runs.at(-1)?.epoch ?? 0;
  }

  /** Starts again at `endOffset`, after a snapshot whose last entry has `epoch`. */
  reset(endOffset: number, epoch: number): void {
    this.#runs = endOffset > 0 ? [{ epoch, start: endOffset - 1 }] : [];
  }

  append(offset: number, epoch: number): void {
    const last = this.#runs.at(-1);
    if (last?.epoch === epoch) return;
    assert(last === undefined || epoch > last.epoch, 'epochs in a log never go back');
    assert(last === undefined || offset > last.start, 'offsets in a log only grow');
    this.#runs.push({ epoch, start: offset });
  }

  /** Epoch of the entry at `offset`, which must be in the log; 0 before the first run. */
  epochAt(offset: number): number {
    return this.#runs[this.#runAt(offset)]?.epoch ?? 0;
  }

  /** Forgets the entries at or above `endOffset`, which were truncated. */
  truncate(endOffset: number): void {
    while (this.#runs.length > 0 && (this.#runs.at(-1) as Run).start >= endOffset) this.#runs.pop();
  }

  /** Forgets the runs that end before `offset`. */
  compact(offset: number): void {
    const keep = this.#runAt(offset);
    if (keep > 0) this.#runs.splice(0, keep);
  }

  /**
   * The end offset of the entries whose epoch is at most `epoch`, and the epoch of the last of them. Only entries below `limit`
   * count.
   */
  endOfEpoch(epoch: number, limit: number): { endOffset: number; epoch: number } {
    for (let i = this.#runs.length - 1; i >= 0; i--) {
      const run = this.#runs[i] as Run;
      if (run.start >= limit || run.epoch > epoch) continue;
      const next = this.#runs[i + 1];
      return { endOffset: Math.min(limit, next?.start ?? limit), epoch: run.epoch };
    }
    return { endOffset: 0, epoch: 0 };
  }

  #runAt(offset: number): number {
    let low = 0;
    let high = this.#runs.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      if ((this.#runs[middle] as Run).start <= offset) low = middle + 1;
      else high = middle - 1;
    }
    return high;
  }
}
