/**
 * Encodes and decodes the records of `__transaction_state` in Kafka's format, so that Kafka and its tools can read them. Values
 * are written in version 1 when the cluster's `transaction.version` is at least 1, otherwise in version 0, which has neither
 * the previous and next producer ids nor the client's transaction version. Both versions are read.
 */
import { assert } from '../base/assert.ts';
import type { CoordinatorRecord } from '../coordinator/types.ts';
import { decode, DecodeError, encode } from '../protocol/codec/codec.ts';
import { TransactionLogKey, TransactionLogValue } from '../protocol/messages/stored/transaction-records.ts';
import { encodeVersioned, versionedBodyAt, versionOf } from '../protocol/records/versioned.ts';
import { listOf, noPartitions, partitionsOf } from './partitions.ts';
import {
  noEpoch,
  noProducerId,
  stateNames,
  type Transaction,
  type TransactionVersion,
} from './transaction.ts';

const keyType = 0;
const valueVersionMax = 1;

function keyOf(transactionalId: string): Uint8Array {
  return encodeVersioned(keyType, encode(TransactionLogKey, 0, { transactionalId }));
}

export function transactionRecord(
  transactionalId: string,
  transaction: Transaction,
  version: TransactionVersion,
): CoordinatorRecord {
  const isEmpty = transaction.state === 'Empty';
  assert(!isEmpty || transaction.partitions.size === 0, 'an empty transaction has no partitions');
  const valueVersion = version >= 1 ? 1 : 0;
  const value = encode(TransactionLogValue, valueVersion, {
    producerId: transaction.producerId,
    producerEpoch: transaction.producerEpoch,
    transactionTimeoutMs: transaction.timeoutMs,
    transactionStatus: stateNames.indexOf(transaction.state),
    transactionPartitions: isEmpty
      ? null
      : listOf(transaction.partitions).map(({ topic, partitions }) => ({ topic, partitionIds: partitions })),
    transactionLastUpdateTimestampMs: transaction.lastUpdateMs,
    transactionStartTimestampMs: transaction.startMs,
    ...(valueVersion >= 1 && {
      previousProducerId: transaction.previousProducerId,
      nextProducerId: transaction.nextProducerId,
      clientTransactionVersion: transaction.clientVersion,
    }),
  });
  return { key: keyOf(transactionalId), value: encodeVersioned(valueVersion, value) };
}

export function transactionTombstone(transactionalId: string): CoordinatorRecord {
  return { key: keyOf(transactionalId), value: null };
}

export type ReadRecord =
  | { readonly type: 'transaction'; readonly transactionalId: string; readonly value: Transaction | null }
  /** A record type that a later Kafka version has added. */
  | { readonly type: 'unknown'; readonly keyType: number };

/** Throws `DecodeError` when key or value cannot be decoded. */
export function readRecord(record: CoordinatorRecord): ReadRecord {
  const type = versionOf(record.key);
  if (type !== keyType) return { type: 'unknown', keyType: type };
  const { transactionalId } = decode(TransactionLogKey, 0, record.key, versionedBodyAt);
  const { value } = record;
  return { type: 'transaction', transactionalId, value: value === null ? null : readTransaction(value) };
}

function readTransaction(bytes: Uint8Array): Transaction {
  // Versions after 1 may only add tagged fields, which the decoder of version 1 skips.
  const version = Math.min(versionOf(bytes), valueVersionMax);
  const value = decode(TransactionLogValue, version, bytes, versionedBodyAt);
  const state = stateNames[value.transactionStatus];
  if (state === undefined) throw new DecodeError(`unknown transaction status ${value.transactionStatus}`);
  const topics = (value.transactionPartitions ?? []).map(({ topic, partitionIds }) => ({
    topic,
    partitions: partitionIds,
  }));
  return {
    producerId: value.producerId,
    previousProducerId: version >= 1 ? value.previousProducerId : noProducerId,
    nextProducerId: version >= 1 ? value.nextProducerId : noProducerId,
    producerEpoch: value.producerEpoch,
    lastProducerEpoch: noEpoch,
    timeoutMs: value.transactionTimeoutMs,
    state,
    partitions: state === 'Empty' ? noPartitions : partitionsOf(topics),
    startMs: value.transactionStartTimestampMs,
    lastUpdateMs: value.transactionLastUpdateTimestampMs,
    clientVersion: clientVersionOf(value.clientTransactionVersion),
  };
}

/** A `transaction.version` that a later Kafka version has added counts as 2. */
function clientVersionOf(level: number): TransactionVersion {
  return level >= 2 ? 2 : level === 1 ? 1 : 0;
}
