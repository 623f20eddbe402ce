/**
 * OffsetCommit (8), v2–v10. Answered when the offsets are replicated (acks=all).
 * Versions:  v2–v4 an expiry of the client's own · v6 leader epochs · v7 static members · v9 GROUP_ID_NOT_FOUND ·
 *            v10 topic ids instead of names.
 * Behaviour: topics that do not exist, and metadata that is too long, fail on their own; all else is one atomic batch.
 */
import type { OffsetCommitRequest as GroupCommit } from '../../group/types.ts';
import type { MetadataImage } from '../../metadata/image.ts';
import { type ErrorRow, Errors } from '../../protocol/errors.ts';
import { OffsetCommitRequest, OffsetCommitResponse } from '../../protocol/messages/08-offset-commit.ts';
import type { Init } from '../../protocol/schema/fields.ts';
import type { GroupService } from '../groups/group-service.ts';
import { defineHandler, type Handler } from '../handler.ts';

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
      const known: GroupCommit['topics'][number][] = [];
      const results = request.topics.map((topic): TopicResult | null => {
        const name = topicName(image, topic, apiVersion);
        if (name === null) return failedTopic(topic, unknownTopic(apiVersion));
        known.push({ ...topic, name });
        return null;
      });
      if (known.length === 0) return { topics: results.filter((result) => result !== null) };
      const committed = groups.commit(apiVersion, { ...request, topics: known });
      // The results come in the order of the request, with those that never got to the group in between.
      const merge = (response: { readonly topics: readonly TopicResult[] }): Response => {
        const rest = response.topics[Symbol.iterator]();
        return { topics: results.map((result) => result ?? (rest.next().value as TopicResult)) };
      };
      const response = committed instanceof Promise ? committed.then(merge) : merge(committed);
      return { ordered: null, response };
    },
    failed: (request, error) => ({ topics: request.topics.map((topic) => failedTopic(topic, error)) }),
  });
}

function topicName(image: MetadataImage, topic: Topic, version: number): string | null {
  const found = version >= topicIdsSince ? image.topics.byId(topic.topicId) : image.topics.byName(topic.name);
  return found?.name ?? null;
}

function unknownTopic(version: number): ErrorRow {
  return version >= topicIdsSince ? Errors.UNKNOWN_TOPIC_ID : Errors.UNKNOWN_TOPIC_OR_PARTITION;
}

function failedTopic({ name, topicId, partitions }: Topic, error: ErrorRow): TopicResult {
  const failed = partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: error.code }));
  return { name, topicId, partitions: failed };
}
