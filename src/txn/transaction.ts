/**
 * The state of a transactional id and its transitions. Each function takes the current state and returns the next one, which
 * takes effect when its record is committed. Terms and rules are Kafka's (KIP-98, KIP-360, KIP-890). "add" is the addition of
 * partitions:
 *
 *     Empty ──add──► Ongoing ──EndTxn──► PrepareCommit | PrepareAbort ──all markers──► CompleteCommit | CompleteAbort
 *       ▲                                                                                │            │
 *       └───────────────────────── InitProducerId ───────────────────────────────────────┴─── add ────┴──► Ongoing
 *
 * With transaction version 2 each end increments the epoch, and a transaction without partitions can be aborted.
 */
import { assert } from '../base/assert.ts';
import { noPartitions, type Partitions, union } from './partitions.ts';

/**
 * A record stores the state as an index into this list. Dead (an expired id) and PrepareEpochFence are in Kafka's list but
 * never written.
 */
export const stateNames = [
  'Empty',
  'Ongoing',
  'PrepareCommit',
  'PrepareAbort',
  'CompleteCommit',
  'CompleteAbort',
  'Dead',
  'PrepareEpochFence',
] as const;

export type TransactionState = (typeof stateNames)[number];

/**
 * `transaction.version` (KIP-890), of the cluster or of the client that sent a request. With 0 and 1 the client adds the
 * partitions itself. With 2 each end increments the epoch.
 */
export type TransactionVersion = 0 | 1 | 2;

export const noProducerId = -1;
export const noEpoch = -1;
const epochMax = 0x7fff;
/** A transaction without a time-out: one that an external coordinator ends (two-phase commit, KIP-939). */
export const endlessTimeoutMs = 0x7fff_ffff;

export interface Transaction {
  readonly producerId: number;
  /**
   * The producer id in the state before this one. A producer that did not get the response with a new producer id still sends
   * the previous one.
   */
  readonly previousProducerId: number;
  /**
   * The producer id that replaces `producerId` when the transaction is complete, because the epochs are exhausted; -1: no
   * change.
   */
  readonly nextProducerId: number;
  readonly producerEpoch: number;
  /**
   * The producer's previous epoch, to recognise a retry of InitProducerId. -1 when another producer has taken over, and after a
   * failover, because it is not in records.
   */
  readonly lastProducerEpoch: number;
  readonly timeoutMs: number;
  readonly state: TransactionState;
  readonly partitions: Partitions;
  /** Wall-clock time at which the last transaction began; -1: none has begun since InitProducerId. */
  readonly startMs: number;
  readonly lastUpdateMs: number;
  /**
   * The version under which partitions were last added or the transaction was ended: the client's. When the coordinator itself
   * aborts, it is the cluster's.
   */
  readonly clientVersion: TransactionVersion;
}

const previousStates: Readonly<Record<TransactionState, readonly TransactionState[]>> = {
  Empty: ['Empty', 'CompleteCommit', 'CompleteAbort'],
  Ongoing: ['Ongoing', 'Empty', 'CompleteCommit', 'CompleteAbort'],
  PrepareCommit: ['Ongoing'],
  PrepareAbort: ['Ongoing', 'Empty', 'CompleteCommit', 'CompleteAbort'],
  CompleteCommit: ['PrepareCommit'],
  CompleteAbort: ['PrepareAbort'],
  Dead: ['Empty', 'CompleteCommit', 'CompleteAbort'],
  PrepareEpochFence: [],
};

/** Whether no transaction is open: then the id may begin one, get a new epoch, or expire. */
export function isIdle(state: TransactionState): boolean {
  return state === 'Empty' || state === 'CompleteCommit' || state === 'CompleteAbort';
}

/** Whether the end is decided but not all markers are written. */
export function isEnding(state: TransactionState): boolean {
  return state === 'PrepareCommit' || state === 'PrepareAbort';
}

/**
 * Whether a client may not get a higher epoch. The highest epoch is reserved for the coordinator, which must always be able to
 * fence.
 */
export function isExhausted(epoch: number): boolean {
  return epoch >= epochMax - 1;
}

function next(from: Transaction, change: Partial<Transaction> & Pick<Transaction, 'state'>): Transaction {
  assert(previousStates[change.state].includes(from.state), `${from.state} does not lead to ${change.state}`);
  const to = { ...from, previousProducerId: from.producerId, ...change };
  assert(to.producerId >= 0 && to.producerEpoch >= 0, 'a state needs a producer id and an epoch');
  return to;
}

