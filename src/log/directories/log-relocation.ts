/**
 * Puts the files of a complete copy beneath a log, in place of its own: the last step of a move to another log directory. What the log
 * holds does not change, only where it lies, so the log goes on serving and appending as if nothing had happened.
 *
 * Order, so that a crash at any point leaves one complete replica: the copy is closed and synced; the old directory is renamed to
 * `…-delete` and the name synced; the copy takes the partition's name and that is synced. A start that finds a `…-future` directory
 * and no other takes it for the partition.
 */
import { writeEpochs } from '../log-flush.ts';
import type { LogReader } from '../log-reader.ts';
import type { LogState } from '../log-state.ts';
import { partitionDirectoryName } from '../names.ts';

/** The log of the copy: what relocation needs of it. */
interface CopiedLog {
  readonly state: LogState;
  readonly directory: string;
  close(): Promise<void>;
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}

/** Under the writer's lock of the log; `copy` holds all of it. Returns the path of the old files. */
export async function relocate(
  state: LogState,
  reader: LogReader,
  copy: CopiedLog,
  leavingName: string,
): Promise<string> {
  const { fs } = state.resources;
  await copy.close();
  if (copy.state.failure !== null) {
    throw new Error(`The copy in ${copy.directory} can't be closed`, { cause: copy.state.failure });
  }
  const old = state.directory;
  const oldPath = old.path;
  const leavingPath = `${parentOf(oldPath)}/${leavingName}`;
  for (const segment of state.segments) await segment.close();
  await fs.rename(oldPath, leavingPath);
  old.path = leavingPath;
  try {
    await fs.syncDirectory(parentOf(oldPath));
    const target = copy.state.directory;
    const parent = parentOf(target.path);
    const path = `${parent}/${partitionDirectoryName(state.options.topic, state.options.partition)}`;
    await fs.rename(target.path, path);
    target.path = path;
    await fs.syncDirectory(parent);
  } catch (error) {
    await fs.rename(leavingPath, oldPath);
    old.path = oldPath;
    throw error;
  }
  state.directory = copy.state.directory;
  state.segments = copy.state.segments;
  state.generation += 1;
  reader.forgetHints();
  state.recoveryPoint = state.logEndOffset;
  await state.active.activate();
  state.plan = state.planFor(state.active);
  state.metadataDirty = true;
  state.epochs.isDirty = true;
  await writeEpochs(state);
  return leavingPath;
}
