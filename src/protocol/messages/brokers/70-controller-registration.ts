/** ControllerRegistration: a controller registers with the active controller. */
import { array, bool, int16, int32, message, string, uuid, type Infer } from '../../schema/fields.ts';
import { listenerEndpoint, supportedVersions } from '../field-groups.ts';

export const ControllerRegistrationRequest = message(
  'ControllerRegistrationRequest',
  { key: 70, versions: '0', flexible: '0+', listeners: ['controller'] },
  {
    controllerId: int32(),
    incarnationId: uuid(),
    zkMigrationReady: bool(),
    listeners: array(listenerEndpoint),
    features: array(supportedVersions),
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
