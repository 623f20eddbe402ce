/**
 * Removes records of a log: at its end (a follower whose log diverges from the leader's), at its start (retention,
 * DeleteRecords), or all. All functions but `raiseLogStart` run under the writer's lock.
 */
import { assert } from '../base/assert.ts';
import { loadProducers } from './recovery/log-replay.ts';
import { materialise, syncDirectoryEntries } from './log-flush.ts';
import type { LogReader } from './log-reader.ts';
import type { LogState } from './log-state.ts';
import { parseSegmentFileName, segmentFileName } from './names.ts';
import { unlistSegments } from './segment-checkpoint.ts';
import type { Segment } from './segment/segment.ts';

/**
 * Truncates to `offset`, or to the beginning of the batch that contains it. The truncation is durable when the promise
 * resolves.
 */
export async function truncateEnd(state: LogState, reader: LogReader, offset: number): Promise<void> {
  assert(offset >= state.logStartOffset, 'a log is not truncated below its start');
  if (offset >= state.logEndOffset) {
    // There is no record to remove, but perhaps an epoch that begins at the log end and has no record.
    state.epochs.truncateFromEnd(state.logEndOffset);
    return;
  }
  if (offset < (state.segments[0] as Segment).baseOffset) return truncateFully(state, reader, offset);
  const keep = state.floorSegment(offset);
  const segment = state.segments[keep] as Segment;
  const cut = await findCut(segment, offset);
  if (cut.offset < state.logStartOffset) return truncateFully(state, reader, state.logStartOffset);
  // The smaller recovery point must be durable first. Other records will get the offsets from `cut.offset` on; after a crash
  // they must not count as synced.
  if (cut.offset < state.recoveryPoint) {
    state.recoveryPoint = cut.offset;
    await state.options.callbacks.persistRecoveryPoints();
  }
  beginChange(state, reader);
  state.missing = state.missing.filter(({ from }) => from < cut.offset);
  const dropped = state.segments.slice(keep + 1);
  state.segments = state.segments.slice(0, keep + 1);
  segment.truncateTransactions(cut.offset);
  await unlistSegments(state, dropped);
  for (const other of dropped) await other.removeFiles();
  // If a power cut brought a removed segment back, its records would follow the new records that get the offsets before it.
  if (dropped.length > 0) await state.resources.fs.syncDirectory(state.directory.path);
  await segment.truncate(cut.position, cut.offset);
  if (await segment.syncTransactions()) await state.resources.fs.syncDirectory(state.directory.path);
  await segment.activate();
  setEnd(state, cut.offset);
  state.epochs.truncateFromEnd(cut.offset);
  await rewindProducers(state, cut.offset);
}

/** Removes all records. The log is empty afterwards and begins at `offset`. */
export async function truncateFully(state: LogState, reader: LogReader, offset: number): Promise<void> {
  state.recoveryPoint = 0;
  await state.options.callbacks.persistRecoveryPoints();
  beginChange(state, reader);
  state.missing = [];
  await unlistSegments(state, state.segments);
  for (const segment of state.segments) await segment.removeFiles();
  await removeSnapshots(state, () => true);
  if (state.materialised !== null) await state.resources.fs.syncDirectory(state.directory.path);
  state.segments = [state.newSegment(offset)];
  state.directoryDirty = true;
  if (offset > 0) await makeEmptySegment(state);
  state.logStartOffset = offset;
  state.highWatermark = offset;
  setEnd(state, offset);
  state.recoveryPoint = offset;
  state.epochs.clear();
  state.producers.clear();
}

/**
 * Creates and syncs the file of the active segment, and the directory entries. Only the name of this file tells a start where
 * an empty log ends, so it must exist before the last record is removed.
 */
async function makeEmptySegment(state: LogState): Promise<void> {
  await materialise(state);
  await state.active.use((file) => file.sync());
  state.directoryDirty = true;
  await syncDirectoryEntries(state);
}

function beginChange(state: LogState, reader: LogReader): void {
  state.truncationCount += 1;
  state.tail.clear();
  reader.forgetHints();
}

