/** Random scripts of writes for a store and its model, as a replica makes them. The same seed gives the same script. */
import type { RaftStore, WriteOp } from '../../../src/raft/store.ts';
import type { SnapshotMeta } from '../../../src/raft/types.ts';
import { entry, hard, write } from './fixture.ts';

export type Step =
  | { readonly kind: 'write'; readonly ops: readonly WriteOp[] }
  | { readonly kind: 'snapshot'; readonly meta: SnapshotMeta; readonly bytes: Uint8Array };

export async function perform(store: RaftStore, step: Step): Promise<void> {
  if (step.kind === 'write') await store.write(step.ops);
  else await store.saveSnapshot(step.meta, step.bytes);
}

/** A replica that appends, changes its epoch and vote, replaces what was not committed, saves, installs and compacts. */
class Life {
  #state: number;
  #epoch = 1;
  #committed = 0;
  /** Epoch of each entry. */
  #epochs: number[] = [];
  #snapshotEnd = 0;
  #compactedTo = 0;

  constructor(seed: number) {
    this.#state = seed;
  }

  #below(bound: number): number {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) | 0;
    return (this.#state >>> 8) % bound;
  }

  #meta(endOffset: number): SnapshotMeta {
    return { endOffset, epoch: this.#epochs[endOffset - 1] as number, voters: [] };
  }

  #op(parts: Partial<WriteOp>): WriteOp {
    return write({ hardState: hard(this.#epoch, this.#committed), ...parts });
  }

  #append(): WriteOp {
    const replaced = this.#below(4) === 0 ? this.#below(3) : 0;
    if (replaced > 0) this.#epoch += 1;
    const from = Math.max(this.#committed, this.#compactedTo, this.#epochs.length - replaced);
    this.#epochs.length = from;
    const count = 1 + this.#below(3);
    const entries = Array.from({ length: count }, (_, i) => entry(from + i, this.#epoch, this.#below(60)));
    for (const { epoch } of entries) this.#epochs.push(epoch);
    this.#committed = Math.max(this.#committed, Math.min(this.#epochs.length, from + this.#below(2)));
    return this.#op({ entries });
  }

  /** From a leader of a later epoch: what was not committed here is gone, be it longer than the snapshot or not. */
  #install(): WriteOp {
    this.#epoch += 1;
    const endOffset = Math.max(this.#committed + 1, this.#epochs.length - 2 + this.#below(5));
    this.#epochs.length = this.#committed;
    while (this.#epochs.length < endOffset) this.#epochs.push(this.#epoch);
    this.#committed = this.#snapshotEnd = this.#compactedTo = endOffset;
    return this.#op({ install: { meta: this.#meta(endOffset), bytes: Uint8Array.of(1, this.#below(256)) } });
  }

  #vote(): WriteOp {
    this.#epoch += 1;
    return this.#op({});
  }

  next(): Step {
    const choice = this.#below(20);
    if (choice === 0) return { kind: 'write', ops: [this.#install()] };
    if (choice < 3) return { kind: 'write', ops: [this.#vote()] };
    if (choice < 5 && this.#committed > this.#snapshotEnd) {
      this.#snapshotEnd = this.#committed;
      const bytes = Uint8Array.of(2, this.#below(256));
      return { kind: 'snapshot', meta: this.#meta(this.#snapshotEnd), bytes };
    }
    if (choice < 7 && this.#snapshotEnd > this.#compactedTo) {
      this.#compactedTo = this.#snapshotEnd;
      return { kind: 'write', ops: [this.#op({ compactTo: this.#snapshotEnd })] };
    }
    if (choice < 11) return { kind: 'write', ops: [this.#append(), this.#vote(), this.#append()] };
    return { kind: 'write', ops: [this.#append()] };
  }
}

/** The same script for the same seed; a longer one begins like a shorter one. */
export function stepsOf(seed: number, count: number): Step[] {
  const life = new Life(seed);
  return Array.from({ length: count }, () => life.next());
}
