/**
 * GetTelemetrySubscriptions (71), v0. Tells a client instance which metrics to push and how often (KIP-714);
 * `client-metrics.ts` decides it. A client for which there is no subscription gets an empty list and asks again after five
 * minutes. Kafka serves this API and PushTelemetry only with a plug-in that receives metrics.
 */
import { randomUuid, uuidZero } from '../../../base/uuid.ts';
import {
  GetTelemetrySubscriptionsRequest,
  GetTelemetrySubscriptionsResponse,
} from '../../../protocol/messages/telemetry/71-get-telemetry-subscriptions.ts';
import type { ClientAttributes } from '../../client-metrics.ts';
import { defineHandler, type Handler, type RequestContext } from '../../handler.ts';
import type { BrokerServices } from '../../services.ts';
import type { ClientSoftware } from '../cluster/18-api-versions.ts';

/** The codes of zstd, lz4, gzip and snappy, in the order in which clients should prefer them. */
const compressionTypes = [4, 3, 1, 2];
const unknownSoftware = { name: 'unknown', version: 'unknown' };

export function createGetTelemetrySubscriptionsHandler(
  { clientMetrics, clock, config, random }: BrokerServices,
  software: ClientSoftware,
): Handler {
  return defineHandler(GetTelemetrySubscriptionsRequest, GetTelemetrySubscriptionsResponse, {
    versions: '0',
    listeners: ['broker'],
    handle(request, context) {
      const isNew = request.clientInstanceId === uuidZero;
      const clientInstanceId = isNew ? randomUuid(random) : request.clientInstanceId;
      const client = clientAttributes(clientInstanceId, context, software);
      const { configs } = context.image;
      const { subscriptionId, pushIntervalMs, metrics } = clientMetrics.subscription(
        clientInstanceId,
        client,
        configs,
        clock.monotonicMs(),
      );
      return {
        errorCode: 0,
        clientInstanceId,
        subscriptionId,
        acceptedCompressionTypes: compressionTypes,
        pushIntervalMs,
        telemetryMaxBytes: config.get('telemetry.max.bytes'),
        deltaTemporality: true,
        requestedMetrics: [...metrics],
      };
    },
  });
}

export function clientAttributes(
  clientInstanceId: string,
  { clientId, connection }: RequestContext,
  software: ClientSoftware,
): ClientAttributes {
  const { name, version } = software.get(connection) ?? unknownSoftware;
  return {
    client_id: clientId,
    client_instance_id: clientInstanceId,
    client_software_name: name,
    client_software_version: version,
    client_source_address: connection.remote.host,
    client_source_port: String(connection.remote.port),
  };
}
