/**
 * OffsetCommit (8), v2–v10. The response is sent when the offsets are replicated (acks=all).
 * Versions:  v2–v4 a time of expiry chosen by the client · v6 leader epochs · v7 static members · v9 GROUP_ID_NOT_FOUND · v10
 *            topic ids instead of names.
 * Behaviour: A partition that does not exist, or whose metadata is too long, gets an error of its own. The rest is one atomic
 *            batch.
 */
import type { MetadataImage } from '../../../metadata/image.ts';
import type { TopicImage } from '../../../metadata/topics-image.ts';
import { type ErrorRow, Errors } from '../../../protocol/errors.ts';
import {
  OffsetCommitRequest,
  OffsetCommitResponse,
} from '../../../protocol/messages/groups/08-offset-commit.ts';
import type { Init } from '../../../protocol/schema/fields.ts';
import type { GroupService } from '../../groups/group-service.ts';
import { defineHandler, type Handler } from '../../handler.ts';
import { commitThrough, splitCommit } from './commit-topics.ts';

type Response = Init<typeof OffsetCommitResponse>;
type Topic = OffsetCommitRequest['topics'][number];
type TopicResult = Response['topics'][number];

const topicIdsSince = 10;

export function createOffsetCommitHandler(groups: GroupService): Handler {
  return defineHandler(OffsetCommitRequest, OffsetCommitResponse, {
    versions: '2-10',
    listeners: ['broker'],
    ordered: true,
    handle(request, { apiVersion, image }) {
      const absent =
        apiVersion >= topicIdsSince ? Errors.UNKNOWN_TOPIC_ID : Errors.UNKNOWN_TOPIC_OR_PARTITION;
      const find = (topic: Topic) => topicOfVersion(image, topic, apiVersion);
      const { known, merge: listsOf } = splitCommit(request.topics, find, absent);
      const merge = (response: Parameters<typeof listsOf>[0]): Response => {
        const lists = listsOf(response);
        const topics = request.topics.map(({ name, topicId }, at) => ({
          name,
          topicId,
          partitions: lists[at] ?? [],
        }));
        return { topics: byTopic(topics) };
      };
      if (known.length === 0) return merge({ topics: [] });
      const committed = commitThrough(known, () => groups.commit(apiVersion, { ...request, topics: known }));
      const response = committed instanceof Promise ? committed.then(merge) : merge(committed);
      return { ordered: null, response };
    },
    failed: (request, error) => ({ topics: request.topics.map((topic) => failedTopic(topic, error)) }),
  });
}

function topicOfVersion(image: MetadataImage, topic: Topic, version: number): TopicImage | undefined {
  return version >= topicIdsSince ? image.topics.byId(topic.topicId) : image.topics.byName(topic.name);
}

/** One entry for each topic that has partitions. A partition that the request names twice has two results. */
function byTopic(results: readonly TopicResult[]): TopicResult[] {
  const all = new Map<string, TopicResult>();
  for (const result of results) {
    const key = `${result.name} ${result.topicId}`;
    const partitions = [...(all.get(key)?.partitions ?? []), ...result.partitions];
    if (partitions.length > 0) all.set(key, { ...result, partitions });
  }
  return [...all.values()];
}

function failedTopic({ name, topicId, partitions }: Topic, error: ErrorRow): TopicResult {
  const failed = partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: error.code }));
  return { name, topicId, partitions: failed };
}
