/**
 * The disk as a port. `adapters/file-system.ts` implements it with real files; `simulation/` implements it in memory and can
 * lose unsynced data, write only a part, and fail. A failed operation rejects with a `StorageError`. When code above this port
 * catches any other error, that error is a bug.
 */

/**
 * An error of the disk. Only implementations of `FileSystem` throw it, so code that takes a log directory offline can tell a
 * disk failure from a bug (docs/decisions/0064-storage-error.md).
 */
export class StorageError extends Error {
  override readonly name = 'StorageError';
  /** The operating system's code: `ENOSPC`, `EIO`, `ENOENT`, … */
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * For a `catch` that takes a log directory offline. Returns `error` when the disk failed, and throws it again when it is a bug.
 */
export function asStorageError(error: unknown): StorageError {
  if (error instanceof StorageError) return error;
  throw error;
}

export function isMissingFile(error: unknown): boolean {
  return error instanceof StorageError && error.code === 'ENOENT';
}

export interface FileStat {
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  readonly isDirectory: boolean;
}

export interface FileHandle {
  /**
   * Reads up to `length` bytes at `position` of the file into `target`, from index `offset` on. Returns the number of bytes
   * read; 0 means the end of the file.
   */
  read(target: Uint8Array, offset: number, length: number, position: number): Promise<number>;
  /**
   * Writes all `buffers` one after the other at `position`. When the system writes only a part, the implementation writes the
   * rest. After a rejection any part may have been written.
   */
  write(buffers: readonly Uint8Array[], position: number): Promise<void>;
  /**
   * Makes all written data survive a power cut (fdatasync). A caller must not retry a rejected sync: the operating system may
   * have dropped the unwritten data, and a second sync would then succeed without it.
   */
  sync(): Promise<void>;
  truncate(sizeBytes: number): Promise<void>;
  close(): Promise<void>;
}

export interface FileLock {
  /** A second call does nothing. */
  release(): Promise<void>;
}

export interface FileSystem {
  /**
   * With `read` the file must exist, and can be read and synced. With `write` it can also be written; it is created when
   * missing, and an existing one keeps its content.
   */
  open(path: string, mode: 'read' | 'write'): Promise<FileHandle>;
  stat(path: string): Promise<FileStat | null>;
  /** Returns the names in a directory, sorted. */
  list(path: string): Promise<string[]>;
  readFile(path: string): Promise<Uint8Array>;
  /** Creates the directory and its parents. */
  makeDirectory(path: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** Removes a file or a directory with its content. Does nothing when it does not exist. */
  remove(path: string): Promise<void>;
  /** Makes earlier creations, renames and removals in the directory survive a power cut. */
  syncDirectory(path: string): Promise<void>;
  /**
   * Takes the exclusive lock of a lock file. Returns null when this or another process holds it already. The operating system
   * releases the lock when the process ends.
   */
  lock(path: string): Promise<FileLock | null>;
  /** Size and free bytes of the volume that holds `path`. */
  volume(path: string): Promise<{ totalBytes: number; usableBytes: number }>;
}

/**
 * Replaces the content of `path` atomically: after a crash the file has the old or the new content, never a mixture. The new
 * content is written to a temporary file, which is synced and renamed to `path`; then the directory is synced.
 */
export async function replaceFile(fs: FileSystem, path: string, content: Uint8Array): Promise<void> {
  const temporary = `${path}.tmp`;
  await fs.remove(temporary);
  const file = await fs.open(temporary, 'write');
  try {
    await file.write([content], 0);
    await file.sync();
  } finally {
    await file.close();
  }
  await fs.rename(temporary, path);
  await fs.syncDirectory(path.slice(0, Math.max(1, path.lastIndexOf('/'))));
}
