/**
 * OffsetFetch (9), v1–v10. The committed offsets of groups, which are replicated offsets only.
 * Versions:  v2 null topics request all offsets, top-level error · v5 leader epochs · v7 requireStable · v8 several groups ·
 *            v9 members of consumer groups send member id and epoch · v10 topic ids instead of names.
 * Behaviour: With requireStable a partition gets UNSTABLE_OFFSET_COMMIT while an open transaction has committed an offset for
 *            it. A partition without a committed offset has offset -1 and no error; so has every partition of an unknown group.
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
type Requested = OffsetFetchRequest['groups'][number] & { readonly requireStable: boolean };
type RequestedTopic = NonNullable<Requested['topics']>[number];

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

/**
 * Before v8 a request is about one group, whose offsets are at the top level of the response. A topic that does not exist has
 * no offsets.
 */
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

function fetchGroup(
  groups: GroupService,
  asked: Requested,
  version: number,
  image: MetadataImage,
): GroupResult {
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

/** The response lists topics by id, so offsets of deleted topics, which have none, are left out. */
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
  group: Requested,
  topics: readonly RequestedTopic[],
  image: MetadataImage,
): GroupResult {
  const wanted: NonNullable<GroupFetch['topics']>[number][] = [];
  const unknown: TopicResult[] = [];
  for (const { topicId, partitionIndexes } of topics) {
    const name = image.topics.byId(topicId)?.name;
    if (name !== undefined) wanted.push({ name, topicId, partitionIndexes });
    else
      unknown.push({ topicId, partitions: partitionIndexes.map((i) => nothing(i, Errors.UNKNOWN_TOPIC_ID)) });
  }
  const found = groups.fetch({ ...group, topics: wanted });
  // When the group's result is an error, the response has no topics, not even the unknown ones.
  if (found.errorCode !== 0) return { groupId: group.groupId, errorCode: found.errorCode, topics: [] };
  return { groupId: group.groupId, errorCode: found.errorCode, topics: [...found.topics, ...unknown] };
}
