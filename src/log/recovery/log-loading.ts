/**
 * Opens a partition's directory: completes operations that a crash interrupted, recovers segments that may be incomplete, and
 * builds the log's state.
 *
 * After a clean shutdown only the batches after the last index entry are read, and of the other files the checkpoints (leader
 * epochs, segments), the transaction indexes and a producer snapshot. Otherwise everything from the recovery point on is read
 * with checksums, and the log is truncated after the last valid batch; later segments are renamed to `*.log.lost`. The indexes,
 * leader epochs and producer state of the part that was read are rebuilt, and what remains is synced before any request is
 * served. In both cases the offsets of durable records that are gone are logged (`missing-records.ts`).
 */
import { mark } from '../../base/mark.ts';
import { decodeEpochCheckpoint } from '../directories/checkpoints.ts';
import { loadProducers, loadSnapshot, replayProducers, replayToProducers } from './log-replay.ts';
import { LeaderEpochCache } from '../leader-epoch-cache.ts';
import { flushTo, syncDirectoryEntries } from '../log-flush.ts';
import type { PartitionLogOptions } from '../log-state.ts';
import { LogState } from '../log-state.ts';
import { leaderEpochCheckpointName, partitionMetadataName, segmentFileName } from '../names.ts';
import { ProducerState } from '../producers/producer-state.ts';
import { writeSegmentCheckpoint } from '../segment-checkpoint.ts';
import { type ScanResult, wrongChecksum } from '../segment/batch-scan.ts';
import { PartitionDirectory } from '../partition-directory.ts';
import { Segment } from '../segment/segment.ts';
import { hasUnwrittenSector, lastOffsetAfter, lastOffsetIn } from './after-fault.ts';
import { findMissing } from './missing-records.ts';
import { type Found, listSegments, nothingFound } from './segment-listing.ts';
import { logRebuilt, rebuildTransactions } from './transaction-recovery.ts';

/**
 * Builds the state of a log from its directory. Rejects when the disk fails, a segment has an unsupported format, or the
 * segment checkpoint is of a later version.
 */
export async function loadLog(options: PartitionLogOptions): Promise<LogState> {
  const directory = new PartitionDirectory(options.directory);
  const found = options.directoryExists ? await listSegments(options, directory) : nothingFound();
  const isNew = found.segments.length === 0;
  if (isNew) found.segments.push(emptySegment(options, directory, options.logStartOffset));
  const epochs = await loadEpochs(options, found);
  const active = found.segments[found.segments.length - 1] as Segment;
  await active.activate();
  const state = new LogState(
    options,
    directory,
    found.segments,
    epochs ?? new LeaderEpochCache([]),
    new ProducerState(),
  );
  state.segmentCheckpoint = found.checkpoint;
  // After a crash, or when there was nothing to sync, the directory's files may not have been synced.
  const unsure = !options.isClean || active.sizeBytes === 0;
  const isMetadataThere = found.names.includes(partitionMetadataName);
  state.metadataDirty ||= !isMetadataThere || (unsure && options.recoveryPoint === 0);
  state.directoryDirty ||= unsure;
  state.parentDirty ||= unsure && options.ownerSyncsParent !== true;
  if (isNew) {
    setEnd(state, options.logStartOffset);
    state.recoveryPoint = options.logStartOffset;
    await findMissing(state, found);
  } else {
    const clean = options.isClean && epochs !== null && (await loadClean(state, found.snapshots));
    if (clean) {
      await findMissing(state, found);
      await restoreTransactions(state, found);
    } else await recover(state, found, epochs === null ? 0 : options.recoveryPoint);
  }
  await finish(state, found.snapshots);
  // Otherwise each later start would find the damaged checkpoint again, and would not know which records a renamed segment had.
  if (found.isCheckpointDamaged || found.misnamed.length > 0) await writeSegmentCheckpoint(state);
  await setAside(state, found.misnamed);
  // A later start takes `partition.metadata` for durable when the recovery point is above 0.
  if (state.metadataDirty && state.recoveryPoint > 0) await syncDirectoryEntries(state);
  return state;
}

/** Replaces the damaged lists of aborted transactions of segments that recovery has not read from their beginning. */
async function restoreTransactions(state: LogState, { damaged, snapshots }: Found): Promise<void> {
  for (const [segment, fault] of damaged) {
    if (!state.segments.includes(segment)) continue;
    await rebuildTransactions(state, segment, snapshots);
    logRebuilt(state, segment, fault);
  }
  if (damaged.size > 0) await writeSegmentCheckpoint(state);
}

