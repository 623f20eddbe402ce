/** The listeners of a changing object. */

/** A changing object: a replica, the metadata image. */
export interface WatchKey {
  /** Calls back after each change; returns a function that ends it. */
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
