/**
 * ListGroups (16), v0–v5. The groups that this broker coordinates. Tools send it to every broker.
 * Versions:  v4 states, filter by state · v5 types, filter by type. The filters are not case-sensitive.
 */
import { ListGroupsRequest, ListGroupsResponse } from '../../../protocol/messages/groups/16-list-groups.ts';
import type { GroupService } from '../../groups/group-service.ts';
import { defineHandler, type Handler } from '../../handler.ts';

export function createListGroupsHandler(groups: GroupService): Handler {
  return defineHandler(ListGroupsRequest, ListGroupsResponse, {
    versions: '0-5',
    listeners: ['broker'],
    handle: (request) => ({ errorCode: 0, groups: groups.list(request.statesFilter, request.typesFilter) }),
    failed: (_request, error) => ({ errorCode: error.code, groups: [] }),
  });
}
