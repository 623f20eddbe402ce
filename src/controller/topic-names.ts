/** Rules for topic names. The error messages are Kafka's. */
import { Errors, KafkaError } from '../protocol/errors.ts';
import type { MetadataImage } from '../metadata/image.ts';

const nameLengthMax = 249;

/** Throws INVALID_TOPIC_EXCEPTION. */
export function checkTopicName(name: string): void {
  const wrong = problemOfName(name);
  if (wrong !== null) throw new KafkaError(Errors.INVALID_TOPIC_EXCEPTION, `Topic name is invalid: ${wrong}`);
}

function problemOfName(name: string): string | null {
  if (name === '') return 'the empty string is not allowed';
  if (name === '.' || name === '..') return `'${name}' is not allowed`;
  if (name.length > nameLengthMax) {
    return `the length of '${name}' is longer than the max allowed length ${nameLengthMax}`;
  }
  if (!/^[a-zA-Z0-9._-]+$/.test(name)) {
    return `'${name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'`;
  }
  return null;
}

/** Topic names with the same collision key collide: they differ only in '.' and '_', and metric names replace '.' by '_'. */
function collisionKey(name: string): string {
  return name.replaceAll('.', '_');
}

/**
 * The existing topics with '.' or '_' in their names, by collision key. No others can collide. Each request builds this once.
 */
export function collisionIndex(image: MetadataImage): Map<string, string> {
  const index = new Map<string, string>();
  for (const topic of image.topics.all()) {
    if (topic.name.includes('.') || topic.name.includes('_')) index.set(collisionKey(topic.name), topic.name);
  }
  return index;
}

/** Throws INVALID_TOPIC_EXCEPTION when `name` collides with another topic. */
export function checkCollision(name: string, index: ReadonlyMap<string, string>): void {
  if (!name.includes('.') && !name.includes('_')) return;
  const other = index.get(collisionKey(name));
  if (other === undefined || other === name) return;
  throw new KafkaError(
    Errors.INVALID_TOPIC_EXCEPTION,
    `Topic '${name}' collides with existing topic: ${other}`,
  );
}

export function addToCollisionIndex(name: string, index: Map<string, string>): void {
  if (name.includes('.') || name.includes('_')) index.set(collisionKey(name), name);
}
