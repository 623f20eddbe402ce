/**
 * Replaces the files of a log by those of a complete copy, as the last step of a move to another log directory. The records of
 * the log do not change, so the log continues to serve reads and appends.
 *
 * After a crash at any point there is one complete replica: (1) the copy is closed and synced; (2) the old directory is renamed
 * to `…-delete`, and this is synced; (3) the copy is renamed to the partition's name, and this is synced. A start that finds a
 * `…-future` directory, but no directory with the partition's name, takes it for the partition.
 */
import { writeEpochs } from '../log-flush.ts';
import type { LogReader } from '../log-reader.ts';
import type { LogState, LogView } from '../log-state.ts';
import { partitionDirectoryName } from '../names.ts';
import type { PartitionDirectory } from '../partition-directory.ts';
import { writeSegmentCheckpoint } from '../segment-checkpoint.ts';

/** What this file needs of the `PartitionLog` of the copy. */
interface CopiedLog {
  readonly state: LogView;
  readonly directory: string;
  close(): Promise<void>;
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}

async function closeFiles(state: LogView): Promise<void> {
  for (const segment of state.segments) await segment.close();
}

/**
 * Must be called under the writer's lock of the log, when `copy` has all its records. Returns the directory of the old files.
 */
export async function relocate(
  state: LogState,
  reader: LogReader,
  copy: CopiedLog,
  leavingName: string,
): Promise<PartitionDirectory> {
  const { fs } = state.resources;
  await copy.close();
  if (copy.state.failure !== null) {
    throw new Error(`The copy in ${copy.directory} can't be closed`, { cause: copy.state.failure });
  }
  const old = state.directory;
  const oldPath = old.path;
  const leavingPath = `${parentOf(oldPath)}/${leavingName}`;
  await old.rename(fs, leavingPath, () => closeFiles(state));
  try {
    await fs.syncDirectory(parentOf(oldPath));
    const target = copy.state.directory;
    const parent = parentOf(target.path);
    const path = `${parent}/${partitionDirectoryName(state.options.topic, state.options.partition)}`;
    await target.rename(fs, path, () => closeFiles(copy.state));
    await fs.syncDirectory(parent);
  } catch (error) {
    await old.rename(fs, oldPath, () => closeFiles(state));
    throw error;
  }
  state.directory = copy.state.directory;
  state.segments = copy.state.segments;
  state.segmentCheckpoint = copy.state.segmentCheckpoint;
  state.truncationCount += 1;
  reader.forgetHints();
  state.recoveryPoint = state.logEndOffset;
  await state.active.activate();
  state.plan = state.planFor(state.active);
  state.metadataDirty = true;
  state.epochs.forgetFile();
  await writeEpochs(state);
  await writeSegmentCheckpoint(state);
  return old;
}
