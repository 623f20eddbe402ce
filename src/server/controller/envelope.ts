/** What travels on the channel 'controller': a Kafka request with who asked, and its answer with where the controller is. */
import type { Infer } from '../../protocol/schema/fields.ts';
import { bytes, int16, int32, int64, message, string } from '../../protocol/schema/fields.ts';

export const ControllerCall = message(
  'ControllerCall',
  { versions: '0', flexible: '0+' },
  {
    correlationId: int32(),
    apiKey: int16(),
    apiVersion: int16(),
    principal: string({ nullable: '0+', default: null }),
    clientId: string({ nullable: '0+', default: null }),
    body: bytes(),
  },
);
export type ControllerCall = Infer<typeof ControllerCall>;

export const ControllerAnswer = message(
  'ControllerAnswer',
  { versions: '0', flexible: '0+' },
  {
    correlationId: int32(),
    /** When it isn't 0 the request as a whole was refused and there is no body. */
    errorCode: int16(),
    errorMessage: string({ nullable: '0+', default: null }),
    /** The active controller, as far as this node knows; -1 when it doesn't. */
    leaderId: int32({ default: -1 }),
    epoch: int64({ default: -1 }),
    body: bytes(),
  },
);
export type ControllerAnswer = Infer<typeof ControllerAnswer>;
