/** Headers of requests and responses. Frames are read and written by `frames.ts`. */
import { int16, int32, message, string, type Infer } from '../schema/fields.ts';

export const RequestHeader = message(
  'RequestHeader',
  { versions: '1-2', flexible: '2+' },
  {
    requestApiKey: int16(),
    requestApiVersion: int16(),
    correlationId: int32(),
    clientId: string({ nullable: '0+', flexible: 'none' }),
  },
);
export type RequestHeader = Infer<typeof RequestHeader>;

export const ResponseHeader = message(
  'ResponseHeader',
  { versions: '0-1', flexible: '1+' },
  {
    correlationId: int32(),
  },
);
export type ResponseHeader = Infer<typeof ResponseHeader>;
