/** ListGroups: the groups that a broker coordinates. */
import { array, int16, int32, message, string, type Infer } from '../../schema/fields.ts';

export const ListGroupsRequest = message(
  'ListGroupsRequest',
  { key: 16, versions: '0-5', flexible: '3+', listeners: ['broker'] },
  {
    statesFilter: array(string(), '4+'),
    typesFilter: array(string(), '5+'),
  },
);
export type ListGroupsRequest = Infer<typeof ListGroupsRequest>;

export const ListGroupsResponse = message(
  'ListGroupsResponse',
  { key: 16, versions: '0-5', flexible: '3+' },
  {
    throttleTimeMs: int32('1+', { ignorable: true }),
    errorCode: int16(),
    groups: array({
      groupId: string(),
      protocolType: string(),
      groupState: string('4+', { ignorable: true }),
      groupType: string('5+', { ignorable: true }),
    }),
  },
);
export type ListGroupsResponse = Infer<typeof ListGroupsResponse>;
