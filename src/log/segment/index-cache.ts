/** Bounds the memory of the indexes of cold segments: the least recently used ones are dropped and loaded again when needed. */
export interface CachedIndexes {
  readonly indexSizeBytes: number;
  /** Returns false when the indexes cannot be dropped now. */
  dropIndexes(): boolean;
}

export class IndexCache {
  readonly #sizeBytesMax: number;
  /** The size of each entry when it was added, in the order of use. */
  readonly #entries = new Map<CachedIndexes, number>();
  #sizeBytes = 0;

  constructor(sizeBytesMax: number) {
    this.#sizeBytesMax = sizeBytesMax;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  add(entry: CachedIndexes): void {
    this.forget(entry);
    const sizeBytes = entry.indexSizeBytes;
    this.#entries.set(entry, sizeBytes);
    this.#sizeBytes += sizeBytes;
    if (this.#sizeBytes <= this.#sizeBytesMax) return;
    for (const other of this.#entries.keys()) {
      if (this.#sizeBytes <= this.#sizeBytesMax || other === entry) return;
      if (other.dropIndexes()) this.forget(other);
    }
  }

  touch(entry: CachedIndexes): void {
    const sizeBytes = this.#entries.get(entry);
    if (sizeBytes === undefined) return;
    this.#entries.delete(entry);
    this.#entries.set(entry, sizeBytes);
  }

  forget(entry: CachedIndexes): void {
    this.#sizeBytes -= this.#entries.get(entry) ?? 0;
    this.#entries.delete(entry);
  }
}
