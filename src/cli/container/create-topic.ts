/** Creates a topic that the variables of a container ask for, as `kafka-topics --create --if-not-exists` does. */
import { loadTool } from '../entry.ts';
import type { CliIo } from '../tool.ts';
import type { PlannedTopic } from './types.ts';

/** `address` is that of a broker. Rejects with the error of kafka-topics. */
export async function createTopic(topic: PlannedTopic, address: string, io: CliIo): Promise<void> {
  const { name, partitions, replicationFactor, cleanupPolicy } = topic;
  const words = ['--create', '--if-not-exists', '--bootstrap-server', address, '--topic', name];
  words.push('--partitions', String(partitions), '--replication-factor', String(replicationFactor));
  if (cleanupPolicy !== null) words.push('--config', `cleanup.policy=${cleanupPolicy}`);
  const kafkaTopics = await loadTool('kafka-topics');
  await kafkaTopics(words, io);
}
