/**
 * Functions about topics that several APIs need: rules for names, look-up by name or id.
 */
import { type Uuid, uuidZero } from '../../base/uuid.ts';
import type { MetadataImage } from '../../metadata/image.ts';
import type { TopicImage } from '../../metadata/topics-image.ts';

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
