/** PushTelemetry: a client pushes its metrics. */
import { bool, bytes, int16, int32, int8, message, uuid, type Infer } from '../../schema/fields.ts';

export const PushTelemetryRequest = message(
  'PushTelemetryRequest',
  { key: 72, versions: '0', flexible: '0+', listeners: ['broker'] },
  {
    clientInstanceId: uuid(),
    subscriptionId: int32(),
    terminating: bool(),
    compressionType: int8(),
    metrics: bytes(),
  },
);
export type PushTelemetryRequest = Infer<typeof PushTelemetryRequest>;

export const PushTelemetryResponse = message(
  'PushTelemetryResponse',
  { key: 72, versions: '0', flexible: '0+' },
  {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
  },
);
export type PushTelemetryResponse = Infer<typeof PushTelemetryResponse>;
