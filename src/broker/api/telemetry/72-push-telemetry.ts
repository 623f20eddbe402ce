/**
 * PushTelemetry (72), v0. A client instance pushes metrics (KIP-714); `client-metrics.ts` validates and counts them,
 * `pushed-metrics.ts` keeps the last values for `/metrics`.
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
  { clientMetrics, pushedMetrics, clock, config }: BrokerServices,
  software: ClientSoftware,
): Handler {
  return defineHandler(PushTelemetryRequest, PushTelemetryResponse, {
    versions: '0',
    listeners: ['broker'],
    handle(request, context) {
      const { clientInstanceId, subscriptionId, terminating, compressionType, metrics } = request;
      const client = clientAttributes(clientInstanceId, context, software);
      const subscription = clientMetrics.push(
        { clientInstanceId, subscriptionId, terminating, compressionType, sizeBytes: metrics.length },
        client,
        context.image.configs,
        clock.monotonicMs(),
        config.get('telemetry.max.bytes'),
      );
      if (metrics.length > 0) pushedMetrics.take({ client, compressionType, bytes: metrics }, subscription);
      return { errorCode: 0 };
    },
  });
}
