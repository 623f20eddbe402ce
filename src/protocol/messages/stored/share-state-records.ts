/**
 * Records of `__share_group_state` (KIP-932): the state of a partition in a share group, and changes of that state. A key
 * begins with the type of its record as an int16, which is the `key` of its message; a value begins with its version as an
 * int16.
 */
import { array, int16, int32, int64, int8, message, string, uuid } from '../../schema/fields.ts';

export const ShareSnapshotKey = message(
  'ShareSnapshotKey',
  { key: 0, versions: '0', flexible: 'none' },
  { groupId: string(), topicId: uuid(), partition: int32() },
);

export const ShareSnapshotValue = message(
  'ShareSnapshotValue',
  { key: 0, versions: '0', flexible: '0+' },
  {
    snapshotEpoch: int32(),
    stateEpoch: int32(),
    leaderEpoch: int32(),
    startOffset: int64(),
    deliveryCompleteCount: int32({ tag: 0, default: -1 }),
    createTimestamp: int64(),
    writeTimestamp: int64(),
    stateBatches: array({
      firstOffset: int64(),
      lastOffset: int64(),
      deliveryState: int8(),
      deliveryCount: int16(),
    }),
  },
);

export const ShareUpdateKey = message(
  'ShareUpdateKey',
  { key: 1, versions: '0', flexible: 'none' },
  { groupId: string(), topicId: uuid(), partition: int32() },
);

export const ShareUpdateValue = message(
  'ShareUpdateValue',
  { key: 1, versions: '0', flexible: '0+' },
  {
    snapshotEpoch: int32(),
    leaderEpoch: int32(),
    startOffset: int64(),
    deliveryCompleteCount: int32({ tag: 0, default: -1 }),
    stateBatches: array({
      firstOffset: int64(),
      lastOffset: int64(),
      deliveryState: int8(),
      deliveryCount: int16(),
    }),
  },
);
