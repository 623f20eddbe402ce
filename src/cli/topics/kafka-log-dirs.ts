/** kafka-log-dirs: prints the log directories of brokers and the replicas in them, as JSON in one line. */
import type { KafkaClient } from '../../client/kafka-client.ts';
import { errorOf, KafkaError } from '../../protocol/errors.ts';
import {
  DescribeLogDirsRequest,
  DescribeLogDirsResponse,
} from '../../protocol/messages/log-directories/35-describe-log-dirs.ts';
import { clientSettings, connectClient } from '../cluster/connect.ts';
import { exceptionText } from '../text/exception-names.ts';
import { printHelpOrVersion, unread, usageError } from '../arguments/help-or-version.ts';
import { checkRequired, type Options, type OptionTable, parseOptions } from '../arguments/options.ts';
import { type CliIo, ToolError } from '../tool.ts';

const intro = 'This tool helps to query log directory usage on the specified brokers.';

const table: OptionTable = {
  'bootstrap-server': {
    argument: 'The server(s) to use for bootstrapping',
    help: 'REQUIRED: the server(s) to use for bootstrapping',
  },
  'broker-list': {
    argument: 'Broker list',
    default: '',
    help: 'The list of brokers to be queried in the form "0,1,2". All brokers in the cluster will be queried if no broker list is specified',
  },
  'command-config': {
    argument: 'Admin client property file',
    help: 'Property file containing configs to be passed to Admin Client.',
  },
  describe: { help: 'Describe the specified log directories on the specified brokers.' },
  help: { help: 'Print usage information.' },
  'topic-list': {
    argument: 'Topic list',
    default: '',
    help: 'The list of topics to be queried in the form "topic1,topic2,topic3". All topics will be queried if no topic list is specified',
  },
  version: { help: 'Display Kafka version.' },
};

export async function main(args: readonly string[], io: CliIo): Promise<number> {
  const status = printHelpOrVersion(unread(args), args, intro, table, io);
  if (status !== null) return status;
  const options = readOptions(args);
  const client = connectClient({
    bootstrap: options.text('bootstrap-server') as string,
    settings: clientSettings(options.text('command-config')),
  });
  try {
    await describe(client, options, io);
    return 0;
  } finally {
    client.close();
  }
}

function readOptions(args: readonly string[]): Options {
  return usageError(table, () => {
    const options = parseOptions(table, args);
    checkRequired(options, 'bootstrap-server', 'describe');
    return options;
  });
}

function listOf(options: Options, name: string): string[] {
  return (options.text(name) ?? '').split(',').filter((one) => one !== '');
}

async function describe(client: KafkaClient, options: Options, io: CliIo): Promise<void> {
  const asked = listOf(options, 'broker-list').map((text) => {
    if (!/^-?\d+$/.test(text)) throw new ToolError(`For input string: "${text}"`);
    return Number(text);
  });
  const topics = new Set(listOf(options, 'topic-list'));
  const known = [...(await client.metadata([])).brokers.keys()].sort((a, b) => a - b);
  const missing = asked.filter((id) => !known.includes(id));
  if (missing.length > 0) {
    throw new ToolError(
      `ERROR: The given brokers do not exist from --broker-list: ${missing.join(',')}. Current existent brokers: ${known.join(',')}`,
    );
  }
  const brokers = asked.length > 0 ? [...new Set(asked)].sort((a, b) => a - b) : known;
  io.stdout('Querying brokers for log directories information\n');
  const described = await Promise.all(brokers.map((id) => describeBroker(client, id, topics)));
  io.stdout(`Received log directory information from brokers ${brokers.join(',')}\n`);
  io.stdout(`${JSON.stringify({ brokers: described, version: 1 })}\n`);
}

async function describeBroker(client: KafkaClient, broker: number, topics: ReadonlySet<string>) {
  const answer = await client.requestTo(broker, DescribeLogDirsRequest, DescribeLogDirsResponse, {
    topics: null,
  });
  if (answer.errorCode !== 0) throw new ToolError(exceptionText(new KafkaError(errorOf(answer.errorCode))));
  const logDirs = answer.results.map((directory) => ({
    partitions: directory.topics
      .filter(({ name }) => topics.size === 0 || topics.has(name))
      .flatMap(({ name, partitions }) =>
        partitions.map(({ partitionIndex, partitionSize, offsetLag, isFutureKey }) => ({
          partition: `${name}-${partitionIndex}`,
          size: partitionSize,
          offsetLag,
          isFuture: isFutureKey,
        })),
      ),
    error: directory.errorCode === 0 ? null : exceptionText(new KafkaError(errorOf(directory.errorCode))),
    logDir: directory.logDir,
  }));
  return { broker, logDirs };
}
