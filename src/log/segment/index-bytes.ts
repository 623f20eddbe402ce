/**
 * The content of an index file, kept in memory in the format of the disk and written to the file later. The first `#written`
 * bytes are in the file; the rest is only in memory. An index is derived data. But a time index of a sealed segment that lost
 * its last entries looks valid, and its largest timestamp is too small. So it is synced before the recovery point passes the
 * segment.
 */
import { type FileSystem, isMissingFile } from '../../base/file-system.ts';

const initialBytes = 256;

export class IndexBytes {
  readonly entrySize: number;
  #bytes: Buffer;
  #length = 0;
  /** How much of the content is in the file. */
  #written = 0;
  /** The file has more than `#written` bytes and must be truncated. */
  #cutPending = false;
  #created = false;
  /** The content of the file is not known for certain, so the next write begins at position 0. */
  #replaceOnChange = false;
  #writing: Promise<void> = Promise.resolve();
  /** The file has content that a power cut takes away. */
  #isUnsynced = false;

  /** `content` is the content of the file; null: there is no file yet. */
  constructor(entrySize: number, content: Buffer | null) {
    this.entrySize = entrySize;
    this.#bytes = content ?? Buffer.alloc(0);
    this.#length = content?.length ?? 0;
    this.#written = this.#length;
    this.#created = content !== null;
  }

  get bytes(): Buffer {
    return this.#bytes;
  }

  get lengthBytes(): number {
    return this.#length;
  }

  get count(): number {
    return this.#length / this.entrySize;
  }

  get unwrittenBytes(): number {
    return this.#length - this.#written;
  }

  /**
   * Called when the content was made from the log, and the file probably has the same content. Nothing is written until the
   * content changes; then the whole file is replaced.
   */
  assumeWritten(): void {
    this.#created = true;
    this.#cutPending = false;
    this.#written = this.#length;
    this.#replaceOnChange = true;
  }

  /** Whether `write` would change anything on disk. */
  get isDirty(): boolean {
    return !this.#created || this.#cutPending || this.#written < this.#length;
  }

  get isUnsynced(): boolean {
    return this.isDirty || this.#isUnsynced;
  }

  /** Makes room for one entry and returns its position in `bytes`. */
  extend(): number {
    const at = this.#length;
    const needed = at + this.entrySize;
    if (needed > this.#bytes.length) {
      const grown = Buffer.alloc(Math.max(initialBytes, this.#bytes.length * 2, needed));
      this.#bytes.copy(grown, 0, 0, at);
      this.#bytes = grown;
    }
    this.#length = needed;
    return at;
  }

  /** Keeps the first `count` entries. */
  truncate(count: number): void {
    const length = count * this.entrySize;
    if (length >= this.#length) return;
    this.#length = length;
    if (this.#written > length) {
      this.#written = length;
      this.#cutPending = true;
    }
  }

  /** A file with other content may exist; the next write replaces it. */
  assumeLongerFile(): void {
    this.#cutPending = true;
  }

  /**
   * Writes what the file lacks, and creates the file if necessary; one write at a time. `sync`: the content survives a power
   * cut.
   */
  write(fs: FileSystem, path: string, sync: boolean): Promise<void> {
    const write = (): Promise<void> => this.#write(fs, path, sync);
    const mine = this.#writing.then(write, write);
    this.#writing = mine.catch(() => undefined);
    return mine;
  }

  async #write(fs: FileSystem, path: string, sync: boolean): Promise<void> {
    if (!this.isDirty && !sync) return;
    if (this.#replaceOnChange && this.isDirty) {
      this.#written = 0;
      this.#cutPending = true;
      this.#replaceOnChange = false;
    }
    const from = this.#written;
    const to = this.#length;
    const cut = this.#cutPending;
    this.#isUnsynced = true;
    const file = await fs.open(path, 'write');
    try {
      if (cut) await file.truncate(from);
      if (to > from) await file.write([this.#bytes.subarray(from, to)], from);
      if (sync) await file.sync();
    } finally {
      await file.close();
    }
    this.#created = true;
    this.#cutPending = false;
    this.#written = to;
    if (sync) this.#isUnsynced = false;
  }
}

/** The content of a file; null when it is missing. */
export async function readIfExists(fs: FileSystem, path: string): Promise<Uint8Array | null> {
  try {
    return await fs.readFile(path);
  } catch (error) {
    if (isMissingFile(error)) return null;
    throw error;
  }
}

/** The content of an index file; null when it is missing. */
export async function readIndexFile(fs: FileSystem, path: string): Promise<Buffer | null> {
  const content = await readIfExists(fs, path);
  return content === null ? null : Buffer.from(content.buffer, content.byteOffset, content.length);
}
