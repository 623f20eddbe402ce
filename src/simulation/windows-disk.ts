/**
 * A simulated disk with the restrictions of Windows, for tests: an open file, or a directory with an open file in it, cannot be
 * renamed or removed (EPERM, EBUSY); a directory cannot be opened; names that differ only in case are the same name; device
 * names and some characters are not allowed. Real Windows allows more (for example when a file is opened with sharing), so a
 * program that works here works there.
 */
import {
  type FileHandle,
  type FileLock,
  type FileStat,
  type FileSystem,
  StorageError,
} from '../base/file-system.ts';
import type { SimulatedDisk } from './disk.ts';

const deviceNames = /^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)/i;
const characters = /[<>:"|?*\\]|[. ]$/;

export class WindowsDisk implements FileSystem {
  readonly #disk: SimulatedDisk;
  /** By path in lower case: how many handles are open. */
  #open = new Map<string, number>();
  #incarnation: number;
  /** Operations that were refused because something was open. */
  refusals: string[] = [];

  constructor(disk: SimulatedDisk) {
    this.#disk = disk;
    this.#incarnation = disk.incarnation;
  }

  async open(path: string, mode: 'read' | 'write'): Promise<FileHandle> {
    const real = await this.#existing(path);
    const key = keyOf(real);
    // The handle counts before the file is created, because Windows creates and opens in one step.
    const open = this.#handles();
    open.set(key, (open.get(key) ?? 0) + 1);
    let isOpen = true;
    const close = (): void => {
      if (!isOpen) return;
      isOpen = false;
      const left = (open.get(key) ?? 1) - 1;
      if (left === 0) open.delete(key);
      else open.set(key, left);
    };
    try {
      const handle = await this.#disk.open(real, mode);
      return {
        read: (target, offset, length, position) => handle.read(target, offset, length, position),
        write: (buffers, position) => handle.write(buffers, position),
        sync: () => handle.sync(),
        truncate: (sizeBytes) => handle.truncate(sizeBytes),
        close: async () => {
          await handle.close();
          close();
        },
      };
    } catch (error) {
      close();
      throw error;
    }
  }

  async stat(path: string): Promise<FileStat | null> {
    return this.#disk.stat(await this.#existing(path));
  }

  async list(path: string): Promise<string[]> {
    return this.#disk.list(await this.#existing(path));
  }

  async readFile(path: string): Promise<Uint8Array> {
    return this.#disk.readFile(await this.#existing(path));
  }

  async makeDirectory(path: string): Promise<void> {
    await this.#disk.makeDirectory(await this.#existing(path));
  }

  async rename(from: string, to: string): Promise<void> {
    const [source, target] = [await this.#existing(from), await this.#existing(to)];
    this.#refuseOpen('rename', source, 'EPERM');
    this.#refuseOpen('rename', target, 'EPERM');
    const isOther = keyOf(source) !== keyOf(target);
    if (isOther && (await this.#disk.stat(target))?.isDirectory === true)
      throw new StorageError('EPERM', `EPERM: operation not permitted, rename '${from}' -> '${to}'`);
    await this.#disk.rename(source, target);
  }

  async remove(path: string): Promise<void> {
    const real = await this.#existing(path);
    this.#refuseOpen('unlink', real, 'EBUSY');
    await this.#disk.remove(real);
  }

  /** The program expects this to do nothing, as on Windows. */
  async syncDirectory(path: string): Promise<void> {
    // NTFS makes directory entries durable by itself, with its journal. The simulated disk does so only in a sync, so it is
    // synced here.
    await this.#disk.syncDirectory(await this.#existing(path));
  }

  async lock(path: string): Promise<FileLock | null> {
    return this.#disk.lock(await this.#existing(path));
  }

  volume(): Promise<{ totalBytes: number; usableBytes: number }> {
    return this.#disk.volume();
  }

  /**
   * The open handles. Those of an ended incarnation are forgotten first, because Windows closes the handles of an ended
   * process.
   */
  #handles(): Map<string, number> {
    if (this.#incarnation !== this.#disk.incarnation) {
      this.#incarnation = this.#disk.incarnation;
      this.#open = new Map();
    }
    return this.#open;
  }

  #refuseOpen(operation: string, path: string, code: string): void {
    const key = keyOf(path);
    for (const open of this.#handles().keys()) {
      if (open !== key && !open.startsWith(`${key}/`)) continue;
      this.refusals.push(`${operation} ${path}`);
      throw new StorageError(
        code,
        `${code}: resource busy or locked, ${operation} '${path}' (${open} is open)`,
      );
    }
  }

  /**
   * `path` in the spelling of the existing names on the disk, which may differ in case. Throws EINVAL for a name that is not
   * allowed.
   */
  async #existing(path: string): Promise<string> {
    let real = '';
    for (const name of path.split('/').filter((one) => one !== '' && one !== '.')) {
      if (deviceNames.test(name) || characters.test(name))
        throw new StorageError('EINVAL', `EINVAL: invalid argument, '${path}'`);
      const isDirectory = (await this.#disk.stat(real === '' ? '/' : real))?.isDirectory === true;
      const names = isDirectory ? await this.#disk.list(real === '' ? '/' : real) : [];
      const found = names.find((one) => one.toLowerCase() === name.toLowerCase());
      real = `${real}/${found ?? name}`;
    }
    return real === '' ? '/' : real;
  }
}

function keyOf(path: string): string {
  return path.toLowerCase();
}
