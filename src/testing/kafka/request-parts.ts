/**
 * What a request is about, read from its fields: topics, partitions, groups, transactional ids. And a request cut in two, so
 * that a fault meets one partition while the others are answered as usual.
 */
type Fields = Readonly<Record<string, unknown>>;

export interface PartFilter {
  readonly topic?: string | undefined;
  readonly topicId?: string | undefined;
  readonly partition?: number | undefined;
}

/** Fields that hold the topics of a request or a response, and the partitions of a topic, in all of Kafka's messages. */
const topicLists = ['topics', 'topicData', 'responses', 'groups', 'partitions'];
const partitionLists = [
  'partitions',
  'partitionData',
  'partitionResponses',
  'partitionIndexes',
  'partitionStates',
];
const partitionNumbers = ['index', 'partition', 'partitionIndex', 'partitionId'];
const topicNames = ['name', 'topic', 'topicName'];

function isFields(value: unknown): value is Fields {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)
  );
}

function topicNameOf(topic: unknown): string | null {
  if (typeof topic === 'string') return topic;
  if (!isFields(topic)) return null;
  for (const field of topicNames) {
    const name = topic[field];
    if (typeof name === 'string' && name !== '') return name;
  }
  return null;
}

function topicIdOf(topic: unknown): string | null {
  return isFields(topic) && typeof topic.topicId === 'string' ? topic.topicId : null;
}

function partitionOf(partition: unknown): number | null {
  if (typeof partition === 'number') return partition;
  if (!isFields(partition)) return null;
  for (const field of partitionNumbers) if (typeof partition[field] === 'number') return partition[field];
  return null;
}

/** The list of topics of a message and the name of its field; null when it has none. */
function topicsOf(body: unknown): [string, readonly unknown[]] | null {
  if (!isFields(body)) return null;
  for (const field of topicLists) {
    const list = body[field];
    if (Array.isArray(list) && list.some((one) => topicNameOf(one) !== null || topicIdOf(one) !== null))
      return [field, list as unknown[]];
  }
  return null;
}

function partitionsOf(topic: unknown): [string, readonly unknown[]] | null {
  if (!isFields(topic)) return null;
  for (const field of partitionLists) {
    const list = topic[field];
    if (Array.isArray(list)) return [field, list as unknown[]];
  }
  return null;
}

/** The group that a request is about; null when it is about none. */
export function groupsOf(body: unknown): string[] {
  if (!isFields(body)) return [];
  const groups: string[] = [];
  if (typeof body.groupId === 'string') groups.push(body.groupId);
  if (body.keyType === 0 && typeof body.key === 'string') groups.push(body.key);
  if (body.keyType === 0 && Array.isArray(body.coordinatorKeys))
    groups.push(...(body.coordinatorKeys as string[]));
  for (const list of [body.groups, body.groupIds, body.groupsNames])
    if (Array.isArray(list))
      for (const one of list as unknown[]) {
        const id = isFields(one) ? one.groupId : one;
        if (typeof id === 'string') groups.push(id);
      }
  return groups;
}

export function transactionalIdOf(body: unknown): string | null {
  return isFields(body) && typeof body.transactionalId === 'string' ? body.transactionalId : null;
}

/** Topics by name, for those that the request names so or by an id that `nameOf` knows; with their partitions. */
export function topicPartitionsOf(
  body: unknown,
  nameOf: (topicId: string) => string | null,
): { topic: string; partitions: number[] }[] {
  return (topicsOf(body)?.[1] ?? []).flatMap((topic) => {
    const id = topicIdOf(topic);
    const name = topicNameOf(topic) ?? (id === null ? null : nameOf(id));
    if (name === null) return [];
    const partitions = (partitionsOf(topic)?.[1] ?? []).flatMap((one) => partitionOf(one) ?? []);
    return [{ topic: name, partitions }];
  });
}

export interface CutRequest {
  /** The request with only what the filter means; null when there is nothing of it. */
  readonly meant: Fields | null;
  /** The request without it; null when nothing is left. */
  readonly rest: Fields | null;
}

/** Cuts a request by topic and partition. */
export function cutRequest(
  body: unknown,
  filter: PartFilter,
  nameOf: (topicId: string) => string | null,
): CutRequest {
  const found = topicsOf(body);
  if (found === null || !isFields(body)) return { meant: null, rest: isFields(body) ? body : null };
  const [field, topics] = found;
  const meant: unknown[] = [];
  const rest: unknown[] = [];
  for (const topic of topics) {
    const id = topicIdOf(topic);
    const name = topicNameOf(topic) ?? (id === null ? null : nameOf(id));
    const fits =
      (filter.topic === undefined || filter.topic === name) &&
      (filter.topicId === undefined || filter.topicId === id);
    const list = partitionsOf(topic);
    if (!fits) rest.push(topic);
    else if (filter.partition === undefined || list === null || !isFields(topic)) meant.push(topic);
    else {
      const [listField, partitions] = list;
      const inside = partitions.filter((one) => partitionOf(one) === filter.partition);
      const outside = partitions.filter((one) => partitionOf(one) !== filter.partition);
      if (inside.length > 0) meant.push({ ...topic, [listField]: inside });
      if (outside.length > 0) rest.push({ ...topic, [listField]: outside });
    }
  }
  return {
    meant: meant.length > 0 ? { ...body, [field]: meant } : null,
    rest: rest.length > 0 ? { ...body, [field]: rest } : null,
  };
}

/** One response of two, for the two halves of a request: lists of topics and of their partitions are put together. */
export function joinResponses(main: unknown, other: unknown): unknown {
  const ours = topicsOf(main);
  const theirs = topicsOf(other);
  if (theirs === null || !isFields(main)) return main;
  const field = ours?.[0] ?? theirs[0];
  const topics = [...(ours?.[1] ?? [])];
  for (const topic of theirs[1]) {
    const at = topics.findIndex(
      (one) => topicNameOf(one) === topicNameOf(topic) && topicIdOf(one) === topicIdOf(topic),
    );
    const list = partitionsOf(topic);
    const known = topics[at];
    if (at < 0 || list === null || !isFields(known)) topics.push(topic);
    else topics[at] = { ...known, [list[0]]: [...(partitionsOf(known)?.[1] ?? []), ...list[1]] };
  }
  return { ...main, [field]: topics };
}

/** A response without the topics and partitions that `request` names. */
export function withoutParts(response: unknown, request: unknown): unknown {
  let left = response;
  for (const topic of topicsOf(request)?.[1] ?? []) {
    const name = topicNameOf(topic) ?? undefined;
    const topicId = name === undefined ? (topicIdOf(topic) ?? undefined) : undefined;
    const partitions = (partitionsOf(topic)?.[1] ?? []).map(partitionOf);
    for (const partition of partitions.length === 0 ? [null] : partitions) {
      const field = topicsOf(left)?.[0];
      if (field === undefined) return left;
      const filter = { topic: name, topicId, partition: partition ?? undefined };
      left = cutRequest(left, filter, () => null).rest ?? { ...(left as Fields), [field]: [] };
    }
  }
  return left;
}
