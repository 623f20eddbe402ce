/** RenewDelegationToken: extends the lifetime of a delegation token. */
import { bytes, int16, int32, int64, message, type Infer } from '../../schema/fields.ts';

export const RenewDelegationTokenRequest = message(
  'RenewDelegationTokenRequest',
  { key: 39, versions: '1-2', flexible: '2+', listeners: ['broker', 'controller'] },
  {
    hmac: bytes(),
    renewPeriodMs: int64(),
  },
);
export type RenewDelegationTokenRequest = Infer<typeof RenewDelegationTokenRequest>;

export const RenewDelegationTokenResponse = message(
  'RenewDelegationTokenResponse',
  { key: 39, versions: '1-2', flexible: '2+' },
  {
    errorCode: int16(),
    expiryTimestampMs: int64(),
    throttleTimeMs: int32(),
  },
);
export type RenewDelegationTokenResponse = Infer<typeof RenewDelegationTokenResponse>;
