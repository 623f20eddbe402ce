/**
 * A file system that retries operations which fail for a temporary reason:
 * - The process or the machine has too many open files. Others will be closed; the failure is not an error of the disk.
 * - On Windows, the file is open elsewhere (a reader of this process that is about to finish, a virus scanner, an indexer).
 */
import { type Scheduler, sleep } from '../base/clock.ts';
import { type FileSystem, StorageError } from '../base/file-system.ts';

/** Windows' error codes for a file that is open, or whose removal is not finished. */
const busyCodes: ReadonlySet<string> = new Set(['EPERM', 'EBUSY', 'EACCES', 'ENOTEMPTY']);
const noneLeftCodes: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE']);
const firstPauseMs = 5;
const pauseMsMax = 500;
const patienceMs = 30_000;

/** `fs` with retries of operations that open files, and on Windows of renames and removals. */
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
