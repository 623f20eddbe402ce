/**
 * A simulated disk that loses unsynced data at a power cut. For every file and directory it keeps the present content, the
 * synced content, and each change since the last sync. `powerCut` discards the unsynced changes. With a source of random
 * numbers a random part of them survives, as on a real disk (`power-loss.ts`). A sync makes durable what was changed before it
 * began. Tests inject faults (EIO, ENOSPC, short writes).
 *
 * It guarantees less than ext4: syncing a file does not make its directory entry durable, and changes of a directory may
 * survive in any order. It has no permissions and no links, and only one volume.
 */
import type { Clock } from '../base/clock.ts';
import {
  type FileHandle,
  type FileLock,
  type FileStat,
  type FileSystem,
  StorageError,
} from '../base/file-system.ts';
import type { Random } from '../base/random.ts';
import { contentAfter, entriesAfter, type FileChange, type NameChange } from './power-loss.ts';

/** The durable content of a file or directory, and its changes since, in order. */
interface Durable<Content, Change extends { readonly revision: number }> {
  synced: Content;
  unsynced: Change[];
  /** The number of the last change. */
  revision: number;
  syncedRevision: number;
}

interface FileNode extends Durable<Uint8Array, FileChange> {
  readonly kind: 'file';
  bytes: Uint8Array;
  sizeBytes: number;
  modifiedMs: number;
}

interface DirectoryNode extends Durable<Map<string, Node>, NameChange<Node>> {
  readonly kind: 'directory';
  entries: Map<string, Node>;
}

type Node = FileNode | DirectoryNode;

export type DiskOperation =
  | 'open'
  | 'read'
  | 'write'
  | 'sync'
  | 'truncate'
  | 'rename'
  | 'remove'
  | 'list'
  | 'makeDirectory'
  | 'syncDirectory';

/** Called before each operation. Returns the code of the error with which the operation fails, or null. */
export type DiskFault = (operation: DiskOperation, path: string) => string | null;

export interface SimulatedDiskOptions {
  readonly clock?: Clock;
  /** Decides which unsynced changes survive a power cut. Without it none survives. */
  readonly random?: Random;
  /** The maximum total size of all files. A write beyond it writes what fits and fails with ENOSPC. */
  readonly capacityBytes?: number;
}

function errorOf(code: string, path: string): Error {
  return new StorageError(code, `${code}: ${path}`);
}

/**
 * A handle whose sync can take time: `beginSync` begins it and returns the function that ends it. Changes in between stay
 * unsynced.
 */
export interface SimulatedFileHandle extends FileHandle {
  beginSync(): () => Promise<void>;
}

const nothingUnsynced = { revision: 0, syncedRevision: 0 };

function emptyDirectory(): DirectoryNode {
  return { kind: 'directory', entries: new Map(), synced: new Map(), unsynced: [], ...nothingUnsynced };
}

function fileOf(bytes: Uint8Array, synced: Uint8Array, modifiedMs: number): FileNode {
  return {
    kind: 'file',
    bytes,
    sizeBytes: bytes.length,
    synced,
    unsynced: [],
    ...nothingUnsynced,
    modifiedMs,
  };
}

/** Begins a sync of `content`; returns the function that ends the sync and so makes the content durable. */
function beginSync<Content, Change extends { readonly revision: number }>(
  node: Durable<Content, Change>,
  content: Content,
): () => void {
  const { revision } = node;
  return () => {
    if (revision < node.syncedRevision) return;
    node.synced = content;
    node.syncedRevision = revision;
    node.unsynced = node.unsynced.filter((change) => change.revision > revision);
  };
}

function copyOf(file: FileNode): Uint8Array {
  return file.bytes.slice(0, file.sizeBytes);
}

/** Sets the present and the synced content of the file. */
function settle(file: FileNode, bytes: Uint8Array): void {
  file.bytes = bytes.slice();
  file.sizeBytes = bytes.length;
  file.synced = bytes;
  file.unsynced = [];
}

export class SimulatedDisk implements FileSystem {
  readonly #options: SimulatedDiskOptions;
  readonly #root = emptyDirectory();
  #locks = new Set<string>();
  /** The number of power cuts and process kills. A handle with an older number fails. */
  #power = 0;
  fault: DiskFault = () => null;
  capacityBytes: number;
  /** How often each operation was called. */
  readonly counts = new Map<DiskOperation, number>();

