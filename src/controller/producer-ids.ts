/** AllocateProducerIds: assigns a block of producer ids to a broker. */
import { record } from '../metadata/records.ts';
import type {
  AllocateProducerIdsRequest,
  AllocateProducerIdsResponse,
} from '../protocol/messages/brokers/67-allocate-producer-ids.ts';
import { checkBrokerEpoch } from './broker-heartbeat.ts';
import type { ControllerState, Result } from './state.ts';

const producerIdBlockSize = 1000;

/** Throws STALE_BROKER_EPOCH when the request is from an older incarnation of the broker. */
export function allocateProducerIds(
  state: ControllerState,
  request: AllocateProducerIdsRequest,
): Result<AllocateProducerIdsResponse> {
  checkBrokerEpoch(state, request.brokerId, request.brokerEpoch);
  const producerIdStart = state.image.producerIds.nextId;
  const nextProducerId = producerIdStart + producerIdBlockSize;
  return {
    records: [
      record('ProducerIdsRecord', {
        brokerId: request.brokerId,
        brokerEpoch: request.brokerEpoch,
        nextProducerId,
      }),
    ],
    response: { throttleTimeMs: 0, errorCode: 0, producerIdStart, producerIdLen: producerIdBlockSize },
  };
}
