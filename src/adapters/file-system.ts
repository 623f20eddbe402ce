/**
 * The disk of this machine. It uses file descriptors and the callback functions of Node.js: the handles of `fs/promises` cost
 * about a third more for each call. Locks are locks of the operating system, so they end with the process; the package for
 * them, `fs-native-extensions`, is loaded at the first lock.
 */
import * as fs from 'node:fs';
import {
  type FileHandle,
  type FileLock,
  type FileStat,
  type FileSystem,
  isMissingFile,
  StorageError,
} from '../base/file-system.ts';

/** The most buffers that one `writev` takes (IOV_MAX of Linux). */
const writeBuffersMax = 1024;
/** Windows syncs only files that are open for writing. */
const readFlags = process.platform === 'win32' ? fs.constants.O_RDWR : fs.constants.O_RDONLY;

type Callback<T> = (error: NodeJS.ErrnoException | null, value: T) => void;

/**
 * Turns an error of the operating system into a `StorageError`. Any other error, such as that of a wrong argument, is a bug and
 * is returned unchanged.
 */
function storageErrorOf(error: NodeJS.ErrnoException): Error {
  const { code, errno } = error;
  return code !== undefined && errno !== undefined ? new StorageError(code, error.message) : error;
}

/** Adds the path to an error. Node.js reports success as null or undefined, which gives null. */
function named(error: NodeJS.ErrnoException | null | undefined, path: string): NodeJS.ErrnoException | null {
  if (error === null || error === undefined) return null;
  error.message += ` '${path}'`;
  return error;
}

function call<T>(run: (done: Callback<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    run((error, value) =>
      error === null || error === undefined ? resolve(value) : reject(storageErrorOf(error)),
    );
  });
}

/** Returns what is still to be written after the first `writtenBytes` bytes of `buffers` were written. */
function remainder(buffers: readonly Uint8Array[], writtenBytes: number): Uint8Array[] {
  const rest: Uint8Array[] = [];
  let skip = writtenBytes;
  for (const buffer of buffers) {
    if (skip >= buffer.byteLength) skip -= buffer.byteLength;
    else {
      rest.push(skip === 0 ? buffer : buffer.subarray(skip));
      skip = 0;
    }
  }
  return rest;
}

class SystemFileHandle implements FileHandle {
  private descriptor: number;
  private readonly path: string;

  constructor(descriptor: number, path: string) {
    this.descriptor = descriptor;
    this.path = path;
  }

  read(target: Uint8Array, offset: number, length: number, position: number): Promise<number> {
    return this.call((done) => fs.read(this.descriptor, target, offset, length, position, done));
  }

  async write(buffers: readonly Uint8Array[], position: number): Promise<void> {
    let rest: readonly Uint8Array[] = buffers;
    let at = position;
    while (rest.length > 0) {
      const batch = rest.length > writeBuffersMax ? rest.slice(0, writeBuffersMax) : rest;
      const written = await this.writeSome(batch, at);
      at += written;
      rest = remainder(rest, written);
      // Some full volumes write nothing and report no error. Without this check the write would be repeated for ever.
      if (written === 0 && rest.length > 0) {
        throw new StorageError('ENOSPC', `ENOSPC: the system wrote nothing, write '${this.path}'`);
      }
    }
  }

  sync(): Promise<void> {
    return this.call((done) => fs.fdatasync(this.descriptor, done as fs.NoParamCallback));
  }

  truncate(sizeBytes: number): Promise<void> {
    return this.call((done) => fs.ftruncate(this.descriptor, sizeBytes, done as fs.NoParamCallback));
  }

  async close(): Promise<void> {
    if (this.descriptor < 0) return;
    const descriptor = this.descriptor;
    this.descriptor = -1;
    await call((done) => fs.close(descriptor, done as fs.NoParamCallback));
  }

  private writeSome(buffers: readonly Uint8Array[], position: number): Promise<number> {
    const first = buffers[0];
    if (buffers.length === 1 && first !== undefined) {
      return this.call((done) => fs.write(this.descriptor, first, 0, first.byteLength, position, done));
    }
    return this.call((done) => fs.writev(this.descriptor, buffers, position, done));
  }

  /** An error of a call on a descriptor does not name the file, so the path is added. */
  private call<T>(run: (done: Callback<T>) => void): Promise<T> {
    return call((done) => run((error, value) => done(named(error, this.path), value)));
  }
}

async function stat(path: string): Promise<FileStat | null> {
  try {
    const found = await call<fs.Stats>((done) => fs.stat(path, done));
    return { sizeBytes: found.size, modifiedMs: found.mtimeMs, isDirectory: found.isDirectory() };
  } catch (error) {
    if (isMissingFile(error)) return null;
    throw error;
  }
}

async function syncDirectory(path: string): Promise<void> {
  // Windows cannot open a directory to sync it. Its journal makes renames durable in their order.
  if (process.platform === 'win32') return;
  const descriptor = await call<number>((done) => fs.open(path, 'r', done));
  try {
    await call((done) => fs.fsync(descriptor, done as fs.NoParamCallback));
  } finally {
    await call((done) => fs.close(descriptor, done as fs.NoParamCallback));
  }
}

async function lock(path: string): Promise<FileLock | null> {
  const { default: native } = await import('fs-native-extensions');
  const descriptor = await call<number>((done) => fs.open(path, 'a+', done));
  const close = (): Promise<void> => call((done) => fs.close(descriptor, done as fs.NoParamCallback));
  let granted = false;
  try {
    granted = native.tryLock(descriptor);
  } catch (error) {
    throw new StorageError(String((error as NodeJS.ErrnoException).code), `${path}: ${String(error)}`);
  } finally {
    if (!granted) await close();
  }
  // A second close could close another file, to which the system has given the same descriptor since.
  let released: Promise<void> | null = null;
  return granted ? { release: () => (released ??= close()) } : null;
}

/** The disk of this machine. */
export const systemFileSystem: FileSystem = {
  async open(path, mode) {
    const flags = mode === 'read' ? readFlags : fs.constants.O_RDWR | fs.constants.O_CREAT;
    return new SystemFileHandle(await call<number>((done) => fs.open(path, flags, 0o644, done)), path);
  },
  stat,
  async list(path) {
    const names = await call<string[]>((done) => fs.readdir(path, done));
    return names.sort();
  },
  readFile: (path) => call<Uint8Array>((done) => fs.readFile(path, done)),
  async makeDirectory(path) {
    await call((done) => fs.mkdir(path, { recursive: true }, done));
  },
  rename: (from, to) => call((done) => fs.rename(from, to, done as fs.NoParamCallback)),
  remove: (path) => call((done) => fs.rm(path, { recursive: true, force: true }, done as fs.NoParamCallback)),
  syncDirectory,
  lock,
  async volume(path) {
    const found = await call<fs.StatsFs>((done) => fs.statfs(path, done));
    return { totalBytes: found.blocks * found.bsize, usableBytes: found.bavail * found.bsize };
  },
};
