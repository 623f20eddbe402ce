/**
 * Compacts one log: it collects the last offset of each key in the dirty part, then writes the segments up to the end of the
 * pass again, without the records that a later record of the same key replaces. It never changes the active segment, nor
 * anything at or above the last stable offset.
 *
 * Order on disk: the new segments are written as `.cleaned` files and synced. They are renamed to `.swap`; from then on the
 * compaction is valid. The old segments are renamed to `.deleted`, and the `.swap` files get the final names. After a crash,
 * `log-swaps.ts` continues from `.swap` files and removes `.cleaned` ones.
 */
import { mark } from '../../base/mark.ts';
import { type BatchHeader, batchHeader } from '../../protocol/records/batch.ts';
import { decodeRecords } from '../../protocol/records/record.ts';
import type { FilterContext, KeyBounds } from './compaction-filter.ts';
import {
  AbortedFilter,
  defaultKeyBounds,
  filterBatch,
  KeyMap,
  TransactionsWithBatches,
} from './compaction-filter.ts';
import type { CompactionThrottle } from './throttle.ts';
import type { LogState, LogView } from '../log-state.ts';
import { deleteLater } from '../log-truncation.ts';
import type { PartitionLog } from '../partition-log.ts';
import { unlistSegments, writeSegmentCheckpoint } from '../segment-checkpoint.ts';
import { Segment } from '../segment/segment.ts';

const relativeOffsetMax = 0x7fff_ffff;
const writeBytes = 1024 * 1024;

/** A segment has bytes that are not a batch, so the log cannot be compacted. */
export class UncleanableError extends Error {
  override readonly name = 'UncleanableError';
}

export interface CleanableRange {
  /** The first offset that no pass has compacted. */
  readonly firstDirty: number;
  /** The end (exclusive) of what may be compacted: the base offset of a segment. A pass may end earlier, inside a segment. */
  readonly end: number;
  readonly cleanBytes: number;
  readonly dirtyBytes: number;
  /**
   * Whether a dirty segment begins with a record older than `max.compaction.lag.ms`, so that the log is compacted whatever its
   * dirty ratio.
   */
  readonly isOverdue: boolean;
}

/** The range that may be compacted now; null: none. */
export async function cleanableRange(log: PartitionLog, checkpoint: number): Promise<CleanableRange | null> {
  const { state } = log;
  const { config, segments } = state;
  const nowMs = state.resources.clock.wallMs();
  const limit = Math.min(log.lastStableOffset, log.highWatermark, state.active.baseOffset);
  const firstDirty = Math.max(Math.min(checkpoint, state.truncatedTo), log.logStartOffset);
  let end = segments[0]?.baseOffset ?? 0;
  let cleanBytes = 0;
  let dirtyBytes = 0;
  let isOverdue = false;
  for (const [i, segment] of segments.entries()) {
    const segmentEnd = state.endOfSegment(i);
    if (segmentEnd > limit) break;
    if (segmentEnd <= firstDirty) cleanBytes += segment.sizeBytes;
    else {
      const largest = await segment.largestTimestamp();
      if (config.minCompactionLagMs > 0 && largest > nowMs - config.minCompactionLagMs) break;
      dirtyBytes += segment.sizeBytes;
      isOverdue ||= nowMs - (segment.firstTimestamp ?? largest) > config.maxCompactionLagMs;
    }
    end = segmentEnd;
  }
  return dirtyBytes === 0 ? null : { firstDirty, end, cleanBytes, dirtyBytes, isOverdue };
}

