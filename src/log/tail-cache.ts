/**
 * Keeps the most recently appended batches of all logs in memory, so that reads near the log end need no disk. All logs share
 * one limit in bytes; when it is reached, the batch that was added first is dropped, whichever log it belongs to.
 *
 * Batches are copied into slabs, large buffers that are used again and again. If the cache kept the buffers in which batches
 * arrive, Node's garbage collector would become slow: the buffers live long enough to reach its old generation. A slab may be
 * overwritten at the next append, so a view of a batch is valid only until then.
 *
 * Invariants: the cached batches of a log are its last ones, up to the log end offset, in the order of their offsets; the queue
 * over all logs has them in the same order. A slab is reused only when none of its batches is in the cache any more.
 */

/** Memory for several batches. */
interface Slab {
  readonly bytes: Uint8Array;
  /** Position of the next batch. */
  at: number;
  liveCount: number;
}

export interface CachedBatch {
  readonly firstOffset: number;
  readonly lastOffset: number;
  readonly sizeBytes: number;
  /**
   * How many bytes of this log were added to the cache before this batch. The difference between two batches is the number of
   * bytes from the one to the other.
   */
  readonly startBytes: number;
  readonly owner: LogTail;
  /** The memory that contains the batch, at position `at`; null once the batch has left the cache. */
  slab: Slab | null;
  readonly at: number;
  next: CachedBatch | null;
}

const slabBytesMax = 4 * 1024 * 1024;
/** The limit of the cache holds at least this many slabs. */
const slabsMin = 16;
/**
 * A batch larger than a slab divided by this number gets a slab of its own, so that little space stays unused at the ends of
 * slabs.
 */
const largestPart = 4;
const entryOverheadBytes = 128;

/** The batch itself, not a copy; valid until the next append. */
export function viewOf({ slab, at, sizeBytes }: CachedBatch): Uint8Array {
  return slab === null ? new Uint8Array(0) : slab.bytes.subarray(at, at + sizeBytes);
}

export class TailCache {
  readonly #sizeBytesMax: number;
  readonly #slabBytes: number;
  #head: CachedBatch | null = null;
  #last: CachedBatch | null = null;
  #sizeBytes = 0;
  #current: Slab | null = null;
  /** Slabs without live entries. */
  #spare: Slab[] = [];