  /** Whether unsynced changes may survive a power cut. If not, single changes need not be recorded. */
  get #tears(): boolean {
    return this.#options.random !== undefined;
  }

  constructor(options: SimulatedDiskOptions = {}) {
    this.#options = options;
    this.capacityBytes = options.capacityBytes ?? Number.MAX_SAFE_INTEGER;
  }

  /** The number of power cuts and process kills so far. */
  get incarnation(): number {
    return this.#power;
  }

  /** Cuts the power: discards unsynced changes (with random numbers not all of them), all handles and all locks. */
  powerCut(): void {
    this.#power += 1;
    this.#locks = new Set();
    this.#forget(this.#root);
  }

  /** The process was killed: all written data stays, and handles and locks end. */
  processKilled(): void {
    this.#power += 1;
    this.#locks = new Set();
  }

  async open(path: string, mode: 'read' | 'write'): Promise<SimulatedFileHandle> {
    await this.#begin('open', path);
    const { parent, name } = this.#parentOf(path);
    let node = parent.entries.get(name);
    if (node === undefined) {
      if (mode === 'read') throw errorOf('ENOENT', path);
      node = fileOf(new Uint8Array(0), new Uint8Array(0), this.#nowMs());
      this.#changeName(parent, name, node);
    }
    if (node.kind !== 'file') throw errorOf('EISDIR', path);
    return this.#handle(node, path, mode);
  }

  async stat(path: string): Promise<FileStat | null> {
    const node = this.#find(path);
    if (node === null) return null;
    if (node.kind === 'directory') return { sizeBytes: 0, modifiedMs: 0, isDirectory: true };
    return { sizeBytes: node.sizeBytes, modifiedMs: node.modifiedMs, isDirectory: false };
  }

  async list(path: string): Promise<string[]> {
    await this.#begin('list', path);
    return [...this.#directory(path).entries.keys()].sort();
  }

  async readFile(path: string): Promise<Uint8Array> {
    await this.#begin('read', path);
    const node = this.#find(path);
    if (node === null) throw errorOf('ENOENT', path);
    if (node.kind !== 'file') throw errorOf('EISDIR', path);
    return Buffer.from(copyOf(node));
  }

  async makeDirectory(path: string): Promise<void> {
    await this.#begin('makeDirectory', path);
    let at = this.#root;
    for (const name of this.#names(path)) {
      let next = at.entries.get(name);
      if (next === undefined) {
        next = emptyDirectory();
        this.#changeName(at, name, next);
      }
      if (next.kind !== 'directory') throw errorOf('ENOTDIR', path);
      at = next;
    }
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#begin('rename', from);
    const source = this.#parentOf(from);
    const target = this.#parentOf(to);
    const node = source.parent.entries.get(source.name);
    if (node === undefined) throw errorOf('ENOENT', from);
    if (source.parent === target.parent) {
      if (source.name !== target.name) this.#changeName(target.parent, target.name, node, source.name);
      return;
    }
    this.#changeName(source.parent, source.name, null);
    this.#changeName(target.parent, target.name, node);
  }

  async remove(path: string): Promise<void> {
    await this.#begin('remove', path);
    const names = this.#names(path);
    const parent = this.#walk(names.slice(0, -1));
    const name = names.at(-1) ?? '';
    const node = parent?.kind === 'directory' ? parent.entries.get(name) : undefined;
    if (parent?.kind !== 'directory' || node === undefined) return;
    // The removal of the directory and of its files are separate changes, so that a power cut may bring back some of them only.
    if (node.kind === 'directory') this.#empty(node);
    this.#changeName(parent, name, null);
  }

  async syncDirectory(path: string): Promise<void> {
    await this.beginDirectorySync(path)();
  }

  /** See `SimulatedFileHandle.beginSync`. */
  beginDirectorySync(path: string): () => Promise<void> {
    const node = this.#find(path);
    const end = node?.kind === 'directory' ? beginSync(node, new Map(node.entries)) : null;
    return async () => {
      await this.#begin('syncDirectory', path);
      if (end !== null) end();
      else this.#directory(path);
    };
  }

  async lock(path: string): Promise<FileLock | null> {
    if (this.#locks.has(path)) return null;
    this.#locks.add(path);
    const locks = this.#locks;
    return {
      release: async () => {
        locks.delete(path);
      },
    };
  }

  async volume(): Promise<{ totalBytes: number; usableBytes: number }> {
    return {
      totalBytes: this.capacityBytes,
      usableBytes: Math.max(0, this.capacityBytes - this.#countedBytes()),
    };
  }

  /** Changes the content of a file, including the synced content, to simulate a damaged disk. */
  damage(path: string, change: (bytes: Uint8Array) => Uint8Array): void {
    const node = this.#find(path);
    if (node === null || node.kind !== 'file') throw errorOf('ENOENT', path);
    const bytes = change(copyOf(node)).slice();
    settle(node, bytes);
  }

  /** Every file with its size, in the order of the paths. */
  files(): { path: string; sizeBytes: number }[] {
    const found: { path: string; sizeBytes: number }[] = [];
    const walk = (directory: DirectoryNode, prefix: string): void => {
      for (const [name, node] of directory.entries) {
        if (node.kind === 'directory') walk(node, `${prefix}/${name}`);
        else found.push({ path: `${prefix}/${name}`, sizeBytes: node.sizeBytes });
      }
    };
    walk(this.#root, '');
    return found.sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  /** A copy of every file, by its path. */
  contents(): Map<string, Uint8Array> {
    const copies = new Map<string, Uint8Array>();
    for (const { path } of this.files()) {
      const node = this.#find(path);
      if (node?.kind === 'file') copies.set(path, copyOf(node));
    }
    return copies;
  }

  /** Puts files on this disk, synced, with their directories. The caller must not change the arrays afterwards. */
  fill(contents: ReadonlyMap<string, Uint8Array>): void {
    for (const [path, bytes] of contents) {
      const names = this.#names(path);
      let at = this.#root;
      for (const name of names.slice(0, -1)) {
        const found = at.entries.get(name);
        const next = found?.kind === 'directory' ? found : emptyDirectory();
        at.entries.set(name, next);
        at.synced.set(name, next);
        at = next;
      }
      const file = fileOf(bytes.slice(), bytes, this.#nowMs());
      at.entries.set(names.at(-1) ?? '', file);
      at.synced.set(names.at(-1) ?? '', file);
    }
  }

  /** Total size of all files in bytes. */
  get usedBytes(): number {
    return this.#sizeOf(this.#root);
  }

  /** Removes a file or a directory permanently, as when a disk is replaced. */
  erase(path: string): void {
    const names = this.#names(path);
    const parent = this.#walk(names.slice(0, -1));
    if (parent?.kind !== 'directory') return;
    const name = names.at(-1) ?? '';
    parent.entries.delete(name);
    parent.synced.delete(name);
    parent.unsynced = parent.unsynced.filter((change) => change.name !== name && change.alsoGone !== name);
  }

  #handle(node: FileNode, path: string, mode: 'read' | 'write'): SimulatedFileHandle {
    const power = this.#power;
    const begin = async (operation: DiskOperation): Promise<void> => {
      await this.#begin(operation, path);
      const isChange = operation === 'write' || operation === 'truncate';
      if (power !== this.#power || (isChange && mode === 'read')) throw errorOf('EBADF', path);
    };
    const beginFileSync = (): (() => Promise<void>) => {
      const end = beginSync(node, copyOf(node));
      return async () => {
        await begin('sync');
        end();
      };
    };
    return {
      read: async (target, offset, length, position) => {
        await begin('read');
        const count = Math.max(0, Math.min(length, node.sizeBytes - position));
        target.set(node.bytes.subarray(position, position + count), offset);
        return count;
      },
      write: async (buffers, position) => {
        await begin('write');
        let at = position;
        for (const buffer of buffers) {
          const room = Math.max(0, this.capacityBytes - this.#countedBytes());
          const grows = Math.max(0, at + buffer.length - node.sizeBytes);
          const fits = grows <= room ? buffer.length : Math.max(0, buffer.length - (grows - room));
          this.#put(node, buffer.subarray(0, fits), at);
          at += fits;
          if (fits < buffer.length) throw errorOf('ENOSPC', path);
        }
      },
      sync: () => beginFileSync()(),
      beginSync: beginFileSync,
      truncate: async (sizeBytes) => {
        await begin('truncate');
        if (sizeBytes < node.sizeBytes) node.bytes.fill(0, sizeBytes, node.sizeBytes);
        else this.#grow(node, sizeBytes);
        node.sizeBytes = sizeBytes;
        node.revision += 1;
        if (this.#tears) node.unsynced.push({ revision: node.revision, sizeBytes });
      },
      close: async () => undefined,
    };
  }

  /** Sets the node of `name`; null removes it. `alsoGone`: the old name, when the change is a rename in this directory. */
  #changeName(
    directory: DirectoryNode,
    name: string,
    node: Node | null,
    alsoGone: string | null = null,
  ): void {
    if (alsoGone !== null) directory.entries.delete(alsoGone);
    if (node === null) directory.entries.delete(name);
    else directory.entries.set(name, node);
    directory.revision += 1;
    if (this.#tears) directory.unsynced.push({ revision: directory.revision, name, node, alsoGone });
  }

  /** Removes all names from a directory and from the directories in it. */
  #empty(directory: DirectoryNode): void {
    for (const [name, node] of [...directory.entries]) {
      if (node.kind === 'directory') this.#empty(node);
      this.#changeName(directory, name, null);
    }
  }

  #put(node: FileNode, bytes: Uint8Array, position: number): void {
    if (bytes.length === 0) return;
    const end = position + bytes.length;
    this.#grow(node, end);
    node.bytes.set(bytes, position);
    node.sizeBytes = Math.max(node.sizeBytes, end);
    node.modifiedMs = this.#nowMs();
    node.revision += 1;
    if (this.#tears) node.unsynced.push({ revision: node.revision, at: position, bytes: bytes.slice() });
  }

  #grow(node: FileNode, sizeBytes: number): void {
    if (sizeBytes <= node.bytes.length) return;
    const grown = new Uint8Array(Math.max(sizeBytes, node.bytes.length * 2));
    grown.set(node.bytes.subarray(0, node.sizeBytes));
    node.bytes = grown;
  }

  #forget(directory: DirectoryNode): void {
    const { random } = this.#options;
    const { synced, unsynced } = directory;
    const kept = random === undefined ? new Map(synced) : entriesAfter(synced, unsynced, random);
    directory.entries = kept;
    directory.synced = new Map(kept);
    directory.unsynced = [];
    for (const node of kept.values()) {
      if (node.kind === 'directory') this.#forget(node);
      else
        settle(node, random === undefined ? node.synced : contentAfter(node.synced, node.unsynced, random));
    }
  }

  /** The total size of all files. For a disk without a maximum size it is not computed: 0. */
  #countedBytes(): number {
    return this.capacityBytes === Number.MAX_SAFE_INTEGER ? 0 : this.#sizeOf(this.#root);
  }

  #sizeOf(directory: DirectoryNode): number {
    let sum = 0;
    for (const node of directory.entries.values())
      sum += node.kind === 'file' ? node.sizeBytes : this.#sizeOf(node);
    return sum;
  }

  async #begin(operation: DiskOperation, path: string): Promise<void> {
    const power = this.#power;
    await Promise.resolve();
    if (power !== this.#power) throw errorOf('EBADF', path);
    this.counts.set(operation, (this.counts.get(operation) ?? 0) + 1);
    const code = this.fault(operation, path);
    if (code !== null) throw errorOf(code, path);
  }

  #nowMs(): number {
    return this.#options.clock?.wallMs() ?? 0;
  }

  #names(path: string): string[] {
    return path.split('/').filter((name) => name !== '' && name !== '.');
  }

  #walk(names: readonly string[]): Node | null {
    let node: Node = this.#root;
    for (const name of names) {
      if (node.kind !== 'directory') return null;
      const next: Node | undefined = node.entries.get(name);
      if (next === undefined) return null;
      node = next;
    }
    return node;
  }

  #find(path: string): Node | null {
    return this.#walk(this.#names(path));
  }

  #directory(path: string): DirectoryNode {
    const node = this.#find(path);
    if (node === null) throw errorOf('ENOENT', path);
    if (node.kind !== 'directory') throw errorOf('ENOTDIR', path);
    return node;
  }

  #parentOf(path: string): { parent: DirectoryNode; name: string } {
    const names = this.#names(path);
    const parent = this.#walk(names.slice(0, -1));
    if (parent === null || parent.kind !== 'directory') throw errorOf('ENOENT', path);
    return { parent, name: names.at(-1) ?? '' };
  }
}
