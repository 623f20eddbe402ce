/**
 * Finds the segments in a partition's directory at a start, and compares them with those that the segment checkpoint lists. Of
 * the batches only the first header of each segment is read.
 */
import { assert } from '../../base/assert.ts';
import { located } from '../../base/later-release.ts';
import { mark } from '../../base/mark.ts';
import { readIfExists } from '../segment/index-bytes.ts';
import type { PartitionLogOptions } from '../log-state.ts';
import type { SegmentFileName } from '../names.ts';
import { parseSegmentFileName, segmentCheckpointName, segmentFileName } from '../names.ts';
import {
  decodeSegmentCheckpoint,
  type ListedSegment,
  type SegmentCheckpoint,
} from '../segment-checkpoint.ts';
import type { PartitionDirectory } from '../partition-directory.ts';
import { Segment } from '../segment/segment.ts';
import { type AbortedTransaction, type OffsetRange, TransactionIndex } from '../segment/transaction-index.ts';
import { finishSwaps } from './log-swaps.ts';
import { readTransactions, type TransactionsFault } from './transaction-recovery.ts';

export interface Found {
  readonly names: readonly string[];
  /** Offsets of snapshot files, ascending. */
  readonly snapshots: number[];
  readonly segments: Segment[];
  /** Segments whose list of aborted transactions must be rebuilt. */
  readonly damaged: Map<Segment, TransactionsFault>;
  /** Base offsets of segments whose records are missing, although the checkpoint lists the segment or a file has its name. */
  readonly absent: readonly number[];
  /** Segments that are shorter than listed. */
  readonly shortened: readonly Segment[];
  /** Segments whose files have records of other offsets than their names say, or of another log; not in `segments`. */
  readonly misnamed: readonly Segment[];
  /** Ranges that an earlier start has found missing, see `LogState.missing`. */
  readonly missing: readonly OffsetRange[];
  /** Content of the segment checkpoint; null: there is none. */
  readonly checkpoint: string | null;
  readonly isCheckpointDamaged: boolean;
}

export const nothingFound = (): Found => ({
  names: [],
  snapshots: [],
  segments: [],
  damaged: new Map(),
  absent: [],
  shortened: [],
  misnamed: [],
  missing: [],
  checkpoint: null,
  isCheckpointDamaged: false,
});

/**
 * Lists the segments of the directory, after completing or reverting interrupted deletions and compactions. Other files are
 * ignored.
 */
export async function listSegments(
  options: PartitionLogOptions,
  directory: PartitionDirectory,
): Promise<Found> {
  const { fs } = options.resources;
  const names = await finishSwaps(fs, directory.path, await fs.list(directory.path));
  const files = names.map(parseSegmentFileName).filter((file): file is SegmentFileName => file !== null);
  const offsetsOf = (extension: 'log' | 'snapshot'): number[] =>
    files
      .filter((file) => file.extension === extension && file.suffix === '')
      .map((file) => file.offset)
      .sort((a, b) => a - b);
  const bases = offsetsOf('log');
  const { text, isDamaged, listed, missing } = await readCheckpoint(options, names);
  // Retention was deleting the segments before the first listed one, so they are no longer listed, and a power cut has brought
  // them back.
  const firstListed = [...listed.values()].find(({ sizeBytes }) => sizeBytes > 0)?.baseOffset ?? 0;
  const segments: Segment[] = [];
  const shortened: Segment[] = [];
  const misnamed: Segment[] = [];
  const damaged = new Map<Segment, TransactionsFault>();
  const present = new Set(names);
  for (const [i, baseOffset] of bases.entries()) {
    const range = { from: baseOffset, to: bases[i + 1] ?? Number.MAX_SAFE_INTEGER };
    const { segment, fault } = await findSegment(options, directory, range, present, {
      listed: listed.get(baseOffset) ?? null,
      isLeftOver: baseOffset < firstListed,
    });
    // Recovery and appends use the same open file of the last segment.
    segment.openMode = i < bases.length - 1 ? 'read' : 'write';
    if (await isForeign(options, segment, range, listed.get(baseOffset) ?? null)) {
      misnamed.push(segment);
      continue;
    }
    segments.push(segment);
    if (segment.sizeBytes < (listed.get(baseOffset)?.sizeBytes ?? 0)) shortened.push(segment);
    if (fault !== null) damaged.set(segment, fault);
  }
  for (const [i, segment] of segments.entries()) {
    // After a clean stop the index of the last segment must be whole too.
    segment.openMode = options.isClean || i < segments.length - 1 ? 'read' : 'write';
  }
  const known = new Set(segments.map((segment) => segment.baseOffset));
  for (const name of strayIndexes(files, known)) await fs.remove(`${directory.path}/${name}`);
  const expected = new Set([...listed.keys(), ...misnamed.map((segment) => segment.baseOffset)]);
  const absent = [...expected].filter((baseOffset) => !known.has(baseOffset));
  const snapshots = offsetsOf('snapshot');
  return {
    names,
    snapshots,
    segments,
    damaged,
    absent,
    shortened,
    misnamed,
    missing,
    checkpoint: text,
    isCheckpointDamaged: isDamaged,
  };
}

