/** SyncGroup: the leader of a classic group sends the assignment, and every member gets its part. */
import { array, bytes, int16, int32, message, string, type Infer } from '../../schema/fields.ts';

export const SyncGroupRequest = message(
  'SyncGroupRequest',
  { key: 14, versions: '0-5', flexible: '4+', listeners: ['broker'] },
  {
    groupId: string(),
    generationId: int32(),
    memberId: string(),
    groupInstanceId: string('3+', { nullable: '0+', default: null }),
    protocolType: string('5+', { nullable: '0+', default: null, ignorable: true }),
    protocolName: string('5+', { nullable: '0+', default: null, ignorable: true }),
    assignments: array({
      memberId: string(),
      assignment: bytes(),
    }),
  },
);
export type SyncGroupRequest = Infer<typeof SyncGroupRequest>;

export const SyncGroupResponse = message(
  'SyncGroupResponse',
  { key: 14, versions: '0-5', flexible: '4+' },
  {
    throttleTimeMs: int32('1+', { ignorable: true }),
    errorCode: int16(),
    protocolType: string('5+', { nullable: '0+', default: null, ignorable: true }),
    protocolName: string('5+', { nullable: '0+', default: null, ignorable: true }),
    assignment: bytes(),
  },
);
export type SyncGroupResponse = Infer<typeof SyncGroupResponse>;
