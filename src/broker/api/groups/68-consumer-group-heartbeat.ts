/**
 * ConsumerGroupHeartbeat (68), v0–v1. The rules are in `group/consumer/heartbeat.ts`.
 * Versions:  v1 regular expressions; clients choose their member id.
 * Behaviour: UNSUPPORTED_VERSION while `group.version` of the cluster is 0, or if `group.coordinator.rebalance.protocols` does
 *            not contain `consumer`.
 */
import { Errors, KafkaError } from '../../../protocol/errors.ts';
import {
  ConsumerGroupHeartbeatRequest,
  ConsumerGroupHeartbeatResponse,
} from '../../../protocol/messages/groups/68-consumer-group-heartbeat.ts';
import type { GroupService } from '../../groups/group-service.ts';
import { defineHandler, type Handler } from '../../handler.ts';
import { callerOf } from './group-caller.ts';

export function createConsumerGroupHeartbeatHandler(groups: GroupService): Handler {
  return defineHandler(ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse, {
    versions: '0-1',
    listeners: ['broker'],
    handle(request, context) {
      if (!groups.offersConsumerProtocol(context.image)) throw new KafkaError(Errors.UNSUPPORTED_VERSION);
      return groups.consumerHeartbeat(callerOf(context), request);
    },
    // As in Kafka, the response does not repeat the general text of the error.
    failed: (_request, { code, message }, _context, errorMessage) => ({
      errorCode: code,
      errorMessage: errorMessage === message ? null : errorMessage,
      memberEpoch: 0,
      heartbeatIntervalMs: 0,
    }),
  });
}
