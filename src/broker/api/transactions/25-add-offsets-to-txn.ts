/**
 * AddOffsetsToTxn (25), v0–v4. Adds to a transaction the partition of `__consumer_offsets` that stores the offsets of a group.
 * Versions: v2 PRODUCER_FENCED · v4 TRANSACTION_ABORTABLE.
 */
import { errorOf } from '../../../protocol/errors.ts';
import {
  AddOffsetsToTxnRequest,
  AddOffsetsToTxnResponse,
} from '../../../protocol/messages/transactions/25-add-offsets-to-txn.ts';
import { defineHandler, type Handler } from '../../handler.ts';
import type { TxnService } from '../../txn/txn-service.ts';
import { errorCode } from '../errors.ts';

export function createAddOffsetsToTxnHandler(txn: Pick<TxnService, 'addOffsets'>): Handler {
  return defineHandler(AddOffsetsToTxnRequest, AddOffsetsToTxnResponse, {
    versions: '0-4',
    listeners: ['broker'],
    async handle(request, { apiKey, apiVersion, image }) {
      const added = await txn.addOffsets(request, request.groupId, image);
      return { errorCode: errorCode(apiKey, apiVersion, errorOf(added.errorCode)) };
    },
  });
}
