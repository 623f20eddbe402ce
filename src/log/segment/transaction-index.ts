/**
 * Index of the aborted transactions of one segment (`.txnindex`). Without aborted transactions there is no file. File entry:
 * int16 version, then int64 producer id, first offset, last offset (of the marker), last stable offset.
 */
import { type FileSystem, replaceFile } from '../../base/file-system.ts';
import { crc32c } from '../../protocol/records/crc32c.ts';
import { readInt16, readInt64, writeInt64 } from '../../protocol/records/integers.ts';

export interface AbortedTransaction {
  readonly producerId: number;
  readonly firstOffset: number;
  /** Offset of the abort marker. */
  readonly lastOffset: number;
  /** The last stable offset right after the abort. For a read that ends at or below it, later entries do not matter. */
  readonly lastStableOffset: number;
}

/** Identifies a list of entries: their number, and the CRC-32C of their encoded form. */
export interface EntriesDigest {
  readonly count: number;
  readonly crc: number;
}

const noEntries: EntriesDigest = { count: 0, crc: 0 };

/** The version, 0, and four int64. */
export const abortedEntrySize = 34;

export function encodeAborted(entries: readonly AbortedTransaction[]): Uint8Array {
  const bytes = new Uint8Array(entries.length * abortedEntrySize);
  let at = 0;
  for (const entry of entries) {
    writeInt64(bytes, at + 2, entry.producerId);
    writeInt64(bytes, at + 10, entry.firstOffset);
    writeInt64(bytes, at + 18, entry.lastOffset);
    writeInt64(bytes, at + 26, entry.lastStableOffset);
    at += abortedEntrySize;
  }
  return bytes;
}

export function digestOf(entries: readonly AbortedTransaction[]): EntriesDigest {
  return entries.length === 0 ? noEntries : { count: entries.length, crc: crc32c(encodeAborted(entries)) };
}

function isSame(one: AbortedTransaction, other: AbortedTransaction | undefined): boolean {
  return (
    one.producerId === other?.producerId &&
    one.firstOffset === other.firstOffset &&
    one.lastOffset === other.lastOffset &&
    one.lastStableOffset === other.lastStableOffset
  );
}

/** A range of offsets; `to` is exclusive. */
export interface OffsetRange {
  readonly from: number;
  readonly to: number;
}

const anyOffset: OffsetRange = { from: 0, to: Number.MAX_SAFE_INTEGER };

/** Null when the bytes are not an entry that a segment with these offsets (`from` to `to`) can have. */
function decodeEntry(content: Uint8Array, at: number, { from, to }: OffsetRange): AbortedTransaction | null {
  const entry = {
    producerId: readInt64(content, at + 2),
    firstOffset: readInt64(content, at + 10),
    lastOffset: readInt64(content, at + 18),
    lastStableOffset: readInt64(content, at + 26),
  };
  const { producerId, firstOffset, lastOffset, lastStableOffset } = entry;
  const isSensible =
    readInt16(content, at) === 0 &&
    producerId >= 0 &&
    firstOffset >= 0 &&
    firstOffset < lastOffset &&
    lastOffset >= from &&
    lastOffset < to &&
    lastStableOffset >= 0 &&
    lastStableOffset <= lastOffset + 1;
  return isSensible ? entry : null;
}

/** Null when the file is damaged, including a torn last entry; the caller then rebuilds it from the log. */
export function decodeAborted(
  content: Uint8Array,
  range: OffsetRange = anyOffset,
): AbortedTransaction[] | null {
  if (content.length % abortedEntrySize !== 0) return null;
  const entries: AbortedTransaction[] = [];
  for (let at = 0; at < content.length; at += abortedEntrySize) {
    const entry = decodeEntry(content, at, range);
    if (entry === null || entry.lastOffset <= (entries.at(-1)?.lastOffset ?? -1)) return null;
    entries.push(entry);
  }
  return entries;
}

/** The valid entries of a damaged file; used where the log is damaged too. */
export function salvageAborted(content: Uint8Array, range: OffsetRange): AbortedTransaction[] {
  const entries: AbortedTransaction[] = [];
  for (let at = 0; at + abortedEntrySize <= content.length; at += abortedEntrySize) {
    const entry = decodeEntry(content, at, range);
    if (entry !== null && entry.lastOffset > (entries.at(-1)?.lastOffset ?? -1)) entries.push(entry);
  }
  return entries;
}

