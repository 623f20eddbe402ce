/**
 * kafka-configs: describes and alters the dynamic configuration of topics, brokers, their loggers, groups and client metrics,
 * and the quotas and credentials of users, clients and addresses. An error of the command line is one message. For an error of
 * the cluster, as in Kafka's tool, the command line is printed before the message. Both go to standard error.
 */
import type { KafkaClient } from '../../client/kafka-client.ts';
import { failureOf } from '../text/command-failure.ts';
import { clientSettings, connectClient } from '../cluster/connect.ts';
import {
  type ConfigsCommand,
  configsToAdd,
  configsToDelete,
  type EntityType,
  parseCommand,
} from './kafka-configs-arguments.ts';
import { configsHelp, configsOptions } from './kafka-configs-options.ts';
import { type Options, parseOptions } from '../arguments/options.ts';
import { type CliIo, ToolError } from '../tool.ts';
import { kafkaVersion } from '../version.ts';

const intro =
  'This tool helps to manipulate and describe entity config for a topic, client, user, broker, ip, client-metrics or group\n';

export async function main(args: readonly string[], io: CliIo): Promise<number> {
  const options = parseOptions(configsOptions, args);
  if (args.length === 0 || options.has('help')) {
    io.stderr(intro + (await configsHelp()));
    return 1;
  }
  if (options.has('version')) {
    io.stdout(`${kafkaVersion}\n`);
    return 0;
  }
  if (options.has('describe') === options.has('alter')) {
    throw new ToolError(
      `Command must include exactly one action: --describe, --alter\n${await configsHelp()}`,
    );
  }
  for (const other of ['add-config', 'delete-config']) {
    if (options.has('describe') && options.has(other)) {
      throw new ToolError(
        `Option "[describe]" can't be used with option "[${other}]"\n${await configsHelp()}`,
      );
    }
  }
  const command = parseCommand(options);
  if (command.types.includes('ips')) await checkAddress(command.names[0] ?? '');
  const client = connectClient({
    bootstrap: options.text('bootstrap-server') ?? options.text('bootstrap-controller') ?? '',
    isController: options.has('bootstrap-controller'),
    settings: clientSettings(options.text('command-config')),
  });
  try {
    await perform(client, command, options, io);
    return 0;
  } catch (error) {
    if (error instanceof ToolError) throw error;
    io.stderr(`Error while executing config command with args '${args.join(' ')}'\n`);
    io.stderr(`${failureOf(error).exception}\n`);
    return 1;
  } finally {
    client.close();
  }
}

async function checkAddress(name: string): Promise<void> {
  if (name === '') return;
  const { lookup } = await import('node:dns/promises');
  try {
    await lookup(name);
  } catch {
    throw new ToolError(`The entity name for ips must be a valid IP or resolvable host, but it is: ${name}`);
  }
}

function isQuotaType(type: EntityType | undefined): boolean {
  return type === 'users' || type === 'clients' || type === 'ips';
}

async function perform(
  client: KafkaClient,
  command: ConfigsCommand,
  options: Options,
  io: CliIo,
): Promise<void> {
  const [type] = command.types;
  if (command.action === 'describe') {
    if (isQuotaType(type)) {
      return (await import('./kafka-configs-quotas.ts')).describeQuotas(client, command, io);
    }
    return (await import('./kafka-configs-resources.ts')).describeResources(
      client,
      command,
      options.has('all'),
      io,
    );
  }
  const added = configsToAdd(options);
  const deleted = configsToDelete(options);
  if (isQuotaType(type)) {
    await (await import('./kafka-configs-quotas.ts')).alterQuotas(client, command, added, deleted);
  } else {
    await (await import('./kafka-configs-resources.ts')).alterResource(client, command, added, deleted);
  }
  const name = command.names[0] ?? '';
  io.stdout(
    name === ''
      ? `Completed updating default config for ${type} in the cluster.\n`
      : `Completed updating config for ${type?.slice(0, -1)} ${name}.\n`,
  );
}