  constructor(sizeBytesMax: number) {
    this.#sizeBytesMax = sizeBytesMax;
    this.#slabBytes = Math.min(slabBytesMax, Math.floor(sizeBytesMax / slabsMin));
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  add(owner: LogTail, firstOffset: number, lastOffset: number, bytes: Uint8Array): void {
    const costBytes = entryOverheadBytes + bytes.length;
    if (costBytes > this.#sizeBytesMax) {
      // A batch that does not fit is not added. The log's other batches are dropped, because they no longer reach its end.
      owner.clear();
      return;
    }
    while (this.#sizeBytes + costBytes > this.#sizeBytesMax && this.#head !== null)
      this.#dropHead(this.#head);
    const slab = this.#slabFor(bytes.length);
    const { at } = slab;
    slab.bytes.set(bytes, at);
    slab.at += bytes.length;
    slab.liveCount += 1;
    const sizeBytes = bytes.length;
    const { totalBytes: startBytes } = owner;
    const entry = { firstOffset, lastOffset, sizeBytes, startBytes, owner, slab, at, next: null };
    if (this.#last === null) this.#head = entry;
    else this.#last.next = entry;
    this.#last = entry;
    this.#sizeBytes += costBytes;
    owner.push(entry);
  }

  /** Called when a log has dropped a batch. Its entry stays in the queue, marked as dead, until it is at the front. */
  release(entry: CachedBatch): void {
    if (entry.slab === null) return;
    this.#bury(entry, entry.slab);
    // Dead entries at the front are removed now, so that an idle cache holds no memory.
    while (this.#head !== null && this.#head.slab === null) this.#advance(this.#head);
    if (this.#head !== null) return;
    this.#current = null;
    this.#spare = [];
  }

  #slabFor(sizeBytes: number): Slab {
    if (sizeBytes * largestPart > this.#slabBytes)
      return { bytes: new Uint8Array(sizeBytes), at: 0, liveCount: 0 };
    const current = this.#current;
    if (current !== null && current.at + sizeBytes <= this.#slabBytes) return current;
    const next = this.#spare.pop() ?? { bytes: new Uint8Array(this.#slabBytes), at: 0, liveCount: 0 };
    this.#current = next;
    return next;
  }

  #reuse(slab: Slab): void {
    // A slab of another size was made for one large batch and is not reused.
    if (slab.bytes.length !== this.#slabBytes) return;
    slab.at = 0;
    if (slab !== this.#current) this.#spare.push(slab);
  }

  #dropHead(head: CachedBatch): void {
    this.#advance(head);
    if (head.slab === null) return;
    this.#bury(head, head.slab);
    head.owner.shift(head);
  }

  #bury(entry: CachedBatch, slab: Slab): void {
    entry.slab = null;
    this.#sizeBytes -= entryOverheadBytes + entry.sizeBytes;
    slab.liveCount -= 1;
    if (slab.liveCount === 0) this.#reuse(slab);
  }

  #advance(head: CachedBatch): void {
    this.#head = head.next;
    if (this.#head === null) this.#last = null;
  }
}

/** One log's part of the cache. */
export class LogTail {
  readonly #cache: TailCache;
  #entries: CachedBatch[] = [];
  /** The size of all batches of this log that were ever added. */
  totalBytes = 0;
  /** The index of the first entry that is in the cache; entries before it are removed from the array from time to time. */
  #first = 0;

  constructor(cache: TailCache) {
    this.#cache = cache;
  }

  get count(): number {
    return this.#entries.length - this.#first;
  }

  /** The first cached offset of this log; null when it has no batch in the cache. */
  get startOffset(): number | null {
    return this.#entries[this.#first]?.firstOffset ?? null;
  }

  add(firstOffset: number, lastOffset: number, bytes: Uint8Array): void {
    this.#cache.add(this, firstOffset, lastOffset, bytes);
  }

  /** Called by the cache. */
  push(entry: CachedBatch): void {
    this.totalBytes += entry.sizeBytes;
    this.#entries.push(entry);
  }

  /** Called by the cache: the oldest entry was evicted. */
  shift(entry: CachedBatch): void {
    if (this.#entries[this.#first] !== entry) return;
    this.#first += 1;
    if (this.#first > 32 && this.#first * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#first);
      this.#first = 0;
    }
  }

  clear(): void {
    const entries = this.#entries;
    this.#entries = [];
    this.#first = 0;
    for (const entry of entries) this.#cache.release(entry);
  }

  /**
   * Batches from the one that contains `offset` (in a gap: the next one), as many as end below `upTo` and fit into `maxBytes`.
   * Null: the first batch is not cached. Empty: it ends at or after `upTo`, or is too large.
   */
  read(offset: number, maxBytes: number, upTo: number, minOneBatch: boolean): CachedBatch[] | null {
    const at = this.#find(offset);
    if (at < 0) return null;
    const found: CachedBatch[] = [];
    let sizeBytes = 0;
    for (let i = at; i < this.#entries.length; i++) {
      const entry = this.#entries[i] as CachedBatch;
      if (entry.lastOffset >= upTo) break;
      sizeBytes += entry.sizeBytes;
      if (sizeBytes > maxBytes && !(minOneBatch && found.length === 0)) break;
      found.push(entry);
    }
    return found;
  }

  /**
   * The size of the batches from the one that contains `offset` to the one before `upTo`; null when the first batch is not
   * cached.
   */
  bytesBetween(offset: number, upTo: number): number | null {
    const at = this.#find(offset);
    if (at < 0) return null;
    const first = this.#entries[at] as CachedBatch;
    const end = this.#find(upTo);
    const beyond = end < 0 ? this.totalBytes : (this.#entries[end] as CachedBatch).startBytes;
    return Math.max(0, beyond - first.startBytes);
  }

  #find(offset: number): number {
    const entries = this.#entries;
    let low = this.#first;
    let high = entries.length - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const entry = entries[middle] as CachedBatch;
      if (entry.lastOffset < offset) low = middle + 1;
      else if (entry.firstOffset > offset) high = middle - 1;
      else return middle;
    }
    // No batch contains `offset`: a follower of a compacted log has gaps. If the gap is between two cached batches, take the
    // second.
    return low > this.#first && low < entries.length ? low : -1;
  }
}
