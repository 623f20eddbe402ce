/**
 * Collects the changes of one map of an image. A value of null means that the key is removed. `cluster-delta.ts` and
 * `security-delta.ts` use it.
 */
import type { PersistentMap } from '../base/persistent-map.ts';

export class MapDelta<K extends string | number, V> {
  readonly #base: { get(key: K): V | undefined };
  readonly changes = new Map<K, V | null>();

  constructor(base: { get(key: K): V | undefined }) {
    this.#base = base;
  }

  get(key: K): V | undefined {
    const changed = this.changes.get(key);
    return changed === undefined ? this.#base.get(key) : (changed ?? undefined);
  }

  set(key: K, value: V): void {
    this.changes.set(key, value);
  }

  remove(key: K): void {
    this.changes.set(key, null);
  }

  applyTo(base: PersistentMap<K, V>): PersistentMap<K, V> {
    return this.changes.size === 0 ? base : base.update(this.changes);
  }
}
