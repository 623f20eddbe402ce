/** The responses to DescribeTransactions (65) and ListTransactions (66) from a shard's committed state. Changes nothing. */
import { Errors } from '../protocol/errors.ts';
import { listOf } from './partitions.ts';
import type { Transaction } from './transaction.ts';
import type { Shard } from './txn-turn.ts';

export interface DescribedTransaction {
  readonly errorCode: number;
  readonly transactionalId: string;
  readonly transactionState: string;
  readonly transactionTimeoutMs: number;
  readonly transactionStartTimeMs: number;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly topics: readonly { readonly topic: string; readonly partitions: readonly number[] }[];
}

export function undescribed(transactionalId: string, errorCode: number): DescribedTransaction {
  return {
    errorCode,
    transactionalId,
    transactionState: '',
    transactionTimeoutMs: 0,
    transactionStartTimeMs: 0,
    producerId: 0,
    producerEpoch: 0,
    topics: [],
  };
}

/** While the transaction is ending, the response lists only the partitions that have no marker yet. */
export function describeTransaction(shard: Shard, transactionalId: string): DescribedTransaction {
  if (transactionalId === '') return undescribed(transactionalId, Errors.INVALID_REQUEST.code);
  const entry = shard.entries.get(transactionalId);
  if (entry === undefined || entry.current === null)
    return undescribed(transactionalId, Errors.TRANSACTIONAL_ID_NOT_FOUND.code);
  const { current, round } = entry;
  return {
    errorCode: Errors.NONE.code,
    transactionalId,
    transactionState: current.state,
    transactionTimeoutMs: current.timeoutMs,
    transactionStartTimeMs: current.startMs,
    producerId: current.producerId,
    producerEpoch: current.producerEpoch,
    topics: listOf(round === null ? current.partitions : round.missing),
  };
}

/** The conditions of ListTransactions; a transaction is listed when it meets all of them. */
export interface ListFilter {
  /** Empty: all states. */
  readonly states: ReadonlySet<string>;
  /** Empty: all producer ids. */
  readonly producerIds: ReadonlySet<number>;
  /** Only ids whose last transaction began longer ago than this, even if it has ended, as in Kafka; negative: all. */
  readonly durationMs: number;
  /** Tests the whole id; null: all ids. */
  readonly matches: ((transactionalId: string) => boolean) | null;
}

export interface ListedTransaction {
  readonly transactionalId: string;
  readonly producerId: number;
  readonly transactionState: string;
}

export function listTransactions(shard: Shard, filter: ListFilter, wallMs: number): ListedTransaction[] {
  const listed: ListedTransaction[] = [];
  for (const { transactionalId, current } of shard.entries.values()) {
    if (current === null || !isWanted(transactionalId, current, filter, wallMs)) continue;
    listed.push({
      transactionalId,
      producerId: current.producerId,
      transactionState: current.state,
    });
  }
  return listed;
}

function isWanted(id: string, current: Transaction, filter: ListFilter, wallMs: number): boolean {
  const { states, producerIds, durationMs, matches } = filter;
  if (producerIds.size > 0 && !producerIds.has(current.producerId)) return false;
  if (states.size > 0 && !states.has(current.state)) return false;
  if (durationMs >= 0 && wallMs - current.startMs <= durationMs) return false;
  return matches === null || matches(id);
}
