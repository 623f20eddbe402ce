/**
 * DescribeTransactions (65), v0. The state of each requested transactional id, or an error. For a transaction that is ending,
 * only the partitions without a marker are listed.
 */
import { errorRowOf } from '../../../protocol/errors.ts';
import {
  DescribeTransactionsRequest,
  DescribeTransactionsResponse,
} from '../../../protocol/messages/transactions/65-describe-transactions.ts';
import { undescribed } from '../../../txn/describe.ts';
import { defineHandler, type Handler } from '../../handler.ts';
import type { TxnService } from '../../txn/txn-service.ts';

export function createDescribeTransactionsHandler(txn: Pick<TxnService, 'describe'>): Handler {
  return defineHandler(DescribeTransactionsRequest, DescribeTransactionsResponse, {
    versions: '0',
    listeners: ['broker'],
    handle: (request) => ({
      transactionStates: request.transactionalIds.map((transactionalId) => {
        try {
          return txn.describe(transactionalId);
        } catch (error) {
          return undescribed(transactionalId, errorRowOf(error).code);
        }
      }),
    }),
    failed: (request, { code }) => ({
      transactionStates: request.transactionalIds.map((transactionalId) =>
        undescribed(transactionalId, code),
      ),
    }),
  });
}
