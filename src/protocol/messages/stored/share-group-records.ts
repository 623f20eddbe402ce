/**
 * Records of `__consumer_offsets` for share groups (KIP-932). A key begins with the type of its record as an int16, which is
 * the `key` of its message; a value begins with its version as an int16.
 */
import { array, int32, int64, int8, message, string, uuid } from '../../schema/fields.ts';

export const ShareGroupMemberMetadataKey = message(
  'ShareGroupMemberMetadataKey',
  { key: 10, versions: '0', flexible: 'none' },
  { groupId: string(), memberId: string() },
);

export const ShareGroupMemberMetadataValue = message(
  'ShareGroupMemberMetadataValue',
  { key: 10, versions: '0', flexible: '0+' },
  {
    rackId: string({ nullable: '0+' }),
    clientId: string(),
    clientHost: string(),
    subscribedTopicNames: array(string()),
  },
);

export const ShareGroupMetadataKey = message(
  'ShareGroupMetadataKey',
  { key: 11, versions: '0', flexible: 'none' },
  { groupId: string() },
);

export const ShareGroupMetadataValue = message(
  'ShareGroupMetadataValue',
  { key: 11, versions: '0', flexible: '0+' },
  { epoch: int32(), metadataHash: int64() },
);

export const ShareGroupTargetAssignmentMetadataKey = message(
  'ShareGroupTargetAssignmentMetadataKey',
  { key: 12, versions: '0', flexible: 'none' },
  { groupId: string() },
);

export const ShareGroupTargetAssignmentMetadataValue = message(
  'ShareGroupTargetAssignmentMetadataValue',
  { key: 12, versions: '0', flexible: '0+' },
  { assignmentEpoch: int32(), assignmentTimestamp: int64({ tag: 0, default: 0, ignorable: true }) },
);

export const ShareGroupTargetAssignmentMemberKey = message(
  'ShareGroupTargetAssignmentMemberKey',
  { key: 13, versions: '0', flexible: 'none' },
  { groupId: string(), memberId: string() },
);

export const ShareGroupTargetAssignmentMemberValue = message(
  'ShareGroupTargetAssignmentMemberValue',
  { key: 13, versions: '0', flexible: '0+' },
  { topicPartitions: array({ topicId: uuid(), partitions: array(int32()) }) },
);

export const ShareGroupCurrentMemberAssignmentKey = message(
  'ShareGroupCurrentMemberAssignmentKey',
  { key: 14, versions: '0', flexible: 'none' },
  { groupId: string(), memberId: string() },
);

export const ShareGroupCurrentMemberAssignmentValue = message(
  'ShareGroupCurrentMemberAssignmentValue',
  { key: 14, versions: '0', flexible: '0+' },
  {
    memberEpoch: int32(),
    previousMemberEpoch: int32(),
    state: int8(),
    assignedPartitions: array({ topicId: uuid(), partitions: array(int32()) }),
  },
);

export const ShareGroupStatePartitionMetadataKey = message(
  'ShareGroupStatePartitionMetadataKey',
  { key: 15, versions: '0', flexible: 'none' },
  { groupId: string() },
);

export const ShareGroupStatePartitionMetadataValue = message(
  'ShareGroupStatePartitionMetadataValue',
  { key: 15, versions: '0', flexible: '0+' },
  {
    initializingTopics: array({ topicId: uuid(), topicName: string(), partitions: array(int32()) }),
    initializedTopics: array({ topicId: uuid(), topicName: string(), partitions: array(int32()) }),
    deletingTopics: array({ topicId: uuid(), topicName: string() }),
  },
);
