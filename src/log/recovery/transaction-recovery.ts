/**
 * Checks the list of aborted transactions of each segment at a start, and restores a damaged list from the log. Without its
 * entry in the list, the records of an aborted transaction look like committed ones.
 */
import { mark } from '../../base/mark.ts';
import type { LogState } from '../log-state.ts';
import { ProducerState } from '../producers/producer-state.ts';
import { readIfExists } from '../segment/index-bytes.ts';
import type { Segment } from '../segment/segment.ts';
import {
  abortedEntrySize,
  type AbortedTransaction,
  decodeAborted,
  digestOf,
  type EntriesDigest,
  type OffsetRange,
  salvageAborted,
} from '../segment/transaction-index.ts';
import { loadProducers, replayToProducers } from './log-replay.ts';

/**
 * Why a `.txnindex` is not used. `torn` is no damage: a power cut came when its last entries were not synced yet, or when its
 * segment was being deleted.
 */
export type TransactionsFault = 'missing' | 'torn' | 'invalid entries' | 'other entries than were written';

interface ReadTransactions {
  readonly entries: readonly AbortedTransaction[];
  readonly fault: TransactionsFault | null;
}

/**
 * Decodes the `content` of the file (null: there is none). `listed`: the entries that the segment checkpoint lists; null:
 * unknown. `isExact`: no other entries may follow the listed ones.
 */
export function readTransactions(
  content: Uint8Array | null,
  range: OffsetRange,
  listed: EntriesDigest | null,
  isExact: boolean,
): ReadTransactions {
  if (content === null) return { entries: [], fault: (listed?.count ?? 0) > 0 ? 'missing' : null };
  const entries = decodeAborted(content, range);
  if (entries !== null) {
    const isSame = listed === null || hasListed(isExact ? entries : entries.slice(0, listed.count), listed);
    return { entries, fault: isSame ? null : 'other entries than were written' };
  }
  const listedCount = listed?.count ?? 0;
  const synced = decodeAborted(content.subarray(0, listedCount * abortedEntrySize), range);
  const isTorn = !isExact && (listed === null || (synced !== null && hasListed(synced, listed)));
  return { entries: [], fault: isTorn ? 'torn' : 'invalid entries' };
}

function hasListed(entries: readonly AbortedTransaction[], listed: EntriesDigest): boolean {
  const found = digestOf(entries);
  return found.count === listed.count && found.crc === listed.crc;
}

/** Rebuilds the file of a segment and syncs it. For a part of the segment that cannot be read, the file's entries are kept. */
export async function rebuildTransactions(
  state: LogState,
  segment: Segment,
  snapshots: readonly number[],
): Promise<void> {
  const { fs, clock, logger } = state.resources;
  const producers = new ProducerState();
  const { baseOffset } = segment;
  await loadProducers(state, snapshots, baseOffset, producers);
  const nowMs = clock.wallMs();
  const found: AbortedTransaction[] = [];
  const { nextOffset, fault } = await segment.scan(0, false, ({ header }) => {
    const aborted = replayToProducers(producers, header, nowMs);
    if (aborted !== null) found.push(aborted);
  });
  const path = segment.pathOf('txnindex');
  if (fault !== null) {
    const to = state.endOfSegment(state.segments.indexOf(segment));
    const content = await readIfExists(fs, path);
    const range = { from: nextOffset ?? baseOffset, to };
    if (content !== null) found.push(...salvageAborted(content, range));
    logger.error('a transaction index and its segment are damaged', { partition: state.name, path, fault });
  }
  segment.replaceTransactions(found);
  await segment.syncTransactions();
  await fs.syncDirectory(state.directory.path);
}

/** Logs that the list of `segment` was damaged and has been rebuilt. */
export function logRebuilt(state: LogState, segment: Segment, fault: TransactionsFault): void {
  // A segment without aborted transactions has no such file.
  if (fault === 'torn' || (fault === 'missing' && segment.aborted.length === 0)) return;
  mark('log.transaction-index-rebuilt');
  state.logger.warn('a transaction index is damaged and is made again from its segment', {
    partition: state.name,
    path: segment.pathOf('txnindex'),
    fault,
    aborted: segment.aborted.length,
  });
}
