/**
 * AddPartitionsToTxn (24) and AddOffsetsToTxn (25): partitions are added to a transaction before its records are written to
 * them. So the coordinator knows of every partition that will need a marker. The producer adds them; with transaction version 2
 * the partition's leader does.
 *
 * `verifyPartitions` tells a partition's leader whether the partition belongs to the transaction (KIP-890). It changes nothing.
 */
import { type ErrorRow, Errors } from '../protocol/errors.ts';
import { containsAll, hasPartition } from './partitions.ts';
import { isEnding, type Transaction, withPartitions } from './transaction.ts';
import { change, isInTransition, reply, type Request, type Shard, type Turn } from './txn-turn.ts';
import type { ProducerRequest } from './types.ts';
import { wait } from './waiting.ts';

export function addPartitions(turn: Turn, input: Extract<Request, { type: 'addPartitions' }>): void {
  const { request, token } = input;
  const answer = (error: ErrorRow): void => reply(turn, token, { errorCode: error.code });
  if (request.transactionalId === '') return answer(Errors.INVALID_REQUEST);
  const entry = turn.shard.entries.get(request.transactionalId);
  if (entry === undefined) return answer(Errors.INVALID_PRODUCER_ID_MAPPING);
  if (isInTransition(entry)) return wait(turn, entry, input);
  // `current` is null only while the first record of the id is in flight, and then the request waits.
  const current = entry.current as Transaction;
  const invalid = checkProducer(current, request);
  if (invalid !== null) return answer(invalid);
  if (current.state === 'Ongoing' && containsAll(current.partitions, request.partitions))
    return answer(Errors.NONE);
  const next = withPartitions(current, request.partitions, request.clientVersion, turn.wallMs);
  change(turn, entry, next, (later, error) =>
    reply(later, token, { errorCode: (error ?? Errors.NONE).code }),
  );
}

/** Returns the error if the request has another producer id or epoch than the transaction; otherwise null. */
export function checkProducer(current: Transaction, request: ProducerRequest): ErrorRow | null {
  if (current.producerId !== request.producerId) return Errors.INVALID_PRODUCER_ID_MAPPING;
  return current.producerEpoch === request.producerEpoch ? null : Errors.PRODUCER_FENCED;
}

/**
 * Checks whether each partition belongs to the producer's open transaction. Only committed state counts: a record in flight may
 * be lost. A partition that does not belong to the transaction gets TRANSACTION_ABORTABLE: the producer has to abort this
 * transaction, but can go on with the next one.
 */
export function verifyPartitions(
  shard: Shard,
  request: ProducerRequest,
): (topic: string, partition: number) => ErrorRow {
  const found = verified(shard, request);
  if ('error' in found) return () => found.error;
  const { partitions } = found.current;
  return (topic, partition) =>
    hasPartition(partitions, topic, partition) ? Errors.NONE : Errors.TRANSACTION_ABORTABLE;
}

function verified(shard: Shard, request: ProducerRequest): { error: ErrorRow } | { current: Transaction } {
  if (request.transactionalId === '') return { error: Errors.INVALID_REQUEST };
  const current = shard.entries.get(request.transactionalId)?.current ?? null;
  if (current === null) return { error: Errors.INVALID_PRODUCER_ID_MAPPING };
  const invalid = checkProducer(current, request);
  if (invalid !== null) return { error: invalid };
  return isEnding(current.state) ? { error: Errors.CONCURRENT_TRANSACTIONS } : { current };
}
