/**
 * EndTxn (26), v0–v5. Commits or aborts a transaction. The response is sent when the decision is committed; the markers are
 * written after that.
 * Versions: v2 PRODUCER_FENCED · v4 TRANSACTION_ABORTABLE · v5 the response has the producer id and epoch for the next
 * transaction (KIP-890).
 */
import { errorOf } from '../../../protocol/errors.ts';
import { EndTxnRequest, EndTxnResponse } from '../../../protocol/messages/transactions/26-end-txn.ts';
import { defineHandler, type Handler } from '../../handler.ts';
import type { TxnService } from '../../txn/txn-service.ts';
import { errorCode } from '../errors.ts';

const raisesEpochSince = 5;

export function createEndTxnHandler(txn: Pick<TxnService, 'endTxn'>): Handler {
  return defineHandler(EndTxnRequest, EndTxnResponse, {
    versions: '0-5',
    listeners: ['broker'],
    async handle(request, { apiKey, apiVersion }) {
      const answer = await txn.endTxn({
        ...request,
        clientVersion: apiVersion >= raisesEpochSince ? 2 : 0,
      });
      return { ...answer, errorCode: errorCode(apiKey, apiVersion, errorOf(answer.errorCode)) };
    },
  });
}
