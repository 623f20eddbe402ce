/**
 * What travels on the channel 'broker': the caller's hello, the broker's hello, then calls one way and replies the other, in any order.
 * Bodies are in Kafka's encoding.
 */
import type { Infer } from '../../protocol/schema/fields.ts';
import { bytes, int16, int32, int64, message, string } from '../../protocol/schema/fields.ts';

const versions = { versions: '0', flexible: '0+' } as const;

export const CallHello = message('CallHello', versions, {
  clusterId: string(),
  brokerId: int32(),
  /** The broker that is meant: an address may have got a new owner. */
  toBrokerId: int32(),
});
export type CallHello = Infer<typeof CallHello>;

export const Call = message('Call', versions, {
  callId: int64(),
  apiKey: int16(),
  apiVersion: int16(),
  body: bytes(),
});
export type Call = Infer<typeof Call>;

export const Reply = message('Reply', versions, {
  callId: int64(),
  /** When it is not 0 the request was refused as a whole and there is no body. */
  errorCode: int16(),
  errorMessage: string({ nullable: '0+', default: null }),
  body: bytes(),
});
export type Reply = Infer<typeof Reply>;
