/**
 * A file system for Windows: what is refused because somebody has a file open (a reader of ours that is about to finish, a virus
 * scanner, an indexer) is tried again for a while before it fails. Everywhere else such a refusal is final.
 */
import { type Scheduler, sleep } from '../base/clock.ts';
import { type FileSystem, StorageError } from '../base/file-system.ts';

/** What Windows says of a file that is open, or whose removal is not finished. */
const busyCodes: ReadonlySet<string> = new Set(['EPERM', 'EBUSY', 'EACCES', 'ENOTEMPTY']);
const firstPauseMs = 5;
const pauseMsMax = 500;
const patienceMs = 30_000;

/** `fs` with patience for renames and removals. */
export function patientFileSystem(fs: FileSystem, scheduler: Scheduler): FileSystem {
  const patiently = async (run: () => Promise<void>): Promise<void> => {
    let [waitedMs, pauseMs] = [0, firstPauseMs];
    for (;;) {
      try {
        return await run();
      } catch (error) {
        const isBusy = error instanceof StorageError && busyCodes.has(error.code);
        if (!isBusy || waitedMs >= patienceMs) throw error;
      }
      await sleep(scheduler, pauseMs);
      waitedMs += pauseMs;
      pauseMs = Math.min(pauseMsMax, pauseMs * 2);
    }
  };
  return {
    open: (path, mode) => fs.open(path, mode),
    stat: (path) => fs.stat(path),
    list: (path) => fs.list(path),
    readFile: (path) => fs.readFile(path),
    makeDirectory: (path) => fs.makeDirectory(path),
    rename: (from, to) => patiently(() => fs.rename(from, to)),
    remove: (path) => patiently(() => fs.remove(path)),
    syncDirectory: (path) => fs.syncDirectory(path),
    lock: (path) => fs.lock(path),
    volume: (path) => fs.volume(path),
  };
}
