/**
 * What several writes that waited together come to: the group commit turns them into one batch.
 */
import { assert, at } from '../../base/assert.ts';
import type { WriteOp } from '../../raft/store.ts';
import type { Entry, HardState } from '../../raft/types.ts';

export interface NetChange {
  /** The last one. */
  readonly hardState: HardState;
  /** The last installed snapshot: everything stored before goes. */
  readonly install: WriteOp['install'];
  /** Stored entries from here on go (without `install`). Infinity: none. */
  readonly truncateTo: number;
  /** Appended after that, contiguous. */
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
