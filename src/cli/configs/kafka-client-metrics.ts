/** kafka-client-metrics: shows and changes the subscriptions by which the cluster asks clients for their metrics (KIP-714). */
import { createSystemRandom } from '../../adapters/random.ts';
import { randomUuid } from '../../base/uuid.ts';
import type { KafkaClient } from '../../client/kafka-client.ts';
import { printHelpOrVersion, usageError } from '../arguments/help-or-version.ts';
import { checkRequired, type Options, parseOptions } from '../arguments/options.ts';
import { clientSettings, connectClient } from '../cluster/connect.ts';
import { failureOf } from '../text/command-failure.ts';
import { type CliIo, ToolError } from '../tool.ts';
import { clientMetricsOptions } from './kafka-client-metrics-options.ts';
import { alterResource, configured, describeEntity } from './kafka-configs-resources.ts';

const intro = 'This tool helps to manipulate and describe client metrics configurations.';
const actions = ['alter', 'delete', 'describe', 'list'];
const type = 'client-metrics';

function check(options: Options): void {
  if (actions.filter((action) => options.has(action)).length !== 1) {
    throw new ToolError('Command must include exactly one action: --alter, --delete, --describe or --list.');
  }
  checkRequired(options, 'bootstrap-server');
}

/** As in Kafka's tool, these two errors are printed without the help. */
function checkName(options: Options): void {
  if (options.has('alter') && options.has('name') === options.has('generate-name'))
    throw new ToolError('One of --name or --generate-name must be specified with --alter.');
  if (options.has('delete') && !options.has('name'))
    throw new ToolError('A client metrics resource name must be specified with --delete.');
}

async function alter(client: KafkaClient, options: Options, io: CliIo): Promise<void> {
  const name = options.text('name') ?? randomUuid(createSystemRandom());
  const given = new Map<string, string>();
  for (const [option, key] of [
    ['interval', 'interval.ms'],
    ['metrics', 'metrics'],
    ['match', 'match'],
  ] as const) {
    const value = options.text(option);
    if (value !== null) given.set(key, value);
  }
  // An empty value stands for the deletion of the setting.
  const deleted = [...given].filter(([, value]) => value === '').map(([key]) => key);
  const added = new Map([...given].filter(([, value]) => value !== ''));
  await alterResource(client, { action: 'alter', types: [type], names: [name] }, added, deleted);
  io.stdout(`Altered client metrics config for ${name}.\n`);
}

async function remove(client: KafkaClient, name: string, io: CliIo): Promise<void> {
  const keys = (await describeEntity(client, type, name, false)).map((entry) => entry.name);
  await alterResource(client, { action: 'alter', types: [type], names: [name] }, new Map(), keys);
  io.stdout(`Deleted client metrics config for ${name}.\n`);
}

async function describe(client: KafkaClient, name: string | null, io: CliIo): Promise<void> {
  const known = await configured(client, type);
  if (name !== null && !known.includes(name)) {
    io.stdout(`The client metric resource ${name} doesn't exist and doesn't have dynamic config.\n`);
    return;
  }
  for (const one of name === null ? known : [name]) {
    io.stdout(`Client metrics configs for ${one} are:\n`);
    for (const entry of await describeEntity(client, type, one, true))
      io.stdout(`  ${entry.name}=${entry.value}\n`);
  }
}

async function perform(client: KafkaClient, options: Options, io: CliIo): Promise<void> {
  const name = options.text('name');
  if (options.has('alter')) await alter(client, options, io);
  else if (options.has('delete')) await remove(client, name as string, io);
  else if (options.has('describe')) await describe(client, name, io);
  else io.stdout((await configured(client, type)).map((one) => `${one}\n`).join(''));
}

export async function main(args: readonly string[], io: CliIo): Promise<number> {
  const options = usageError(clientMetricsOptions, () => parseOptions(clientMetricsOptions, args));
  const status = printHelpOrVersion(options, args, intro, clientMetricsOptions, io);
  if (status !== null) return status;
  usageError(clientMetricsOptions, () => check(options));
  checkName(options);
  const client = connectClient({
    bootstrap: options.text('bootstrap-server') ?? '',
    settings: clientSettings(options.text('command-config')),
  });
  try {
    await perform(client, options, io);
    return 0;
  } catch (error) {
    const { message } = error as Error;
    const text = message === '' ? failureOf(error).message : message;
    io.stdout(`Error while executing client metrics command : ${text}\n`);
    return 1;
  } finally {
    client.close();
  }
}
