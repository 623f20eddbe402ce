/** BrokerRegistration: a broker registers with the controller. */
import { array, bool, int16, int32, int64, message, string, uuid, type Infer } from '../../schema/fields.ts';
import { listenerEndpoint, supportedVersions } from '../field-groups.ts';

export const BrokerRegistrationRequest = message(
  'BrokerRegistrationRequest',
  { key: 62, versions: '0-4', flexible: '0+', listeners: ['controller'] },
  {
    brokerId: int32(),
    clusterId: string(),
    incarnationId: uuid(),
    listeners: array(listenerEndpoint),
    features: array(supportedVersions),
    rack: string({ nullable: '0+' }),
    isMigratingZkBroker: bool('1+', { default: false }),
    logDirs: array(uuid(), '2+', { ignorable: true }),
    previousBrokerEpoch: int64('3+', { default: -1, ignorable: true }),
    /**
     * An extension of Bendemann (docs/decisions/0080): the replicas of this broker in which records are missing, with the
     * latest leader epoch that is left in their logs. `topicId` is zero when the broker does not know it. Nodes of an older
     * version skip the field.
     */
    lostRecords: array(
      {
        topicName: string(),
        topicId: uuid(),
        partitions: array({ partitionIndex: int32(), leaderEpoch: int32() }),
      },
      '0+',
      { tag: 10_000, ignorable: true },
    ),
  },
);
export type BrokerRegistrationRequest = Infer<typeof BrokerRegistrationRequest>;

export const BrokerRegistrationResponse = message(
  'BrokerRegistrationResponse',
  { key: 62, versions: '0-4', flexible: '0+' },
  {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    brokerEpoch: int64({ default: -1 }),
  },
);
export type BrokerRegistrationResponse = Infer<typeof BrokerRegistrationResponse>;