function setEnd(state: LogState, offset: number): void {
  state.truncatedTo = Math.min(state.truncatedTo, offset);
  state.logEndOffset = offset;
  state.nextOffset = offset;
  state.highWatermark = Math.min(state.highWatermark, offset);
  state.recoveryPoint = Math.min(state.recoveryPoint, offset);
  state.plan = state.planFor(state.active);
}

/**
 * The position of the first batch that contains `offset` or a later offset, and the end offset of the batch before it (the base
 * offset of the segment when there is none).
 */
async function findCut(segment: Segment, offset: number): Promise<{ position: number; offset: number }> {
  const start = await segment.positionBefore(offset);
  let position = start;
  let end: number | null = null;
  await segment.scan(start, false, (batch) => {
    if (batch.header.lastOffset >= offset) return false;
    position = batch.position + batch.header.sizeBytes;
    end = batch.header.lastOffset + 1;
    return true;
  });
  // The batch at the position from the index is the first to remove; the end of the batch before it is found by reading from
  // the beginning.
  if (end === null && start > 0) {
    await segment.scan(0, false, (batch) => {
      if (batch.position >= start) return false;
      end = batch.header.lastOffset + 1;
      return true;
    });
  }
  return { position, offset: end ?? segment.baseOffset };
}

/** Restores the producer state as of `offset` from a snapshot at or before it. */
async function rewindProducers(state: LogState, offset: number): Promise<void> {
  // If a power cut brought a removed snapshot back, it would not match the new records that get these offsets.
  if (await removeSnapshots(state, (snapshot) => snapshot > offset))
    await state.resources.fs.syncDirectory(state.directory.path);
  await loadProducers(state, await listSnapshots(state), offset);
}

export async function listSnapshots(state: LogState): Promise<number[]> {
  const names = await state.resources.fs.list(state.directory.path);
  const found: number[] = [];
  for (const name of names) {
    const file = parseSegmentFileName(name);
    if (file !== null && file.extension === 'snapshot' && file.suffix === '') found.push(file.offset);
  }
  return found.sort((a, b) => a - b);
}

/** Removes the producer snapshots for which `doomed` returns true. Returns true when there was one. */
export async function removeSnapshots(
  state: LogState,
  doomed: (offset: number) => boolean,
): Promise<boolean> {
  let found = false;
  for (const offset of state.materialised !== null ? await listSnapshots(state) : []) {
    if (!doomed(offset)) continue;
    await state.resources.fs.remove(`${state.directory.path}/${segmentFileName(offset, 'snapshot')}`);
    found = true;
  }
  return found;
}

/**
 * Removes the first `count` segments from the log, and raises the log start offset to the next one. The files are renamed now
 * and deleted after the topic's `file.delete.delay.ms`, so that reads in progress can finish.
 */
export async function removeFirstSegments(state: LogState, count: number): Promise<void> {
  assert(count < state.segments.length, 'the active segment stays');
  if (count === 0) return;
  if (state.active.sizeBytes === 0) await makeEmptySegment(state);
  const removed = state.segments.slice(0, count);
  state.segments = state.segments.slice(count);
  const firstBase = (state.segments[0] as Segment).baseOffset;
  raiseLogStart(state, firstBase);
  await unlistSegments(state, removed);
  for (const segment of removed) await deleteLater(state, segment);
  await removeSnapshots(state, (offset) => offset < firstBase);
}

export async function deleteLater(state: LogState, segment: Segment): Promise<void> {
  const { scheduler, logger } = state.resources;
  await segment.rename('.deleted');
  scheduler.after(state.config.fileDeleteDelayMs, () => {
    segment.removeFiles().catch((error: unknown) => {
      logger.warn('a deleted segment could not be removed', { segment: segment.path, error: String(error) });
    });
  });
}

/** Raises the log start offset: records below `offset` can no longer be read. */
export function raiseLogStart(state: LogState, offset: number): void {
  if (offset <= state.logStartOffset) return;
  assert(offset <= state.logEndOffset, 'the log does not start beyond its end');
  state.logStartOffset = offset;
  state.missing = state.missing.filter(({ to }) => to > offset);
  state.options.callbacks.onOffsetMoved('logStart');
  state.highWatermark = Math.max(state.highWatermark, offset);
  state.epochs.truncateFromStart(offset);
}
