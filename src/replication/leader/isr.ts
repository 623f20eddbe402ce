/**
 * The ISR of a partition, as its leader knows it. Pure.
 *
 * Invariants:
 * - `committed` is the last ISR that this leader received from the controller; nothing else changes it.
 * - At most one proposal is in flight. It is based on `committed` and carries the partition epoch of `committed`.
 * - `maximal` is `committed` plus the replicas that the proposal in flight adds. The high watermark waits for all members of
 *   `maximal`, because the controller may elect any of them: it may have accepted an addition already, and it may not have
 *   accepted a removal yet.
 * - The leader never proposes to remove itself.
 */
import type { NodeId } from '../../base/ids.ts';
import { mark } from '../../base/mark.ts';

export interface IsrProposal {
  readonly leaderEpoch: number;
  /** The partition epoch that the proposal is based on. */
  readonly partitionEpoch: number;
  readonly isr: readonly NodeId[];
  readonly added: readonly NodeId[];
  readonly removed: readonly NodeId[];
}

export class IsrState {
  committed: readonly NodeId[];
  partitionEpoch: number;
  #pending: IsrProposal | null = null;
  #maximal: readonly NodeId[];

  constructor(isr: readonly NodeId[], partitionEpoch: number) {
    this.committed = isr;
    this.partitionEpoch = partitionEpoch;
    this.#maximal = isr;
  }

  get pending(): IsrProposal | null {
    return this.#pending;
  }

  get maximal(): readonly NodeId[] {
    return this.#maximal;
  }

  /** Null when there is nothing to change or a proposal is in flight. */
  propose(add: readonly NodeId[], remove: readonly NodeId[], leaderEpoch: number): IsrProposal | null {
    if (this.#pending !== null) return null;
    const added = add.filter((id) => !this.committed.includes(id));
    const removed = remove.filter((id) => this.committed.includes(id));
    if (added.length === 0 && removed.length === 0) return null;
    const isr = this.committed.filter((id) => !removed.includes(id)).concat(added);
    const proposal = { leaderEpoch, partitionEpoch: this.partitionEpoch, isr, added, removed };
    this.#pending = proposal;
    this.#maximal = added.length === 0 ? this.committed : this.committed.concat(added);
    return proposal;
  }

  /**
   * Takes over the ISR that the controller has committed, from a response or from metadata. Returns false, and keeps the
   * present ISR, if `isr` is older, or if it has the present partition epoch while a proposal is in flight.
   */
  commit(isr: readonly NodeId[], partitionEpoch: number): boolean {
    if (partitionEpoch < this.partitionEpoch) return false;
    // Metadata repeats what the last AlterPartition response said. A proposal that was sent after that response stays in
    // flight.
    if (partitionEpoch === this.partitionEpoch && this.#pending !== null) {
      mark('replication.metadata-follows-isr-answer');
      return false;
    }
    this.committed = isr;
    this.partitionEpoch = partitionEpoch;
    this.#pending = null;
    this.#maximal = isr;
    return true;
  }

  /** Drops the proposal: the controller has answered it, and will not apply it any more. */
  abandon(proposal: IsrProposal): boolean {
    if (this.#pending !== proposal) return false;
    this.#pending = null;
    this.#maximal = this.committed;
    return true;
  }
}
