/**
 * Opens a partition's directory: completes operations that a crash interrupted, recovers segments that may be incomplete, and
 * builds the log's state.
 *
 * After a clean shutdown only the tail after the last index entry is read. Otherwise everything from the recovery point on is read
 * with checksums and truncated after the last valid batch; later segments are dropped. The indexes, leader epochs and producer
 * state of that part are rebuilt, and what remains is synced before any request is served.
 */
import { mark } from '../../base/mark.ts';
import { assert } from '../../base/assert.ts';
import type { FileSystem } from '../../base/file-system.ts';
import { decodeEpochCheckpoint } from '../directories/checkpoints.ts';
import { replayToProducers } from './log-replay.ts';
import { LeaderEpochCache } from '../leader-epoch-cache.ts';
import { flushTo } from '../log-flush.ts';
import type { PartitionLogOptions } from '../log-state.ts';
import { LogState } from '../log-state.ts';
import type { SegmentFileName } from '../names.ts';
import {
  leaderEpochCheckpointName,
  parseSegmentFileName,
  partitionMetadataName,
  segmentFileName,
} from '../names.ts';
import { decodeProducerSnapshot } from '../producers/producer-snapshot.ts';
import { ProducerState } from '../producers/producer-state.ts';
import { finishSwaps } from './log-swaps.ts';
import { Segment } from '../segment/segment.ts';

interface Found {
  readonly names: readonly string[];
  /** Offsets of snapshot files, ascending. */
  readonly snapshots: number[];
  readonly segments: Segment[];
}

/** Builds the state of a log from its directory. Rejects when the disk fails or a segment has an unsupported format. */
export async function loadLog(options: PartitionLogOptions): Promise<LogState> {
  const { fs } = options.resources;
  const directory = { path: options.directory };
  const found = options.exists
    ? await listSegments(options, directory)
    : { names: [], snapshots: [], segments: [] };
  const isNew = found.segments.length === 0;
  if (isNew) found.segments.push(emptySegment(options, directory, options.logStartOffset));
  const epochs = await loadEpochs(fs, found.names, options.directory);
  const active = found.segments[found.segments.length - 1] as Segment;
  await active.activate();
  const state = new LogState(
    options,
    directory,
    found.segments,
    epochs ?? new LeaderEpochCache([]),
    new ProducerState(),
  );
  // After a crash, or when there was nothing to sync, the directory's files may not have been synced.
  const unsure = !options.isClean || active.sizeBytes === 0;
  state.metadataDirty ||= unsure || !found.names.includes(partitionMetadataName);
  state.directoryDirty ||= unsure;
  state.parentDirty ||= unsure && options.ownerSyncsParent !== true;
  if (isNew) {
    setEnd(state, options.logStartOffset);
    state.recoveryPoint = options.logStartOffset;
  } else {
    const clean = options.isClean && epochs !== null && (await loadClean(state, found.snapshots));
    if (!clean) await recover(state, found.snapshots, epochs === null ? 0 : options.recoveryPoint);
  }
  await finish(state, found.snapshots);
  return state;
}

function emptySegment(
  options: PartitionLogOptions,
  directory: { path: string },
  baseOffset: number,
): Segment {
  const { resources } = options;
  return new Segment({ directory, resources, baseOffset, sizeBytes: 0, nowMs: resources.clock.wallMs() });
}

function setEnd(state: LogState, offset: number): void {
  state.logEndOffset = offset;
  state.nextOffset = offset;
}

/**
 * Lists the segments of the directory, after completing or reverting interrupted deletions and compactions. Other files are
 * ignored.
 */
async function listSegments(options: PartitionLogOptions, directory: { path: string }): Promise<Found> {
  const { fs, clock } = options.resources;
  const names = await finishSwaps(fs, directory.path, await fs.list(directory.path));
  const files = names.map(parseSegmentFileName).filter((file): file is SegmentFileName => file !== null);
  const bases = files
    .filter((file) => file.extension === 'log' && file.suffix === '')
    .map((file) => file.offset);
  const snapshots = files
    .filter((file) => file.extension === 'snapshot' && file.suffix === '')
    .map((file) => file.offset);
  const segments: Segment[] = [];
  for (const baseOffset of bases.sort((a, b) => a - b)) {
    const stat = await fs.stat(`${directory.path}/${segmentFileName(baseOffset, 'log')}`);
    assert(stat !== null, 'a listed segment exists');
    const sizeBytes = stat.sizeBytes;
    segments.push(
      new Segment({
        directory,
        resources: options.resources,
        baseOffset,
        sizeBytes,
        nowMs: stat.modifiedMs || clock.wallMs(),
        hasTransactions: names.includes(segmentFileName(baseOffset, 'txnindex')),
      }),
    );
  }
  for (const segment of segments.slice(0, -1)) segment.openMode = 'read';
  // An index without a log is left over from a deletion.
  const known = new Set(bases);
  for (const file of files) {
    if (file.suffix !== '' || file.extension === 'snapshot' || known.has(file.offset)) continue;
    await fs.remove(`${directory.path}/${segmentFileName(file.offset, file.extension)}`);
  }
  return { names, snapshots: snapshots.sort((a, b) => a - b), segments };
}

