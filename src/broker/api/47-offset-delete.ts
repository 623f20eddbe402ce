/** OffsetDelete (47), v0. Forgets offsets of topics that no member of the group reads. Topics that do not exist fail on their own. */
import type { OffsetDeleteResponse as GroupDeleted } from '../../group/types.ts';
import { Errors } from '../../protocol/errors.ts';
import { OffsetDeleteRequest, OffsetDeleteResponse } from '../../protocol/messages/47-offset-delete.ts';
import type { Init } from '../../protocol/schema/fields.ts';
import type { GroupService } from '../groups/group-service.ts';
import { defineHandler, type Handler } from '../handler.ts';

type Response = Init<typeof OffsetDeleteResponse>;

export function createOffsetDeleteHandler(groups: GroupService): Handler {
  return defineHandler(OffsetDeleteRequest, OffsetDeleteResponse, {
    versions: '0',
    listeners: ['broker'],
    handle({ groupId, topics }, { image }) {
      const known = topics.filter(({ name }) => image.topics.byName(name) !== undefined);
      const unknown = topics.filter(({ name }) => image.topics.byName(name) === undefined);
      const failed = unknown.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex }) => ({
          partitionIndex,
          errorCode: Errors.UNKNOWN_TOPIC_OR_PARTITION.code,
        })),
      }));
      const deleted = groups.deleteOffsets({ groupId, topics: known });
      const finish = (response: GroupDeleted): Response =>
        response.errorCode === 0 ? { errorCode: 0, topics: [...response.topics, ...failed] } : response;
      return deleted instanceof Promise ? deleted.then(finish) : finish(deleted);
    },
    failed: (_request, error) => ({ errorCode: error.code, topics: [] }),
  });
}
