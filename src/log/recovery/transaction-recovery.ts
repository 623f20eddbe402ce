/**
 * Checks the list of aborted transactions of each segment at a start, and restores a damaged one from the log. Without an entry of the
 * list the records of an aborted transaction look like committed ones.
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
 * Why a `.txnindex` is not used. `torn`: as a power cut leaves it, because entries that no flush covered are invalid, or its segment was
 * being deleted. That is no damage.
 */
export type TransactionsFault = 'missing' | 'torn' | 'invalid entries' | 'other entries than were written';

interface ReadTransactions {
  readonly entries: readonly AbortedTransaction[];
  readonly fault: TransactionsFault | null;
}

/**
 * `content`: of the file; null when there is none. `listed`: the entries that the segment checkpoint lists; null: not known.
 * `isExact`: no other entries may follow them.
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

/** Rebuilds the file, durably. For parts of the log that cannot be read, the entries of the damaged file are kept. */
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

/** Logs that the list of `segment` was not used and has been made again. */
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