function emptySegment(
  options: PartitionLogOptions,
  directory: PartitionDirectory,
  baseOffset: number,
): Segment {
  const { resources } = options;
  return new Segment({ directory, resources, baseOffset, sizeBytes: 0, nowMs: resources.clock.wallMs() });
}

function setEnd(state: LogState, offset: number): void {
  state.logEndOffset = offset;
  state.nextOffset = offset;
}

/** Null: the file is missing or damaged, so the epochs must be collected from all batches. */
async function loadEpochs(options: PartitionLogOptions, found: Found): Promise<LeaderEpochCache | null> {
  const { fs, logger } = options.resources;
  const path = `${options.directory}/${leaderEpochCheckpointName}`;
  const isThere = found.names.includes(leaderEpochCheckpointName);
  // The file is written before the recovery point advances, so it must exist.
  const isDue = options.recoveryPoint > 0 && found.segments.some(({ sizeBytes }) => sizeBytes > 0);
  if (!isThere && !isDue) return new LeaderEpochCache([]);
  const text = isThere ? new TextDecoder().decode(await fs.readFile(path)) : '';
  const entries = decodeEpochCheckpoint(text);
  if (entries !== null) return new LeaderEpochCache(entries);
  logger.warn('leader epochs are missing or damaged and are collected from the log', { path });
  return null;
}

/** Loads a log after a clean shutdown. Returns false when its end is not in the state that a clean shutdown leaves. */
async function loadClean(state: LogState, snapshots: number[]): Promise<boolean> {
  const { active } = state;
  let end = active.baseOffset;
  let latestEpoch = -1;
  const result = await active.readTail((header) => {
    end = header.lastOffset + 1;
    latestEpoch = header.partitionLeaderEpoch;
  });
  if (result.fault !== null) {
    mark('log.clean-start-not-believed');
    return false;
  }
  // The checkpoint lacks the latest epochs, so recovery rebuilds it from the batches.
  if (latestEpoch > state.epochs.latestEpoch) return false;
  setEnd(state, end);
  state.recoveryPoint = end;
  // Without a snapshot there were no producers; otherwise the clean shutdown would have written one.
  if (snapshots.length > 0) await loadProducers(state, snapshots, end);
  state.producersKnownAt = end;
  return true;
}

/** Reads everything from the recovery point on, and keeps the valid batches up to the first fault. */
async function recover(state: LogState, found: Found, recoveryPoint: number): Promise<void> {
  const { snapshots, damaged } = found;
  const first = state.floorSegment(recoveryPoint);
  const firstSegment = state.segments[first] as Segment;
  // Index entries that were written when the segment before the recovery point was sealed may not have been synced.
  if (firstSegment.baseOffset >= recoveryPoint) await state.segments[first - 1]?.completeIndex();
  const begin = await recoveryStart(firstSegment, damaged.has(firstSegment) ? 0 : recoveryPoint);
  state.epochs.truncateFromEnd(begin.offset);
  // With a snapshot at the recovery point, the batches before it in the segment need not be replayed.
  const known = await loadSnapshot(state, snapshots, begin.position > 0 ? recoveryPoint : begin.offset);
  await replayProducers(state, known, begin.offset);
  setEnd(state, begin.offset);
  const nowMs = state.resources.clock.wallMs();
  for (let i = first; i < state.segments.length; i++) {
    const segment = state.segments[i] as Segment;
    const start = i === first ? begin : { position: 0, offset: segment.baseOffset };
    const misplaced = i === first ? null : sequenceFault(state, segment, i);
    if (misplaced !== null) {
      await endAt(state, i, { fault: misplaced, segment, bytes: 0, lastOffset: null, isTorn: false });
      break;
    }
    const damage = damaged.get(segment);
    const from = { start, producersKnownTo: known, isDamaged: damage !== undefined, nowMs };
    const result = await recoverSegment(state, segment, from);
    if (result.nextOffset === null && start.position > 0) return recover(state, found, segment.baseOffset);
    if (start.position === 0 && damage !== undefined) {
      damaged.delete(segment);
      state.directoryDirty = true;
      await segment.syncTransactions();
      logRebuilt(state, segment, damage);
    }
    if (result.fault === null) continue;
    const cut = await cutOff(state, segment, result);
    await endAt(state, i + 1, cut);
    break;
  }
  if (state.logEndOffset < known) await loadProducers(state, snapshots, state.logEndOffset);
  await state.active.activate();
  // This comes before the segment checkpoint is written again: `findMissing` compares the files with the old one.
  await findMissing(state, found);
  await restoreTransactions(state, found);
  // Everything below the recovery point was synced before.
  state.recoveryPoint = Math.min(recoveryPoint, state.logEndOffset);
  await flushTo(state, state.logEndOffset, { indexes: true });
}

