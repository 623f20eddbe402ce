/** DeleteGroups (42), v0–v2. Deletes groups without members and their offsets; each group succeeds or fails individually. */
import { errorRowOf } from '../../../protocol/errors.ts';
import {
  DeleteGroupsRequest,
  DeleteGroupsResponse,
} from '../../../protocol/messages/groups/42-delete-groups.ts';
import type { GroupService } from '../../groups/group-service.ts';
import { defineHandler, type Handler } from '../../handler.ts';

export function createDeleteGroupsHandler(groups: GroupService): Handler {
  return defineHandler(DeleteGroupsRequest, DeleteGroupsResponse, {
    versions: '0-2',
    listeners: ['broker'],
    async handle(request) {
      const deletions = [...new Set(request.groupsNames)].map(async (groupId) => {
        try {
          return await groups.deleteGroup(groupId);
        } catch (error) {
          return { groupId, errorCode: errorRowOf(error).code };
        }
      });
      return { results: await Promise.all(deletions) };
    },
    failed: (request, error) => ({
      results: request.groupsNames.map((groupId) => ({ groupId, errorCode: error.code })),
    }),
  });
}
