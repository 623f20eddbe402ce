/**
 * DeleteGroups: deletes groups without members. Version 3 is Kafka 4.4's: its response has an error message for each group
 * (KIP-1331).
 */
import { array, int16, int32, message, string, type Infer } from '../../schema/fields.ts';

export const DeleteGroupsRequest = message(
  'DeleteGroupsRequest',
  { key: 42, versions: '0-3', flexible: '2+', latestVersionUnstable: true, listeners: ['broker'] },
  {
    groupsNames: array(string()),
  },
);
export type DeleteGroupsRequest = Infer<typeof DeleteGroupsRequest>;

export const DeleteGroupsResponse = message(
  'DeleteGroupsResponse',
  { key: 42, versions: '0-3', flexible: '2+' },
  {
    throttleTimeMs: int32({ default: 0 }),
    results: array({
      groupId: string(),
      errorCode: int16(),
      errorMessage: string('3+', { nullable: '3+', default: null, ignorable: true }),
    }),
  },
);
export type DeleteGroupsResponse = Infer<typeof DeleteGroupsResponse>;
