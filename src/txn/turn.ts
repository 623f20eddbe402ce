/** The state of a shard, and one step of it with its output so far; the functions of this folder read and extend it. */
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
  /** The committed state; null while the first record is in flight. */
  current: Transaction | null;
  /** Whether a record is in flight; no other change is made meanwhile. */
  isPending: boolean;
  /** While the transaction ends: the partitions that have no marker yet. */
  round: { readonly id: number; missing: Partitions } | null;
  /** Requests that wait for the transition in progress. */
  readonly waiting: Set<Waiting>;
  /** Whether a log line was written about the duration of the current transaction. */
  isNoted: boolean;
  /** The start time of a transaction that was ahead of the clock at `aheadSinceMs`. */
  aheadOf: number;
  aheadSinceMs: number;
}

/** A request that is tried again when its id has no record in flight, or refused at `untilMs`. */
export interface Waiting {
  readonly input: Request;
  readonly entry: Entry;
  readonly untilMs: number;
}

/** Requests with a response. */
export type Request = Extract<TxnInput, { readonly token: number }>;

/** The coordinator's own work: ending a transaction that took too long. */
export interface Fencing {
  readonly type: 'fence';
  readonly transactionalId: string;
}

export interface Shard extends PendingWrites<Turn> {
  readonly config: TxnConfig;
  readonly entries: Map<string, Entry>;
  /** Entries whose committed state is Ongoing, for the sweep of time-outs. */
  readonly ongoing: Set<Entry>;
  /** In the order of `untilMs`. */
  readonly waiting: Set<Waiting>;
  /** Unused producer ids, and the requests that need one, in order. */
  readonly producerIds: number[];
  readonly wantProducerId: (Request | Fencing)[];
  /** Ended transactions whose last record could not be written, with the time of the next attempt. */
  readonly incomplete: Map<Entry, number>;
  /** The sweeps for time-outs and for unused ids: the current position, and the time of the next one. */
  readonly aborting: Sweep;
  readonly expiring: Sweep;
  nextRound: number;
}

export interface Sweep {
  rest: Iterator<Entry> | null;
  nextMs: number;
}

/** One step of the shard. */
export interface Turn extends CoordinatorTurn<Shard> {
  readonly markers: MarkerRound[];
  producerIdsWanted: number;
  /** Ids whose record is no longer in flight; requests that wait for them continue at the end of the step. */
  readonly settled: Entry[];
}

export function createTurn(shard: Shard, context: StepContext): Turn {
  return { ...createCoordinatorTurn(shard, context), markers: [], producerIdsWanted: 0, settled: [] };
}

const versionFeature = 'transaction.version';

/** The cluster's `transaction.version`. A level of a later Kafka counts as 2. */
export function versionOf(image: MetadataImage): TransactionVersion {
  const level = featureLevel(image, versionFeature);
  return level >= 2 ? 2 : level === 1 ? 1 : 0;
}

/** The response without a producer id and epoch. */
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

/** Outputs the record of the next state of one id. */
export function change(turn: Turn, entry: Entry, next: Transaction, answer: Answer): void {
  entry.isPending = true;
  write(turn, [transactionRecord(entry.transactionalId, next, versionOf(turn.image))], {
    apply: (later) => settle(later, entry, () => setCurrent(later.shard, entry, next)),
    undo: (later) => settle(later, entry, () => undefined),
    answer,
  });
}

/** Outputs tombstones for ids that are unused. */
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
  assert(entry.isPending, 'one record of an id is under way at a time');
  entry.isPending = false;
  apply();
  // Its first record was refused.
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

/** Whether a request must wait for a record or for markers. */
export function isInTransition(entry: Entry): boolean {
  return entry.isPending || (entry.current !== null && isEnding(entry.current.state));
}

export function mayExpire(entry: Entry): boolean {
  return !entry.isPending && entry.current !== null && isIdle(entry.current.state);
}

/** A new producer id, or null: then `who` is tried again when one has arrived. */
export function takeProducerId(turn: Turn, who: Request | Fencing): number | null {
  const { shard } = turn;
  const producerId = shard.producerIds.shift();
  if (producerId !== undefined) return producerId;
  turn.producerIdsWanted++;
  shard.wantProducerId.push(who);
  return null;
}
