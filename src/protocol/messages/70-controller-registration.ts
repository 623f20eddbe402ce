/** ControllerRegistration: a controller makes itself known to the active controller. */
import { array, bool, int16, int32, message, string, uint16, uuid, type Infer } from '../schema/fields.ts';

export const ControllerRegistrationRequest = message(
  'ControllerRegistrationRequest',
  { key: 70, versions: '0', flexible: '0+', listeners: ['controller'] },
  {
    controllerId: int32(),
    incarnationId: uuid(),
    zkMigrationReady: bool(),
    listeners: array({
      name: string(),
      host: string(),
      port: uint16(),
      securityProtocol: int16(),
    }),
    features: array({
      name: string(),
      minSupportedVersion: int16(),
      maxSupportedVersion: int16(),
    }),
  },
);
export type ControllerRegistrationRequest = Infer<typeof ControllerRegistrationRequest>;

export const ControllerRegistrationResponse = message(
  'ControllerRegistrationResponse',
  { key: 70, versions: '0', flexible: '0+' },
  {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    errorMessage: string({ nullable: '0+' }),
  },
);
export type ControllerRegistrationResponse = Infer<typeof ControllerRegistrationResponse>;