/** The position in a segment at which recovery begins to read. */
interface RecoveryStart {
  readonly position: number;
  readonly offset: number;
}

/** The last indexed batch that ends at or before the recovery point; the start of the segment when there is none. */
async function recoveryStart(segment: Segment, recoveryPoint: number): Promise<RecoveryStart> {
  const front = { position: 0, offset: segment.baseOffset };
  if (recoveryPoint <= segment.baseOffset || segment.sizeBytes === 0) return front;
  const position = await segment.positionBefore(recoveryPoint);
  const header = position === 0 ? null : await segment.headerAt(position);
  if (header === null) return front;
  mark('log.recovered-within-a-segment');
  return { position, offset: header.baseOffset };
}

const overlapFault = 'segments overlap';
const gapFault = 'the records before a segment are lost';

/** The reason why recovery ended the log, and the records that it removed. */
interface CutOff {
  readonly fault: string;
  readonly segment: Segment;
  readonly bytes: number;
  /** The last offset of the complete batches that were removed; null when there are none. */
  readonly lastOffset: number | null;
  /** Whether the removed bytes look like the end of a write that a crash interrupted. */
  readonly isTorn: boolean;
}

/**
 * Why a segment does not follow the records before it; null: it does. Segments are written without gaps, and compaction makes
 * gaps only below the recovery point. Any other gap means that a power cut lost the end of a segment although it kept the next
 * one; what follows the gap does not belong to the log any more.
 */
function sequenceFault(state: LogState, segment: Segment, index: number): string | null {
  if (segment.baseOffset < state.nextOffset) return overlapFault;
  // Not the offset at which recovery begins: that one is lower when all epochs must be collected.
  const { recoveryPoint } = state.options;
  return index > 0 && segment.baseOffset > state.nextOffset && segment.baseOffset > recoveryPoint
    ? gapFault
    : null;
}

/** Truncates the file to its valid part. Returns what was removed. */
async function cutOff(state: LogState, segment: Segment, { end, fault }: ScanResult): Promise<CutOff> {
  const lastOffset = await lastOffsetAfter(segment, end + 1, state.nextOffset);
  const bytes = segment.sizeBytes - end;
  // A complete batch with a wrong checksum is damage, unless a part of it was never written to the disk.
  const isTorn = lastOffset === null && (fault !== wrongChecksum || (await hasUnwrittenSector(segment, end)));
  segment.openMode = 'write';
  await segment.close();
  await segment.use((file) => file.truncate(end));
  segment.sizeBytes = end;
  return { fault: fault ?? '', segment, bytes, lastOffset, isTorn };
}

/**
 * Ends the log at its next offset, and logs what is gone. The segments from `index` on no longer follow its records; they are
 * renamed and kept for an operator to examine.
 */
async function endAt(state: LogState, index: number, cut: CutOff): Promise<void> {
  mark('log.tail-cut');
  const { logger, name, nextOffset } = state;
  const later = state.segments.slice(index).filter(({ sizeBytes }) => sizeBytes > 0);
  // The file name of an empty segment shows that there were records before it.
  const named = state.active.baseOffset - 1;
  const found = (await lastOffsetIn(later)) ?? (named >= nextOffset ? named : cut.lastOffset);
  // Everything below the recovery point was synced, so it is not the end of an interrupted write.
  const { recoveryPoint } = state.options;
  const isShort = nextOffset < recoveryPoint;
  state.hasLostRecords ||= isShort;
  const lastOffset = isShort ? Math.max(found ?? 0, recoveryPoint - 1) : found;
  const fields = { partition: name, segment: cut.segment.path, fault: cut.fault };
  if (cut.isTorn && lastOffset === null) {
    logger.warn('recovered a partition: truncated a torn tail', {
      ...fields,
      truncatedBytes: cut.bytes,
      logEndOffset: nextOffset,
    });
  } else {
    mark('log.records-lost-in-recovery');
    const keptBytes = later.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    logger.error('recovered a partition: records after a damaged place are gone from this replica', {
      ...fields,
      firstOffset: nextOffset,
      ...(lastOffset === null ? {} : { lastOffset }),
      truncatedBytes: cut.bytes,
      bytesKeptAsLost: keptBytes,
    });
  }
  await setAside(state, later);
  await dropSegments(state, index);
}

/** Renames the log files of `segments` to `*.log.lost`. */
async function setAside(state: LogState, segments: readonly Segment[]): Promise<void> {
  const { fs } = state.resources;
  for (const segment of segments) {
    mark('log.segments-kept-as-lost');
    await segment.close();
    await fs.rename(segment.path, `${segment.path}.lost`);
  }
}

