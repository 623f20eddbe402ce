/**
 * Index of the aborted transactions of one segment (`.txnindex`). The file exists only when there was one. File entry: int16
 * version, then int64 producer id, first offset, last offset (of the marker), last stable offset.
 */
import type { FileSystem } from '../../base/file-system.ts';
import { readInt16, readInt64, writeInt64 } from '../../protocol/records/integers.ts';

export interface AbortedTransaction {
  readonly producerId: number;
  readonly firstOffset: number;
  /** Offset of the abort marker. */
  readonly lastOffset: number;
  /** The last stable offset right after the abort; a reader below it need not examine later entries. */
  readonly lastStableOffset: number;
}

/** The version, 0, and four int64. */
const entrySize = 34;

export function encodeAborted(entries: readonly AbortedTransaction[]): Uint8Array {
  const bytes = new Uint8Array(entries.length * entrySize);
  let at = 0;
  for (const entry of entries) {
    writeInt64(bytes, at + 2, entry.producerId);
    writeInt64(bytes, at + 10, entry.firstOffset);
    writeInt64(bytes, at + 18, entry.lastOffset);
    writeInt64(bytes, at + 26, entry.lastStableOffset);
    at += entrySize;
  }
  return bytes;
}

/** The entries before the first one that is invalid or was truncated by a power cut. */
export function decodeWholeAborted(content: Uint8Array): AbortedTransaction[] {
  const entries: AbortedTransaction[] = [];
  for (let at = 0; at + entrySize <= content.length; at += entrySize) {
    const entry = {
      producerId: readInt64(content, at + 2),
      firstOffset: readInt64(content, at + 10),
      lastOffset: readInt64(content, at + 18),
      lastStableOffset: readInt64(content, at + 26),
    };
    const previous = entries.at(-1);
    if (readInt16(content, at) !== 0 || entry.firstOffset > entry.lastOffset) break;
    if (previous !== undefined && previous.lastOffset >= entry.lastOffset) break;
    entries.push(entry);
  }
  return entries;
}

/** Null when the file is damaged. An incomplete last entry counts as damage. */
export function decodeAborted(content: Uint8Array): AbortedTransaction[] | null {
  const entries = decodeWholeAborted(content);
  return entries.length * entrySize === content.length ? entries : null;
}

/**
 * The index is always in memory (aborted transactions are few) and written to its file later, as the other indexes are. Unlike
 * these it must not be lost: without an entry the records of an aborted transaction look committed. So it is synced before the
 * recovery point passes its segment, and written bytes are never written again: a power cut can damage only what was written since
 * the last sync.
 */
export class TransactionIndex {
  #entries: AbortedTransaction[];
  /** The number of entries that are in the file, from its beginning. */
  #writtenCount: number;
  #isDirty = false;
  /** The file has content, or a directory entry, that a power cut could lose. */
  #isUnsynced = false;
  #writing: Promise<void> = Promise.resolve();

  constructor(entries: readonly AbortedTransaction[]) {
    this.#entries = [...entries];
    this.#writtenCount = entries.length;
  }

  /**
   * For a file whose end may be incomplete: the end is removed with the next write, and its entries are added again when the log is
   * replayed.
   */
  static of(content: Uint8Array): TransactionIndex {
    const index = new TransactionIndex(decodeWholeAborted(content));
    if (index.#entries.length * entrySize !== content.length) index.#isDirty = true;
    return index;
  }

  get entries(): readonly AbortedTransaction[] {
    return this.#entries;
  }

  get isDirty(): boolean {
    return this.#isDirty;
  }

  get isUnsynced(): boolean {
    return this.#isDirty || this.#isUnsynced;
  }

  append(entry: AbortedTransaction): void {
    this.#entries.push(entry);
    this.#isDirty = true;
  }

  /** A file with outdated content may exist. */
  assumeFile(): void {
    this.#writtenCount = 0;
    this.#isDirty = true;
  }

  truncateTo(offset: number): void {
    const kept = this.#entries.filter((entry) => entry.lastOffset < offset);
    if (kept.length === this.#entries.length) return;
    this.#entries = kept;
    this.#writtenCount = Math.min(this.#writtenCount, kept.length);
    this.#isDirty = true;
  }

  /**
   * Removes outdated content and writes new entries; without entries there is no file. One write at a time: a flush during another
   * write must not resolve before that write has ended.
   */
  write(fs: FileSystem, path: string, sync: boolean): Promise<void> {
    this.#writing = this.#writing.then(() => this.#write(fs, path, sync));
    // All callers get the error, also later ones: a failed write is never retried.
    this.#writing.catch(() => undefined);
    return this.#writing;
  }

  async #write(fs: FileSystem, path: string, sync: boolean): Promise<void> {
    const isDirty = this.#isDirty;
    if (!isDirty && !(sync && this.#isUnsynced)) return;
    this.#isDirty = false;
    this.#isUnsynced = true;
    const from = this.#writtenCount;
    const fresh = this.#entries.slice(from);
    this.#writtenCount = this.#entries.length;
    if (this.#entries.length === 0) {
      await fs.remove(path);
    } else {
      const file = await fs.open(path, 'write');
      try {
        if (isDirty) {
          await file.truncate(from * entrySize);
          if (fresh.length > 0) await file.write([encodeAborted(fresh)], from * entrySize);
        }
        if (sync) await file.sync();
      } finally {
        await file.close();
      }
    }
    if (sync) this.#isUnsynced = false;
  }
}
