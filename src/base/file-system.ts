/**
 * The disk as a port. The real one is `adapters/file-system.ts`; the simulated one loses unsynced data, tears writes and fails. A
 * failed operation rejects with a `StorageError`; any other error above this port is a bug.
 */

/** Thrown only by file systems: only this class tells that a disk has failed (docs/decisions/0064-storage-error.md). */
export class StorageError extends Error {
  override readonly name = 'StorageError';
  /** The operating system's code: `ENOSPC`, `EIO`, `ENOENT`, … */
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** For a `catch` that takes a disk offline: returns `error` when it is a `StorageError`, and throws it when it is a bug. */
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
  /** Reads up to `length` bytes at `position` into `target` from `offset`; returns how many; 0 is the end of the file. */
  read(target: Uint8Array, offset: number, length: number, position: number): Promise<number>;
  /**
   * Writes all `buffers` one after the other at `position`. Short writes are continued inside. After a rejection any part may have
   * been written.
   */
  write(buffers: readonly Uint8Array[], position: number): Promise<void>;
  /**
   * Makes all written data survive a power cut (fdatasync). A rejected sync is never retried: the system may have dropped the
   * pages.
   */
  sync(): Promise<void>;
  truncate(sizeBytes: number): Promise<void>;
  close(): Promise<void>;
}

export interface FileLock {
  release(): Promise<void>;
}

export interface FileSystem {
  /** `read`: must exist. `write`: read and write, created when missing, never truncated. */
  open(path: string, mode: 'read' | 'write'): Promise<FileHandle>;
  stat(path: string): Promise<FileStat | null>;
  /** Names in a directory, sorted. */
  list(path: string): Promise<string[]>;
  readFile(path: string): Promise<Uint8Array>;
  /** Creates the directory and its parents. */
  makeDirectory(path: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** Removes a file or a whole directory; missing is no error. */
  remove(path: string): Promise<void>;
  /** Makes creations, renames and removals in a directory survive a power cut. */
  syncDirectory(path: string): Promise<void>;
  /** Takes the exclusive lock of a lock file; null when another process has it. The system releases it when the process ends. */
  lock(path: string): Promise<FileLock | null>;
  /** Size and free bytes of the volume that holds `path`. */
  volume(path: string): Promise<{ totalBytes: number; usableBytes: number }>;
}

/**
 * Replaces `path` by `content` atomically: after a crash it has the old or the new content. Steps: temporary file, sync, rename,
 * sync of the directory.
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
