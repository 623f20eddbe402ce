/**
 * Changes of many partitions, gathered into steps of an operation: one step for each change would copy a topic's partitions for each
 * of them, one step for all would hold up the node. Distinct partitions don't depend on each other, so what is gathered may be worked
 * out from the state before; who asks about a partition that is gathered already ends the step first.
 */
import type { Uuid } from '../base/uuid.ts';
import type { RecordOf } from '../metadata/records.ts';
import type { Operation } from './state.ts';

export const changesPerStepMax = 500;

type Change = RecordOf<'PartitionChangeRecord'>;

export class ChangeSteps {
  #changes: Change[] = [];
  #afterwards: (() => void)[] = [];
  readonly #partitions = new Map<Uuid, Set<number>>();

  /** A change of the partition is gathered and not yet in the state. */
  holds(topicId: Uuid, index: number): boolean {
    return this.#partitions.get(topicId)?.has(index) ?? false;
  }

  /** Gathers a change; `afterwards` is called once the state has it. True when it is time to `end` the step. */
  add(change: Change, afterwards: (() => void) | null = null): boolean {
    this.#changes.push(change);
    if (afterwards !== null) this.#afterwards.push(afterwards);
    const known = this.#partitions.get(change.topicId);
    if (known === undefined) this.#partitions.set(change.topicId, new Set([change.partitionId]));
    else known.add(change.partitionId);
    return this.#changes.length >= changesPerStepMax;
  }

  /** Brings what is gathered into the state. */
  *end(): Operation<void> {
    if (this.#changes.length === 0) return;
    const [changes, afterwards] = [this.#changes, this.#afterwards];
    this.#changes = [];
    this.#afterwards = [];
    this.#partitions.clear();
    yield changes;
    for (const call of afterwards) call();
  }
}
