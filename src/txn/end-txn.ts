/**
 * EndTxn (26): the producer decides to commit or abort its transaction. The decision is final when its record is committed;
 * then the coordinator sends the response and has the markers written.
 *
 * A producer that got no response repeats its request. The coordinator must not take such a retry for the end of the next
 * transaction. With transaction versions 0 and 1 (`clientVersion`) only the state tells them apart. With transaction version 2
 * the epoch does, because each end increments it (KIP-890).
 */
import { mark } from '../base/mark.ts';
import { type ErrorRow, Errors } from '../protocol/errors.ts';
import {
  completed,
  isEnding,
  isExhausted,
  isIdle,
  noProducerId,
  prepared,
  type Transaction,
} from './transaction.ts';
import { change, note, refused, reply, type Request, takeProducerId, type Turn } from './txn-turn.ts';
import type { EndTxnRequest, ProducerAnswer } from './types.ts';

type EndInput = Extract<Request, { type: 'endTxn' }>;

export function endTxn(turn: Turn, input: EndInput): void {
  const { request, token } = input;
  const answer = (error: ErrorRow): void => reply(turn, token, refused(error));
  if (request.transactionalId === '') return answer(Errors.INVALID_REQUEST);
  const entry = turn.shard.entries.get(request.transactionalId);
  if (entry === undefined) return answer(Errors.INVALID_PRODUCER_ID_MAPPING);
  const { current } = entry;
  if (entry.isPending || current === null) return answer(Errors.CONCURRENT_TRANSACTIONS);
  const judge = request.clientVersion >= 2 ? judgeVersion2 : judgeVersion1;
  const verdict = judge(current, request);
  if (verdict === 'done') return reply(turn, token, producerAnswer(current, request));
  if (verdict !== 'end') {
    if (verdict === Errors.INVALID_TXN_STATE) noteInvalid(turn, current, request);
    return answer(verdict);
  }
  const isUsedUp = request.clientVersion >= 2 && isExhausted(current.producerEpoch);
  const nextProducerId = isUsedUp ? takeProducerId(turn, input) : noProducerId;
  if (nextProducerId === null) return;
  const { committed: commit, clientVersion } = request;
  const next = prepared(current, { commit, clientVersion, nextProducerId, nowMs: turn.wallMs });
  change(turn, entry, next, (later, error) => {
    const response = error === null ? producerAnswer(completed(next, later.wallMs), request) : refused(error);
    reply(later, token, response);
  });
}

/** The producer id and epoch of the next transaction, for clients whose EndTxn increments the epoch. */
function producerAnswer(transaction: Transaction, request: EndTxnRequest): ProducerAnswer {
  if (request.clientVersion < 2) return { errorCode: 0, producerId: -1, producerEpoch: -1 };
  const { producerId, producerEpoch } = transaction;
  return { errorCode: 0, producerId, producerEpoch };
}

/**
 * `end`: write the decision; `done`: this is a retry, and the end that it requests is complete; otherwise the error to respond
 * with.
 */
type Verdict = 'end' | 'done' | ErrorRow;

/** The rules of transaction versions 0 and 1. */
function judgeVersion1(current: Transaction, request: EndTxnRequest): Verdict {
  if (current.producerId !== request.producerId) return Errors.INVALID_PRODUCER_ID_MAPPING;
  if (current.producerEpoch !== request.producerEpoch) return Errors.PRODUCER_FENCED;
  if (current.state === 'Ongoing') return 'end';
  if (current.state === 'Empty' || !isSameResult(current, request)) return Errors.INVALID_TXN_STATE;
  return isEnding(current.state) ? Errors.CONCURRENT_TRANSACTIONS : 'done';
}

/**
 * The rules of transaction version 2, in which each end increments the epoch. A transaction without partitions can be aborted,
 * which increments the epoch too, but not committed.
 */
function judgeVersion2(current: Transaction, request: EndTxnRequest): Verdict {
  // The last end used up the epochs, so the producer id changed; the request still has the old id.
  const isAfterRotation =
    current.previousProducerId === request.producerId &&
    isExhausted(request.producerEpoch) &&
    current.producerEpoch === 0;
  if (current.producerId !== request.producerId && !isAfterRotation)
    return Errors.INVALID_PRODUCER_ID_MAPPING;
  // The request has the epoch before the present one. If a transaction has ended in between, its producer did not get the
  // response, or the coordinator aborted the transaction itself.
  const isRetry = isAfterRotation || current.producerEpoch === request.producerEpoch + 1;
  const isPresent = current.producerEpoch === request.producerEpoch && !isAfterRotation;
  if (isEnding(current.state)) {
    if (!isRetry) return Errors.PRODUCER_FENCED;
    return isSameResult(current, request) ? Errors.CONCURRENT_TRANSACTIONS : Errors.INVALID_TXN_STATE;
  }
  if (isRetry && isIdle(current.state) && current.state !== 'Empty') {
    mark('txn.end-retried');
    return isSameResult(current, request) ? 'done' : Errors.INVALID_TXN_STATE;
  }
  if (!isPresent) return Errors.PRODUCER_FENCED;
  return current.state === 'Ongoing' || !request.committed ? 'end' : Errors.INVALID_TXN_STATE;
}

function isSameResult({ state }: Transaction, { committed }: EndTxnRequest): boolean {
  return committed === (state === 'PrepareCommit' || state === 'CompleteCommit');
}

function noteInvalid(turn: Turn, { state }: Transaction, request: EndTxnRequest): void {
  const { transactionalId, committed } = request;
  note(turn, 'warn', 'EndTxn was refused: the state of the transaction does not allow it', {
    transactionalId,
    state,
    committed,
  });
}
