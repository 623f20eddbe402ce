/**
 * Kafka's own message definitions, which are not part of this repository: in the folder that the variable KAFKA_MESSAGES names,
 * else in `shared/kafka-messages` beside the checkout. It has a folder for each part of Kafka (`clients`, `metadata`, …) with
 * its JSON files.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const beside = join(import.meta.dirname, '../../shared/kafka-messages');

/** Null when there are none. */
export function kafkaDefinitions(): string | null {
  const given = process.env['KAFKA_MESSAGES'];
  if (given !== undefined && !existsSync(join(given, 'metadata')))
    throw new Error(`KAFKA_MESSAGES is ${given}, which has no folder 'metadata'`);
  const folder = given ?? beside;
  return existsSync(folder) ? folder : null;
}

/** The name of the test that stands in place of a comparison. */
export const notCompared =
  "not compared with Kafka's message definitions: set KAFKA_MESSAGES to their folder";

/** Fields with a tag from this one on are Bendemann's own, and Kafka's definitions do not have them (docs/decisions/0080). */
export const ownTagsFrom = 10_000;
