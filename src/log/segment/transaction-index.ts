/**
 * Index of the aborted transactions of one segment (`.txnindex`). The file exists only when there was one.
 * File entry: int16 version, then int64 producer id, first offset, last offset (of the marker), last stable offset.
 */
import type { FileSystem } from '../../base/file-system.ts';
import { readInt16, readInt64, writeInt64 } from '../../protocol/records/integers.ts';

export interface AbortedTransaction {
  readonly producerId: number;
  readonly firstOffset: number;
  /** Offset of the abort marker. */
  readonly lastOffset: number;
  /** The last stable offset right after the abort: below it a reader need not look at later entries. */
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

/** Null when the file is damaged. A torn last entry counts as damage. */
export function decodeAborted(content: Uint8Array): AbortedTransaction[] | null {
  if (content.length % entrySize !== 0) return null;
  const entries: AbortedTransaction[] = [];
  for (let at = 0; at < content.length; at += entrySize) {
    const entry = {
      producerId: readInt64(content, at + 2),
      firstOffset: readInt64(content, at + 10),
      lastOffset: readInt64(content, at + 18),
      lastStableOffset: readInt64(content, at + 26),
    };
    const previous = entries.at(-1);
    if (readInt16(content, at) !== 0 || entry.firstOffset > entry.lastOffset) return null;
    if (previous !== undefined && previous.lastOffset >= entry.lastOffset) return null;
    entries.push(entry);
  }
  return entries;
}

/**
 * In memory all the time (aborted transactions are few), written behind the log like the other indexes. Unlike these it can't be
 * missed when it is lost: without an entry the records of an aborted transaction look like committed ones. So it is synced before
 * the recovery point passes its segment.
 */
export class TransactionIndex {
  #entries: AbortedTransaction[];
  #isDirty = false;
  /** The file has content, or a name, that a loss of power takes away. */
  #isUnsynced = false;

  constructor(entries: readonly AbortedTransaction[]) {
    this.#entries = [...entries];
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

  /** There may be a file whose content is no longer meant. */
  assumeFile(): void {
    this.#isDirty = true;
  }

  truncateTo(offset: number): void {
    const kept = this.#entries.filter((entry) => entry.lastOffset < offset);
    if (kept.length === this.#entries.length) return;
    this.#entries = kept;
    this.#isDirty = true;
  }

  /** Rewrites the whole file; it is small. Without entries there is no file. */
  async write(fs: FileSystem, path: string, sync: boolean): Promise<void> {
    const isDirty = this.#isDirty;
    if (!isDirty && !(sync && this.#isUnsynced)) return;
    this.#isDirty = false;
    this.#isUnsynced = !sync;
    if (this.#entries.length === 0) return fs.remove(path);
    const content = encodeAborted(this.#entries);
    const file = await fs.open(path, 'write');
    try {
      if (isDirty) {
        await file.truncate(content.length);
        await file.write([content], 0);
      }
      if (sync) await file.sync();
    } finally {
      await file.close();
    }
  }
}