/** A transactional id that was never used. */
export function newTransaction(producerId: number, timeoutMs: number, nowMs: number): Transaction {
  return {
    producerId,
    previousProducerId: producerId,
    nextProducerId: noProducerId,
    producerEpoch: 0,
    lastProducerEpoch: noEpoch,
    timeoutMs,
    state: 'Empty',
    partitions: noPartitions,
    startMs: -1,
    lastUpdateMs: nowMs,
    clientVersion: 0,
  };
}

export interface Initialisation {
  readonly timeoutMs: number;
  readonly nowMs: number;
  /** The epoch of the producer before this request; -1 when another producer takes over, so that the old one is fenced. */
  readonly lastProducerEpoch: number;
}

function initialised(from: Transaction, init: Initialisation, change: Partial<Transaction>): Transaction {
  return next(from, {
    state: 'Empty',
    partitions: noPartitions,
    startMs: -1,
    timeoutMs: init.timeoutMs,
    lastUpdateMs: init.nowMs,
    lastProducerEpoch: init.lastProducerEpoch,
    ...change,
  });
}

export function withNextEpoch(from: Transaction, init: Initialisation): Transaction {
  assert(!isExhausted(from.producerEpoch), 'the epochs of the producer id are used up');
  return initialised(from, init, { producerEpoch: from.producerEpoch + 1 });
}

/** For a retried request whose first response was lost: the epoch was already incremented, so it stays. */
export function withSameEpoch(from: Transaction, init: Initialisation): Transaction {
  return initialised(from, init, {});
}

export function withNewProducerId(from: Transaction, init: Initialisation, producerId: number): Transaction {
  return initialised(from, init, { producerId, producerEpoch: 0 });
}

export function withPartitions(
  from: Transaction,
  added: Partitions,
  clientVersion: TransactionVersion,
  nowMs: number,
): Transaction {
  return next(from, {
    state: 'Ongoing',
    partitions: union(from.partitions, added),
    startMs: from.state === 'Ongoing' ? from.startMs : nowMs,
    lastUpdateMs: nowMs,
    clientVersion,
  });
}

export interface TransactionEnding {
  readonly commit: boolean;
  readonly clientVersion: TransactionVersion;
  /** The new producer id to continue with when the epochs are exhausted; otherwise -1. */
  readonly nextProducerId: number;
  readonly nowMs: number;
}

/**
 * The decision to commit or abort. With transaction version 2 it increments the epoch, so that leaders refuse records of this
 * transaction that arrive late.
 */
export function prepared(from: Transaction, end: TransactionEnding): Transaction {
  const bumps = end.clientVersion >= 2;
  return next(from, {
    state: end.commit ? 'PrepareCommit' : 'PrepareAbort',
    producerEpoch: bumps ? Math.min(epochMax, from.producerEpoch + 1) : from.producerEpoch,
    lastProducerEpoch: bumps ? from.producerEpoch : from.lastProducerEpoch,
    nextProducerId: end.nextProducerId,
    startMs: from.state === 'Ongoing' ? from.startMs : end.nowMs,
    lastUpdateMs: end.nowMs,
    clientVersion: end.clientVersion,
  });
}

/**
 * The decision of the coordinator itself to abort. It increments the epoch in every version, so that the producer is fenced.
 */
export function fenced(from: Transaction, end: Omit<TransactionEnding, 'commit'>): Transaction {
  const decided = prepared(from, { ...end, commit: false });
  if (end.clientVersion >= 2) return decided;
  return {
    ...decided,
    producerEpoch: Math.min(epochMax, from.producerEpoch + 1),
    lastProducerEpoch: noEpoch,
  };
}

/** The state after all markers are written. */
export function completed(from: Transaction, nowMs: number): Transaction {
  const rotates = from.clientVersion >= 2 && from.nextProducerId !== noProducerId;
  return next(from, {
    state: from.state === 'PrepareCommit' ? 'CompleteCommit' : 'CompleteAbort',
    producerId: rotates ? from.nextProducerId : from.producerId,
    producerEpoch: rotates ? 0 : from.producerEpoch,
    nextProducerId: noProducerId,
    partitions: noPartitions,
    lastUpdateMs: nowMs,
  });
}
