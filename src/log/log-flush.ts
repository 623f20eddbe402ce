/**
 * Makes a log durable: syncs data, then indexes and directory entries, then advances the recovery point. A failed sync is never
 * tried again, because the operating system may have dropped the unwritten data; the caller gets the error and takes the log
 * directory offline.
 */
import { replaceFile, StorageError } from '../base/file-system.ts';
import { encodeEpochCheckpoint, encodePartitionMetadata } from './directories/checkpoints.ts';
import type { LogState } from './log-state.ts';
import { leaderEpochCheckpointName, partitionMetadataName } from './names.ts';
import { writeSegmentCheckpoint } from './segment-checkpoint.ts';
import type { Segment } from './segment/segment.ts';

export interface FlushOptions {
  /**
   * Sync the indexes too. Only then may the recovery point advance, because a start after a crash trusts the indexes below it.
   */
  readonly indexes: boolean;
}

/** Syncs everything below the current log end offset. Appends may continue meanwhile. */
export async function flushLog(state: LogState, options: FlushOptions): Promise<void> {
  await flushTo(state, state.logEndOffset, options);
}

/**
 * Syncs everything below `target`, which must have been written. If the indexes are synced too, the recovery point moves to
 * `target`.
 */
export function flushTo(state: LogState, target: number, options: FlushOptions): Promise<void> {
  return state.directory.using(() => syncTo(state, target, options));
}

async function syncTo(state: LogState, target: number, options: FlushOptions): Promise<void> {
  const { truncationCount } = state;
  // The directory of a new partition has not been created yet, so there is nothing to sync.
  if (state.materialised === null) return;
  if (target > state.recoveryPoint) {
    const sinceMs = state.resources.clock.monotonicMs();
    const first = state.floorSegment(state.recoveryPoint);
    // The segment before the recovery point may have got its last index entries only after its records were synced.
    const sealed = state.segments[first - 1];
    if (options.indexes && sealed?.hasUnsyncedIndex === true) {
      await unlessRemoved(state, sealed, () => sealed.writeIndexes(true));
    }
    const dirty = state.segments.filter(
      (segment, i) => i >= first && segment.baseOffset < target && segment.sizeBytes > 0,
    );
    for (const segment of dirty) {
      await unlessRemoved(state, segment, () => syncSegment(state, segment, options));
    }
    state.resources.onFlushed?.(state.resources.clock.monotonicMs() - sinceMs);
  }
  await syncDirectoryEntries(state);
  await writeEpochs(state);
  // This comes before the recovery point advances: a start notices that a segment below the recovery point is missing or
  // shortened only if this checkpoint lists the segment.
  if (options.indexes && truncationCount === state.truncationCount)
    await writeSegmentCheckpoint(state, target);
  state.lastFlushMs = state.resources.clock.monotonicMs();
  // If the log was truncated in the meantime, the offsets below `target` may belong to other records, which are not synced.
  if (!options.indexes || truncationCount !== state.truncationCount || target <= state.recoveryPoint) return;
  state.recoveryPoint = target;
  state.options.callbacks.onOffsetMoved('recoveryPoint');
}

async function syncSegment(state: LogState, segment: Segment, options: FlushOptions): Promise<void> {
  await segment.use((file) => file.sync());
  if (await segment.syncTransactions()) state.directoryDirty = true;
  if (options.indexes) await segment.writeIndexes(true);
}

/**
 * Retention, DeleteRecords, a truncation or compaction may remove a segment while the log is synced. Such a segment has no
 * files any more, and nothing of it needs to be durable.
 */
export async function unlessRemoved(
  state: LogState,
  segment: Segment,
  work: () => Promise<void>,
): Promise<void> {
  const isThere = (): boolean => !segment.isLeaving && state.segments.includes(segment);
  if (!isThere()) return;
  try {
    await work();
  } catch (error) {
    if (isThere() || !isGone(error)) throw error;
  }
}

/**
 * Whether the error says that a file was removed, renamed or closed. Any other `StorageError` is a failure of the disk; an
 * error of another class is a bug.
 */
export function isGone(error: unknown): boolean {
  return error instanceof StorageError && (error.code === 'ENOENT' || error.code === 'EBADF');
}

/**
 * Makes all changes of directory entries so far durable: of files that were created or removed, and of the directory itself.
 * Writes `partition.metadata` with a sync first, if that is not durable yet. Calls may overlap: each resolves when the changes
 * before it are durable, even if another call syncs them.
 */
export function syncDirectoryEntries(state: LogState): Promise<void> {
  const sync = (): Promise<void> => syncDirtyEntries(state);
  state.directoryEntriesSync = state.directoryEntriesSync.then(sync);
  // After a failed sync every later call gets the error too, because a sync is never tried again.
  state.directoryEntriesSync.catch(() => undefined);
  return state.directoryEntriesSync;
}

async function syncDirtyEntries(state: LogState): Promise<void> {
  if (state.metadataDirty) await syncMetadata(state);
  if (state.parentDirty) {
    state.parentDirty = false;
    const { path } = state.directory;
    await state.resources.fs.syncDirectory(path.slice(0, Math.max(1, path.lastIndexOf('/'))));
  }
  if (!state.directoryDirty) return;
  state.directoryDirty = false;
  await state.resources.fs.syncDirectory(state.directory.path);
}

/**
 * Creates the directory of a new partition and its `partition.metadata`, without syncs: the first flush makes both durable
 * (`syncDirectoryEntries`).
 */
export function materialise(state: LogState): Promise<void> {
  state.materialised ??= makeDirectory(state);
  return state.materialised;
}

async function makeDirectory(state: LogState): Promise<void> {
  const { fs } = state.resources;
  await fs.makeDirectory(state.directory.path);
  const file = await fs.open(`${state.directory.path}/${partitionMetadataName}`, 'write');
  try {
    await file.write([encodePartitionMetadata(state.topicId)], 0);
  } finally {
    await file.close();
  }
}

/** Writes `partition.metadata` with a sync: it was written without one when the directory was created, or it was missing. */
async function syncMetadata(state: LogState): Promise<void> {
  state.metadataDirty = false;
  state.directoryDirty = true;
  if (state.topicId === '') return;
  const file = await state.resources.fs.open(`${state.directory.path}/${partitionMetadataName}`, 'write');
  try {
    await file.write([encodePartitionMetadata(state.topicId)], 0);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Writes the checkpoint of leader epochs if they have changed; one write at a time. */
export async function writeEpochs(state: LogState): Promise<void> {
  const write = async (): Promise<void> => {
    if (!state.epochs.isDirty) return;
    const content = encodeEpochCheckpoint(state.epochs.toWrite());
    await replaceFile(state.resources.fs, `${state.directory.path}/${leaderEpochCheckpointName}`, content);
  };
  const mine = state.epochWrite.then(write, write);
  state.epochWrite = mine.catch(() => undefined);
  await mine;
}
