/** kafka-groups: lists groups of all types. */
import type { KafkaClient } from '../../client/kafka-client.ts';
import { clientSettings, connectClient } from '../cluster/connect.ts';
import { type GroupListing, listAllGroups } from '../cluster/group-requests.ts';
import { printHelpOrVersion, usageError } from '../arguments/help-or-version.ts';
import { checkInvalid, type Options, type OptionTable, parseOptions } from '../arguments/options.ts';
import { failureOf } from '../text/command-failure.ts';
import { columnWidth, formatRow } from '../text/text-table.ts';
import { type CliIo, ToolError } from '../tool.ts';

const intro = 'This tool helps to list groups of all types.';
const types = ['Classic', 'Consumer', 'Share', 'Streams'];

const groupsOptions: OptionTable = {
  'bootstrap-server': {
    argument: 'server to connect to',
    help: 'REQUIRED: The Kafka server to connect to.',
    isRequired: true,
  },
  'command-config': {
    argument: 'command config property file',
    help: 'Property file containing configs to be passed to Admin Client.',
  },
  consumer: {
    help: "Filter the groups to show all kinds of consumer groups, including classic and simple consumer groups. This matches group type 'consumer', and group type 'classic' where the protocol type is 'consumer' or empty.",
  },
  'group-type': {
    argument: 'type',
    help: "Filter the groups based on group type. Valid types are: 'classic', 'consumer', 'share' and 'streams'.",
  },
  help: { help: 'Print usage information.' },
  list: { help: 'List the groups.' },
  protocol: { argument: 'protocol', help: 'Filter the groups based on protocol type.' },
  share: { help: 'Filter the groups to show share groups.' },
  streams: { help: 'Filter the groups to show streams groups.' },
  version: { help: 'Display Kafka version.' },
};

export async function main(args: readonly string[], io: CliIo): Promise<number> {
  const options = parseOptions(groupsOptions, args);
  const status = printHelpOrVersion(options, args, intro, groupsOptions, io);
  if (status !== null) return status;
  usageError(groupsOptions, () => checkOptions(options));
  const type = typeOf(options);
  const client = connectClient({
    bootstrap: options.text('bootstrap-server') ?? '',
    settings: clientSettings(options.text('command-config')),
  });
  try {
    printGroups(await selectedGroups(client, options, type), io);
    return 0;
  } catch (error) {
    const failure = failureOf(error);
    io.stdout(`Error while executing groups command : ${failure.message}\n`);
    io.stderr(`${failure.exception}\n`);
    return 1;
  } finally {
    client.close();
  }
}

function checkOptions(options: Options): void {
  if (!options.has('bootstrap-server')) throw new ToolError('Missing required option(s) [bootstrap-server]');
  if (!options.has('list')) throw new ToolError('Command must include exactly one action: --list.');
  checkInvalid(options, 'consumer', 'group-type', 'protocol', 'share', 'streams');
  checkInvalid(options, 'share', 'consumer', 'group-type', 'protocol', 'streams');
  checkInvalid(options, 'streams', 'consumer', 'group-type', 'protocol', 'share');
}

/** Returns the type that was asked for, in Kafka's spelling; null for all types. */
function typeOf(options: Options): string | null {
  const text = options.text('group-type');
  if (text === null) return null;
  const type = types.find((one) => one.toLowerCase() === text.toLowerCase());
  if (type === undefined) throw new ToolError('--group-type must be a valid group type.');
  return type;
}

async function selectedGroups(
  client: KafkaClient,
  options: Options,
  type: string | null,
): Promise<GroupListing[]> {
  const wanted = options.has('share') ? 'Share' : options.has('streams') ? 'Streams' : type;
  const groups = await listAllGroups(client, [], wanted === null ? [] : [wanted]);
  const protocol = options.text('protocol');
  return groups.filter(
    (group) =>
      (protocol === null || group.protocolType === protocol) &&
      (!options.has('consumer') || isConsumers(group)),
  );
}

function isConsumers({ type, protocolType }: GroupListing): boolean {
  return type === 'Consumer' || (type === 'Classic' && (protocolType === 'consumer' || protocolType === ''));
}

function printGroups(groups: readonly GroupListing[], io: CliIo): void {
  const rows = groups.map(({ groupId, type, protocolType }) => [groupId, type, protocolType]);
  const width = columnWidth(20, rows.flat());
  const line = (cells: readonly string[]): string => formatRow([width, width, width], cells);
  io.stdout(`${line(['GROUP', 'TYPE', 'PROTOCOL'])}\n`);
  // Each row ends in a blank, as in Kafka.
  for (const row of rows) io.stdout(`${line(row)} \n`);
}
