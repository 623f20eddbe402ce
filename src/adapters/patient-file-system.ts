/**
 * A file system that repeats operations which failed for a reason that may pass:
 * - The process or the machine has too many open files. Some of them will be closed; the disk has not failed.
 * - On Windows, the file is open elsewhere: in this process, or in a virus scanner or an indexer.
 */
import { type Scheduler, sleep } from '../base/clock.ts';
import { type FileSystem, StorageError } from '../base/file-system.ts';

/** The error codes of Windows for a file that is open, or that is being removed. */
const busyCodes: ReadonlySet<string> = new Set(['EPERM', 'EBUSY', 'EACCES', 'ENOTEMPTY']);
const noneLeftCodes: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE']);
const firstPauseMs = 5;
const pauseMsMax = 500;
const patienceMs = 30_000;

/**
 * Returns `fs` with retries of most operations when the process has too many open files. On Windows renames and removals are
 * also repeated while the file is open elsewhere.
 */
export function patientFileSystem(fs: FileSystem, scheduler: Scheduler, isWindows: boolean): FileSystem {
  const patiently = async <T>(codes: ReadonlySet<string>, run: () => Promise<T>): Promise<T> => {
    let [waitedMs, pauseMs] = [0, firstPauseMs];
    for (;;) {
      try {
        return await run();
      } catch (error) {
        const passes = error instanceof StorageError && codes.has(error.code);
        if (!passes || waitedMs >= patienceMs) throw error;
      }
      await sleep(scheduler, pauseMs);
      waitedMs += pauseMs;
      pauseMs = Math.min(pauseMsMax, pauseMs * 2);
    }
  };
  const opening = <T>(run: () => Promise<T>): Promise<T> => patiently(noneLeftCodes, run);
  const changeCodes = isWindows ? new Set([...busyCodes, ...noneLeftCodes]) : noneLeftCodes;
  return {
    open: (path, mode) => opening(() => fs.open(path, mode)),
    stat: (path) => fs.stat(path),
    list: (path) => opening(() => fs.list(path)),
    readFile: (path) => opening(() => fs.readFile(path)),
    makeDirectory: (path) => fs.makeDirectory(path),
    rename: (from, to) => patiently(changeCodes, () => fs.rename(from, to)),
    remove: (path) => patiently(changeCodes, () => fs.remove(path)),
    syncDirectory: (path) => opening(() => fs.syncDirectory(path)),
    lock: (path) => fs.lock(path),
    volume: (path) => fs.volume(path),
  };
}
