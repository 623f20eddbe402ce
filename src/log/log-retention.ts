/**
 * Decides which of the oldest segments retention deletes: those that are too old, beyond the size limit, or below the log start
 * offset. Nothing at or above the high watermark is deleted. The active segment is deleted too when all its records are too
 * old. First a new active segment is begun (a roll), so that the log end offset does not change.
 */
import { removeFirstSegments } from './log-truncation.ts';
import type { LogState, LogView } from './log-state.ts';
import type { Segment } from './segment/segment.ts';

/** How many segments are wholly below the log start offset, not counting the active one. */
export function countBelowStart(state: LogView): number {
  let count = 0;
  while (count < state.segments.length - 1 && state.endOfSegment(count) <= state.logStartOffset) count += 1;
  return count;
}

/** How many of the oldest segments may be deleted; this is the number of all segments if the active one may be deleted too. */
export async function countExpired(state: LogView, nowMs: number): Promise<number> {
  const { config, segments } = state;
  let excessBytes = config.retentionBytes >= 0 ? state.sizeBytes - config.retentionBytes : -1;
  let count = 0;
  for (const [i, segment] of segments.entries()) {
    const end = state.endOfSegment(i);
    const isActive = i === segments.length - 1;
    if (end > state.highWatermark || (isActive && segment.sizeBytes === 0)) break;
    const belowStart = !isActive && end <= state.logStartOffset;
    const tooMuch =
      config.cleanupPolicy.delete && config.retentionBytes >= 0 && excessBytes - segment.sizeBytes >= 0;
    const tooOld = config.cleanupPolicy.delete && (await isTooOld(state, segment, nowMs));
    if (!belowStart && !tooMuch && !tooOld) break;
    excessBytes -= segment.sizeBytes;
    count += 1;
  }
  return count;
}

async function isTooOld(state: LogView, segment: Segment, nowMs: number): Promise<boolean> {
  const { retentionMs } = state.config;
  if (retentionMs < 0) return false;
  const largest = await segment.largestTimestamp();
  // If the records have no timestamps, the age of the file counts.
  const newestMs = largest >= 0 ? largest : segment.createdMs;
  return nowMs - newestMs > retentionMs;
}

/** Removes the `due` oldest segments, but never the active one. Runs under the writer's lock. Returns how many were removed. */
export async function removeLeading(state: LogState, due: number): Promise<number> {
  const count = Math.min(due, state.segments.length - 1);
  if (count > 0) {
    await removeFirstSegments(state, count);
    state.logger.info('deleted old segments', {
      partition: state.name,
      count,
      logStartOffset: state.logStartOffset,
    });
  }
  return count;
}
