/**
 * One request that cannot be completed yet, as in Kafka's purgatory. It has a deadline, keys that it watches, and a check that
 * tells whether it can complete. It completes exactly once: when the check holds, when it expires, or when it is forced.
 *
 * - The check runs when the operation starts, and then once for all key changes of one turn of the microtask queue.
 * - The operation watches its keys before it runs the check again, so that no change between check and watch is lost.
 * - After completion or `cancel` nothing is left behind: no timer, no watcher, no place in the purgatory.
 * - A purgatory holds at most `pendingMax` operations; a further operation completes at once, as if it had expired.
 * - It knows nothing of requests; produce, fetch, DeleteRecords and waits for metadata use it.
 */
import type { Scheduler, Timer } from '../../base/clock.ts';
import type { WatchKey } from '../../base/watch-list.ts';

/** The pending operations of one kind, over all connections. */
export class Purgatory {
  readonly scheduler: Scheduler;
  readonly pendingMax: number;
  /** Changed only by `DelayedOperation`, like the counts below. */
  pending = 0;
  /** Operations that waited and whose condition was fulfilled. */
  completed = 0;
  /** Operations that waited until their deadline. */
  expired = 0;

  constructor(scheduler: Scheduler, pendingMax: number) {
    this.scheduler = scheduler;
    this.pendingMax = pendingMax;
  }
}

export interface DelayedOperationOptions {
  readonly purgatory: Purgatory;
  /** 0 or less: the operation never waits. */
  readonly timeoutMs: number;
  /** Whether the operation can complete. `changed`: positions in the list of keys; null at the first check. Must not throw. */
  readonly tryComplete: (changed: ReadonlySet<number> | null) => boolean;
  /** Runs once, unless the operation was cancelled. `isExpired`: the check never held. */
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

  /** Completes the operation now when its check holds or it may not wait; else watches `keys` until the deadline. */
  start(keys: readonly WatchKey[]): void {
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
      const key = keys[i] as WatchKey;
      this.#unwatch.push(key.watch(() => this.changed(i)));
    }
  }

  /** The key at `place` changed; the check follows in a microtask. Also for owners that watch for changes themselves. */
  changed(place: number): void {
    if (this.#state !== 'pending') return;
    this.#changed.add(place);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(() => this.#check());
  }

  /** Completes the operation now if it is pending and its check holds. */
  checkNow(): void {
    if (this.#state === 'pending') this.#check();
  }

  /** The client's connection has closed: the operation ends without a response. */
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
