/**
 * InitProducerId (22) with a transactional id: a producer starts. It gets the producer id of its transactional id, and a higher
 * epoch than before, which fences every older producer with that transactional id. If a transaction is open, the coordinator
 * aborts it first and responds CONCURRENT_TRANSACTIONS; the producer retries.
 *
 * A producer that already has a producer id and epoch sends them after an error. It gets the next epoch (a retry gets the same
 * epoch again), unless a newer producer has taken over (KIP-360). It keeps the producer id until the epochs are exhausted.
 */
import { mark } from '../base/mark.ts';
import { type ErrorRow, Errors } from '../protocol/errors.ts';
import { abortAndFence } from './time-outs.ts';
import {
  type Initialisation,
  endlessTimeoutMs,
  isExhausted,
  newTransaction,
  noEpoch,
  type Transaction,
  withNewProducerId,
  withNextEpoch,
  withSameEpoch,
} from './transaction.ts';
import {
  change,
  createEntry,
  type Entry,
  isInTransition,
  refused,
  reply,
  type Request,
  takeProducerId,
  type Turn,
} from './txn-turn.ts';
import type { InitProducerIdRequest, TxnConfig } from './types.ts';
import { wait } from './waiting.ts';

export type InitInput = Extract<Request, { type: 'initProducerId' }>;

/** Checks the request without the state of the transactional id. Returns the error, or null when the request is valid. */
export function checkInit(config: TxnConfig, request: InitProducerIdRequest): ErrorRow | null {
  const { transactionalId, transactionTimeoutMs, producerId, producerEpoch, enable2Pc } = request;
  if (transactionalId === '' || (producerId === -1) !== (producerEpoch === noEpoch))
    return Errors.INVALID_REQUEST;
  if (enable2Pc) return config.twoPhaseCommitEnable ? null : Errors.TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
  const isAllowed = transactionTimeoutMs > 0 && transactionTimeoutMs <= config.maxTimeoutMs;
  return isAllowed ? null : Errors.INVALID_TRANSACTION_TIMEOUT;
}

export function initProducerId(turn: Turn, input: InitInput): void {
  const { request, token } = input;
  const invalid = checkInit(turn.shard.config, request);
  if (invalid !== null) return reply(turn, token, refused(invalid));
  const entry = turn.shard.entries.get(request.transactionalId);
  if (entry === undefined) return begin(turn, input);
  if (isInTransition(entry)) return wait(turn, entry, input);
  // `current` is null only while the first record of the id is in flight, and then the request waits.
  const current = entry.current as Transaction;
  if (!isSameProducer(current, request)) return reply(turn, token, refused(Errors.PRODUCER_FENCED));
  if (current.state === 'Ongoing') return abortFirst(turn, entry, input);
  renew(turn, entry, current, input);
}

function timeoutOf({ enable2Pc, transactionTimeoutMs }: InitProducerIdRequest): number {
  return enable2Pc ? endlessTimeoutMs : transactionTimeoutMs;
}

function begin(turn: Turn, input: InitInput): void {
  const producerId = takeProducerId(turn, input);
  if (producerId === null) return;
  const { transactionalId } = input.request;
  const entry = createEntry(transactionalId, null);
  turn.shard.entries.set(transactionalId, entry);
  answerWith(turn, entry, newTransaction(producerId, timeoutOf(input.request), turn.wallMs), input.token);
}

/**
 * A request without a producer id may always take over. A request with one must have the current producer id. The previous
 * producer id is accepted too if its epochs were exhausted: the producer may not have got the response with the new id.
 */
function isSameProducer(current: Transaction, { producerId, producerEpoch }: InitProducerIdRequest): boolean {
  if (producerId === -1 || producerId === current.producerId) return true;
  return producerId === current.previousProducerId && isExhausted(producerEpoch);
}

function abortFirst(turn: Turn, entry: Entry, input: InitInput): void {
  mark('txn.init-aborts-open-transaction');
  abortAndFence(turn, entry, input, (later, error) => {
    reply(later, input.token, refused(error ?? Errors.CONCURRENT_TRANSACTIONS));
  });
}

function renew(turn: Turn, entry: Entry, current: Transaction, input: InitInput): void {
  const { request, token } = input;
  const hasOwn = request.producerId !== -1;
  const init: Initialisation = {
    timeoutMs: timeoutOf(request),
    nowMs: turn.wallMs,
    lastProducerEpoch: hasOwn ? current.producerEpoch : noEpoch,
  };
  if (hasOwn && request.producerEpoch !== current.producerEpoch) {
    if (request.producerEpoch !== current.lastProducerEpoch)
      return reply(turn, token, refused(Errors.PRODUCER_FENCED));
    mark('txn.init-retried');
    const same = { ...init, lastProducerEpoch: current.lastProducerEpoch };
    return answerWith(turn, entry, withSameEpoch(current, same), token);
  }
  if (!isExhausted(current.producerEpoch))
    return answerWith(turn, entry, withNextEpoch(current, init), token);
  const producerId = takeProducerId(turn, input);
  if (producerId === null) return;
  mark('txn.init-new-producer-id');
  answerWith(turn, entry, withNewProducerId(current, init, producerId), token);
}

function answerWith(turn: Turn, entry: Entry, next: Transaction, token: number): void {
  change(turn, entry, next, (later, error) => {
    const { producerId, producerEpoch } = next;
    reply(later, token, error === null ? { errorCode: 0, producerId, producerEpoch } : refused(error));
  });
}
