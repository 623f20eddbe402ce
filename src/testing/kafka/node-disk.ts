/**
 * The disk of one incarnation of a test node: its files, and the store of its metadata log. It applies the faults that the test
 * has set, then passes the operation on to the node's storage. Files that are open at the end of the incarnation are closed, as
 * the operating system does for an ended process.
 */
import { type FileHandle, type FileLock, type FileSystem, StorageError } from '../../base/file-system.ts';
import type { RaftStore } from '../../raft/store.ts';
import type { Life } from './life.ts';
import { durationMs, type TestTime } from './time.ts';

const operations = ['read', 'write', 'sync'] as const;
type Operation = (typeof operations)[number];

/**
 * Faults of the disk of one node.
 *
 * @example
 * ```ts
 * kafka.disk(1).full();
 * kafka.disk(2).slow('50ms');
 * kafka.disk(1).mend();
 * ```
 */
export class DiskFaults {
  private failing = new Map<Operation, string>();
  private slowMs = 0;
  private readonly time: TestTime;

  /** @internal */
  constructor(time: TestTime) {
    this.time = time;
  }

  /** Makes the disk full: writes of records fail with ENOSPC. Writes of the metadata log, which are small, still succeed. */
  full(): void {
    this.failing.set('write', 'ENOSPC');
  }

  /** Makes all operations of one kind fail with EIO. A node ends when a write or a sync of its metadata log fails. */
  fail(operation: Operation): void {
    if (!operations.includes(operation))
      throw new TypeError(`A disk fails to ${operations.join(', ')}, not to '${String(operation)}'.`);
    this.failing.set(operation, 'EIO');
  }

  /** Makes every read, write and sync take this much longer. */
  slow(delay: number | string): void {
    this.slowMs = durationMs(delay);
  }

  /** Removes all faults: the disk works again. */
  mend(): void {
    this.failing = new Map();
    this.slowMs = 0;
  }

  /** @internal Resolves when the delay of a slow disk has passed; null: the disk is not slow. */
  delay(): Promise<void> | null {
    return this.slowMs > 0 ? new Promise((resolve) => void this.time.after(this.slowMs, resolve)) : null;
  }

  /** @internal The error with which an operation on the metadata log fails; null: it succeeds. A full disk has room for it. */
  metadataFailureOf(...among: readonly Operation[]): Error | null {
    const failing = among.find((operation) => this.failing.get(operation) === 'EIO');
    return failing === undefined ? null : this.failureOf(failing, 'the metadata log');
  }

  /** @internal The error with which an operation fails; null: it succeeds. */
  failureOf(operation: Operation, path: string): Error | null {
    const code = this.failing.get(operation);
    return code === undefined ? null : new StorageError(code, `${code}: ${operation} ${path}`);
  }
}

/** Carries out an operation of the disk after its delay, or fails with what `failure` then returns. */
async function underFaults<T>(
  life: Life,
  faults: DiskFaults,
  failure: () => Error | null,
  work: () => Promise<T>,
): Promise<T> {
  // The delay does not count as work in progress. If it did, a manual clock would wait for it and never advance to its end.
  const delay = faults.delay();
  if (delay !== null) await delay;
  // After the end of the incarnation, the operation is not carried out.
  if (!life.isAlive) return new Promise(() => {});
  const error = failure();
  return life.outcome(error === null ? work() : Promise.reject(error));
}

export function nodeDisk(disk: FileSystem, life: Life, faults: DiskFaults): FileSystem {
  const through = <T>(operation: Promise<T>): Promise<T> => life.outcome(operation);
  const openHandles = new Set<FileHandle>();
  const locks = new Set<FileLock>();
  life.onEnd(() => {
    for (const handle of openHandles) void handle.close().catch(() => {});
    for (const lock of locks) void lock.release().catch(() => {});
  });
  const faulty = <T>(operation: Operation, path: string, work: () => Promise<T>): Promise<T> =>
    underFaults(life, faults, () => faults.failureOf(operation, path), work);
  const handleOf = (handle: FileHandle, path: string): FileHandle => {
    openHandles.add(handle);
    return {
      read: (target, offset, length, position) =>
        faulty('read', path, () => handle.read(target, offset, length, position)),
      write: (buffers, position) => faulty('write', path, () => handle.write(buffers, position)),
      sync: () => faulty('sync', path, () => handle.sync()),
      truncate: (sizeBytes) => faulty('write', path, () => handle.truncate(sizeBytes)),
      close: () => {
        openHandles.delete(handle);
        return through(handle.close());
      },
    };
  };
  return {
    open: async (path, mode) => handleOf(await through(disk.open(path, mode)), path),
    stat: (path) => through(disk.stat(path)),
    list: (path) => through(disk.list(path)),
    readFile: (path) => faulty('read', path, () => disk.readFile(path)),
    makeDirectory: (path) => faulty('write', path, () => disk.makeDirectory(path)),
    rename: (from, to) => through(disk.rename(from, to)),
    remove: (path) => through(disk.remove(path)),
    syncDirectory: (path) => faulty('sync', path, () => disk.syncDirectory(path)),
    lock: async (path) => {
      const lock = await through(disk.lock(path));
      if (lock === null) return null;
      locks.add(lock);
      return {
        release: () => {
          locks.delete(lock);
          return through(lock.release());
        },
      };
    },
    volume: (path) => through(disk.volume(path)),
  };
}

export function nodeRaftStore(store: RaftStore, life: Life, faults: DiskFaults): RaftStore {
  const faulty = <T>(among: readonly Operation[], work: () => Promise<T>): Promise<T> =>
    underFaults(life, faults, () => faults.metadataFailureOf(...among), work);
  return {
    open: () => faulty(['read'], () => store.open()),
    write: (ops) => faulty(['write', 'sync'], () => store.write(ops)),
    read: (from, endOffset, bytesMax) => faulty(['read'], () => store.read(from, endOffset, bytesMax)),
    saveSnapshot: (meta, bytes) => faulty(['write', 'sync'], () => store.saveSnapshot(meta, bytes)),
    readSnapshot: () => faulty(['read'], () => store.readSnapshot()),
    close: () => store.close(),
  };
}
