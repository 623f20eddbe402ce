/** UnregisterBroker: removes the registration of a broker. */
import { int16, int32, message, string, type Infer } from '../../schema/fields.ts';

export const UnregisterBrokerRequest = message(
  'UnregisterBrokerRequest',
  { key: 64, versions: '0', flexible: '0+', listeners: ['broker', 'controller'] },
  {
    brokerId: int32(),
  },
);
export type UnregisterBrokerRequest = Infer<typeof UnregisterBrokerRequest>;

export const UnregisterBrokerResponse = message(
  'UnregisterBrokerResponse',
  { key: 64, versions: '0', flexible: '0+' },
  {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    errorMessage: string({ nullable: '0+' }),
  },
);
export type UnregisterBrokerResponse = Infer<typeof UnregisterBrokerResponse>;
