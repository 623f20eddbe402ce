/**
 * What one quota remembers of each client (the client's state), ordered by use, the most recently used last. Clients choose
 * their ids, so the number of states and the length of their keys are bounded: a new client replaces the one that was silent
 * for longest. As in Kafka, a state that was not used for an hour is dropped.
 */
import { quotaStateCharactersMax, quotaStateIdleMs, quotaStatesMax } from '../limits.ts';

interface Entry<T> {
  readonly state: T;
  usedMs: number;
}

export class BoundedStates<T> {
  readonly #entries = new Map<string, Entry<T>>();
  #characters = 0;

  get size(): number {
    return this.#entries.size;
  }

  get(key: string, nowMs: number, create: () => T): T {
    const known = this.#entries.get(key);
    if (known !== undefined) {
      known.usedMs = nowMs;
      this.#entries.delete(key);
      this.#entries.set(key, known);
      return known.state;
    }
    const state = create();
    this.#entries.set(key, { state, usedMs: nowMs });
    this.#characters += key.length;
    this.dropIdle(nowMs);
    this.#makeRoom();
    return state;
  }

  clear(): void {
    this.#entries.clear();
    this.#characters = 0;
  }

  /** At most `count` states, the most recently used first. */
  newest(count: number): T[] {
    return [...this.#entries.values()]
      .slice(-count)
      .reverse()
      .map(({ state }) => state);
  }

  dropIdle(nowMs: number): void {
    for (const [key, { usedMs }] of this.#entries) {
      if (nowMs - usedMs < quotaStateIdleMs) return;
      this.#drop(key);
    }
  }

  #makeRoom(): void {
    for (const key of this.#entries.keys()) {
      const fits = this.#entries.size <= quotaStatesMax && this.#characters <= quotaStateCharactersMax;
      if (fits || this.#entries.size === 1) return;
      this.#drop(key);
    }
  }

  #drop(key: string): void {
    this.#entries.delete(key);
    this.#characters -= key.length;
  }
}
