/**
 * Collects changes of many partitions into steps of an operation. With one step for each change, every change would
 * copy the topic's partition list; with one step for all of them, the event loop would be blocked too long. Changes of
 * distinct partitions are independent, so they may be computed from the state before the step. A caller that needs the
 * state of a partition whose change is collected must end the step first.
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

  /** Whether a change of the partition is collected and not yet replayed. */
  holds(topicId: Uuid, index: number): boolean {
    return this.#partitions.get(topicId)?.has(index) ?? false;
  }

  /**
   * Collects a change; `afterwards` is called once it has been replayed. Returns true when the step is full and the
   * caller should `end` it.
   */
  add(change: Change, afterwards: (() => void) | null = null): boolean {
    this.#changes.push(change);
    if (afterwards !== null) this.#afterwards.push(afterwards);
    const known = this.#partitions.get(change.topicId);
    if (known === undefined) this.#partitions.set(change.topicId, new Set([change.partitionId]));
    else known.add(change.partitionId);
    return this.#changes.length >= changesPerStepMax;
  }

  /** Yields the collected records as one step. */
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
