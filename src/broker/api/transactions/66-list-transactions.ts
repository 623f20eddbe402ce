/**
 * ListTransactions (66), v0–v2. The transactional ids that this broker coordinates. Several filters are combined by "and".
 * Versions:  v1 transactions open for longer than a duration (KIP-994) · v2 ids that match a pattern (KIP-1152).
 */
import {
  ListTransactionsRequest,
  ListTransactionsResponse,
} from '../../../protocol/messages/transactions/66-list-transactions.ts';
import { stateNames } from '../../../txn/transaction.ts';
import { defineHandler, type Handler } from '../../handler.ts';
import { fullMatcher } from '../../regex.ts';
import type { TxnService } from '../../txn/txn-service.ts';

const knownStates: ReadonlySet<string> = new Set(stateNames);

export function createListTransactionsHandler(txn: Pick<TxnService, 'list'>): Handler {
  return defineHandler(ListTransactionsRequest, ListTransactionsResponse, {
    versions: '0-2',
    listeners: ['broker'],
    handle(request) {
      const { stateFilters, producerIdFilters, durationFilter, transactionalIdPattern: pattern } = request;
      const transactionStates = txn.list({
        // A filter with only unknown states matches nothing.
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
