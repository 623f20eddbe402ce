/** The options of kafka-consumer-groups, and checks of their combinations. */
import {
  bracketed,
  checkInvalid,
  checkRequired,
  type Options,
  type OptionTable,
} from '../arguments/options.ts';
import { ToolError } from '../tool.ts';

export const consumerGroupsOptions: OptionTable = {
  'all-groups': { help: 'Apply to all consumer groups.' },
  'all-topics': { help: 'Consider all topics assigned to a group in the `reset-offsets` process.' },
  'bootstrap-server': {
    argument: 'server to connect to',
    help: 'The server(s) to connect to. REQUIRED for all options except for --validate-regex.',
  },
  'by-duration': {
    argument: 'duration',
    help: "Reset offsets to offset by duration from current timestamp. Format: 'PnDTnHnMnS'",
  },
  'command-config': {
    argument: 'command config property file',
    help: 'Property file containing configs to be passed to Admin Client and Consumer.',
  },
  delete: {
    help: 'Pass in groups to delete topic partition offsets and ownership information over the entire consumer group. For instance --group g1 --group g2',
  },
  'delete-offsets': {
    help: 'Delete offsets of consumer group. Supports one consumer group at the time, and multiple topics.',
  },
  describe: {
    help: 'Describe consumer group and list offset lag (number of messages not yet processed) related to given group.',
  },
  'dry-run': {
    help: 'Only show results without executing changes on Consumer Groups. Supported operations: reset-offsets.',
  },
  execute: { help: 'Execute operation. Supported operations: reset-offsets.' },
  export: { help: 'Export operation execution to a CSV file. Supported operations: reset-offsets.' },
  'from-file': { argument: 'path to CSV file', help: 'Reset offsets to values defined in CSV file.' },
  group: { argument: 'consumer group', help: 'The consumer group we wish to act on.' },
  help: { help: 'Print usage information.' },
  list: { help: 'List all consumer groups.' },
  members: {
    help: "Describe members of the group. This option may be used with '--describe' and '--bootstrap-server' options only.\nExample: --bootstrap-server localhost:9092 --describe --group group1 --members",
  },
  offsets: {
    help: "Describe the group and list all topic partitions in the group along with their offset lag. This is the default sub-action of and may be used with '--describe' and '--bootstrap-server' options only.\nExample: --bootstrap-server localhost:9092 --describe --group group1 --offsets",
  },
  'reset-offsets': {
    help: `Reset offsets of consumer group. Supports one consumer group at the time, and instances should be inactive
Has 2 execution options: --dry-run (the default) to plan which offsets to reset, and --execute to update the offsets. Additionally, the --export option is used to export the results to a CSV format.
You must choose one of the following reset specifications: --to-datetime, --by-duration, --to-earliest, --to-latest, --shift-by, --from-file, --to-current, --to-offset.
To define the scope use --all-topics or --topic. One scope must be specified unless you use '--from-file'.`,
  },
  'shift-by': {
    argument: 'number-of-offsets',
    type: 'Long',
    help: "Reset offsets shifting current offset by 'n', where 'n' can be positive or negative.",
  },
  state: {
    type: 'String',
    isOptional: true,
    help: "When specified with '--describe', includes the state of the group.\nExample: --bootstrap-server localhost:9092 --describe --group group1 --state\nWhen specified with '--list', it displays the state of all groups. It can also be used to list groups with specific states.\nExample: --bootstrap-server localhost:9092 --list --state stable,empty\nThis option may be used with '--describe', '--list' and '--bootstrap-server' options only.",
  },
  timeout: {
    argument: 'timeout (ms)',
    type: 'Long',
    default: '30000',
    help: 'The timeout that can be set for some use cases. For example, it can be used when describing the group to specify the maximum amount of time in milliseconds to wait before the group stabilizes (when the group is just created, or is going through some changes).',
  },
  'to-current': { help: 'Reset offsets to current offset.' },
  'to-datetime': {
    argument: 'datetime',
    help: "Reset offsets to offset from datetime. Format: 'YYYY-MM-DDThh:mm:ss.sss'",
  },
  'to-earliest': { help: 'Reset offsets to earliest offset.' },
  'to-latest': { help: 'Reset offsets to latest offset.' },
  'to-offset': { argument: 'offset', type: 'Long', help: 'Reset offsets to a specific offset.' },
  topic: {
    argument: 'topic',
    help: 'The topic whose consumer group information should be deleted or topic whose should be included in the reset offset process. In `reset-offsets` case, partitions can be specified using this format: `topic1:0,1,2`, where 0,1,2 are the partition to be included in the process. Reset-offsets also supports multiple topic inputs.',
  },
  type: {
    type: 'String',
    isOptional: true,
    help: "When specified with '--list', it displays the types of all the groups. It can also be used to list groups with specific types.\nExample: --bootstrap-server localhost:9092 --list --type classic,consumer\nThis option may be used with the '--list' option only.",
  },
  'validate-regex': {
    argument: 'regex',
    help: 'Validate that the syntax of the provided regular expression is valid according to the RE2 format.',
  },
  verbose: {
    help: "Provide additional information, if any, when describing the group. This option may be used with '--offsets'/'--members'/'--state' and '--bootstrap-server' options only.\nExample: --bootstrap-server localhost:9092 --describe --group group1 --members --verbose",
  },
  version: { help: 'Display Kafka version.' },
};

