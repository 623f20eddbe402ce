/** The handlers of the transaction coordinator, as one list that the server passes to `createHandlerTable`. */
import type { Handler } from '../../handler.ts';
import type { ProducerIds } from '../../producer-ids.ts';
import type { TxnService } from '../../txn/txn-service.ts';
import { createInitProducerIdHandler } from './22-init-producer-id.ts';
import { createAddPartitionsToTxnHandler } from './24-add-partitions-to-txn.ts';
import { createAddOffsetsToTxnHandler } from './25-add-offsets-to-txn.ts';
import { createEndTxnHandler } from './26-end-txn.ts';
import { createDescribeTransactionsHandler } from './65-describe-transactions.ts';
import { createListTransactionsHandler } from './66-list-transactions.ts';

export function createTxnHandlers(txn: TxnService, producerIds: Pick<ProducerIds, 'next'>): Handler[] {
  return [
    createInitProducerIdHandler(producerIds, txn),
    createAddPartitionsToTxnHandler(txn),
    createAddOffsetsToTxnHandler(txn),
    createEndTxnHandler(txn),
    createDescribeTransactionsHandler(txn),
    createListTransactionsHandler(txn),
  ];
}
