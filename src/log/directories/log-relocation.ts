/**
 * Replaces the files of a log by those of a complete copy, as the last step of a move to another log directory. The records of the
 * log do not change, so the log continues to serve reads and appends.
 *
 * The order leaves one complete replica after a crash at any point. The copy is closed and synced. The old directory is renamed to
 * `…-delete` and the directory entry synced. The copy gets the partition's name, and that is synced. A start that finds a
 * `…-future` directory and no other uses it as the partition.
 */
import { writeEpochs } from '../log-flush.ts';
import type { LogReader } from '../log-reader.ts';
import type { LogState } from '../log-state.ts';
import { partitionDirectoryName } from '../names.ts';

/** The log of the copy, as far as relocation uses it. */
interface CopiedLog {
  readonly state: LogState;
  readonly directory: string;
  close(): Promise<void>;
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}

/** Called under the writer's lock of the log; `copy` has all of its records. Returns the path of the old files. */
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
  state.segmentCheckpoint = copy.state.segmentCheckpoint;
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
