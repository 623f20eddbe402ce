/**
 * Finds durable records that this log has lost, because files were deleted or shortened while the broker was down, or the disk
 * failed. The evidence is the recovery point and the segment checkpoint. Gaps alone are no evidence: compaction makes them too.
 *
 * A log whose end is missing is only shorter, and a follower fetches the end again. But when later records follow the missing
 * ones, the log must not continue at its end: `missing` tells replication to truncate a follower to the first missing offset. A
 * leader serves what is there.
 */
import { mark } from '../../base/mark.ts';
import type { LogState } from '../log-state.ts';
import type { Segment } from '../segment/segment.ts';
import type { OffsetRange } from '../segment/transaction-index.ts';
import type { Found } from './segment-listing.ts';

/** Sets `missing` and `hasLostRecords`, and logs what is missing. The segments and the log end offset are known. */
export async function findMissing(state: LogState, found: Found): Promise<void> {
  const { logStartOffset, recoveryPoint } = state.options;
  const ranges = absentRanges(state, found.absent);
  for (const range of found.missing) if (!(await isThereAgain(state, range, found))) ranges.push(range);
  for (const segment of found.shortened) {
    const range = state.segments.includes(segment) ? await cutShortened(state, segment) : null;
    if (range !== null) ranges.push(range);
  }
  state.missing = merged(ranges, logStartOffset).filter(({ from }) => from < state.logEndOffset);
  for (const { from, to } of state.missing) logMissing(state, from, to);
  const isShort = state.logEndOffset < recoveryPoint && logStartOffset < recoveryPoint;
  // Recovery has already logged what it truncated.
  if (isShort && !state.hasLostRecords) logMissing(state, state.logEndOffset, recoveryPoint);
  state.hasLostRecords ||= isShort || state.missing.length > 0;
}

/**
 * Whether the records of a range that an earlier start found missing were put back without a gap, for example from a backup.
 * They are this log's records when their leader epochs are those of its epoch cache: in one leader epoch all replicas have the
 * same records, and nothing has been truncated there since, because a truncation would have removed the range from the list.
 *
 * A compacted log may have gaps, so its ranges stay missing.
 */
async function isThereAgain(state: LogState, { from, to }: OffsetRange, found: Found): Promise<boolean> {
  const back = state.segments.filter(({ baseOffset }, i) => baseOffset < to && state.endOfSegment(i) > from);
  let next = from;
  for (const segment of back) {
    const { fault } = await segment.scan(0, true, ({ header }) => {
      if (header.lastOffset < from) return true;
      const isNext = next === from ? header.baseOffset <= from : header.baseOffset === next;
      if (!isNext || header.partitionLeaderEpoch !== state.epochs.epochAt(header.baseOffset)) return false;
      next = header.lastOffset + 1;
      return true;
    });
    if (fault !== null) return false;
  }
  if (next !== to) return false;
  mark('log.missing-records-back');
  // The files that were put back may not be synced, and the other files of their segments may be from another time.
  for (const segment of back) {
    await segment.use((file) => file.sync());
    if (segment !== state.active) await segment.rebuildIndex();
    found.damaged.set(segment, 'torn');
  }
  state.logger.info('records of a partition that were missing are there again', {
    partition: state.name,
    firstOffset: from,
    lastOffset: to - 1,
  });
  return true;
}

function absentRanges(state: LogState, absent: readonly number[]): OffsetRange[] {
  return absent.map((from) => {
    const next = state.segments.find(({ baseOffset }) => baseOffset > from);
    return { from, to: next?.baseOffset ?? state.logEndOffset };
  });
}

/** Truncates a segment after its last complete batch. Returns the offsets from there to the next segment. */
async function cutShortened(state: LogState, segment: Segment): Promise<OffsetRange | null> {
  if (segment === state.active) return null;
  const { end, nextOffset } = await segment.scan(0, false, () => undefined);
  if (end < segment.sizeBytes) {
    await segment.close();
    segment.openMode = 'write';
    await segment.use((file) => file.truncate(end));
    await segment.close();
    segment.openMode = 'read';
    segment.sizeBytes = end;
  }
  await segment.rebuildIndex();
  return { from: nextOffset ?? segment.baseOffset, to: state.endOfSegment(state.segments.indexOf(segment)) };
}

/** Sorts and joins the ranges, without offsets below the log start offset, whose records were deleted on purpose. */
function merged(ranges: readonly OffsetRange[], logStartOffset: number): OffsetRange[] {
  const result: OffsetRange[] = [];
  for (const range of [...ranges].sort((a, b) => a.from - b.from)) {
    const from = Math.max(range.from, logStartOffset);
    const last = result.at(-1);
    if (range.to <= from) continue;
    if (last === undefined || last.to < from) result.push({ from, to: range.to });
    else if (last.to < range.to) result[result.length - 1] = { from: last.from, to: range.to };
  }
  return result;
}

function logMissing(state: LogState, from: number, to: number): void {
  mark('log.records-missing');
  state.logger.error('records of a partition are missing on this broker', {
    partition: state.name,
    directory: state.directory.path,
    firstOffset: from,
    lastOffset: to - 1,
  });
}
