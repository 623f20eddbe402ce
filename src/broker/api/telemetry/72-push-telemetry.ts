/**
 * PushTelemetry (72), v0. A client instance pushes metrics (KIP-714); `client-metrics.ts` validates and counts them.
 *
 * Not done: passing the metrics on. They are dropped, because nothing receives them.
 */
import {
  PushTelemetryRequest,
  PushTelemetryResponse,
} from '../../../protocol/messages/telemetry/72-push-telemetry.ts';
import { defineHandler, type Handler } from '../../handler.ts';
import type { BrokerServices } from '../../services.ts';
import type { ClientSoftware } from '../cluster/18-api-versions.ts';
import { clientAttributes } from './71-get-telemetry-subscriptions.ts';

export function createPushTelemetryHandler(
  { clientMetrics, clock, config }: BrokerServices,
  software: ClientSoftware,
): Handler {
  return defineHandler(PushTelemetryRequest, PushTelemetryResponse, {
    versions: '0',
    listeners: ['broker'],
    handle(request, context) {
      const { clientInstanceId, subscriptionId, terminating, compressionType, metrics } = request;
      clientMetrics.push(
        { clientInstanceId, subscriptionId, terminating, compressionType, sizeBytes: metrics.length },
        clientAttributes(clientInstanceId, context, software),
        context.image.configs,
        clock.monotonicMs(),
        config.get('telemetry.max.bytes'),
      );
      return { errorCode: 0 };
    },
  });
}
