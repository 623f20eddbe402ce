/** Notifies listeners of changes of an object. */

/** An object that others can watch for changes, for example a replica or the metadata image. */
export interface WatchKey {
  /** Calls `callback` after each change. Returns a function that ends this. */
  watch(callback: () => void): () => void;
}

export class WatchList implements WatchKey {
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
