/**
 * The file `segment-checkpoint` of a partition lists its durable segments. A start compares the list with the files that it
 * finds. So it notices a segment that is missing, shorter or of another partition, and a `.txnindex` that is missing or has
 * other entries. Nothing in Kafka's own format says how many segments or aborted transactions there are. Apache Kafka ignores
 * the file.
 *
 * Invariant: everything that the file lists is durable. A segment is removed, replaced or truncated only after the file no
 * longer lists it. A segment that the file does not list is no fault. The file is written before the recovery point passes a
 * segment.
 *
 * A log of one segment without aborted transactions needs no such file: its recovery point says where it ends. A new kind of
 * line needs a new version.
 */
import { replaceFile } from '../base/file-system.ts';
import { LaterReleaseError } from '../base/later-release.ts';
import { crc32c } from '../protocol/records/crc32c.ts';
import type { LogState, LogView } from './log-state.ts';
import { segmentCheckpointName } from './names.ts';
import type { Segment } from './segment/segment.ts';
import type { EntriesDigest, OffsetRange } from './segment/transaction-index.ts';

export interface ListedSegment {
  readonly baseOffset: number;
  /** The size of a complete segment; 0 for the active one, which grows. */
  readonly sizeBytes: number;
  /** The largest timestamp of its batches; -1 when that is unknown, there is none, or it is the active segment. */
  readonly largestTimestamp: number;
  /** The entries of the transaction index: all of them for a complete segment, the first ones for the active one. */
  readonly aborted: EntriesDigest;
  /** Of a complete segment the CRC in the header of its first batch; -1: unknown. It shows which file this is. */
  readonly firstBatchCrc: number;
}

const encoder = new TextEncoder();
const version = 0;

export interface SegmentCheckpoint {
  readonly segments: readonly ListedSegment[];
  /** Offsets of records that this replica has lost and not fetched again, although it has later records. */
  readonly missing: readonly OffsetRange[];
}

export function encodeSegmentCheckpoint({ segments, missing }: SegmentCheckpoint): string {
  const lines = segments.map(
    ({ baseOffset, sizeBytes, largestTimestamp, aborted, firstBatchCrc }) =>
      `segment ${baseOffset} ${sizeBytes} ${largestTimestamp} ${aborted.count} ${aborted.crc} ${firstBatchCrc}\n`,
  );
  for (const { from, to } of missing) lines.push(`missing ${from} ${to}\n`);
  const text = `${version}\n${lines.join('')}`;
  return `${text}crc ${crc32c(encoder.encode(text))}\n`;
}

/**
 * Null when the text is damaged. Throws `LaterReleaseError` for a later version, which has a checksum at its end too: if the
 * list of missing records were ignored, this replica would count as complete.
 */
export function decodeSegmentCheckpoint(text: string): SegmentCheckpoint | null {
  const end = text.lastIndexOf('crc ');
  const found = Number(/^\d+(?=\n)/.exec(text)?.[0] ?? -1);
  if (end < 0 || found < version) return null;
  const covered = text.slice(0, end);
  if (text.slice(end) !== `crc ${crc32c(encoder.encode(covered))}\n`) return null;
  if (found > version) throw new LaterReleaseError(`it has version ${found}, known is ${version}`);
  const segments: ListedSegment[] = [];
  const missing: OffsetRange[] = [];
  for (const line of covered.split('\n').slice(1, -1)) {
    const match = /^(segment|missing)((?: -?\d+)+)$/.exec(line);
    // Earlier releases wrote lines without the last number.
    const [first = 0, second = 0, largestTimestamp = -1, count = 0, crc = 0, firstBatchCrc = -1] =
      match?.[2]?.trim().split(' ').map(Number) ?? [];
    if (match === null) return null;
    if (match[1] === 'missing') missing.push({ from: first, to: second });
    else {
      const aborted = { count, crc };
      segments.push({ baseOffset: first, sizeBytes: second, largestTimestamp, aborted, firstBatchCrc });
    }
  }
  return { segments, missing };
}

/** The segments to list when everything below `durableTo` is synced with its indexes. */
function listedSegments(state: LogView, durableTo: number): ListedSegment[] {
  const listed: ListedSegment[] = [];
  for (const [i, segment] of state.segments.entries()) {
    if (segment.isLeaving) continue;
    const isComplete = segment !== state.active && state.endOfSegment(i) <= durableTo;
    const aborted = segment.syncedAborted;
    if (isComplete && segment.sizeBytes > 0) {
      const { baseOffset, sizeBytes, syncedLargestTimestamp: largestTimestamp, firstBatchCrc } = segment;
      listed.push({ baseOffset, sizeBytes, largestTimestamp, aborted, firstBatchCrc });
    } else if (aborted.count > 0) {
      const { baseOffset } = segment;
      listed.push({ baseOffset, sizeBytes: 0, largestTimestamp: -1, aborted, firstBatchCrc: -1 });
    }
  }
  return listed;
}

/** Writes the file if its content has changed; one write at a time. Everything below `durableTo` is synced with its indexes. */
export async function writeSegmentCheckpoint(
  state: LogState,
  durableTo: number = state.recoveryPoint,
): Promise<void> {
  const write = async (): Promise<void> => {
    const segments = listedSegments(state, Math.max(durableTo, state.recoveryPoint));
    const { missing } = state;
    if (segments.length + missing.length === 0 && state.segmentCheckpoint === null) return;
    const text = encodeSegmentCheckpoint({ segments, missing });
    if (text === state.segmentCheckpoint) return;
    // The content of the file is unknown while it is being written.
    state.segmentCheckpoint = '';
    const { directory } = state;
    await replaceFile(state.resources.fs, `${directory.path}/${segmentCheckpointName}`, encoder.encode(text));
    // In the meantime a copy in another log directory, which has a file of its own, may have replaced the log.
    if (directory === state.directory) state.segmentCheckpoint = text;
  };
  const mine = state.segmentCheckpointWrite.then(write, write);
  state.segmentCheckpointWrite = mine.catch(() => undefined);
  await mine;
}

/** Must be called, and must have resolved, before the files of `segments` are removed or replaced. */
export async function unlistSegments(state: LogState, segments: readonly Segment[]): Promise<void> {
  for (const segment of segments) segment.isLeaving = true;
  if (state.segmentCheckpoint !== null) await writeSegmentCheckpoint(state);
}