/** The names of indexes without a log: they are left over from a deletion, or the log has other records. */
function strayIndexes(files: readonly SegmentFileName[], known: ReadonlySet<number>): string[] {
  const isIndex = ({ extension, suffix }: SegmentFileName): boolean =>
    suffix === '' && extension !== 'log' && extension !== 'snapshot';
  const strays = files.filter((file) => isIndex(file) && !known.has(file.offset));
  return strays.map(({ offset, extension }) => segmentFileName(offset, extension));
}

async function readCheckpoint(
  options: PartitionLogOptions,
  names: readonly string[],
): Promise<{
  text: string | null;
  isDamaged: boolean;
  listed: Map<number, ListedSegment>;
  missing: readonly OffsetRange[];
}> {
  const { fs, logger } = options.resources;
  const path = `${options.directory}/${segmentCheckpointName}`;
  const content = names.includes(segmentCheckpointName) ? await readIfExists(fs, path) : null;
  if (content === null) return { text: null, isDamaged: false, listed: new Map(), missing: [] };
  const text = new TextDecoder().decode(content);
  let checkpoint: SegmentCheckpoint | null;
  try {
    checkpoint = decodeSegmentCheckpoint(text);
  } catch (error) {
    throw located(path, error);
  }
  if (checkpoint === null) logger.warn('a checkpoint is damaged and is ignored', { path });
  const { segments, missing } = checkpoint ?? { segments: [], missing: [] };
  return {
    text,
    isDamaged: checkpoint === null,
    listed: new Map(segments.map((segment) => [segment.baseOffset, segment])),
    missing,
  };
}

async function findSegment(
  options: PartitionLogOptions,
  directory: PartitionDirectory,
  range: { readonly from: number; readonly to: number },
  present: ReadonlySet<string>,
  { listed, isLeftOver }: { readonly listed: ListedSegment | null; readonly isLeftOver: boolean },
): Promise<{ segment: Segment; fault: TransactionsFault | null }> {
  const { fs, clock } = options.resources;
  const baseOffset = range.from;
  const stat = await fs.stat(`${directory.path}/${segmentFileName(baseOffset, 'log')}`);
  assert(stat !== null, 'a listed segment exists');
  const name = segmentFileName(baseOffset, 'txnindex');
  const content = present.has(name) ? await fs.readFile(`${directory.path}/${name}`) : null;
  // The checkpoint does not list entries that were added after the last flush before an unclean stop.
  const isExact = options.isClean || (listed?.sizeBytes ?? 0) > 0;
  const read = readTransactions(content, range, listed?.aborted ?? null, isExact);
  const segment = new Segment({
    directory,
    resources: options.resources,
    baseOffset,
    sizeBytes: stat.sizeBytes,
    nowMs: stat.modifiedMs || clock.wallMs(),
    ...(stat.sizeBytes === listed?.sizeBytes ? { largestTimestamp: listed.largestTimestamp } : {}),
    transactions: transactionIndex(options, read.fault === null ? read.entries : []),
  });
  // Every segment below the recovery point has an index file. Where that file is gone, a `.txnindex` may be gone too.
  const isIndexed = present.has(segmentFileName(baseOffset, 'index'));
  const isDue = stat.sizeBytes > 0 && (options.isClean || options.recoveryPoint > baseOffset);
  const isUnknown = listed === null && content === null && isDue && !isIndexed;
  // A power cut may also leave the segment that holds the recovery point without both files.
  const isWhole = !isLeftOver && (options.isClean || options.recoveryPoint >= range.to);
  const unknownFault = isWhole ? 'missing' : 'torn';
  return { segment, fault: isUnknown ? unknownFault : read.fault };
}

/**
 * Whether the file is of another segment or partition: its first batch is outside of `range`, as when files were swapped or
 * renamed, or it is a valid batch, but not the one that the segment checkpoint lists. Kafka's format gives no other evidence of
 * this, and reads would skip records or return wrong ones. A file that does not begin with a valid batch is damaged in another
 * way.
 */
async function isForeign(
  { resources }: PartitionLogOptions,
  segment: Segment,
  range: { readonly from: number; readonly to: number },
  listed: ListedSegment | null,
): Promise<boolean> {
  const header = segment.sizeBytes === 0 ? null : await segment.headerAt(0, 0);
  if (header === null) return false;
  const { baseOffset, crc } = header;
  segment.firstBatchCrc = crc;
  const fields = { path: segment.path, firstOffset: baseOffset };
  if (baseOffset < range.from || baseOffset >= range.to) {
    mark('log.segment-misnamed');
    resources.logger.error('a segment has records of other offsets than its name says', fields);
    return true;
  }
  const listedCrc = listed?.firstBatchCrc ?? -1;
  if (listedCrc === -1 || listedCrc === crc || !(await isFirstBatchValid(segment))) return false;
  mark('log.segment-foreign');
  resources.logger.error('a segment does not have the records that were written to it', fields);
  return true;
}

async function isFirstBatchValid(segment: Segment): Promise<boolean> {
  let isValid = false;
  await segment.scan(0, true, () => {
    isValid = true;
    return false;
  });
  return isValid;
}

/** The index with these entries. After an unclean stop only those below the recovery point are known to be durable. */
function transactionIndex(
  { isClean, recoveryPoint }: PartitionLogOptions,
  entries: readonly AbortedTransaction[],
): TransactionIndex {
  const synced = entries.filter(({ lastOffset }) => isClean || lastOffset < recoveryPoint);
  return new TransactionIndex(entries, synced.length);
}