/**
 * The index is always in memory (aborted transactions are few), and is written to its file later, as the other indexes are.
 * Unlike them it must not be lost: without its entry, the records of an aborted transaction look committed. So it is synced
 * before the recovery point passes its segment, and written bytes are never written again: a power cut can damage only what was
 * written since the last sync. A rebuilt list replaces the whole file.
 */
export class TransactionIndex {
  #entries: AbortedTransaction[];
  /** The number of entries that are in the file, from its beginning. */
  #writtenCount: number;
  #isDirty = false;
  /** The number of entries, from the beginning, that are durable in the file. */
  #syncedCount: number;
  /** The digest of the durable entries; null when it must be computed again. */
  #syncedDigest: EntriesDigest | null = null;
  /** Counts removals of entries. */
  #truncations = 0;
  /** The file, if there is one, has other entries, so the next write replaces it. */
  #isOther = false;
  /** The file has content, or a directory entry, that a power cut could lose. */
  #isUnsynced = false;
  #writing: Promise<void> = Promise.resolve();

  /** `entries`: what is in the file; `syncedCount`: how many of them, from the beginning, are durable. */
  constructor(entries: readonly AbortedTransaction[], syncedCount: number = entries.length) {
    this.#entries = [...entries];
    this.#writtenCount = entries.length;
    this.#syncedCount = syncedCount;
    this.#isUnsynced = syncedCount < entries.length;
  }

  /** An index whose first write replaces the whole file. */
  static anew(entries: readonly AbortedTransaction[]): TransactionIndex {
    const index = new TransactionIndex(entries);
    index.#isOther = true;
    index.#isDirty = true;
    index.#syncedCount = 0;
    return index;
  }

  get entries(): readonly AbortedTransaction[] {
    return this.#entries;
  }

  /** The entries, from the beginning, that are durable in the file. */
  get synced(): EntriesDigest {
    this.#syncedDigest ??= digestOf(this.#entries.slice(0, this.#syncedCount));
    return this.#syncedDigest;
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

  truncateTo(offset: number): void {
    this.#keep(this.#entries.filter((entry) => entry.lastOffset < offset).length);
  }

  /** Replaces the entries by `entries`. Those at the beginning that are the same are not written again. */
  become(entries: readonly AbortedTransaction[]): void {
    const other = entries.findIndex((entry, i) => !isSame(entry, this.#entries[i]));
    const same = other < 0 ? entries.length : other;
    this.#keep(same);
    for (const entry of entries.slice(same)) this.append(entry);
  }

  #keep(count: number): void {
    if (count === this.#entries.length) return;
    this.#entries = this.#entries.slice(0, count);
    this.#writtenCount = Math.min(this.#writtenCount, count);
    this.#setSynced(Math.min(this.#syncedCount, count));
    this.#truncations += 1;
    this.#isDirty = true;
  }

  #setSynced(count: number): void {
    if (count === this.#syncedCount) return;
    this.#syncedCount = count;
    this.#syncedDigest = null;
  }

  /**
   * Removes outdated content and writes new entries; without entries there is no file. One write at a time: a flush during
   * another write must not resolve before that write has ended.
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
    const count = this.#entries.length;
    const fresh = this.#entries.slice(from);
    const truncations = this.#truncations;
    this.#writtenCount = count;
    const isOther = this.#isOther;
    this.#isOther = false;
    if (this.#entries.length === 0) {
      await fs.remove(path);
    } else if (isOther) {
      await replaceFile(fs, path, encodeAborted(this.#entries));
    } else {
      const file = await fs.open(path, 'write');
      try {
        if (isDirty) {
          await file.truncate(from * abortedEntrySize);
          if (fresh.length > 0) await file.write([encodeAborted(fresh)], from * abortedEntrySize);
        }
        if (sync) await file.sync();
      } finally {
        await file.close();
      }
    }
    if (!sync) return;
    this.#isUnsynced = false;
    if (truncations === this.#truncations) this.#setSynced(count);
  }
}
