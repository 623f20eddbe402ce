/**
 * Collects changes of many partitions into steps of an operation, at most `changesPerStepMax` in one step. With a step for each
 * change, every change would copy the topic's partition list; with one step for all, the event loop would be blocked too long.
 *
 * A collected change is applied to the image only when its step ends. Changes of different partitions do not depend on each
 * other, so a caller may compute them from the image before the step. Before it reads a partition again whose change is
 * collected (`holds`), it must end the step.
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

  /** Whether a change of the partition is collected and not yet applied to the image. */
  holds(topicId: Uuid, index: number): boolean {
    return this.#partitions.get(topicId)?.has(index) ?? false;
  }

  /**
   * Collects a change; `afterwards` is called when it has been applied to the image. Returns true when the step is full; the
   * caller should then call `end`.
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
