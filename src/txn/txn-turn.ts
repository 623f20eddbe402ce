/**
 * The state of a shard, and one step of it (a _turn_, see `coordinator/turn.ts`), which the functions of this folder read and
 * extend.
 */
import { assert } from '../base/assert.ts';
import {
  createTurn as createCoordinatorTurn,
  type Pending,
  type PendingWrites,
  type Turn as CoordinatorTurn,
  write,
} from '../coordinator/turn.ts';
import type { StepContext } from '../coordinator/types.ts';
import { featureLevel, type MetadataImage } from '../metadata/image.ts';
import type { ErrorRow } from '../protocol/errors.ts';
import type { Partitions } from './partitions.ts';
import { transactionRecord, transactionTombstone } from './records.ts';
import { isEnding, isIdle, type Transaction, type TransactionVersion } from './transaction.ts';
import type { MarkerRound, ProducerAnswer, TxnConfig, TxnInput } from './types.ts';

export { note, reply } from '../coordinator/turn.ts';

/** A transactional id of this shard. */
export interface Entry {
  readonly transactionalId: string;
  /** The committed state; null while the record of the first state is in flight. */
  current: Transaction | null;
  /** Whether a record of this id is in flight. Meanwhile no other change of the id begins. */
  isPending: boolean;
  /**
   * While the transaction is ending: the partitions that have no marker yet. A report with another `id` belongs to an earlier
   * round and is ignored.
   */
  round: { readonly id: number; missing: Partitions } | null;
  /** Requests that wait until the transition in progress has ended. */
  readonly waiting: Set<Waiting>;
  /** Whether a log line has been written about how long the current transaction is open. */
  isNoted: boolean;
  /**
   * The start time of the current transaction if it was found to be in the future (see `openForMs`); otherwise -1.
   * `aheadSinceMs`: when that was detected.
   */
  aheadOf: number;
  aheadSinceMs: number;
}

/** A waiting request: handled again when the transition of its id has ended, refused at `untilMs`. */
export interface Waiting {
  readonly input: Request;
  readonly entry: Entry;
  readonly untilMs: number;
}

/** Requests with a response. */
export type Request = Extract<TxnInput, { readonly token: number }>;

/** Work that the coordinator gives itself: aborting a transaction that took too long. */
export interface Fencing {
  readonly type: 'fence';
  readonly transactionalId: string;
}

export interface Shard extends PendingWrites<Turn> {
  readonly config: TxnConfig;
  readonly entries: Map<string, Entry>;
  /** Ids with an open transaction; the sweep for time-outs examines these. */
  readonly ongoing: Set<Entry>;
  /** All waiting requests, ordered by `untilMs`. */
  readonly waiting: Set<Waiting>;
  /** Producer ids that were fetched and not used yet. */
  readonly producerIds: number[];
  /** The work that waits for a producer id, oldest first. */
  readonly wantProducerId: (Request | Fencing)[];
  /** Transactions for which the record of the complete state could not be written, each with the time of the next attempt. */
  readonly incomplete: Map<Entry, number>;
  /** The two sweeps of `time-outs.ts`: for transactions that took too long, and for unused ids. */
  readonly aborting: Sweep;
  readonly expiring: Sweep;
  nextRound: number;
}

/**
 * A sweep examines the ids in slices. `rest`: the ids that are left, null between two sweeps. `nextMs`: when the next sweep
 * begins.
 */
export interface Sweep {
  rest: Iterator<Entry> | null;
  nextMs: number;
}

/** One step of the shard. */
export interface Turn extends CoordinatorTurn<Shard> {
  readonly markers: MarkerRound[];
  producerIdsWanted: number;
  /** Ids whose record got its outcome in this step; requests that wait for these ids are handled at the end of the step. */
  readonly settled: Entry[];
}

export function createTurn(shard: Shard, context: StepContext): Turn {
  return { ...createCoordinatorTurn(shard, context), markers: [], producerIdsWanted: 0, settled: [] };
}

const versionFeature = 'transaction.version';

/** `transaction.version` of the cluster. A level that a later Kafka version has added counts as 2. */
export function versionOf(image: MetadataImage): TransactionVersion {
  const level = featureLevel(image, versionFeature);
  return level >= 2 ? 2 : level === 1 ? 1 : 0;
}

/** The error response of requests whose response has a producer id and epoch. */
export function refused(error: ErrorRow): ProducerAnswer {
  return { errorCode: error.code, producerId: -1, producerEpoch: -1 };
}

export function createEntry(transactionalId: string, current: Transaction | null): Entry {
  return {
    transactionalId,
    current,
    isPending: false,
    round: null,
    waiting: new Set(),
    isNoted: false,
    aheadOf: -1,
    aheadSinceMs: 0,
  };
}

export type Answer = Pending<Turn>['answer'];

/** Outputs the record with the next state of one id. `answer` responds to the request that caused the change. */
export function change(turn: Turn, entry: Entry, next: Transaction, answer: Answer): void {
  entry.isPending = true;
  write(turn, [transactionRecord(entry.transactionalId, next, versionOf(turn.image))], {
    apply: (later) => settle(later, entry, () => setCurrent(later.shard, entry, next)),
    undo: (later) => settle(later, entry, () => undefined),
    answer,
  });
}

/** Outputs tombstones, which remove ids that were not used for a long time. */
export function forget(turn: Turn, entries: readonly Entry[]): void {
  for (const entry of entries) entry.isPending = true;
  const records = entries.map(({ transactionalId }) => transactionTombstone(transactionalId));
  write(turn, records, {
    apply(later) {
      for (const entry of entries) settle(later, entry, () => removeEntry(later.shard, entry));
    },
    undo(later) {
      for (const entry of entries) settle(later, entry, () => undefined);
    },
  });
}

function settle(turn: Turn, entry: Entry, apply: () => void): void {
  assert(entry.isPending, 'one record of an id is in flight at a time');
  entry.isPending = false;
  apply();
  // The record of the first state was refused, so the id does not exist.
  if (entry.current === null) removeEntry(turn.shard, entry);
  turn.settled.push(entry);
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

/** Whether a request must wait: for the record in flight, or for the markers of a transaction that is ending. */
export function isInTransition(entry: Entry): boolean {
  return entry.isPending || (entry.current !== null && isEnding(entry.current.state));
}

export function mayExpire(entry: Entry): boolean {
  return !entry.isPending && entry.current !== null && isIdle(entry.current.state);
}

/**
 * Takes a producer id that was fetched before. Null when there is none: then the shard requests one, and `work` is done again
 * when it has arrived.
 */
export function takeProducerId(turn: Turn, work: Request | Fencing): number | null {
  const { shard } = turn;
  const producerId = shard.producerIds.shift();
  if (producerId !== undefined) return producerId;
  turn.producerIdsWanted++;
  shard.wantProducerId.push(work);
  return null;
}
