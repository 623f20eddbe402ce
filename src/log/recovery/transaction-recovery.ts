/**
 * Restores the list of aborted transactions of a segment whose file is damaged. Without an entry of the list the records of an
 * aborted transaction look like committed ones. So the file is checked at each start, and rebuilt from the log if it is damaged.
 */
import { mark } from '../../base/mark.ts';
import type { FileSystem } from '../../base/file-system.ts';
import type { LogState } from '../log-state.ts';
import { ProducerState } from '../producers/producer-state.ts';
import type { Segment } from '../segment/segment.ts';
import {
  type AbortedTransaction,
  decodeAborted,
  type OffsetRange,
  salvageAborted,
  TransactionIndex,
} from '../segment/transaction-index.ts';
import { loadProducers, replayToProducers } from './log-replay.ts';

/** Null: the file is damaged. */
export async function readTransactions(
  fs: FileSystem,
  path: string,
  range: OffsetRange,
): Promise<TransactionIndex | null> {
  const entries = decodeAborted(await fs.readFile(path), range);
  return entries === null ? null : new TransactionIndex(entries);
}

/** Rebuilds the file, durably. For parts of the log that cannot be read, the entries of the damaged file are kept. */
export async function rebuildTransactions(
  state: LogState,
  segment: Segment,
  snapshots: readonly number[],
): Promise<void> {
  mark('log.transaction-index-rebuilt');
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
    const range = { from: nextOffset ?? baseOffset, to };
    found.push(...salvageAborted(await fs.readFile(path), range));
  }
  segment.replaceTransactions(found);
  await segment.syncTransactions();
  await fs.syncDirectory(state.directory.path);
  const fields = { partition: state.name, path, aborted: found.length };
  if (fault === null)
    logger.warn('a transaction index is damaged and is made again from its segment', fields);
  else logger.error('a transaction index and its segment are damaged', { ...fields, fault });
}
