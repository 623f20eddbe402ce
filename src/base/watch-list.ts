/** Notifies listeners of changes of an object. */

/** An object that others can watch for changes, for example a replica, or the `WatchList` of `broker/image-watch.ts`. */
export interface Watchable {
  /** Calls `callback` after each change. Returns a function that ends the calls. */
  watch(callback: () => void): () => void;
}

export class WatchList implements Watchable {
  readonly #callbacks = new Set<() => void>();

  get size(): number {
    return this.#callbacks.size;
  }

  watch(callback: () => void): () => void {
    this.#callbacks.add(callback);
    return () => {
      this.#callbacks.delete(callback);
    };
  }

  notify(): void {
    for (const callback of this.#callbacks) callback();
  }
}
