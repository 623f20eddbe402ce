/**
 * kafka-leader-election: asks the controller to elect the preferred leaders of partitions, or leaders from outside the in-sync
 * replicas.
 */
import { readFileSync } from 'node:fs';
import type { KafkaClient } from '../../client/kafka-client.ts';
import { Errors, errorOf, KafkaError } from '../../protocol/errors.ts';
import {
  ElectLeadersRequest,
  ElectLeadersResponse,
} from '../../protocol/messages/topics/43-elect-leaders.ts';
import { clientSettings, connectClient } from '../cluster/connect.ts';
import { exceptionText } from '../text/exception-names.ts';
import { printHelpOrVersion } from '../arguments/help-or-version.ts';
import { type Options, type OptionTable, parseOptions } from '../arguments/options.ts';
import { type CliIo, ToolError } from '../tool.ts';

const intro =
  'This tool attempts to elect a new leader for a set of topic partitions. The type of elections supported are preferred replicas and unclean replicas.';

const table: OptionTable = {
  'admin.config': {
    argument: 'config file',
    help: '(DEPRECATED) Configuration properties files to pass to the admin client. This option will be removed in a future version. Use --command-config instead.',
  },
  'all-topic-partitions': {
    help: 'Perform election on all of the eligible topic partitions based on the type of election (see the --election-type flag). Not allowed if --topic or --path-to-json-file is specified.',
  },
  'bootstrap-server': {
    argument: 'host:port',
    help: 'A hostname and port for the broker to connect to, in the form host:port. Multiple comma separated URLs can be given. REQUIRED.',
  },
  'command-config': { argument: 'Config file', help: 'Config properties file to pass to the admin client.' },
  'election-type': {
    argument: 'election type',
    typeName: '[PREFERRED,UNCLEAN]',
    help: 'Type of election to attempt. Possible values are "preferred" for preferred leader election or "unclean" for unclean leader election. If preferred election is selection, the election is only performed if the current leader is not the preferred leader for the topic partition. If unclean election is selected, the election is only performed if there are no leader for the topic partition. REQUIRED.',
  },
  help: { help: 'Print usage information.' },
  partition: {
    argument: 'partition id',
    type: 'Integer',
    help: 'Partition id for which to perform an election. REQUIRED if --topic is specified.',
  },
  'path-to-json-file': {
    argument: 'Path to JSON file',
    help: 'The JSON file with the list  of partition for which leader elections should be performed. This is an example format. \n{"partitions":\n\t[{"topic": "foo", "partition": 1},\n\t {"topic": "foobar", "partition": 2}]\n}\nNot allowed if --all-topic-partitions or --topic flags are specified.',
  },
  topic: {
    argument: 'topic name',
    help: 'Name of topic for which to perform an election. Not allowed if --path-to-json-file or --all-topic-partitions is specified.',
  },
  version: { help: 'Display Kafka version.' },
};

interface Wanted {
  readonly topic: string;
  readonly partition: number;
}

export async function main(args: readonly string[], io: CliIo): Promise<number> {
  const options = parseOptions(table, args);
  const status = printHelpOrVersion(options, args, intro, table, io);
  if (status !== null) return status;
  const kind = checkTogether(options);
  const wanted = wantedOf(options);
  const client = connectClient({
    bootstrap: options.text('bootstrap-server') as string,
    settings: clientSettings(options.text('command-config') ?? options.text('admin.config')),
  });
  try {
    return await elect(client, kind, wanted, io);
  } finally {
    client.close();
  }
}

function checkTogether(options: Options): 'PREFERRED' | 'UNCLEAN' {
  const kind = options.text('election-type')?.toUpperCase() ?? null;
  if (kind !== null && kind !== 'PREFERRED' && kind !== 'UNCLEAN') {
    throw new ToolError(`Cannot parse argument '${options.text('election-type')}' of option election-type`);
  }
  for (const name of ['bootstrap-server', 'election-type']) {
    if (!options.has(name)) throw new ToolError(`Missing required option(s): ${name}`);
  }
  const scopes = ['all-topic-partitions', 'path-to-json-file', 'topic'];
  if (scopes.filter((name) => options.has(name)).length !== 1) {
    throw new ToolError(`One and only one of the following options is required: ${scopes.join(', ')}`);
  }
  if (options.has('topic') && !options.has('partition'))
    throw new ToolError('Missing required option(s): partition');
  if (!options.has('topic') && options.has('partition')) {
    throw new ToolError('Option partition is only allowed if topic is used');
  }
  return kind as 'PREFERRED' | 'UNCLEAN';
}

/** Returns the partitions that were asked for; null for all partitions. */
function wantedOf(options: Options): Wanted[] | null {
  const topic = options.text('topic');
  if (topic !== null) return [{ topic, partition: options.number('partition') as number }];
  const path = options.text('path-to-json-file');
  return path === null ? null : readWanted(path);
}

function readWanted(path: string): Wanted[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    throw new ToolError(`java.nio.file.NoSuchFileException: ${path}`);
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new ToolError('Replica election data is empty');
  }
  const { partitions } = (parsed ?? {}) as { partitions?: unknown };
  if (!Array.isArray(partitions)) throw new ToolError('Replica election data is missing "partitions" field');
  const wanted = partitions.map((entry: { topic?: unknown; partition?: unknown }) => ({
    topic: String(entry.topic),
    partition: Number(entry.partition),
  }));
  const seen = new Set(wanted.map(({ topic, partition }) => `${topic}-${partition}`));
  if (seen.size < wanted.length) throw new ToolError('Replica election data contains duplicate partitions');
  return wanted;
}

async function elect(
  client: KafkaClient,
  kind: 'PREFERRED' | 'UNCLEAN',
  wanted: Wanted[] | null,
  io: CliIo,
): Promise<number> {
  const topics = wanted === null ? null : [...new Set(wanted.map(({ topic }) => topic))];
  const answer = await client.request(ElectLeadersRequest, ElectLeadersResponse, {
    electionType: kind === 'PREFERRED' ? 0 : 1,
    topicPartitions:
      topics?.map((topic) => ({
        topic,
        partitions: wanted?.filter((one) => one.topic === topic).map(({ partition }) => partition) ?? [],
      })) ?? null,
    timeoutMs: 30_000,
  });
  if (answer.errorCode !== 0) throw new ToolError(exceptionText(new KafkaError(errorOf(answer.errorCode))));
  const elected: string[] = [];
  const unneeded: string[] = [];
  const failed: [string, KafkaError][] = [];
  for (const { topic, partitionResult } of answer.replicaElectionResults) {
    for (const { partitionId, errorCode, errorMessage } of partitionResult) {
      const name = `${topic}-${partitionId}`;
      const error = errorOf(errorCode);
      if (error === Errors.NONE) elected.push(name);
      else if (error === Errors.ELECTION_NOT_NEEDED) unneeded.push(name);
      else failed.push([name, new KafkaError(error, errorMessage ?? undefined)]);
    }
  }
  if (elected.length > 0) {
    io.stdout(`Successfully completed leader election (${kind}) for partitions ${elected.join(', ')}\n`);
  }
  if (unneeded.length > 0) io.stdout(`Valid replica already elected for partitions ${unneeded.join(', ')}\n`);
  for (const [name, error] of failed) {
    io.stdout(`Error completing leader election (${kind}) for partition: ${name}: ${exceptionText(error)}\n`);
  }
  if (failed.length === 0) return 0;
  throw new ToolError(`${failed.length} replica(s) could not be elected`);
}
