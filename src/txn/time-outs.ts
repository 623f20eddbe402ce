/**
 * Periodic work of a shard, in two sweeps over its ids. The first one aborts each transaction that is open for longer than its
 * time-out and fences the producer, because read_committed consumers cannot read past an open transaction. The second one
 * removes transactional ids that were not used for a long time.
 */
import { mark } from '../base/mark.ts';
import { Errors } from '../protocol/errors.ts';
import { listOf } from './partitions.ts';
import { endlessTimeoutMs, fenced, isExhausted, noProducerId, type Transaction } from './transaction.ts';
import {
  type Answer,
  change,
  type Entry,
  type Fencing,
  forget,
  mayExpire,
  note,
  type Request,
  type Sweep,
  takeProducerId,
  type Turn,
  versionOf,
} from './txn-turn.ts';

/** A sweep examines at most this many ids in one step; the next tick continues it. */
const sliceMax = 1_000;
/** A log line about a transaction lists at most this many of its partitions. */
const notedPartitionsMax = 10;

/**
 * Aborts the open transaction of `entry` and increments its epoch, which fences the producer. When this needs a new producer id
 * and none is there, nothing is changed yet: `work` is done again when a producer id has arrived.
 */
export function abortAndFence(turn: Turn, entry: Entry, work: Request | Fencing, answer: Answer): void {
  const version = versionOf(turn.image);
  // Callers make sure that a transaction is open, so there is a committed state.
  const current = entry.current as Transaction;
  const isUsedUp = version >= 2 && isExhausted(current.producerEpoch);
  const nextProducerId = isUsedUp ? takeProducerId(turn, work) : noProducerId;
  if (nextProducerId === null) return;
  const next = fenced(current, { clientVersion: version, nextProducerId, nowMs: turn.wallMs });
  change(turn, entry, next, answer);
}

export function abortOverdue(turn: Turn): void {
  const { aborting, ongoing, config } = turn.shard;
  slice(turn, aborting, ongoing, config.abortIntervalMs, (entry) => {
    const { current } = entry;
    if (entry.isPending || current === null || current.timeoutMs === endlessTimeoutMs) return;
    const openMs = openForMs(turn, entry, current);
    if (openMs > current.timeoutMs) abortOne(turn, entry);
    else if (openMs > current.timeoutMs / 2) noteOpen(turn, entry, current, openMs);
  });
}

/**
 * How long the transaction has been open. Its start time is in the future if this broker's clock was turned back after the
 * start, or if the clock of the former coordinator was ahead. In that case the time since this was detected counts.
 */
function openForMs(turn: Turn, entry: Entry, { startMs }: Transaction): number {
  const openMs = turn.wallMs - startMs;
  if (openMs >= 0) return openMs;
  if (entry.aheadOf !== startMs) {
    mark('txn.began-in-the-future');
    entry.aheadOf = startMs;
    entry.aheadSinceMs = turn.nowMs;
  }
  return turn.nowMs - entry.aheadSinceMs;
}

/** Aborts a transaction that took too long. Called a second time when it had to wait for a producer id. */
export function abortOne(turn: Turn, entry: Entry): void {
  const { current, transactionalId } = entry;
  if (entry.isPending || current?.state !== 'Ongoing') return;
  abortAndFence(turn, entry, { type: 'fence', transactionalId }, (_later, error) => {
    if (error !== null && error !== Errors.NOT_COORDINATOR) mark('txn.time-out-abort-failed');
  });
  if (!entry.isPending) return;
  mark('txn.timed-out');
  note(
    turn,
    'info',
    'a transaction exceeded its time-out and is aborted',
    noteFields(entry, current, openForMs(turn, entry, current)),
  );
}

/** Logged once for each transaction, so that an operator can find out why read_committed consumers do not advance. */
function noteOpen(turn: Turn, entry: Entry, current: Transaction, openMs: number): void {
  if (entry.isNoted) return;
  entry.isNoted = true;
  note(
    turn,
    'warn',
    'a transaction is open for more than half of its time-out and blocks read_committed consumers',
    noteFields(entry, current, openMs),
  );
}

function noteFields(
  { transactionalId }: Entry,
  { producerId, producerEpoch, timeoutMs, partitions }: Transaction,
  openMs: number,
): Record<string, unknown> {
  const names = listOf(partitions).flatMap((one) => one.partitions.map((index) => `${one.topic}-${index}`));
  return {
    transactionalId,
    producerId,
    producerEpoch,
    openMs,
    timeoutMs,
    partitions: names.length > notedPartitionsMax ? [...names.slice(0, notedPartitionsMax), '…'] : names,
  };
}

export function expireUnused(turn: Turn): void {
  const { expiring, entries, config } = turn.shard;
  const unused: Entry[] = [];
  slice(turn, expiring, entries.values(), config.expiryIntervalMs, (entry) => {
    if (!mayExpire(entry)) return;
    const { lastUpdateMs } = entry.current as Transaction;
    if (turn.wallMs - lastUpdateMs >= config.idExpirationMs) unused.push(entry);
  });
  if (unused.length > 0) forget(turn, unused);
}

/** Examines the next ids: continues the current sweep, or begins one when its time has come. */
function slice(
  turn: Turn,
  sweep: Sweep,
  all: Iterable<Entry>,
  intervalMs: number,
  look: (entry: Entry) => void,
): void {
  if (turn.nowMs < sweep.nextMs) return;
  sweep.rest ??= all[Symbol.iterator]();
  for (let i = 0; i < sliceMax; i++) {
    const { value: entry, done } = sweep.rest.next();
    if (done === true) {
      sweep.rest = null;
      sweep.nextMs = turn.nowMs + intervalMs;
      return;
    }
    look(entry);
  }
}
