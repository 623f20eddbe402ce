/**
 * KRaft's metadata record types in our schema language. Names, keys, versions and fields, except `formerIsr`, are Kafka's
 * (`metadata/src/main/resources/common/metadata` in Kafka's sources); a test compares them with Kafka's JSON files. `delta.ts`
 * and the deltas of the sections replay the records.
 */
import {
  array,
  bool,
  bytes,
  float64,
  int16,
  int32,
  int64,
  int8,
  message,
  string,
  uuid,
} from '../protocol/schema/fields.ts';
import { listenerEndpoint, supportedVersions } from '../protocol/messages/field-groups.ts';

export const RegisterBrokerRecord = message(
  'RegisterBrokerRecord',
  { key: 0, versions: '0-4', flexible: '0+' },
  {
    brokerId: int32(),
    isMigratingZkBroker: bool('2+', { default: false }),
    incarnationId: uuid(),
    brokerEpoch: int64(),
    endPoints: array(listenerEndpoint),
    features: array(supportedVersions),
    rack: string('0+', { nullable: '0+' }),
    fenced: bool('0+', { default: true }),
    inControlledShutdown: bool('1+', { default: false }),
    logDirs: array(uuid(), '3+', { tag: 0 }),
    cordonedLogDirs: array(uuid(), '4+', { tag: 1, nullable: '4+', default: null }),
  },
);

export const UnregisterBrokerRecord = message(
  'UnregisterBrokerRecord',
  { key: 1, versions: '0', flexible: '0+' },
  {
    brokerId: int32(),
    brokerEpoch: int64(),
  },
);

export const TopicRecord = message(
  'TopicRecord',
  { key: 2, versions: '0', flexible: '0+' },
  {
    name: string(),
    topicId: uuid(),
  },
);

/**
 * An extension of Bendemann (docs/decisions/0080): see `PartitionImage.formerIsr`. Own tags begin at 10000, far from those that
 * Kafka adds. Nodes of an older version skip the field.
 */
const formerIsr = array({ brokerId: int32(), leaderEpoch: int32(), hasLostRecords: bool() }, '0+', {
  tag: 10_000,
  nullable: '0+',
  default: null,
});

export const PartitionRecord = message(
  'PartitionRecord',
  { key: 3, versions: '0-2', flexible: '0+' },
  {
    partitionId: int32('0+', { default: -1 }),
    topicId: uuid(),
    replicas: array(int32()),
    isr: array(int32()),
    removingReplicas: array(int32()),
    addingReplicas: array(int32()),
    leader: int32('0+', { default: -1 }),
    leaderRecoveryState: int8('0+', { tag: 0, default: 0 }),
    leaderEpoch: int32('0+', { default: -1 }),
    partitionEpoch: int32('0+', { default: -1 }),
    directories: array(uuid(), '1+'),
    eligibleLeaderReplicas: array(int32(), '2+', { tag: 1, nullable: '2+', default: null }),
    lastKnownElr: array(int32(), '2+', { tag: 2, nullable: '2+', default: null }),
    formerIsr,
  },
);

export const ConfigRecord = message(
  'ConfigRecord',
  { key: 4, versions: '0', flexible: '0+' },
  {
    resourceType: int8(),
    resourceName: string(),
    name: string(),
    value: string('0+', { nullable: '0+' }),
  },
);

export const PartitionChangeRecord = message(
  'PartitionChangeRecord',
  { key: 5, versions: '0-2', flexible: '0+' },
  {
    partitionId: int32('0+', { default: -1 }),
    topicId: uuid(),
    isr: array(int32(), '0+', { tag: 0, nullable: '0+', default: null }),
    leader: int32('0+', { tag: 1, default: -2 }),
    replicas: array(int32(), '0+', { tag: 2, nullable: '0+', default: null }),
    removingReplicas: array(int32(), '0+', { tag: 3, nullable: '0+', default: null }),
    addingReplicas: array(int32(), '0+', { tag: 4, nullable: '0+', default: null }),
    leaderRecoveryState: int8('0+', { tag: 5, default: -1 }),
    directories: array(uuid(), '1+', { tag: 8, nullable: '1+', default: null }),
    eligibleLeaderReplicas: array(int32(), '2+', { tag: 6, nullable: '2+', default: null }),
    lastKnownElr: array(int32(), '2+', { tag: 7, nullable: '2+', default: null }),
    formerIsr,
  },
);

export const FenceBrokerRecord = message(
  'FenceBrokerRecord',
  { key: 7, versions: '0', flexible: '0+' },
  {
    id: int32(),
    epoch: int64(),
  },
);

