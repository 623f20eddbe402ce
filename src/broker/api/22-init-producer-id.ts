/**
 * InitProducerId (22), v0–v5. An id for an idempotent producer; any broker gives one.
 * Versions:  v3 a producer may bring its id and epoch to have the epoch raised · v4 PRODUCER_FENCED.
 * Not done:  transactions: a transactional id is answered UNSUPPORTED_VERSION, with which clients stop at once and say so.
 */
import { Errors, KafkaError } from '../../protocol/errors.ts';
import {
  InitProducerIdRequest,
  InitProducerIdResponse,
} from '../../protocol/messages/22-init-producer-id.ts';
import { defineHandler, type Handler } from '../handler.ts';
import type { ProducerIds } from '../producer-ids.ts';

export function createInitProducerIdHandler(producerIds: Pick<ProducerIds, 'next'>): Handler {
  return defineHandler(InitProducerIdRequest, InitProducerIdResponse, {
    versions: '0-5',
    listeners: ['broker'],
    handle(request) {
      if (request.transactionalId === '') throw new KafkaError(Errors.INVALID_REQUEST);
      // Both or none: a producer that brings its id brings its epoch.
      if ((request.producerId === -1) !== (request.producerEpoch === -1))
        throw new KafkaError(Errors.INVALID_REQUEST);
      if (request.transactionalId !== null) throw new KafkaError(Errors.UNSUPPORTED_VERSION);
      return producerIds.next().then((producerId) => ({ errorCode: 0, producerId, producerEpoch: 0 }));
    },
    failed: (_request, error) => ({ errorCode: error.code, producerId: -1, producerEpoch: -1 }),
  });
}
