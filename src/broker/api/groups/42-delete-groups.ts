/**
 * DeleteGroups (42), v0–v2, v3 unstable. Deletes groups without members and their offsets. Each group of the request succeeds
 * or fails by itself.
 * Versions:  v3 (Kafka 4.4) error messages (KIP-1331).
 */
import { errorOf, errorRowOf } from '../../../protocol/errors.ts';
import {
  DeleteGroupsRequest,
  DeleteGroupsResponse,
} from '../../../protocol/messages/groups/42-delete-groups.ts';
import type { GroupService } from '../../groups/group-service.ts';
import { defineHandler, type Handler } from '../../handler.ts';

export function createDeleteGroupsHandler(groups: GroupService): Handler {
  return defineHandler(DeleteGroupsRequest, DeleteGroupsResponse, {
    versions: '0-2',
    unstableTo: 3,
    listeners: ['broker'],
    async handle(request) {
      const deletions = [...new Set(request.groupsNames)].map(async (groupId) => {
        try {
          return withReason(await groups.deleteGroup(groupId));
        } catch (error) {
          return withReason({ groupId, errorCode: errorRowOf(error).code });
        }
      });
      return { results: await Promise.all(deletions) };
    },
    failed: (request, error) => ({
      results: request.groupsNames.map((groupId) => withReason({ groupId, errorCode: error.code })),
    }),
  });
}

function withReason(result: { groupId: string; errorCode: number }) {
  return { ...result, errorMessage: result.errorCode === 0 ? null : errorOf(result.errorCode).message };
}