export const UnfenceBrokerRecord = message(
  'UnfenceBrokerRecord',
  { key: 8, versions: '0', flexible: '0+' },
  {
    id: int32(),
    epoch: int64(),
  },
);

export const RemoveTopicRecord = message(
  'RemoveTopicRecord',
  { key: 9, versions: '0', flexible: '0+' },
  {
    topicId: uuid(),
  },
);

export const DelegationTokenRecord = message(
  'DelegationTokenRecord',
  { key: 10, versions: '0', flexible: '0+' },
  {
    owner: string(),
    requester: string(),
    renewers: array(string()),
    issueTimestamp: int64(),
    maxTimestamp: int64(),
    expirationTimestamp: int64(),
    tokenId: string(),
  },
);

export const UserScramCredentialRecord = message(
  'UserScramCredentialRecord',
  { key: 11, versions: '0', flexible: '0+' },
  {
    name: string(),
    mechanism: int8(),
    salt: bytes(),
    storedKey: bytes(),
    serverKey: bytes(),
    iterations: int32(),
  },
);

export const FeatureLevelRecord = message(
  'FeatureLevelRecord',
  { key: 12, versions: '0', flexible: '0+' },
  {
    name: string(),
    featureLevel: int16(),
  },
);

export const ClientQuotaRecord = message(
  'ClientQuotaRecord',
  { key: 14, versions: '0', flexible: '0+' },
  {
    entity: array({
      entityType: string(),
      entityName: string('0+', { nullable: '0+' }),
    }),
    key: string(),
    value: float64(),
    remove: bool(),
  },
);

export const ProducerIdsRecord = message(
  'ProducerIdsRecord',
  { key: 15, versions: '0', flexible: '0+' },
  {
    brokerId: int32(),
    brokerEpoch: int64('0+', { default: -1 }),
    nextProducerId: int64(),
  },
);

export const BrokerRegistrationChangeRecord = message(
  'BrokerRegistrationChangeRecord',
  { key: 17, versions: '0-3', flexible: '0+' },
  {
    brokerId: int32(),
    brokerEpoch: int64(),
    fenced: int8('0+', { tag: 0 }),
    inControlledShutdown: int8('1+', { tag: 1 }),
    logDirs: array(uuid(), '2+', { tag: 2 }),
    cordonedLogDirs: array(uuid(), '3+', { tag: 3, nullable: '3+', default: null }),
  },
);

export const AccessControlEntryRecord = message(
  'AccessControlEntryRecord',
  { key: 18, versions: '0', flexible: '0+' },
  {
    id: uuid(),
    resourceType: int8(),
    resourceName: string(),
    patternType: int8(),
    principal: string(),
    host: string(),
    operation: int8(),
    permissionType: int8(),
  },
);

export const RemoveAccessControlEntryRecord = message(
  'RemoveAccessControlEntryRecord',
  { key: 19, versions: '0', flexible: '0+' },
  {
    id: uuid(),
  },
);

export const NoOpRecord = message('NoOpRecord', { key: 20, versions: '0', flexible: '0+' }, {});

export const ZkMigrationStateRecord = message(
  'ZkMigrationStateRecord',
  { key: 21, versions: '0', flexible: '0+' },
  {
    zkMigrationState: int8(),
  },
);

export const RemoveUserScramCredentialRecord = message(
  'RemoveUserScramCredentialRecord',
  { key: 22, versions: '0', flexible: '0+' },
  {
    name: string(),
    mechanism: int8(),
  },
);

export const BeginTransactionRecord = message(
  'BeginTransactionRecord',
  { key: 23, versions: '0', flexible: '0+' },
  {
    name: string('0+', { tag: 0, nullable: '0+', default: null }),
  },
);

export const EndTransactionRecord = message(
  'EndTransactionRecord',
  { key: 24, versions: '0', flexible: '0+' },
  {},
);

export const AbortTransactionRecord = message(
  'AbortTransactionRecord',
  { key: 25, versions: '0', flexible: '0+' },
  {
    reason: string('0+', { tag: 0, nullable: '0+', default: null }),
  },
);

export const RemoveDelegationTokenRecord = message(
  'RemoveDelegationTokenRecord',
  { key: 26, versions: '0', flexible: '0+' },
  {
    tokenId: string(),
  },
);

export const RegisterControllerRecord = message(
  'RegisterControllerRecord',
  { key: 27, versions: '0', flexible: '0+' },
  {
    controllerId: int32(),
    incarnationId: uuid(),
    zkMigrationReady: bool(),
    endPoints: array(listenerEndpoint),
    features: array(supportedVersions),
  },
);

export const ClearElrRecord = message(
  'ClearElrRecord',
  { key: 28, versions: '0', flexible: '0+' },
  {
    topicName: string(),
  },
);
