/** Combines several writes that wait for the disk into one change of the store, which is then written as one batch. */
import { assert, at } from '../../base/assert.ts';
import type { WriteOp } from '../../raft/store.ts';
import type { Entry, HardState } from '../../raft/types.ts';

export interface NetChange {
  /** The hard state of the last write. */
  readonly hardState: HardState;
  /** The last snapshot that one of the writes installs; it replaces everything that is stored. Null when none does. */
  readonly install: WriteOp['install'];
  /**
   * Stored entries from this offset on, if there are any, are removed. Infinity when no write has entries. Without meaning when
   * `install` is set.
   */
  readonly truncateTo: number;
  /** The entries to append after the removal. Their offsets have no gaps. */
  readonly entries: readonly Entry[];
  readonly compactTo: number;
}

export function netChange(ops: readonly WriteOp[]): NetChange {
  let install: WriteOp['install'] = null;
  let truncateTo = Number.POSITIVE_INFINITY;
  let entries: Entry[] = [];
  let compactTo = 0;
  for (const op of ops) {
    if (op.install !== null) {
      install = op.install;
      entries = [];
      truncateTo = 0;
    }
    const first = op.entries[0];
    if (first !== undefined) {
      const bufferStart = entries[0]?.offset ?? first.offset;
      if (first.offset <= bufferStart) {
        entries = [...op.entries];
        truncateTo = Math.min(truncateTo, first.offset);
      } else {
        const keep = first.offset - bufferStart;
        assert(keep <= entries.length, 'writes that wait together leave no gap');
        entries.length = keep;
        for (const entry of op.entries) entries.push(entry);
      }
    }
    compactTo = Math.max(compactTo, op.compactTo ?? 0);
  }
  return { hardState: at(ops, ops.length - 1).hardState, install, truncateTo, entries, compactTo };
}
