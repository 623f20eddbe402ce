/** JoinGroup: a member of a classic group takes part in a rebalance. */
import { array, bool, bytes, int16, int32, message, string, type Infer } from '../../schema/fields.ts';

export const JoinGroupRequest = message(
  'JoinGroupRequest',
  { key: 11, versions: '0-9', flexible: '6+', listeners: ['broker'] },
  {
    groupId: string(),
    sessionTimeoutMs: int32(),
    rebalanceTimeoutMs: int32('1+', { default: -1, ignorable: true }),
    memberId: string(),
    groupInstanceId: string('5+', { nullable: '0+', default: null }),
    protocolType: string(),
    protocols: array({
      name: string(),
      metadata: bytes(),
    }),
    reason: string('8+', { nullable: '0+', default: null, ignorable: true }),
  },
);
export type JoinGroupRequest = Infer<typeof JoinGroupRequest>;

export const JoinGroupResponse = message(
  'JoinGroupResponse',
  { key: 11, versions: '0-9', flexible: '6+' },
  {
    throttleTimeMs: int32('2+', { ignorable: true }),
    errorCode: int16(),
    generationId: int32({ default: -1 }),
    protocolType: string('7+', { nullable: '0+', default: null, ignorable: true }),
    protocolName: string({ nullable: '7+' }),
    leader: string(),
    skipAssignment: bool('9+', { default: false }),
    memberId: string(),
    members: array({
      memberId: string(),
      groupInstanceId: string('5+', { nullable: '0+', default: null, ignorable: true }),
      metadata: bytes(),
    }),
  },
);
export type JoinGroupResponse = Infer<typeof JoinGroupResponse>;