/** Null: the file is damaged, so the epochs must be collected from all batches. */
async function loadEpochs(
  fs: FileSystem,
  names: readonly string[],
  directory: string,
): Promise<LeaderEpochCache | null> {
  if (!names.includes(leaderEpochCheckpointName)) return new LeaderEpochCache([]);
  const text = new TextDecoder().decode(await fs.readFile(`${directory}/${leaderEpochCheckpointName}`));
  const entries = decodeEpochCheckpoint(text);
  return entries === null ? null : new LeaderEpochCache(entries);
}

/** Returns false when the tail is not in the state that a clean shutdown leaves. */
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
  // A checkpoint without the latest epochs is rebuilt from the batches.
  if (latestEpoch > state.epochs.latestEpoch) return false;
  setEnd(state, end);
  state.recoveryPoint = end;
  // Without a snapshot there were no producers; otherwise the clean shutdown would have written one.
  if (snapshots.length > 0) await loadProducers(state, snapshots, end);
  state.producersKnownAt = end;
  return true;
}

/** Loads the newest usable snapshot at or before `upTo` and replays the batches after it. */
export async function loadProducers(
  state: LogState,
  snapshots: readonly number[],
  upTo: number,
): Promise<void> {
  await replayProducers(state, await loadSnapshot(state, snapshots, upTo), upTo);
}

/** Applies the batches in [from, upTo) to the producer state. */
async function replayProducers(state: LogState, from: number, upTo: number): Promise<void> {
  if (from >= upTo) return;
  const nowMs = state.resources.clock.wallMs();
  for (let i = state.floorSegment(from); i < state.segments.length; i++) {
    const segment = state.segments[i] as Segment;
    if (segment.sizeBytes === 0 || segment.baseOffset >= upTo) continue;
    const start = from <= segment.baseOffset ? 0 : await segment.positionBefore(from);
    await segment.scan(start, false, ({ header }) => {
      if (header.baseOffset >= from && header.lastOffset < upTo)
        replayToProducers(state.producers, header, nowMs);
      return header.lastOffset < upTo;
    });
  }
}

/** Returns the offset of the loaded snapshot, or the start of the log when there is none. Damaged snapshots are deleted. */
async function loadSnapshot(state: LogState, snapshots: readonly number[], upTo: number): Promise<number> {
  const { fs, clock, logger } = state.resources;
  for (const offset of [...snapshots].reverse()) {
    if (offset > upTo) continue;
    const path = `${state.directory.path}/${segmentFileName(offset, 'snapshot')}`;
    const content = (await fs.stat(path)) === null ? null : await fs.readFile(path);
    const entries = content === null ? null : decodeProducerSnapshot(content);
    if (entries !== null) {
      state.producers.load(entries, clock.wallMs());
      return offset;
    }
    mark('log.producer-snapshot-corrupt');
    logger.warn('a producer snapshot is corrupt and is deleted', { partition: state.name, path });
    await fs.remove(path);
  }
  state.producers.clear();
  return state.segments[0]?.baseOffset ?? 0;
}

/** Reads everything from the recovery point on and keeps what is valid. */
async function recover(state: LogState, snapshots: readonly number[], recoveryPoint: number): Promise<void> {
  const { clock, logger } = state.resources;
  const first = state.floorSegment(recoveryPoint);
  const begin = await recoveryStart(state.segments[first] as Segment, recoveryPoint);
  state.epochs.truncateFromEnd(begin.offset);
  // With a snapshot at the recovery point, the batches before it in the segment need not be replayed.
  const known = await loadSnapshot(state, snapshots, begin.position > 0 ? recoveryPoint : begin.offset);
  await replayProducers(state, known, begin.offset);
  setEnd(state, begin.offset);
  const nowMs = clock.wallMs();
  for (let i = first; i < state.segments.length; i++) {
    const segment = state.segments[i] as Segment;
    const start = i === first ? begin : { position: 0, offset: segment.baseOffset };
    const fault =
      (i === first ? null : sequenceFault(state, segment, i, recoveryPoint)) ??
      (await recoverSegment(state, segment, { start, producersKnownTo: known, nowMs }));
    if (fault === damagedStartFault) return recover(state, snapshots, segment.baseOffset);
    if (fault === null) continue;
    mark('log.tail-cut');
    logger.warn('recovered a partition: truncated an invalid tail', {
      partition: state.name,
      segment: segment.path,
      fault,
      logEndOffset: state.nextOffset,
    });
    if (fault === gapFault) await setAside(state, i);
    else await dropSegments(state, fault === overlapFault ? i : i + 1);
    break;
  }
  if (state.logEndOffset < known) await loadProducers(state, snapshots, state.logEndOffset);
  await state.active.activate();
  // Everything below the recovery point was synced before.
  state.recoveryPoint = Math.min(recoveryPoint, state.logEndOffset);
  await flushTo(state, state.logEndOffset, { indexes: false });
}

