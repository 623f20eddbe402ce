/**
 * Functions about topics that several APIs need: rules for names, internal topics, authorised operations, look-up by name or id.
 */
import { type Uuid, uuidZero } from '../../base/uuid.ts';
import type { MetadataImage } from '../../metadata/image.ts';
import type { TopicImage } from '../../metadata/topics-image.ts';

const internalTopics: readonly string[] = [
  '__consumer_offsets',
  '__transaction_state',
  '__share_group_state',
];

/** Whether only coordinators may write to the topic. */
export function isInternalTopic(name: string): boolean {
  return name.startsWith('__') && internalTopics.includes(name);
}

const topicNameLengthMax = 249;

/** The reason why a topic name is invalid, with Kafka's text; null if it is valid. */
export function topicNameProblem(name: string): string | null {
  if (name === '') return 'Topic name is invalid: the empty string is not allowed';
  if (name === '.' || name === '..') return `Topic name is invalid: '${name}' is not allowed`;
  if (name.length > topicNameLengthMax) {
    return `Topic name is invalid: the length of '${name}' is longer than the max allowed length ${topicNameLengthMax}`;
  }
  if (!/^[a-zA-Z0-9._-]+$/.test(name)) {
    return `Topic name is invalid: '${name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'`;
  }
  return null;
}

/** Finds a topic by id, or by name if the id is zero, as it is in versions without ids. */
export function topicOf(image: MetadataImage, name: string, id: Uuid): TopicImage | undefined {
  return id === uuidZero ? image.topics.byName(name) : image.topics.byId(id);
}

/** The value of the field when the client did not request authorised operations: Int.MIN_VALUE, as in Kafka. */
export const operationsNotAsked = -2147483648;
/** All operations on a topic, as bits: READ, WRITE, CREATE, DELETE, ALTER, DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS. */
export const topicOperations = bits([3, 4, 5, 6, 7, 8, 10, 11]);
/**
 * All operations on the cluster, as bits: CREATE, ALTER, DESCRIBE, CLUSTER_ACTION, DESCRIBE_CONFIGS, ALTER_CONFIGS,
 * IDEMPOTENT_WRITE.
 */
export const clusterOperations = bits([5, 7, 8, 9, 10, 11, 12]);

function bits(operations: readonly number[]): number {
  return operations.reduce((all, operation) => all | (1 << operation), 0);
}
