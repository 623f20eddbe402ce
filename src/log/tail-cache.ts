/**
 * The most recently appended batches of all logs, in memory, so that tailing consumers and followers need no disk.
 * One global bound in bytes, first in first out over all logs; a log's part is a contiguous run of batches that ends at its
 * log end offset.
 *
 * Invariant: entries of one log are contiguous and in offset order; the global order restricted to a log is its own order.
 */

export interface CachedBatch {
  readonly firstOffset: number;
  readonly lastOffset: number;
  /** Empty once it has left the cache. */
  bytes: Uint8Array;
  readonly owner: LogTail;
  /** What counts against the bound: a small view may keep a large buffer alive. */
  readonly costBytes: number;
  next: CachedBatch | null;
  live: boolean;
}

/** Views smaller than this, of much larger buffers, are copied so that they don't keep those alive. */
const copyBytesMax = 16 * 1024;
const entryOverheadBytes = 128;
const noBytes = new Uint8Array(0);

export class TailCache {
  readonly #sizeBytesMax: number;
  #head: CachedBatch | null = null;
  #last: CachedBatch | null = null;
  #sizeBytes = 0;

  constructor(sizeBytesMax: number) {
    this.#sizeBytesMax = sizeBytesMax;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  add(owner: LogTail, firstOffset: number, lastOffset: number, bytes: Uint8Array): void {
    const wasteful = bytes.length * 4 < bytes.buffer.byteLength;
    const copied = wasteful && bytes.length < copyBytesMax;
    const kept = copied ? new Uint8Array(bytes) : bytes;
    const costBytes =
      entryOverheadBytes +
      (wasteful && !copied ? Math.min(bytes.buffer.byteLength, bytes.length * 4) : bytes.length);
    const entry: CachedBatch = {
      firstOffset,
      lastOffset,
      bytes: kept,
      owner,
      costBytes,
      next: null,
      live: true,
    };
    if (this.#last === null) this.#head = entry;
    else this.#last.next = entry;
    this.#last = entry;
    this.#sizeBytes += costBytes;
    owner.push(entry);
    while (this.#sizeBytes > this.#sizeBytesMax && this.#head !== null) this.#dropHead(this.#head);
  }

  /** The entry was removed from its log; it leaves the queue when its turn comes. */
  release(entry: CachedBatch): void {
    if (!entry.live) return;
    this.#bury(entry);
    // Entries that are dead at the front go now, so that an idle cache holds nothing.
    while (this.#head !== null && !this.#head.live) this.#advance(this.#head);
  }

  #dropHead(head: CachedBatch): void {
    this.#advance(head);
    if (!head.live) return;
    this.#bury(head);
    head.owner.shift(head);
  }

  #bury(entry: CachedBatch): void {
    entry.live = false;
    entry.bytes = noBytes;
    this.#sizeBytes -= entry.costBytes;
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
  /** Entries before it are gone; the array is compacted now and then. */
  #first = 0;

  constructor(cache: TailCache) {
    this.#cache = cache;
  }

  get count(): number {
    return this.#entries.length - this.#first;
  }

  /** First offset held; null when empty. */
  get startOffset(): number | null {
    return this.#entries[this.#first]?.firstOffset ?? null;
  }

  add(firstOffset: number, lastOffset: number, bytes: Uint8Array): void {
    this.#cache.add(this, firstOffset, lastOffset, bytes);
  }

  /** Called by the cache. */
  push(entry: CachedBatch): void {
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

  /** Batches from the one that holds `offset`, as many as fit; null when that one is not here. Empty: nothing below `upTo`. */
  read(offset: number, maxBytes: number, upTo: number, minOneBatch: boolean): CachedBatch[] | null {
    const at = this.#find(offset);
    if (at < 0) return null;
    const found: CachedBatch[] = [];
    let sizeBytes = 0;
    for (let i = at; i < this.#entries.length; i++) {
      const entry = this.#entries[i] as CachedBatch;
      if (entry.lastOffset >= upTo) break;
      sizeBytes += entry.bytes.length;
      if (sizeBytes > maxBytes && !(minOneBatch && found.length === 0)) break;
      found.push(entry);
    }
    return found;
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
    // Offsets may have gaps on a follower of a compacted log: the next batch serves, if the gap is inside what we hold.
    return low > this.#first && low < entries.length ? low : -1;
  }
}
