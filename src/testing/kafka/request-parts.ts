/**
 * Reads the topics, partitions, groups and transactional ids of a request from its fields, and splits a request in two, so that
 * a fault applies to one partition while the others are handled as usual. Kafka's messages use a few field names for these
 * things, so no API needs its own code; `request-parts.test.ts` checks the messages of all APIs.
 */
import { emptyFields } from '../../broker/pipeline/failure.ts';
import type { Shape } from '../../protocol/schema/fields.ts';

type Fields = Readonly<Record<string, unknown>>;

export interface PartFilter {
  readonly topic?: string | undefined;
  readonly topicId?: string | undefined;
  readonly partition?: number | undefined;
}

/** The name of the topic with this id; null when there is none. */
type NameOf = (topicId: string) => string | null;

/** Whether the filter selects a topic, or a partition of it. The partition is null where the message names only the topic. */
type IsMeant = (topic: unknown, partition: number | null) => boolean;

/** Lists whose elements are topics. */
const topicLists = [
  'topics',
  'topicData',
  'topicNames',
  'topicPartitions',
  'topicResults',
  'subscribedTopicNames',
  'v3AndBelowTopics',
  'resources',
  'responses',
  'results',
  'resultsByTopicV3AndBelow',
  'replicaElectionResults',
];
/** Lists whose elements are partitions of a topic. */
const partitionLists = [
  'partitions',
  'partitionData',
  'partitionResponses',
  'partitionIndexes',
  'partitionStates',
  'partitionResult',
  'resultsByPartition',
];
/** Lists whose elements contain topics. */
const outerLists = ['groups', 'transactions', 'resultsByTransaction', 'dirs', 'markers'];
const partitionNumbers = ['index', 'partition', 'partitionIndex', 'partitionId'];
const topicNames = ['name', 'topic', 'topicName'];
const topicResourceType = 2;

/** `errorCode`, `partitionErrorCode`, … */
export function isErrorField(name: string): boolean {
  return /errorCode$/i.test(name);
}

function isFields(value: unknown): value is Fields {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)
  );
}

function listsOf(fields: Fields, names: readonly string[]): [string, readonly unknown[]][] {
  return names.flatMap((name) => (Array.isArray(fields[name]) ? [[name, fields[name] as unknown[]]] : []));
}

