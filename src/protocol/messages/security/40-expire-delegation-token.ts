/** ExpireDelegationToken: shortens the lifetime of a delegation token, or ends it. */
import { bytes, int16, int32, int64, message, type Infer } from '../../schema/fields.ts';

export const ExpireDelegationTokenRequest = message(
  'ExpireDelegationTokenRequest',
  { key: 40, versions: '1-2', flexible: '2+', listeners: ['broker', 'controller'] },
  {
    hmac: bytes(),
    expiryTimePeriodMs: int64(),
  },
);
export type ExpireDelegationTokenRequest = Infer<typeof ExpireDelegationTokenRequest>;

export const ExpireDelegationTokenResponse = message(
  'ExpireDelegationTokenResponse',
  { key: 40, versions: '1-2', flexible: '2+' },
  {
    errorCode: int16(),
    expiryTimestampMs: int64(),
    throttleTimeMs: int32(),
  },
);
export type ExpireDelegationTokenResponse = Infer<typeof ExpireDelegationTokenResponse>;
