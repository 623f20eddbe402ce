/**
 * Collects entries for a kind of request to the active controller that carries many entries (AlterPartition,
 * AssignReplicasToDirs). One request is in flight at a time and carries the pending entries, up to a maximum. Entries that
 * arrive in the meantime go with a later request. A newer entry replaces a pending one of the same key. Entries that a request
 * did not settle are sent again after a pause.
 *
 * Invariant: an entry is pending, in the request in flight, settled, replaced by a newer one of its key, or deleted.
 */
import type { Scheduler } from '../base/clock.ts';
import type { Logger } from '../telemetry/logger.ts';

export interface OutboxOptions<T> {
  readonly scheduler: Scheduler;
  readonly logger: Logger;
  readonly entriesPerRequestMax: number;
  /** The pause after a request that left entries unsettled; `failures`: how many such requests in a row came before it. */
  readonly pauseMs: (failures: number) => number;
  /** Sends a request with these entries, and deletes from the map those that need not be sent again. */
  readonly send: (entries: Map<string, T>) => Promise<void>;
  /** Called for an entry that no request has settled and that is not sent again: it was replaced or deleted. */
  readonly onDropped?: (entry: T) => void;
}

export class Outbox<T> {
  readonly #options: OutboxOptions<T>;
  readonly #pending = new Map<string, T>();
  #inFlight: Map<string, T> | null = null;
  #isBusy = false;
  #isStopped = false;
  #failures = 0;

  constructor(options: OutboxOptions<T>) {
    this.#options = options;
  }

  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** The newest entry of a key that is not settled. */
  get(key: string): T | undefined {
    return this.#pending.get(key) ?? this.#inFlight?.get(key);
  }

  put(key: string, entry: T): void {
    const replaced = this.#pending.get(key);
    this.#pending.set(key, entry);
    this.#wake(0);
    this.#dropped(replaced);
  }

  /** Drops an entry. A request in flight may still carry it, but it is not sent again. */
  delete(key: string): void {
    for (const entries of [this.#pending, this.#inFlight]) {
      const entry = entries?.get(key);
      entries?.delete(key);
      this.#dropped(entry);
    }
  }

  stop(): void {
    this.#isStopped = true;
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const entry of pending) this.#dropped(entry);
  }

  #dropped(entry: T | undefined): void {
    if (entry !== undefined) this.#options.onDropped?.(entry);
  }

  #wake(delayMs: number): void {
    if (this.#isBusy || this.#isStopped || this.#pending.size === 0) return;
    this.#isBusy = true;
    const run = (): void => void this.#sendPending();
    if (delayMs === 0) this.#options.scheduler.soon(run);
    else this.#options.scheduler.after(delayMs, run);
  }

  async #sendPending(): Promise<void> {
    const { logger, pauseMs, send } = this.#options;
    const entries = this.#take();
    this.#inFlight = entries;
    try {
      await send(entries);
    } catch (error) {
      logger.error('A request to the controller failed', { error: String(error) });
    }
    this.#inFlight = null;
    this.#isBusy = false;
    for (const [key, entry] of entries) {
      if (this.#isStopped || this.#pending.has(key)) this.#dropped(entry);
      else this.#pending.set(key, entry);
    }
    if (this.#isStopped) return;
    const pause = entries.size === 0 ? 0 : pauseMs(this.#failures);
    this.#failures = entries.size === 0 ? 0 : this.#failures + 1;
    this.#wake(pause);
  }

  #take(): Map<string, T> {
    const entries = new Map<string, T>();
    for (const [key, entry] of this.#pending) {
      if (entries.size === this.#options.entriesPerRequestMax) break;
      entries.set(key, entry);
      this.#pending.delete(key);
    }
    return entries;
  }
}