function topicNameOf(topic: unknown): string | null {
  if (typeof topic === 'string') return topic;
  if (!isFields(topic)) return null;
  if (topic.resourceType === topicResourceType && typeof topic.resourceName === 'string')
    return topic.resourceName;
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

/** The topics of a message, at whatever depth. */
function topicsOf(body: unknown): unknown[] {
  if (!isFields(body)) return [];
  const own = listsOf(body, topicLists).flatMap(([, topics]) => topics);
  const inner = listsOf(body, outerLists).flatMap(([, outer]) => outer.flatMap(topicsOf));
  return [...own, ...inner].filter((topic) => topicNameOf(topic) !== null || topicIdOf(topic) !== null);
}

function partitionsOf(topic: unknown): unknown[] {
  return isFields(topic) ? listsOf(topic, partitionLists).flatMap(([, partitions]) => partitions) : [];
}

/** The texts in `value`: itself; its elements if it is a list; or, if these are objects, their field `field`. */
function textsOf(value: unknown, field: string): string[] {
  const all: readonly unknown[] = Array.isArray(value) ? value : [value];
  const texts = all.map((one) => (isFields(one) ? one[field] : one));
  return texts.filter((text) => typeof text === 'string');
}

/** The keys of a FindCoordinator request with this key type. */
function coordinatorKeysOf(body: Fields, keyType: number): string[] {
  return body.keyType === keyType ? textsOf([body.key, body.coordinatorKeys].flat(), '') : [];
}

/** The groups in a request. */
export function groupsOf(body: unknown): string[] {
  if (!isFields(body)) return [];
  const named = [body.groupId, body.groups, body.groupIds, body.groupsNames];
  const groups = [...named.flatMap((value) => textsOf(value, 'groupId')), ...coordinatorKeysOf(body, 0)];
  return groups.filter((group) => group !== '');
}

/** The transactional ids in a request. */
export function transactionalIdsOf(body: unknown): string[] {
  if (!isFields(body)) return [];
  const named = [
    body.transactionalId,
    body.v3AndBelowTransactionalId,
    body.transactionalIds,
    body.transactions,
  ];
  const ids = [...named.flatMap((value) => textsOf(value, 'transactionalId')), ...coordinatorKeysOf(body, 1)];
  return ids.filter((id) => id !== '');
}

/** The topics of a request by name, directly or by an id that `nameOf` knows; with their partitions. */
export function topicPartitionsOf(body: unknown, nameOf: NameOf): { topic: string; partitions: number[] }[] {
  return topicsOf(body).flatMap((topic) => {
    const id = topicIdOf(topic);
    const name = topicNameOf(topic) ?? (id === null ? null : nameOf(id));
    if (name === null) return [];
    return [{ topic: name, partitions: partitionsOf(topic).flatMap((one) => partitionOf(one) ?? []) }];
  });
}

/** A message split in two: `meant` has only the selected parts, `rest` all others. Null: there are none. */
export interface CutRequest {
  readonly meant: Fields | null;
  readonly rest: Fields | null;
}

/** An element of a list, split in the same way; null: it has no such part. */
interface CutElement {
  readonly meant: unknown;
  readonly rest: unknown;
}

function cutLists(fields: Fields, names: readonly string[], cut: (one: unknown) => CutElement): CutRequest {
  const meant: Record<string, unknown> = {};
  const rest: Record<string, unknown> = {};
  let isMeant = false;
  let isLeft = false;
  for (const [name, list] of listsOf(fields, names)) {
    const halves = list.map(cut);
    const meantList = halves.flatMap((half) => half.meant ?? []);
    const restList = halves.flatMap((half) => half.rest ?? []);
    meant[name] = meantList;
    rest[name] = restList;
    isMeant ||= meantList.length > 0;
    isLeft ||= restList.length > 0;
  }
  if (!isMeant) return { meant: null, rest: fields };
  return { meant: { ...fields, ...meant }, rest: isLeft ? { ...fields, ...rest } : null };
}

function cutTopic(topic: unknown, isMeant: IsMeant): CutElement {
  if (!isFields(topic) || listsOf(topic, partitionLists).length === 0)
    return isMeant(topic, null) ? { meant: topic, rest: null } : { meant: null, rest: topic };
  return cutLists(topic, partitionLists, (partition) =>
    isMeant(topic, partitionOf(partition))
      ? { meant: partition, rest: null }
      : { meant: null, rest: partition },
  );
}

function cutMessage(body: unknown, isMeant: IsMeant): CutRequest {
  if (!isFields(body)) return { meant: null, rest: null };
  const cut = (one: unknown): CutElement => cutTopic(one, isMeant);
  const own = cutLists(body, topicLists, cut);
  return own.meant === null ? cutLists(body, outerLists, (one) => cutMessage(one, isMeant)) : own;
}

/** Splits a request by topic and partition. */
export function cutRequest(body: unknown, filter: PartFilter, nameOf: NameOf): CutRequest {
  return cutMessage(body, (topic, partition) => {
    const id = topicIdOf(topic);
    const name = topicNameOf(topic) ?? (id === null ? null : nameOf(id));
    return (
      (name !== null || id !== null) &&
      (filter.topic === undefined || filter.topic === name) &&
      (filter.topicId === undefined || filter.topicId === id) &&
      (filter.partition === undefined || filter.partition === partition)
    );
  });
}

/** The partitions of a message that the filter selects: the objects in the message, not copies. */
export function selectedPartitions(body: unknown, filter: PartFilter, nameOf: NameOf): ReadonlySet<unknown> {
  return new Set(topicsOf(cutRequest(body, filter, nameOf).meant).flatMap(partitionsOf));
}

/** An element of a response with error code `code`, and with the name or index of the requested element `one`. */
function failedElement(
  fields: Shape,
  one: unknown,
  names: readonly string[],
  code: number,
): Record<string, unknown> {
  const failed = emptyFields(fields);
  for (const field of Object.keys(fields)) if (isErrorField(field)) failed[field] = code;
  for (const field of names) if (field in fields) failed[field] = partitionOf(one) ?? topicNameOf(one) ?? '';
  if ('topicId' in fields && topicIdOf(one) !== null) failed.topicId = topicIdOf(one);
  return failed;
}

/**
 * A response with an error code for each partition that a request names, derived from the fields that the response type has.
 * Null: the topics of the response type have no list of partitions.
 */
export function failedParts(fields: Shape, request: unknown, code: number): Fields | null {
  for (const list of topicLists) {
    const topic = fields[list]?.element?.fields ?? null;
    if (topic === null) continue;
    const inner = partitionLists.find((name) => topic[name]?.element?.fields);
    const partition = inner === undefined ? null : (topic[inner]?.element?.fields ?? null);
    if (inner === undefined || partition === null) continue;
    const topics = topicsOf(request).map((one) => ({
      ...failedElement(topic, one, topicNames, code),
      [inner]: partitionsOf(one).map((each) => failedElement(partition, each, partitionNumbers, code)),
    }));
    return { ...emptyFields(fields), [list]: topics };
  }
  return null;
}

/** All error codes in a response, at whatever depth. */
export function errorCodesOf(response: unknown, found = new Set<number>()): Set<number> {
  if (Array.isArray(response)) for (const one of response) errorCodesOf(one, found);
  else if (isFields(response))
    for (const [field, value] of Object.entries(response)) {
      if (isErrorField(field) && typeof value === 'number' && value !== 0) found.add(value);
      else errorCodesOf(value, found);
    }
  return found;
}

/** A text that identifies an element of a list, from its id or name, so that elements of two lists can be matched. */
function identityOf(one: unknown): string {
  if (!isFields(one)) return String(one);
  const { groupId, transactionalId, path, producerId } = one;
  return String(
    topicNameOf(one) ??
      topicIdOf(one) ??
      groupId ??
      transactionalId ??
      path ??
      producerId ??
      partitionOf(one),
  );
}

/** Merges the responses to the two halves of a split request: their lists of topics and partitions are combined. */
export function joinResponses(main: unknown, other: unknown): unknown {
  if (!isFields(main) || !isFields(other)) return main;
  const joined: Record<string, unknown> = { ...main };
  for (const [field, theirs] of listsOf(other, [...topicLists, ...outerLists, ...partitionLists])) {
    const list = Array.isArray(main[field]) ? [...(main[field] as unknown[])] : [];
    for (const one of theirs) {
      const at = list.findIndex((known) => identityOf(known) === identityOf(one));
      if (at < 0) list.push(one);
      else list[at] = joinResponses(list[at], one);
    }
    joined[field] = list;
  }
  return joined;
}

/** A response without the topics and partitions that `request` names. */
export function withoutParts(response: unknown, request: unknown): unknown {
  const named = topicsOf(request).map((topic) => ({
    id: topicIdOf(topic),
    name: topicNameOf(topic),
    partitions: partitionsOf(topic).map(partitionOf),
  }));
  const { meant, rest } = cutMessage(response, (topic, partition) =>
    named.some(
      ({ id, name, partitions }) =>
        (name === null ? id === topicIdOf(topic) : name === topicNameOf(topic)) &&
        (partition === null || partitions.length === 0 || partitions.includes(partition)),
    ),
  );
  if (meant === null || rest !== null) return rest ?? response;
  const empty = listsOf(meant, [...topicLists, ...outerLists]).map(([field]) => [field, []] as const);
  return { ...meant, ...Object.fromEntries(empty) };
}
