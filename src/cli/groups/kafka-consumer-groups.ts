/**
 * kafka-consumer-groups: lists, describes and deletes groups, and resets or deletes their offsets. As in Kafka's tool, an error
 * of the cluster is printed to standard output with status 0, and an error of the command line to standard error with the help.
 */
import type { KafkaClient } from '../../client/kafka-client.ts';
import { failureOf } from '../text/command-failure.ts';
import { clientSettings, connectClient } from '../cluster/connect.ts';
import { printHelpOrVersion, uncaughtParserError, usageError } from '../arguments/help-or-version.ts';
import {
  checkGroupsOptions,
  consumerGroupsOptions,
  type GroupsAction,
} from './kafka-consumer-groups-options.ts';
import { type Options, parseOptions } from '../arguments/options.ts';
import { optionsHelp } from '../arguments/options-help.ts';
import { type CliIo, ToolError } from '../tool.ts';

const intro =
  'This tool helps to list all consumer groups, describe a consumer group, delete consumer group info, or reset consumer group offsets.';

export async function main(args: readonly string[], io: CliIo): Promise<number> {
  const options = read(args, io);
  if (options === null) return 0;
  const status = printHelpOrVersion(options, args, intro, consumerGroupsOptions, io);
  if (status !== null) return status;
  const action = usageError(consumerGroupsOptions, () =>
    checkGroupsOptions(options, (text) => io.stderr(text)),
  );
  if (action === 'validate-regex') {
    const { validateRegex } = await import('../arguments/validate-regex.ts');
    io.stdout(`${validateRegex(options.text('validate-regex') ?? '')}\n`);
    return 0;
  }
  const client = connectClient({
    bootstrap: options.text('bootstrap-server') ?? '',
    settings: clientSettings(options.text('command-config')),
  });
  try {
    await perform(action, client, options, io);
    return 0;
  } catch (error) {
    if (error instanceof ToolError) {
      throw new ToolError(`${error.message}\n${optionsHelp(consumerGroupsOptions)}`);
    }
    const failure = failureOf(error);
    io.stdout(`\nError: Executing consumer group command failed due to ${failure.message}\n`);
    io.stderr(`${failure.exception}\n`);
    return 0;
  } finally {
    client.close();
  }
}

/**
 * Reads the command line. Kafka's tool converts numbers when it uses them and reports a wrong one as a failed command, with
 * status 0: then this returns null.
 */
function read(args: readonly string[], io: CliIo): Options | null {
  try {
    return uncaughtParserError(() => parseOptions(consumerGroupsOptions, args));
  } catch (error) {
    const { message } = error as Error;
    const at = message.indexOf('Cannot parse argument');
    if (at < 0) throw error;
    io.stdout(`\nError: Executing consumer group command failed due to ${message.slice(at)}\n`);
    io.stderr(`joptsimple.OptionArgumentConversionException: ${message.slice(at)}\n`);
    return null;
  }
}

async function perform(
  action: Exclude<GroupsAction, 'validate-regex'>,
  client: KafkaClient,
  options: Options,
  io: CliIo,
): Promise<void> {
  switch (action) {
    case 'list':
      return (await import('./kafka-consumer-groups-list.ts')).listGroupsCommand(client, options, io);
    case 'describe':
      return (await import('./kafka-consumer-groups-describe.ts')).describeGroups(client, options, io);
    case 'delete':
      return (await import('./kafka-consumer-groups-delete.ts')).deleteGroups(client, options, io);
    case 'reset-offsets':
      return (await import('./kafka-consumer-groups-reset.ts')).resetOffsets(client, options, io);
    case 'delete-offsets':
      return (await import('./kafka-consumer-groups-delete.ts')).deleteGroupOffsets(client, options, io);
  }
}
