/**
 * Open files, of which at most `capacity` are idle, because thousands of partitions must not need thousands of descriptors. A
 * file in use is never closed; the least recently used idle one is. Closing an idle file loses nothing: its written data is in
 * the system's cache, and a later sync of the same file covers it.
 */
import type { FileHandle, FileSystem } from '../../base/file-system.ts';

/** Identifies a file, which may be renamed while it is open. */
export interface PooledFile {
  readonly path: string;
  /**
   * `write` creates the file when it is missing. A file that is open for reading is opened again when this changes to `write`.
   */
  readonly openMode: 'read' | 'write';
}

interface Entry {
  readonly mode: 'read' | 'write';
  readonly handle: Promise<FileHandle>;
  users: number;
  /** The file is closed as soon as no operation uses it. */
  doomed: boolean;
  closed: Promise<void> | null;
}

export class FilePool {
  readonly #fs: FileSystem;
  readonly #capacity: number;
  /** In the order of use, the oldest first. */
  readonly #entries = new Map<PooledFile, Entry>();

  constructor(fs: FileSystem, capacity: number) {
    this.#fs = fs;
    this.#capacity = capacity;
  }

  get openCount(): number {
    return this.#entries.size;
  }

  /** Opens `file` unless it is open, and keeps it open while `body` runs. */
  async use<T>(file: PooledFile, body: (handle: FileHandle) => Promise<T>): Promise<T> {
    const entry = this.#enter(file);
    try {
      return await body(await entry.handle);
    } catch (error) {
      // A handle with an error is not used again; if the open itself failed, there is no handle.
      if (this.#entries.get(file) === entry) this.#entries.delete(file);
      entry.doomed = true;
      throw error;
    } finally {
      entry.users -= 1;
      if (entry.doomed && entry.users === 0) void this.#close(entry);
      else this.#trim();
    }
  }

  /**
   * Closes `file`; if it is in use, the last user closes it. The file may be opened again. Once the promise has resolved, it
   * may be renamed, because nothing is opening it by its present path.
   */
  async release(file: PooledFile): Promise<void> {
    const entry = this.#entries.get(file);
    if (entry === undefined) return;
    this.#entries.delete(file);
    entry.doomed = true;
    if (entry.users === 0) await this.#close(entry);
    else await entry.handle.catch(() => undefined);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#entries.keys()].map((file) => this.release(file)));
  }

  #enter(file: PooledFile): Entry {
    const mode = file.openMode;
    let entry = this.#entries.get(file);
    this.#entries.delete(file);
    if (entry?.mode === 'read' && mode === 'write') {
      entry.doomed = true;
      if (entry.users === 0) void this.#close(entry);
      entry = undefined;
    }
    entry ??= { mode, handle: this.#fs.open(file.path, mode), users: 0, doomed: false, closed: null };
    this.#entries.set(file, entry);
    entry.users += 1;
    return entry;
  }

  #trim(): void {
    if (this.#entries.size <= this.#capacity) return;
    for (const [file, entry] of this.#entries) {
      if (this.#entries.size <= this.#capacity) return;
      if (entry.users > 0) continue;
      this.#entries.delete(file);
      void this.#close(entry);
    }
  }

  #close(entry: Entry): Promise<void> {
    // Ignored: a sync would have reported the same error.
    entry.closed ??= entry.handle.then((handle) => handle.close()).catch(() => undefined);
    return entry.closed;
  }
}
