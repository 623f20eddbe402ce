/** DeleteGroups. */
import { array, int16, int32, message, string, type Infer } from '../../schema/fields.ts';

export const DeleteGroupsRequest = message(
  'DeleteGroupsRequest',
  { key: 42, versions: '0-2', flexible: '2+', listeners: ['broker'] },
  {
    groupsNames: array(string()),
  },
);
export type DeleteGroupsRequest = Infer<typeof DeleteGroupsRequest>;

export const DeleteGroupsResponse = message(
  'DeleteGroupsResponse',
  { key: 42, versions: '0-2', flexible: '2+' },
  {
    throttleTimeMs: int32({ default: 0 }),
    results: array({
      groupId: string(),
      errorCode: int16(),
    }),
  },
);
export type DeleteGroupsResponse = Infer<typeof DeleteGroupsResponse>;
