/**
 * The state of a shard and one step of it in the making: what the files of this folder read and add to.
 */
import { assert } from '../base/assert.ts';
import type { ErrorRow } from '../protocol/errors.ts';
import type { Partitions } from './partitions.ts';
import { transactionRecord, transactionTombstone } from './records.ts';
import { isEnding, isIdle, type Transaction, type TransactionVersion } from './transaction.ts';
import type { Input, MarkerRound, Note, Now, ProducerAnswer, Reply, TxnConfig, Write } from './types.ts';

/** A transactional id of this shard. */
export interface Entry {
  readonly transactionalId: string;
  /** What is committed; null while the first record is under way. */
  current: Transaction | null;
  /** Whether a record is under way: then what it says comes next, and nothing else. */
  isPending: boolean;
  /** While the transaction ends: which of its partitions have no marker yet. */
  round: { readonly id: number; missing: Partitions } | null;
  /** Requests that wait for the transition under way. */
  readonly waiting: Set<Waiting>;
  /** Whether the log already has a line about how long the present transaction is open. */
  isNoted: boolean;
}

/** A request that is tried again when its id has come to rest, or refused at `untilMs`. */
export interface Waiting {
  readonly input: Request;
  readonly entry: Entry;
  readonly untilMs: number;
}

/** What somebody waits for. */
export type Request = Extract<Input, { readonly token: number }>;

/** The coordinator's own work: ending a transaction that took too long. */
export interface Fencing {
  readonly type: 'fence';
  readonly transactionalId: string;
}

/** What waits for the outcome of a write: `next` holds then (null: the id is forgotten), and who asked is answered. */
export interface PendingWrite {
  readonly changes: readonly { readonly entry: Entry; readonly next: Transaction | null }[];
  /** Null: it succeeded. */
  readonly answer: (turn: Turn, error: ErrorRow | null) => void;
}

export interface Shard {
  readonly config: TxnConfig;
  /** The cluster's `transaction.version`. */
  version: TransactionVersion;
  readonly entries: Map<string, Entry>;
  /** Those whose committed state is Ongoing, for the look at time-outs. */
  readonly ongoing: Set<Entry>;
  readonly pending: Map<number, PendingWrite>;
  /** In the order of `untilMs`. */
  readonly waiting: Set<Waiting>;
  /** Fresh producer ids, and who needs one, in the order in which they asked. */
  readonly producerIds: number[];
  readonly wantProducerId: (Request | Fencing)[];
  /** Ended transactions whose last record could not be written, and when to try again. */
  readonly incomplete: Map<Entry, number>;
  /** The look at time-outs, and at unused ids: where it is, and when the next begins. */
  readonly aborting: Sweep;
  readonly expiring: Sweep;
  nextWriteId: number;
  nextRound: number;
}

export interface Sweep {
  rest: Iterator<Entry> | null;
  nextMs: number;
}

/** One step in the making: the shard, the time and what the step puts out. */
export interface Turn extends Now {
  readonly shard: Shard;
  readonly writes: Write[];
  readonly replies: Reply[];
  readonly notes: Note[];
  readonly markers: MarkerRound[];
  producerIdsWanted: number;
}

export function createTurn(shard: Shard, now: Now): Turn {
  const { nowMs, wallMs } = now;
  return { shard, nowMs, wallMs, writes: [], replies: [], notes: [], markers: [], producerIdsWanted: 0 };
}

export function reply(turn: Turn, token: number, response: Reply['response']): void {
  turn.replies.push({ token, response });
}

/** The answer to whoever gets no producer id and epoch. */
export function refused(error: ErrorRow): ProducerAnswer {
  return { errorCode: error.code, producerId: -1, producerEpoch: -1 };
}

export function note(turn: Turn, level: Note['level'], message: string, fields: Note['fields']): void {
  turn.notes.push({ level, message, fields });
}

export function createEntry(transactionalId: string, current: Transaction | null): Entry {
  return { transactionalId, current, isPending: false, round: null, waiting: new Set(), isNoted: false };
}

/** Puts out the record of the next state of one id. */
export function change(turn: Turn, entry: Entry, next: Transaction, answer: PendingWrite['answer']): void {
  const record = transactionRecord(entry.transactionalId, next, turn.shard.version);
  put(turn, [{ entry, next }], [record], answer);
}

/** Puts out the end of ids that nobody uses. */
export function forget(turn: Turn, entries: readonly Entry[]): void {
  put(
    turn,
    entries.map((entry) => ({ entry, next: null })),
    entries.map(({ transactionalId }) => transactionTombstone(transactionalId)),
    () => undefined,
  );
}

function put(
  turn: Turn,
  changes: PendingWrite['changes'],
  records: Write['records'],
  answer: PendingWrite['answer'],
): void {
  const id = turn.shard.nextWriteId++;
  for (const { entry } of changes) {
    assert(!entry.isPending, 'one record of an id is under way at a time');
    entry.isPending = true;
  }
  turn.shard.pending.set(id, { changes, answer });
  turn.writes.push({ id, records });
}

/** The committed state of `entry` becomes `next`. */
export function setCurrent(shard: Shard, entry: Entry, next: Transaction): void {
  entry.current = next;
  entry.isNoted &&= next.state === 'Ongoing';
  if (next.state === 'Ongoing') shard.ongoing.add(entry);
  else shard.ongoing.delete(entry);
  if (!isEnding(next.state)) entry.round = null;
  shard.entries.set(entry.transactionalId, entry);
}

export function removeEntry(shard: Shard, entry: Entry): void {
  if (shard.entries.get(entry.transactionalId) === entry) shard.entries.delete(entry.transactionalId);
  shard.ongoing.delete(entry);
  shard.incomplete.delete(entry);
}

/** Whether a request must wait for a record or for markers. */
export function isInTransition(entry: Entry): boolean {
  return entry.isPending || (entry.current !== null && isEnding(entry.current.state));
}

export function mayExpire(entry: Entry): boolean {
  return !entry.isPending && entry.current !== null && isIdle(entry.current.state);
}

/** A fresh producer id, or null: then `who` is tried again when one has come. */
export function takeProducerId(turn: Turn, who: Request | Fencing): number | null {
  const { shard } = turn;
  const producerId = shard.producerIds.shift();
  if (producerId !== undefined) return producerId;
  turn.producerIdsWanted++;
  shard.wantProducerId.push(who);
  return null;
}
