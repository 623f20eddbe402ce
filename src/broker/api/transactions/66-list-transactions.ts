/**
 * ListTransactions (66), v0–v2. The transactional ids that this broker coordinates. An id is listed if all filters of the
 * request match it.
 * Versions: v1 filter by the duration of the transaction (KIP-994) · v2 filter by a pattern for the id (KIP-1152).
 */
import {
  ListTransactionsRequest,
  ListTransactionsResponse,
} from '../../../protocol/messages/transactions/66-list-transactions.ts';
import { stateNames } from '../../../txn/transaction.ts';
import { defineHandler, type Handler } from '../../handler.ts';
import { fullMatcher } from '../../regex-matcher.ts';
import type { TxnService } from '../../txn/txn-service.ts';

const knownStates: ReadonlySet<string> = new Set(stateNames);

export function createListTransactionsHandler(txn: Pick<TxnService, 'list'>): Handler {
  return defineHandler(ListTransactionsRequest, ListTransactionsResponse, {
    versions: '0-2',
    listeners: ['broker'],
    handle(request) {
      const { stateFilters, producerIdFilters, durationFilter, transactionalIdPattern: pattern } = request;
      const transactionStates = txn.list({
        // If the client filters by unknown states only, no transaction matches.
        states: new Set(stateFilters),
        producerIds: new Set(producerIdFilters),
        durationMs: durationFilter,
        matches: pattern === null || pattern === '' ? null : fullMatcher(pattern),
      });
      const unknownStateFilters = [...new Set(stateFilters)].filter((state) => !knownStates.has(state));
      return { errorCode: 0, unknownStateFilters, transactionStates };
    },
    failed: (_request, error) => ({
      errorCode: error.code,
      unknownStateFilters: [],
      transactionStates: [],
    }),
  });
}
