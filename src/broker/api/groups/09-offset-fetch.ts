/**
 * OffsetFetch (9), v1–v10. The committed, that is replicated, offsets of groups.
 * Versions:  v2 null topics ask for all, top-level error · v5 leader epochs · v7 requireStable · v8 several groups · v9 members of
 *            consumer groups send member id and epoch · v10 topic ids instead of names.
 * Behaviour: With requireStable, a partition for which an open transaction has offsets gets UNSTABLE_OFFSET_COMMIT. A partition
 *            without a commit has offset -1 and no error; an unknown group has no commits.
 */
import { uuidZero } from '../../../base/uuid.ts';
import type {
  OffsetFetchRequest as GroupFetch,
  OffsetFetchResponse as GroupFetched,
} from '../../../group/types.ts';
import type { MetadataImage } from '../../../metadata/image.ts';
import { type ErrorRow, Errors, errorRowOf } from '../../../protocol/errors.ts';
import {
  OffsetFetchRequest,
  OffsetFetchResponse,
} from '../../../protocol/messages/groups/09-offset-fetch.ts';
import type { Init } from '../../../protocol/schema/fields.ts';
import type { GroupService } from '../../groups/group-service.ts';
import { defineHandler, type Handler } from '../../handler.ts';

type Response = Init<typeof OffsetFetchResponse>;
type GroupResult = NonNullable<Response['groups']>[number];
type TopicResult = GroupResult['topics'][number];
type Asked = OffsetFetchRequest['groups'][number] & { readonly requireStable: boolean };
type AskedTopic = NonNullable<Asked['topics']>[number];

const topLevelErrorSince = 2;
const groupsSince = 8;
const topicIdsSince = 10;

export function createOffsetFetchHandler(groups: GroupService): Handler {
  return defineHandler(OffsetFetchRequest, OffsetFetchResponse, {
    versions: '1-10',
    listeners: ['broker'],
    handle(request, { apiVersion, image }) {
      if (apiVersion < groupsSince) return fetchOne(groups, request, apiVersion);
      const { requireStable } = request;
      return {
        groups: request.groups.map((asked) =>
          fetchGroup(groups, { ...asked, requireStable }, apiVersion, image),
        ),
      };
    },
    failed: (request, error, { apiVersion }) =>
      apiVersion < groupsSince
        ? failedOne(request, error, apiVersion)
        : { groups: request.groups.map(({ groupId }) => ({ groupId, topics: [], errorCode: error.code })) },
  });
}

/** Before v8: one group, its offsets at the top level. Unknown topics have no commits. */
function fetchOne(groups: GroupService, request: OffsetFetchRequest, version: number): Response {
  const { groupId } = request;
  const topics = request.topics?.map((topic) => ({ ...topic, topicId: uuidZero })) ?? null;
  try {
    const { topics: found } = groups.fetch({ groupId, topics, requireStable: request.requireStable });
    return { topics: found.map(({ name, partitions }) => ({ name, partitions })) };
  } catch (error) {
    return failedOne(request, errorRowOf(error), version);
  }
}

function failedOne(request: OffsetFetchRequest, error: ErrorRow, version: number): Response {
  if (version >= topLevelErrorSince) return { topics: [], errorCode: error.code };
  const topics = (request.topics ?? []).map(({ name, partitionIndexes }) => ({
    name,
    partitions: partitionIndexes.map((index) => nothing(index, error)),
  }));
  return { topics };
}

function nothing(partitionIndex: number, error: ErrorRow) {
  return {
    partitionIndex,
    committedOffset: -1,
    committedLeaderEpoch: -1,
    metadata: '',
    errorCode: error.code,
  };
}

function fetchGroup(groups: GroupService, asked: Asked, version: number, image: MetadataImage): GroupResult {
  const { groupId } = asked;
  try {
    if (version < topicIdsSince) return plain(groups.fetch(asked));
    if (asked.topics === null) return withIds(groups.fetch({ ...asked, topics: null }), image);
    return fetchByIds(groups, asked, asked.topics, image);
  } catch (error) {
    return { groupId, topics: [], errorCode: errorRowOf(error).code };
  }
}

function plain({ groupId, topics, errorCode }: GroupFetched): GroupResult {
  return { groupId, errorCode, topics: topics.map(({ name, partitions }) => ({ name, partitions })) };
}

/** Offsets of deleted topics have no topic id and are left out. */
function withIds({ groupId, topics, errorCode }: GroupFetched, image: MetadataImage): GroupResult {
  const known: TopicResult[] = [];
  for (const { name, partitions } of topics) {
    const topicId = image.topics.byName(name)?.id;
    if (topicId !== undefined) known.push({ name, topicId, partitions });
  }
  return { groupId, errorCode, topics: known };
}

function fetchByIds(
  groups: GroupService,
  who: Asked,
  asked: readonly AskedTopic[],
  image: MetadataImage,
): GroupResult {
  const wanted: NonNullable<GroupFetch['topics']>[number][] = [];
  const unknown: TopicResult[] = [];
  for (const { topicId, partitionIndexes } of asked) {
    const name = image.topics.byId(topicId)?.name;
    if (name !== undefined) wanted.push({ name, topicId, partitionIndexes });
    else
      unknown.push({ topicId, partitions: partitionIndexes.map((i) => nothing(i, Errors.UNKNOWN_TOPIC_ID)) });
  }
  const found = groups.fetch({ ...who, topics: wanted });
  // When the group's result is an error, the response has no topics, not even the unknown ones.
  if (found.errorCode !== 0) return { groupId: who.groupId, errorCode: found.errorCode, topics: [] };
  return { groupId: who.groupId, errorCode: found.errorCode, topics: [...found.topics, ...unknown] };
}