/** Compacts `range`, or as much of it as `bounds` allow; returns the offset up to which the log is clean afterwards. */
export async function compact(
  log: PartitionLog,
  range: CleanableRange,
  bounds: KeyBounds = defaultKeyBounds,
  throttle: CompactionThrottle | null = null,
): Promise<number> {
  const { state } = log;
  const { truncationCount } = state;
  await log.flush();
  await state.options.callbacks.persistRecoveryPoints();
  const { keys, end } = await collectKeys(log, range, bounds, throttle);
  const segments = state.segments.filter((segment) => segment.baseOffset < end && segment !== state.active);
  const context: FilterContext = {
    end,
    keys,
    aborted: new AbortedFilter(await log.abortedTransactions(log.firstSegmentOffset, end)),
    transactions: new TransactionsWithBatches(),
    nowMs: state.resources.clock.wallMs(),
    deleteRetentionMs: state.config.deleteRetentionMs,
    lastRecords: log.lastRecordsOfProducers(),
  };
  for (const group of groupsOf(state, segments)) {
    if (log.isOffline || truncationCount !== state.truncationCount) return range.firstDirty;
    const cleaned = await rewrite(state, group, context, throttle);
    const swapped = await log.changeSegments((changed) => swap(changed, group, cleaned, truncationCount));
    if (!swapped) {
      mark('log.compaction-overtaken');
      await cleaned.removeFiles();
      return range.firstDirty;
    }
    mark('log.compacted');
  }
  const isComplete = await log.changeSegments((changed) =>
    Promise.resolve(finishPass(changed, truncationCount)),
  );
  return isComplete ? end : range.firstDirty;
}

/** Forgets truncations before this pass. Returns false when the log was truncated during the pass: then nothing is clean. */
function finishPass(state: LogState, truncationCount: number): boolean {
  if (truncationCount !== state.truncationCount) return false;
  state.truncatedTo = Number.MAX_SAFE_INTEGER;
  return true;
}

/** Collects the keys of the dirty part. When the map is full, the pass ends at the next record with a key, as in Kafka. */
async function collectKeys(
  log: PartitionLog,
  range: CleanableRange,
  bounds: KeyBounds,
  throttle: CompactionThrottle | null,
): Promise<{ keys: KeyMap; end: number }> {
  const { state } = log;
  const keys = new KeyMap(bounds);
  const aborted = new AbortedFilter(await log.abortedTransactions(range.firstDirty, range.end));
  let fullAt: number | null = null;
  let readBytes = 0;
  const visit = ({ header }: { header: BatchHeader }): boolean => {
    readBytes += header.sizeBytes;
    const skipped = aborted.isAborted(header) || header.isControl || header.recordsCount === 0;
    if (skipped || header.lastOffset < range.firstDirty) return true;
    for (const record of decodeRecords(header)) {
      if (record.key === null || record.offset < range.firstDirty) continue;
      if (keys.isFull) {
        mark('log.compaction-map-full');
        fullAt = record.offset;
        return false;
      }
      keys.put(record.key, record.offset);
    }
    return true;
  };
  for (const [i, segment] of state.segments.entries()) {
    if (state.endOfSegment(i) <= range.firstDirty) continue;
    if (segment.baseOffset >= range.end) break;
    const pause = async (): Promise<void> => {
      await throttle?.take(readBytes);
      readBytes = 0;
    };
    const result = await segment.scan(0, true, visit, pause);
    await pause();
    if (result.fault !== null) throw new UncleanableError(`${segment.path}: ${result.fault}`);
    if (fullAt !== null) return { keys, end: fullAt };
  }
  return { keys, end: range.end };
}

/** Groups neighbouring segments that fit together into one segment. */
function groupsOf(state: LogView, segments: readonly Segment[]): Segment[][] {
  const groups: Segment[][] = [];
  let sizeBytes = 0;
  for (const segment of segments) {
    const group = groups.at(-1);
    const base = group?.[0]?.baseOffset ?? segment.baseOffset;
    const end = state.endOfSegment(state.segments.indexOf(segment));
    const fits =
      sizeBytes + segment.sizeBytes <= state.config.segmentBytes && end - base <= relativeOffsetMax;
    if (group !== undefined && fits) group.push(segment);
    else {
      groups.push([segment]);
      sizeBytes = 0;
    }
    sizeBytes += segment.sizeBytes;
  }
  return groups;
}

