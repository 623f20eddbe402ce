/**
 * OffsetDelete (47), v0. Deletes committed offsets of topics to which no member of the group subscribes. Each partition that
 * does not exist gets an error of its own.
 */
import type { OffsetDeleteResponse as GroupDeleted } from '../../../group/types.ts';
import { Errors } from '../../../protocol/errors.ts';
import {
  OffsetDeleteRequest,
  OffsetDeleteResponse,
} from '../../../protocol/messages/groups/47-offset-delete.ts';
import type { Init } from '../../../protocol/schema/fields.ts';
import type { GroupService } from '../../groups/group-service.ts';
import { defineHandler, type Handler } from '../../handler.ts';

type Response = Init<typeof OffsetDeleteResponse>;
type TopicResult = NonNullable<Response['topics']>[number];

export function createOffsetDeleteHandler(groups: GroupService): Handler {
  return defineHandler(OffsetDeleteRequest, OffsetDeleteResponse, {
    versions: '0',
    listeners: ['broker'],
    handle({ groupId, topics }, { image }) {
      const exists = (name: string, index: number): boolean =>
        image.topics.byName(name)?.partitions[index] !== undefined;
      const known: (typeof topics)[number][] = [];
      const failed: TopicResult[] = [];
      for (const { name, partitions } of topics) {
        const there = partitions.filter(({ partitionIndex }) => exists(name, partitionIndex));
        if (there.length > 0) known.push({ name, partitions: there });
        const absent = partitions.filter(({ partitionIndex }) => !exists(name, partitionIndex));
        if (absent.length > 0) failed.push({ name, partitions: absent.map(unknownPartition) });
      }
      const deleted = groups.deleteOffsets({ groupId, topics: known });
      const finish = (response: GroupDeleted): Response =>
        response.errorCode === 0
          ? { errorCode: 0, topics: byTopic([...response.topics, ...failed]) }
          : response;
      return deleted instanceof Promise ? deleted.then(finish) : finish(deleted);
    },
    failed: (_request, error) => ({ errorCode: error.code, topics: [] }),
  });
}

const unknownPartition = ({
  partitionIndex,
}: {
  partitionIndex: number;
}): TopicResult['partitions'][number] => ({
  partitionIndex,
  errorCode: Errors.UNKNOWN_TOPIC_OR_PARTITION.code,
});

/** One entry for each topic, with all its partitions. */
function byTopic(results: readonly TopicResult[]): TopicResult[] {
  const all = new Map<string, TopicResult>();
  for (const { name, partitions } of results) {
    all.set(name, { name, partitions: [...(all.get(name)?.partitions ?? []), ...partitions] });
  }
  return [...all.values()];
}
