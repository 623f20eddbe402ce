/**
 * GetTelemetrySubscriptions (71), v0. The answer of a broker without a receiver of client metrics (KIP-714): nothing is asked for, and
 * the client comes back after the interval. Clients that find the API missing log a complaint; this keeps them quiet.
 */
import type { Random } from '../../base/random.ts';
import { randomUuid, uuidZero } from '../../base/uuid.ts';
import {
  GetTelemetrySubscriptionsRequest,
  GetTelemetrySubscriptionsResponse,
} from '../../protocol/messages/71-get-telemetry-subscriptions.ts';
import { defineHandler, type Handler } from '../handler.ts';

/** Kafka's default interval. */
const pushIntervalMs = 300_000;
const telemetryBytesMax = 1_048_576;
/** zstd, lz4, gzip, snappy. */
const compressionTypes = [4, 3, 1, 2];

export function createGetTelemetrySubscriptionsHandler(random: Random): Handler {
  return defineHandler(GetTelemetrySubscriptionsRequest, GetTelemetrySubscriptionsResponse, {
    versions: '0',
    listeners: ['broker'],
    handle: ({ clientInstanceId }) => ({
      errorCode: 0,
      clientInstanceId: clientInstanceId === uuidZero ? randomUuid(random) : clientInstanceId,
      subscriptionId: 0,
      acceptedCompressionTypes: compressionTypes,
      pushIntervalMs,
      telemetryMaxBytes: telemetryBytesMax,
      deltaTemporality: true,
      requestedMetrics: [],
    }),
  });
}
