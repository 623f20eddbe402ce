/** LeaveGroup: members leave a classic group. */
import { array, int16, int32, message, string, type Infer } from '../../schema/fields.ts';

export const LeaveGroupRequest = message(
  'LeaveGroupRequest',
  { key: 13, versions: '0-5', flexible: '4+', listeners: ['broker'] },
  {
    groupId: string(),
    memberId: string('0-2'),
    members: array(
      {
        memberId: string(),
        groupInstanceId: string({ nullable: '0+', default: null }),
        reason: string('5+', { nullable: '0+', default: null, ignorable: true }),
      },
      '3+',
    ),
  },
);
export type LeaveGroupRequest = Infer<typeof LeaveGroupRequest>;

export const LeaveGroupResponse = message(
  'LeaveGroupResponse',
  { key: 13, versions: '0-5', flexible: '4+' },
  {
    throttleTimeMs: int32('1+', { ignorable: true }),
    errorCode: int16(),
    members: array(
      {
        memberId: string(),
        groupInstanceId: string({ nullable: '0+' }),
        errorCode: int16(),
      },
      '3+',
    ),
  },
);
export type LeaveGroupResponse = Infer<typeof LeaveGroupResponse>;