/** Writes what is kept of the batches of `group` into one `.cleaned` segment, and syncs it. */
async function rewrite(
  state: LogView,
  group: readonly Segment[],
  context: FilterContext,
  throttle: CompactionThrottle | null,
): Promise<Segment> {
  const first = group[0] as Segment;
  const cleaned = new Segment({
    directory: state.directory,
    resources: state.resources,
    baseOffset: first.baseOffset,
    sizeBytes: 0,
    nowMs: first.createdMs,
    suffix: '.cleaned',
  });
  await cleaned.use((file) => file.truncate(0));
  let waiting: Buffer[] = [];
  let waitingBytes = 0;
  let movedBytes = 0;
  const write = async (): Promise<void> => {
    const buffers = waiting;
    const position = cleaned.sizeBytes - waitingBytes;
    waiting = [];
    waitingBytes = 0;
    if (buffers.length > 0) await cleaned.use((file) => file.write(buffers, position));
  };
  for (const segment of group) {
    const aborted = new Map(segment.aborted.map((entry) => [entry.lastOffset, entry]));
    const visit = ({ header }: { header: BatchHeader }): void => {
      movedBytes += header.sizeBytes;
      const kept = filterBatch(header, context);
      const entry = kept.isNeededMarker ? aborted.get(header.baseOffset) : undefined;
      if (entry !== undefined) cleaned.addAborted(entry);
      if (kept.bytes === null) return;
      const bytes = Buffer.from(kept.bytes);
      waiting.push(bytes);
      waitingBytes += bytes.length;
      movedBytes += bytes.length;
      // A batch with fewer records may have a smaller largest timestamp, so it is read again; the last offset does not change.
      const { maxTimestamp } = batchHeader(bytes);
      cleaned.appended(bytes, maxTimestamp, header.lastOffset, state.config.indexIntervalBytes);
    };
    const pause = async (): Promise<void> => {
      if (waitingBytes >= writeBytes) await write();
      await throttle?.take(movedBytes);
      movedBytes = 0;
    };
    const result = await segment.scan(0, true, visit, pause);
    await pause();
    if (result.fault !== null) throw new UncleanableError(`${segment.path}: ${result.fault}`);
  }
  await write();
  await cleaned.use((file) => file.sync());
  cleaned.seal();
  await cleaned.writeIndexes(true);
  return cleaned;
}

/**
 * Replaces the segments of the group by the cleaned one. Returns false when the log was truncated, changed or closed in the
 * meantime, or its disk has failed. A concurrent flush writes no indexes of the group: `compact` begins with a flush, and the
 * indexes of sealed segments change only under the lock of the log, or while they are loaded.
 */
async function swap(
  state: LogState,
  group: readonly Segment[],
  cleaned: Segment,
  truncationCount: number,
): Promise<boolean> {
  const at = state.segments.indexOf(group[0] as Segment);
  const unchanged = at >= 0 && group.every((segment, i) => state.segments[at + i] === segment);
  if (!unchanged || truncationCount !== state.truncationCount || state.isClosed || state.failure !== null)
    return false;
  const { fs } = state.resources;
  await unlistSegments(state, group);
  // The new files must be durable under `.cleaned` names, which recovery removes, before one of them gets a `.swap` name, from
  // which recovery continues.
  await fs.syncDirectory(state.directory.path);
  await cleaned.rename('.swap');
  await fs.syncDirectory(state.directory.path);
  state.segments = [...state.segments.slice(0, at), cleaned, ...state.segments.slice(at + group.length)];
  // The tail cache may have records that compaction has removed.
  state.tail.clear();
  for (const segment of group) await deleteLater(state, segment);
  // After this sync a power cut cannot bring back an old segment beside the new one that has the same records.
  await fs.syncDirectory(state.directory.path);
  await cleaned.rename('');
  await fs.syncDirectory(state.directory.path);
  await writeSegmentCheckpoint(state);
  return true;
}
