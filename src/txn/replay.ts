/**
 * Loading of a shard: the records of its partition are replayed one by one. Then `finishLoading` continues what the last
 * coordinator left unfinished: for each transaction whose end is decided, it requests the markers again.
 */
import { type CoordinatorRecord, UnknownRecordTypeError } from '../coordinator/types.ts';
import { startRound } from './markers.ts';
import { readRecord } from './records.ts';
import { isEnding } from './transaction.ts';
import { createEntry, removeEntry, setCurrent, type Shard, type Turn } from './txn-turn.ts';

/**
 * Throws `DecodeError` for a record in an unknown format, and `UnknownRecordTypeError` for one of an unknown type. The caller
 * decides whether loading continues.
 */
export function replay(shard: Shard, record: CoordinatorRecord): void {
  const read = readRecord(record);
  if (read.type === 'unknown') throw new UnknownRecordTypeError(read.keyType);
  const entry = shard.entries.get(read.transactionalId) ?? createEntry(read.transactionalId, null);
  if (read.value === null) removeEntry(shard, entry);
  else setCurrent(shard, entry, read.value);
}

export function finishLoading(turn: Turn): void {
  for (const entry of turn.shard.entries.values()) {
    if (entry.current !== null && isEnding(entry.current.state)) startRound(turn, entry);
  }
}
