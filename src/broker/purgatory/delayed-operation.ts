/**
 * One request that cannot be completed yet, as in Kafka's purgatory. It has a deadline, keys that it watches, and a check that
 * tells whether it can complete. It completes exactly once: when the check is true or when the deadline has passed.
 *
 * - The check runs when the operation starts. After changes of keys it runs once in a microtask, for all of them together.
 * - If the first check is false, the operation begins to watch its keys in the same turn, so that no change is missed.
 * - After completion or `cancel` nothing is left: no timer, no watcher, no entry in the purgatory.
 * - A purgatory holds at most `pendingMax` operations. A further operation completes at once, as if it had expired.
 * - This file knows nothing of requests. Produce, Fetch, DeleteRecords, waits for metadata and the loading of coordinators use
 *   it.
 */
import type { Scheduler, Timer } from '../../base/clock.ts';
import type { Watchable } from '../../base/watch-list.ts';

/** The pending operations of one kind, of all connections. */
export class Purgatory {
  readonly scheduler: Scheduler;
  readonly pendingMax: number;
  /** The number of pending operations. Only `DelayedOperation` changes this and the next two counts. */
  pending = 0;
  /** How many operations have waited and then could complete. */
  completed = 0;
  /** How many operations have waited until their deadline. */
  expired = 0;

  constructor(scheduler: Scheduler, pendingMax: number) {
    this.scheduler = scheduler;
    this.pendingMax = pendingMax;
  }
}

export interface DelayedOperationOptions {
  readonly purgatory: Purgatory;
  /** How long the operation may wait; 0 or less: it does not wait. */
  readonly timeoutMs: number;
  /**
   * Whether the operation can complete. `changed`: the indexes of the keys that changed; null at the first check. Must not
   * throw.
   */
  readonly tryComplete: (changed: ReadonlySet<number> | null) => boolean;
  /** Called once, unless the operation was cancelled. `isExpired`: the check was never true. */
  readonly onComplete: (isExpired: boolean) => void;
}

const allKeys: ReadonlySet<number> | null = null;

export class DelayedOperation {
  readonly #options: DelayedOperationOptions;
  #state: 'new' | 'pending' | 'over' = 'new';
  #timer: Timer | null = null;
  #unwatch: (() => void)[] = [];
  #changed = new Set<number>();
  #isScheduled = false;

  constructor(options: DelayedOperationOptions) {
    this.#options = options;
  }

  get isOver(): boolean {
    return this.#state === 'over';
  }

  /** Completes the operation now if its check is true or if it may not wait. Otherwise watches `keys` until the deadline. */
  start(keys: readonly Watchable[]): void {
    const { purgatory, timeoutMs, tryComplete } = this.#options;
    if (this.#state !== 'new') return;
    const canComplete = tryComplete(allKeys);
    if (this.isOver) return;
    if (canComplete || timeoutMs <= 0 || purgatory.pending >= purgatory.pendingMax) {
      this.#complete(!canComplete);
      return;
    }
    this.#state = 'pending';
    purgatory.pending++;
    this.#timer = purgatory.scheduler.after(timeoutMs, () => this.#complete(true));
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i] as Watchable;
      this.#unwatch.push(key.watch(() => this.changed(i)));
    }
  }

  /**
   * The key with index `place` has changed: the check follows in a microtask. Owners that watch for changes themselves call it
   * too.
   */
  changed(place: number): void {
    if (this.#state !== 'pending') return;
    this.#changed.add(place);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(() => this.#check());
  }

  /** Runs the check now if the operation is pending, and completes it if the check is true. */
  checkNow(): void {
    if (this.#state === 'pending') this.#check();
  }

  /** The client's connection has closed: the operation ends without calling `onComplete`. */
  cancel(): void {
    this.#end();
  }

  #check(): void {
    this.#isScheduled = false;
    if (this.#state !== 'pending') return;
    const changed = this.#changed;
    this.#changed = new Set();
    if (this.#options.tryComplete(changed)) this.#complete(false);
  }

  #complete(isExpired: boolean): void {
    const hasWaited = this.#state === 'pending';
    if (!this.#end()) return;
    const { purgatory } = this.#options;
    if (hasWaited && isExpired) purgatory.expired++;
    else if (hasWaited) purgatory.completed++;
    this.#options.onComplete(isExpired);
  }

  #end(): boolean {
    if (this.#state === 'over') return false;
    if (this.#state === 'pending') this.#options.purgatory.pending--;
    this.#state = 'over';
    this.#timer?.cancel();
    this.#timer = null;
    for (const unwatch of this.#unwatch) unwatch();
    this.#unwatch = [];
    return true;
  }
}
