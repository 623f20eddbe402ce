/**
 * InitProducerId (22), v0–v5. Without a transactional id every broker assigns a producer id itself. With one, the coordinator
 * of the transactional id does (`txn/init-producer-id.ts`).
 * Versions:  v3 a producer may send its id and epoch to get the next epoch (KIP-360) · v4 PRODUCER_FENCED.
 * Not done:  v6, two-phase commit (KIP-939), which is unstable in Kafka 4.3.
 */
import { Errors, errorOf, KafkaError } from '../../../protocol/errors.ts';
import {
  InitProducerIdRequest,
  InitProducerIdResponse,
} from '../../../protocol/messages/transactions/22-init-producer-id.ts';
import { defineHandler, type Handler } from '../../handler.ts';
import type { ProducerIds } from '../../producer-ids.ts';
import type { TxnService } from '../../txn/txn-service.ts';
import { errorCode } from '../errors.ts';

export function createInitProducerIdHandler(
  producerIds: Pick<ProducerIds, 'next'>,
  txn: Pick<TxnService, 'initProducerId'>,
): Handler {
  return defineHandler(InitProducerIdRequest, InitProducerIdResponse, {
    versions: '0-5',
    listeners: ['broker'],
    async handle(request, { apiKey, apiVersion }) {
      const { transactionalId, producerId, producerEpoch } = request;
      if ((producerId === -1) !== (producerEpoch === -1)) throw new KafkaError(Errors.INVALID_REQUEST);
      if (transactionalId === null)
        return { errorCode: 0, producerId: await producerIds.next(), producerEpoch: 0 };
      const answer = await txn.initProducerId({ ...request, transactionalId });
      return { ...answer, errorCode: errorCode(apiKey, apiVersion, errorOf(answer.errorCode)) };
    },
    failed: (_request, error) => ({ errorCode: error.code, producerId: -1, producerEpoch: -1 }),
  });
}
