/**
 * Records of `__consumer_offsets` for KIP-848 groups. A key begins with the record's type as an int16,
 * which is the `key` of its message; a value with its version.
 */
import {
  array,
  bytes,
  int32,
  int64,
  int8,
  message,
  string,
  struct,
  uuid,
  type Infer,
} from '../schema/fields.ts';

export const ConsumerGroupMetadataKey = message(
  'ConsumerGroupMetadataKey',
  { key: 3, versions: '0', flexible: 'none' },
  {
    groupId: string(),
  },
);
export type ConsumerGroupMetadataKey = Infer<typeof ConsumerGroupMetadataKey>;

export const ConsumerGroupMetadataValue = message(
  'ConsumerGroupMetadataValue',
  { key: 3, versions: '0', flexible: '0+' },
  {
    epoch: int32(),
    metadataHash: int64({ default: 0, tag: 0 }),
  },
);
export type ConsumerGroupMetadataValue = Infer<typeof ConsumerGroupMetadataValue>;

export const ConsumerGroupPartitionMetadataKey = message(
  'ConsumerGroupPartitionMetadataKey',
  { key: 4, versions: '0', flexible: 'none' },
  {
    groupId: string(),
  },
);
export type ConsumerGroupPartitionMetadataKey = Infer<typeof ConsumerGroupPartitionMetadataKey>;

export const ConsumerGroupPartitionMetadataValue = message(
  'ConsumerGroupPartitionMetadataValue',
  { key: 4, versions: '0', flexible: '0+' },
  {
    topics: array({
      topicId: uuid(),
      topicName: string(),
      numPartitions: int32(),
      partitionMetadata: array({
        partition: int32(),
        racks: array(string()),
      }),
    }),
  },
);
export type ConsumerGroupPartitionMetadataValue = Infer<typeof ConsumerGroupPartitionMetadataValue>;

export const ConsumerGroupMemberMetadataKey = message(
  'ConsumerGroupMemberMetadataKey',
  { key: 5, versions: '0', flexible: 'none' },
  {
    groupId: string(),
    memberId: string(),
  },
);
export type ConsumerGroupMemberMetadataKey = Infer<typeof ConsumerGroupMemberMetadataKey>;

export const ConsumerGroupMemberMetadataValue = message(
  'ConsumerGroupMemberMetadataValue',
  { key: 5, versions: '0', flexible: '0+' },
  {
    instanceId: string({ nullable: '0+' }),
    rackId: string({ nullable: '0+' }),
    clientId: string(),
    clientHost: string(),
    subscribedTopicNames: array(string()),
    subscribedTopicRegex: string({ nullable: '0+' }),
    rebalanceTimeoutMs: int32({ default: -1 }),
    serverAssignor: string({ nullable: '0+' }),
    classicMemberMetadata: struct(
      {
        sessionTimeoutMs: int32(),
        supportedProtocols: array({
          name: string(),
          metadata: bytes(),
        }),
      },
      { nullable: '0+', tag: 0 },
    ),
  },
);
export type ConsumerGroupMemberMetadataValue = Infer<typeof ConsumerGroupMemberMetadataValue>;

export const ConsumerGroupTargetAssignmentMetadataKey = message(
  'ConsumerGroupTargetAssignmentMetadataKey',
  { key: 6, versions: '0', flexible: 'none' },
  {
    groupId: string(),
  },
);
export type ConsumerGroupTargetAssignmentMetadataKey = Infer<typeof ConsumerGroupTargetAssignmentMetadataKey>;

export const ConsumerGroupTargetAssignmentMetadataValue = message(
  'ConsumerGroupTargetAssignmentMetadataValue',
  { key: 6, versions: '0', flexible: '0+' },
  {
    assignmentEpoch: int32(),
    assignmentTimestamp: int64({ default: 0, tag: 0, ignorable: true }),
  },
);
export type ConsumerGroupTargetAssignmentMetadataValue = Infer<
  typeof ConsumerGroupTargetAssignmentMetadataValue
>;

export const ConsumerGroupTargetAssignmentMemberKey = message(
  'ConsumerGroupTargetAssignmentMemberKey',
  { key: 7, versions: '0', flexible: 'none' },
  {
    groupId: string(),
    memberId: string(),
  },
);
export type ConsumerGroupTargetAssignmentMemberKey = Infer<typeof ConsumerGroupTargetAssignmentMemberKey>;

export const ConsumerGroupTargetAssignmentMemberValue = message(
  'ConsumerGroupTargetAssignmentMemberValue',
  { key: 7, versions: '0', flexible: '0+' },
  {
    topicPartitions: array({
      topicId: uuid(),
      partitions: array(int32()),
    }),
  },
);
export type ConsumerGroupTargetAssignmentMemberValue = Infer<typeof ConsumerGroupTargetAssignmentMemberValue>;

export const ConsumerGroupCurrentMemberAssignmentKey = message(
  'ConsumerGroupCurrentMemberAssignmentKey',
  { key: 8, versions: '0', flexible: 'none' },
  {
    groupId: string(),
    memberId: string(),
  },
);
export type ConsumerGroupCurrentMemberAssignmentKey = Infer<typeof ConsumerGroupCurrentMemberAssignmentKey>;

const topicPartitions = {
  topicId: uuid(),
  partitions: array(int32()),
  assignmentEpochs: array(int32(), { nullable: '0+', tag: 0 }),
};

export const ConsumerGroupCurrentMemberAssignmentValue = message(
  'ConsumerGroupCurrentMemberAssignmentValue',
  { key: 8, versions: '0', flexible: '0+' },
  {
    memberEpoch: int32(),
    previousMemberEpoch: int32(),
    state: int8(),
    assignedPartitions: array(topicPartitions),
    partitionsPendingRevocation: array(topicPartitions),
  },
);
export type ConsumerGroupCurrentMemberAssignmentValue = Infer<
  typeof ConsumerGroupCurrentMemberAssignmentValue
>;

export const ConsumerGroupRegularExpressionKey = message(
  'ConsumerGroupRegularExpressionKey',
  { key: 16, versions: '0', flexible: 'none' },
  {
    groupId: string(),
    regularExpression: string(),
  },
);
export type ConsumerGroupRegularExpressionKey = Infer<typeof ConsumerGroupRegularExpressionKey>;

export const ConsumerGroupRegularExpressionValue = message(
  'ConsumerGroupRegularExpressionValue',
  { key: 16, versions: '0', flexible: '0+' },
  {
    topics: array(string()),
    version: int64(),
    timestamp: int64(),
  },
);
export type ConsumerGroupRegularExpressionValue = Infer<typeof ConsumerGroupRegularExpressionValue>;