const actions = ['list', 'describe', 'delete', 'reset-offsets', 'delete-offsets', 'validate-regex'] as const;
export type GroupsAction = (typeof actions)[number];

const selections = ['all-groups', 'group'];

/** The options that say what the new offsets are, in the order in which Kafka checks them. */
export const resetScenarios = [
  'to-offset',
  'to-datetime',
  'by-duration',
  'to-earliest',
  'to-latest',
  'to-current',
  'shift-by',
  'from-file',
];

const withoutExecute =
  'WARN: No action will be performed as the --execute option is missing. In version 5.0, this command will require either --dry-run or --execute to be specified. You should add the --dry-run option explicitly if you are scripting this command and want to keep the current default behavior without prompting.\n';

function takesOneOf(options: Options, action: string): void {
  if (!selections.some((name) => options.has(name))) {
    throw new ToolError(`Option [${action}] takes one of these options: ${bracketed(selections)}`);
  }
}

function checkDescribe(options: Options): void {
  takesOneOf(options, 'describe');
  const views = ['members', 'offsets', 'state'];
  if (views.filter((name) => options.has(name)).length > 1) {
    throw new ToolError(`Option [describe] takes at most one of these options: ${bracketed(views)}`);
  }
  if (options.text('state') !== null) {
    throw new ToolError('Option [describe] does not take a value for [state]');
  }
}

function checkReset(options: Options, warn: (text: string) => void): void {
  if (options.has('dry-run') && options.has('execute')) {
    throw new ToolError('Option [reset-offsets] only accepts one of [execute] and [dry-run]');
  }
  if (!options.has('dry-run') && !options.has('execute')) warn(withoutExecute);
  takesOneOf(options, 'reset-offsets');
  for (const one of resetScenarios) {
    checkInvalid(options, one, ...resetScenarios.filter((other) => other !== one));
  }
}

/** Returns the action that the command line asks for. Throws, with Kafka's message, when options cannot be combined. */
export function checkGroupsOptions(options: Options, warn: (text: string) => void): GroupsAction {
  if (!options.has('validate-regex')) checkRequired(options, 'bootstrap-server');
  if (options.has('describe')) checkDescribe(options);
  if (options.has('delete')) {
    takesOneOf(options, 'delete');
    if (options.has('topic')) {
      throw new ToolError(
        'The consumer does not support topic-specific offset deletion from a consumer group.',
      );
    }
  }
  if (options.has('delete-offsets') && !(options.has('group') && options.has('topic'))) {
    throw new ToolError(
      `Option [delete-offsets] takes the following options: ${bracketed(['group', 'topic'])}`,
    );
  }
  if (options.has('reset-offsets')) checkReset(options, warn);
  checkInvalid(options, 'group', 'all-groups', 'list');
  checkInvalid(options, 'topic', 'list', 'describe');
  const chosen = actions.filter((name) => options.has(name));
  const [action] = chosen;
  if (action === undefined || chosen.length > 1) {
    throw new ToolError(
      'Command must include exactly one action: --list, --describe, --delete, --reset-offsets, --delete-offsets, --validate-regex',
    );
  }
  return action;
}
