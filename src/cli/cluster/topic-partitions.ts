/**
 * Converts options such as `--topic a --topic b:0,2` to partitions: all partitions of a topic, or those that are listed after
 * it.
 */
import type { KafkaClient } from '../../client/kafka-client.ts';
import { retry } from '../../client/retry.ts';
import { comparePartitions, type TopicPartition } from './list-offsets.ts';
import { ToolError } from '../tool.ts';

/** Returns the partitions, sorted, and the topics that do not exist. Partitions that are listed are not checked. */
export async function parseTopicPartitions(
  client: KafkaClient,
  words: readonly string[],
): Promise<{ partitions: TopicPartition[]; unknown: string[] }> {
  const partitions: TopicPartition[] = [];
  const whole: string[] = [];
  for (const word of words) {
    const at = word.indexOf(':');
    if (at < 0) whole.push(word);
    else partitions.push(...namedPartitions(word, at));
  }
  const unknown: string[] = [];
  if (whole.length > 0) {
    const cluster = await retry(client.ports, 60_000, () => client.metadata(whole));
    for (const topic of whole) {
      const known = cluster.topics.get(topic);
      if (known === undefined || known.errorCode !== 0) unknown.push(topic);
      else partitions.push(...known.partitions.map(({ index }) => ({ topic, partition: index })));
    }
  }
  return { partitions: partitions.sort(comparePartitions), unknown };
}

function namedPartitions(word: string, at: number): TopicPartition[] {
  const topic = word.slice(0, at);
  return word
    .slice(at + 1)
    .split(',')
    .map((one) => {
      if (!/^[+-]?\d+$/.test(one)) {
        throw new ToolError(`Invalid partition '${one}' specified in topic arg '${word}''`);
      }
      return { topic, partition: Number(one) };
    });
}
