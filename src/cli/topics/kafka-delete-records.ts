/** kafka-delete-records: a JSON file has an offset for each partition, and all records before that offset are deleted. */
import { readFileSync } from 'node:fs';
import type { KafkaClient } from '../../client/kafka-client.ts';
import { isRetriable, retry } from '../../client/retry.ts';
import { Errors, errorOf, KafkaError } from '../../protocol/errors.ts';
import {
  DeleteRecordsRequest,
  DeleteRecordsResponse,
} from '../../protocol/messages/records/21-delete-records.ts';
import { clientSettings, connectClient } from '../cluster/connect.ts';
import { exceptionText } from '../text/exception-names.ts';
import { printHelpOrVersion, usageError } from '../arguments/help-or-version.ts';
import { deleteRecordsOptions } from './kafka-delete-records-options.ts';
import { byLeader, byTopic, partitionKey, type TopicPartition } from '../cluster/list-offsets.ts';
import { checkRequired, parseOptions } from '../arguments/options.ts';
import { type CliIo, ToolError } from '../tool.ts';

const intro = 'This tool helps to delete records of the given partitions down to the specified offset.';
const timeoutMs = 30_000;

/** Deletes all records before `offset`. -1 stands for the high watermark, so all committed records are deleted. */
interface Deletion extends TopicPartition {
  readonly offset: number;
}

export async function main(args: readonly string[], io: CliIo): Promise<number> {
  const options = parseOptions(deleteRecordsOptions, args);
  const status = printHelpOrVersion(options, args, intro, deleteRecordsOptions, io);
  if (status !== null) return status;
  usageError(deleteRecordsOptions, () => checkRequired(options, 'bootstrap-server', 'offset-json-file'));
  const deletions = parseDeletions(readText(options.text('offset-json-file') ?? ''));
  const client = connectClient({
    bootstrap: options.text('bootstrap-server') ?? '',
    settings: clientSettings(options.text('command-config')),
  });
  try {
    io.stdout('Executing records delete operation\n');
    const answers = await deleteRecords(client, deletions);
    io.stdout('Records delete operation completed:\n');
    for (const one of deletions) {
      const answer = answers.get(partitionKey(one));
      const text =
        answer instanceof KafkaError ? `error: ${exceptionText(answer)}` : `low_watermark: ${answer}`;
      io.stdout(`partition: ${partitionKey(one)}\t${text}\n`);
    }
    return 0;
  } finally {
    client.close();
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    throw new ToolError(`Unable to read file ${file}`);
  }
}

/** Parses the JSON file, which must have version 1. Throws with Kafka's message. */
export function parseDeletions(text: string): Deletion[] {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    throw new ToolError('The input string is not a valid JSON');
  }
  const { version = 1, partitions } = (content ?? {}) as { version?: unknown; partitions?: unknown };
  if (version !== 1) throw new ToolError(`Not supported version field value ${String(version)}`);
  if (!Array.isArray(partitions)) throw new ToolError('Missing partitions field');
  const deletions = partitions.map(({ topic, partition, offset }: Record<string, unknown>) => {
    if (typeof topic !== 'string' || !Number.isInteger(partition) || !Number.isInteger(offset)) {
      throw new ToolError('Each of the partitions needs a topic, a partition and an offset');
    }
    return { topic, partition: partition as number, offset: offset as number };
  });
  const keys = deletions.map(partitionKey);
  const repeated = new Set(keys.filter((key, at) => keys.indexOf(key) !== at));
  if (repeated.size > 0) {
    throw new ToolError(`Offset json file contains duplicate topic partitions: ${[...repeated].join(',')}`);
  }
  return deletions;
}

/** Returns for each partition its new log start offset, or the error. */
async function deleteRecords(
  client: KafkaClient,
  deletions: readonly Deletion[],
): Promise<Map<string, number | KafkaError>> {
  const answers = new Map<string, number | KafkaError>();
  let left = deletions;
  const round = async (): Promise<void> => {
    const cluster = await client.metadata([...new Set(left.map(({ topic }) => topic))]);
    const groups = [...byLeader(cluster, left)];
    await Promise.all(groups.map(([leader, group]) => ask(client, leader, group, answers)));
    left = left.filter((one) => {
      const answer = answers.get(partitionKey(one));
      return answer instanceof KafkaError && isRetriable(answer);
    });
    const failed = left.map((one) => answers.get(partitionKey(one)))[0];
    if (failed instanceof KafkaError) throw failed;
  };
  try {
    await retry(client.ports, timeoutMs, round);
  } catch (error) {
    if (!(error instanceof KafkaError) || answers.size < deletions.length) throw error;
  }
  return answers;
}

async function ask(
  client: KafkaClient,
  leader: number | null,
  deletions: readonly Deletion[],
  answers: Map<string, number | KafkaError>,
): Promise<void> {
  if (leader === null) {
    const error = new KafkaError(Errors.UNKNOWN_TOPIC_OR_PARTITION);
    for (const one of deletions) answers.set(partitionKey(one), error);
    return;
  }
  const topics = byTopic(deletions).map(({ name, list }) => ({
    name,
    partitions: list.map(({ partition, offset }) => ({ partitionIndex: partition, offset })),
  }));
  const answer = await client.requestTo(leader, DeleteRecordsRequest, DeleteRecordsResponse, {
    topics,
    timeoutMs,
  });
  for (const topic of answer.topics) {
    for (const { partitionIndex, lowWatermark, errorCode } of topic.partitions) {
      const value = errorCode === 0 ? lowWatermark : new KafkaError(errorOf(errorCode));
      answers.set(`${topic.name}-${partitionIndex}`, value);
    }
  }
}
