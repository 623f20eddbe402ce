/**
 * An immutable map for the metadata image: a change makes a new version, which shares most of its memory with the old one.
 * Entries are spread over about sqrt(n) buckets. A new version copies the list of buckets and each bucket with a change, so a
 * change costs O(sqrt n). A read costs one hash and one look-up. The order of iteration is undefined: sort before output.
 */

const bucketCountMin = 16;

type Bucket<K, V> = ReadonlyMap<K, V>;

export class PersistentMap<K extends string | number, V> {
  readonly size: number;
  /** The length is a power of two. A bucket without entries is `null`. */
  readonly #buckets: readonly (Bucket<K, V> | null)[];

  private constructor(size: number, buckets: readonly (Bucket<K, V> | null)[]) {
    this.size = size;
    this.#buckets = buckets;
  }

  static empty<K extends string | number, V>(): PersistentMap<K, V> {
    return new PersistentMap<K, V>(0, new Array<Bucket<K, V> | null>(bucketCountMin).fill(null));
  }

  get(key: K): V | undefined {
    const bucket = this.#buckets[hashOf(key) & (this.#buckets.length - 1)];
    return bucket === null || bucket === undefined ? undefined : bucket.get(key);
  }

  has(key: K): boolean {
    return this.get(key) !== undefined;
  }

  with(key: K, value: V): PersistentMap<K, V> {
    return this.update(new Map([[key, value]]));
  }

  without(key: K): PersistentMap<K, V> {
    return this.update(new Map([[key, null]]));
  }

  /**
   * Returns a version with all `changes`; `null` as a value removes the key. Returns `this` when nothing changes. Values are
   * compared by identity.
   */
  update(changes: ReadonlyMap<K, V | null>): PersistentMap<K, V> {
    const buckets = [...this.#buckets];
    const mask = buckets.length - 1;
    const owned = new Map<number, Map<K, V>>();
    let size = this.size;
    for (const [key, value] of changes) {
      const index = hashOf(key) & mask;
      const before = buckets[index]?.get(key);
      if (value === null ? before === undefined : before === value) continue;
      let bucket = owned.get(index);
      if (bucket === undefined) {
        bucket = new Map(buckets[index] ?? []);
        owned.set(index, bucket);
        buckets[index] = bucket;
      }
      if (value === null) {
        bucket.delete(key);
        size--;
      } else {
        bucket.set(key, value);
        if (before === undefined) size++;
      }
    }
    if (owned.size === 0) return this;
    for (const [index, bucket] of owned) if (bucket.size === 0) buckets[index] = null;
    return new PersistentMap<K, V>(size, grown(buckets, size));
  }

  *entries(): IterableIterator<[K, V]> {
    for (const bucket of this.#buckets) if (bucket !== null) yield* bucket;
  }

  *keys(): IterableIterator<K> {
    for (const bucket of this.#buckets) if (bucket !== null) yield* bucket.keys();
  }

  *values(): IterableIterator<V> {
    for (const bucket of this.#buckets) if (bucket !== null) yield* bucket.values();
  }

  [Symbol.iterator](): IterableIterator<[K, V]> {
    return this.entries();
  }
}

/** Doubles the number of buckets until 4 * buckets^2 is at least the number of entries. The number of buckets never shrinks. */
function grown<K extends string | number, V>(
  buckets: (Bucket<K, V> | null)[],
  size: number,
): (Bucket<K, V> | null)[] {
  let count = buckets.length;
  while (count * count * 4 < size) count *= 2;
  if (count === buckets.length) return buckets;
  const target = new Array<Map<K, V> | null>(count).fill(null);
  for (const bucket of buckets) {
    for (const [key, value] of bucket ?? []) {
      const index = hashOf(key) & (count - 1);
      let into = target[index];
      if (into === null || into === undefined) {
        into = new Map();
        target[index] = into;
      }
      into.set(key, value);
    }
  }
  return target;
}

/** Returns a hash that is not negative: FNV-1a over the UTF-16 units of a string, or the mixed bits of an integer. */
function hashOf(key: string | number): number {
  if (typeof key === 'number') return Math.imul(key ^ (key >>> 16), 0x45d9f3b) >>> 4;
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  return (hash ^ (hash >>> 15)) >>> 0;
}
