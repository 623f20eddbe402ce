/**
 * Finds the segments in a partition's directory at a start, and compares them with what the segment checkpoint lists. Batches are not
 * read here.
 */
import { assert } from '../../base/assert.ts';
import { readIfExists } from '../segment/index-bytes.ts';
import type { PartitionLogOptions } from '../log-state.ts';
import type { SegmentFileName } from '../names.ts';
import { parseSegmentFileName, segmentCheckpointName, segmentFileName } from '../names.ts';
import { decodeSegmentCheckpoint, type ListedSegment } from '../segment-checkpoint.ts';
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
  /** Base offsets of listed segments that are not there. */
  readonly absent: readonly number[];
  /** Segments that are shorter than listed. */
  readonly shortened: readonly Segment[];
  /** Known since an earlier start, see `LogState.missing`. */
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
  // Retention was deleting the segments before it: they are not listed any more, and a power cut has brought them back.
  const firstListed = Math.min(
    ...[...listed.values()].flatMap((one) => (one.sizeBytes > 0 ? [one.baseOffset] : [])),
  );
  const segments: Segment[] = [];
  const shortened: Segment[] = [];
  const damaged = new Map<Segment, TransactionsFault>();
  const present = new Set(names);
  for (const [i, baseOffset] of bases.entries()) {
    const range = { from: baseOffset, to: bases[i + 1] ?? Number.MAX_SAFE_INTEGER };
    const found = await findSegment(options, directory, range, present, {
      listed: listed.get(baseOffset) ?? null,
      isLeftOver: Number.isFinite(firstListed) && baseOffset < firstListed,
    });
    segments.push(found.segment);
    if (found.segment.sizeBytes < (listed.get(baseOffset)?.sizeBytes ?? 0)) shortened.push(found.segment);
    if (found.fault !== null) damaged.set(found.segment, found.fault);
  }
  // After a clean stop the index of the last segment must be whole too.
  for (const segment of options.isClean ? segments : segments.slice(0, -1)) segment.openMode = 'read';
  // An index without a log is left over from a deletion.
  const known = new Set(bases);
  for (const file of files) {
    if (file.suffix !== '' || file.extension === 'snapshot' || known.has(file.offset)) continue;
    await fs.remove(`${directory.path}/${segmentFileName(file.offset, file.extension)}`);
  }
  const absent = [...listed.keys()].filter((baseOffset) => !known.has(baseOffset));
  const snapshots = offsetsOf('snapshot');
  return {
    names,
    snapshots,
    segments,
    damaged,
    absent,
    shortened,
    missing,
    checkpoint: text,
    isCheckpointDamaged: isDamaged,
  };
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
  const checkpoint = decodeSegmentCheckpoint(text);
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
  // Entries that were added after an unclean stop's last flush are not listed.
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
  // Every segment below the recovery point has an index file. Where that is gone, a `.txnindex` may be gone with it.
  const isIndexed = present.has(segmentFileName(baseOffset, 'index'));
  const isDue = stat.sizeBytes > 0 && (options.isClean || options.recoveryPoint > baseOffset);
  const isUnknown = listed === null && content === null && isDue && !isIndexed;
  // A power cut may also leave the segment that holds the recovery point without both files.
  const isWhole = !isLeftOver && (options.isClean || options.recoveryPoint >= range.to);
  const unknownFault = isWhole ? 'missing' : 'torn';
  return { segment, fault: isUnknown ? unknownFault : read.fault };
}

/** After an unclean stop only what is below the recovery point is known to be durable. */
function transactionIndex(
  { isClean, recoveryPoint }: PartitionLogOptions,
  entries: readonly AbortedTransaction[],
): TransactionIndex {
  const synced = entries.filter(({ lastOffset }) => isClean || lastOffset < recoveryPoint);
  return new TransactionIndex(entries, synced.length);
}