/** The position in a segment at which recovery begins to read. */
interface RecoveryStart {
  readonly position: number;
  readonly offset: number;
}

/** The last indexed batch that begins at or before the recovery point; the start of the segment when there is none. */
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
const gapFault = 'the records in front of a segment are lost';
/** The batch before the recovery point is damaged, so its segment is read from the start. */
const damagedStartFault = 'damage below the recovery point';

/**
 * Segments are written without gaps, and compaction makes gaps only below the recovery point. Any other gap means that a power cut
 * lost a tail although it kept the next segment; what follows the gap does not belong to the log any more.
 */
function sequenceFault(
  state: LogState,
  segment: Segment,
  index: number,
  recoveryPoint: number,
): string | null {
  if (segment.baseOffset < state.nextOffset) return overlapFault;
  return index > 0 && segment.baseOffset > state.nextOffset && segment.baseOffset > recoveryPoint
    ? gapFault
    : null;
}

/** Renames the segments from `index` on, so that the operator can examine them. */
async function setAside(state: LogState, index: number): Promise<void> {
  mark('log.segments-kept-as-lost');
  const { fs } = state.resources;
  for (const segment of state.segments.slice(index)) {
    await segment.close();
    await fs.rename(segment.path, `${segment.path}.lost`);
  }
  await dropSegments(state, index);
}

/** Returns why the valid part ended early; null when all of the segment is valid. */
async function recoverSegment(
  state: LogState,
  segment: Segment,
  from: { start: RecoveryStart; producersKnownTo: number; nowMs: number },
): Promise<string | null> {
  const { start, producersKnownTo, nowMs } = from;
  const index = start.position === 0 ? segment.freshIndex() : await segment.index();
  const { indexIntervalBytes } = state.config;
  if (start.position === 0) segment.resetTransactions();
  else {
    index.truncate(start.position, start.offset);
    await segment.truncateTransactions(Math.max(start.offset, producersKnownTo));
  }
  const result = await segment.scan(start.position, true, ({ header, position }) => {
    index.add(position, header.sizeBytes, header.maxTimestamp, header.lastOffset, indexIntervalBytes);
    if (header.partitionLeaderEpoch > state.epochs.latestEpoch) {
      state.epochs.assign(header.partitionLeaderEpoch, header.baseOffset);
    }
    setEnd(state, header.lastOffset + 1);
    if (header.baseOffset < producersKnownTo) return;
    const aborted = replayToProducers(state.producers, header, nowMs);
    if (aborted !== null) segment.addAborted(aborted);
  });
  if (result.nextOffset === null && start.position > 0) return damagedStartFault;
  if (result.nextOffset === null) setEnd(state, Math.max(state.nextOffset, segment.baseOffset));
  if (result.end < segment.sizeBytes) {
    segment.openMode = 'write';
    await segment.close();
    await segment.use((file) => file.truncate(result.end));
    segment.sizeBytes = result.end;
  }
  index.sealTime();
  segment.adoptIndex(index);
  // The index of the active segment is written in the background, or at close.
  if (segment !== state.active) await segment.writeIndexes(false);
  return result.fault;
}

/** Removes the segments from `index` on: their records do not follow the end of the log. */
async function dropSegments(state: LogState, index: number): Promise<void> {
  const dropped = state.segments.slice(index);
  state.segments = state.segments.slice(0, index);
  for (const segment of dropped) {
    mark('log.segment-behind-cut-dropped');
    state.logger.warn('dropped a segment after an invalid tail', {
      partition: state.name,
      segment: segment.path,
    });
    await segment.removeFiles();
  }
  if (state.segments.length === 0) state.segments.push(state.newSegment(state.nextOffset));
  state.directoryDirty = true;
}

/** Sets the offsets that come from checkpoints, and removes snapshots without records. */
async function finish(state: LogState, snapshots: readonly number[]): Promise<void> {
  const { options } = state;
  const firstBase = (state.segments[0] as Segment).baseOffset;
  state.logStartOffset = Math.max(options.logStartOffset, firstBase);
  if (state.logStartOffset > state.logEndOffset) {
    state.logger.warn('the log start offset is beyond the log end: the log begins anew', {
      partition: state.name,
      logStartOffset: state.logStartOffset,
      logEndOffset: state.logEndOffset,
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
  state.highWatermark = Math.min(Math.max(options.highWatermark, state.logStartOffset), state.logEndOffset);
  state.plan = state.planFor(state.active);
  const bases = new Set(state.segments.map((segment) => segment.baseOffset));
  const newest = snapshots.filter((offset) => offset <= state.logEndOffset).at(-1);
  for (const offset of snapshots) {
    if (bases.has(offset) || offset === newest) continue;
    await state.resources.fs.remove(`${state.directory.path}/${segmentFileName(offset, 'snapshot')}`);
  }
}
