/**
 * The simulated disk as one incarnation of a host uses it: every operation takes some virtual time, except for `lock` and
 * `volume`. When the incarnation ends, its pending operations never return, and those whose delay has not passed are not
 * carried out. When a sync ends, the content at the time of its call is durable.
 */
import type { FileHandle, FileSystem } from '../base/file-system.ts';
import type { SimulatedDisk, SimulatedFileHandle } from './disk.ts';
import type { Incarnation } from './host.ts';

export interface DiskDelays {
  /** The mean delay of an operation. All delays here are exponentially distributed. */
  readonly operationMeanMs: number;
  /** Mean delay of a read from an open file. */
  readMeanMs: number;
  readonly syncMeanMs: number;
  /** Until this virtual time no operation completes, as on a disk that hangs. */
  stalledUntilMs: number;
  /** Until this virtual time no sync completes; reads and writes do. */
  syncsStalledUntilMs: number;
}

export function diskDelays(): DiskDelays {
  return {
    operationMeanMs: 0.05,
    readMeanMs: 0.05,
    syncMeanMs: 2,
    stalledUntilMs: 0,
    syncsStalledUntilMs: 0,
  };
}

export function slowDisk(
  disk: SimulatedDisk,
  life: Incarnation,
  delays: DiskDelays = diskDelays(),
): FileSystem {
  const later = async <T>(meanMs: number, operation: () => Promise<T>, untilMs = 0): Promise<T> => {
    const stallMs = Math.max(0, Math.max(untilMs, delays.stalledUntilMs) - life.monotonicMs());
    await new Promise<void>((resolve) => life.after(stallMs + life.random.exponential(meanMs), resolve));
    const result = await operation();
    if (!life.isAlive) await new Promise(() => {});
    return result;
  };
  const quick = <T>(operation: () => Promise<T>): Promise<T> => later(delays.operationMeanMs, operation);
  const synced = (sync: () => Promise<void>): Promise<void> =>
    later(delays.syncMeanMs, sync, delays.syncsStalledUntilMs);
  const handleOf = (handle: SimulatedFileHandle): FileHandle => ({
    read: (target, offset, length, position) =>
      later(delays.readMeanMs, () => handle.read(target, offset, length, position)),
    write: (buffers, position) => quick(() => handle.write(buffers, position)),
    sync: () => synced(handle.beginSync()),
    truncate: (sizeBytes) => quick(() => handle.truncate(sizeBytes)),
    close: () => quick(() => handle.close()),
  });
  return {
    open: async (path, mode) => handleOf(await quick(() => disk.open(path, mode))),
    stat: (path) => quick(() => disk.stat(path)),
    list: (path) => quick(() => disk.list(path)),
    readFile: (path) => quick(() => disk.readFile(path)),
    makeDirectory: (path) => quick(() => disk.makeDirectory(path)),
    rename: (from, to) => quick(() => disk.rename(from, to)),
    remove: (path) => quick(() => disk.remove(path)),
    syncDirectory: (path) => synced(disk.beginDirectorySync(path)),
    lock: (path) => disk.lock(path),
    volume: () => disk.volume(),
  };
}