/** Reads the segment from `from.start` on, and rebuilds indexes, leader epochs and producer state from the batches. */
async function recoverSegment(
  state: LogState,
  segment: Segment,
  from: { start: RecoveryStart; producersKnownTo: number; isDamaged: boolean; nowMs: number },
): Promise<ScanResult> {
  const { start, producersKnownTo, isDamaged, nowMs } = from;
  const index = start.position === 0 ? segment.freshIndex() : await segment.index();
  const { indexIntervalBytes } = state.config;
  if (start.position > 0) index.truncate(start.position, start.offset);
  const replayFrom = Math.max(start.offset, producersKnownTo);
  const transactions = segment.aborted.filter(({ lastOffset }) => lastOffset < replayFrom);
  const result = await segment.scan(start.position, true, ({ header, position }) => {
    index.add(position, header.sizeBytes, header.maxTimestamp, header.lastOffset, indexIntervalBytes);
    if (header.partitionLeaderEpoch > state.epochs.latestEpoch) {
      state.epochs.assign(header.partitionLeaderEpoch, header.baseOffset);
    }
    setEnd(state, header.lastOffset + 1);
    if (header.baseOffset < producersKnownTo) return;
    const aborted = replayToProducers(state.producers, header, nowMs);
    if (aborted !== null) transactions.push(aborted);
  });
  if (result.nextOffset === null && start.position > 0) return result;
  if (isDamaged) segment.replaceTransactions(transactions);
  else segment.restoreTransactions(transactions);
  if (result.nextOffset === null) setEnd(state, Math.max(state.nextOffset, segment.baseOffset));
  index.sealTime();
  segment.adoptIndex(index);
  // The index of the active segment is written in the background, or at close.
  if (segment !== state.active) await segment.writeIndexes(false);
  return result;
}

/** Removes the segments from `index` on. */
async function dropSegments(state: LogState, index: number): Promise<void> {
  const dropped = state.segments.slice(index);
  state.segments = state.segments.slice(0, index);
  for (const segment of dropped) await segment.removeFiles();
  if (state.segments.length === 0) state.segments.push(state.newSegment(state.nextOffset));
  state.directoryDirty = true;
}

/** Sets the offsets that come from checkpoints, and removes producer snapshots that are no longer needed. */
async function finish(state: LogState, snapshots: readonly number[]): Promise<void> {
  const { options } = state;
  const firstBase = (state.segments[0] as Segment).baseOffset;
  const missingFrom = state.missing[0]?.from ?? Number.MAX_SAFE_INTEGER;
  // Records that are missing at the start of the log were not deleted on purpose. Followers take over the log start offset, and
  // must not delete theirs.
  state.logStartOffset = Math.max(options.logStartOffset, Math.min(firstBase, missingFrom));
  if (state.logStartOffset > state.logEndOffset) {
    state.logger.warn('the log start offset is beyond the log end: the log begins anew', {
      partition: state.name,
      logStartOffset: state.logStartOffset,
      logEndOffset: state.logEndOffset,
      removedBytes: state.sizeBytes,
    });
    const start = state.logStartOffset;
    setEnd(state, start);
    await dropSegments(state, 0);
    state.epochs.clear();
    state.producers.clear();
    state.recoveryPoint = start;
  }
  state.epochs.truncateFromEnd(state.logEndOffset);
  state.epochs.truncateFromStart(state.logStartOffset);
  checkHighWatermark(state);
  const highWatermark = Math.min(options.highWatermark, missingFrom, state.logEndOffset);
  state.highWatermark = Math.max(highWatermark, state.logStartOffset);
  state.plan = state.planFor(state.active);
  const bases = new Set(state.segments.map((segment) => segment.baseOffset));
  const newest = snapshots.filter((offset) => offset <= state.logEndOffset).at(-1);
  for (const offset of snapshots) {
    if (bases.has(offset) || offset === newest) continue;
    await state.resources.fs.remove(`${state.directory.path}/${segmentFileName(offset, 'snapshot')}`);
  }
}

/**
 * Notes that the log ends below its high watermark, so that committed records are missing. The reason is a power cut, when the
 * log was not synced, or an old copy of the directory.
 */
function checkHighWatermark(state: LogState): void {
  const { highWatermark } = state.options;
  if (highWatermark <= state.logEndOffset || state.hasLostRecords) return;
  mark('log.ends-below-high-watermark');
  state.hasLostRecords = true;
  state.endsBelowHighWatermark = true;
}
