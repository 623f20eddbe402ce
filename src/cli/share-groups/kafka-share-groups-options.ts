/** The options of kafka-share-groups. */
import type { OptionTable } from '../arguments/options.ts';

export const shareGroupsOptions: OptionTable = {
  'bootstrap-server': { argument: 'server to connect to', help: 'REQUIRED: The server(s) to connect to.' },
  group: { argument: 'share group', help: 'The share group we wish to act on.' },
  topic: {
    argument: 'topic',
    help: "The topic whose offset information should be deleted or included in the reset offset process. When resetting offsets, partitions can be specified using this format: 'topic1:0,1,2', where 0,1,2 are the partitions to be included.",
  },
  'all-topics': { help: "Consider all topics assigned to a share group in the 'reset-offsets' process." },
  list: { help: 'List all share groups.' },
  describe: { help: 'Describe share group, members and offset information.' },
  'all-groups': { help: 'Apply to all share groups.' },
  delete: { help: 'Delete share group.' },
  timeout: {
    argument: 'timeout (ms)',
    type: 'Long',
    default: '30000',
    help: 'The timeout that can be set for some use cases. For example, it can be used when describing the group to specify the maximum amount of time in milliseconds to wait before the group stabilizes.',
  },
  'command-config': {
    argument: 'command config property file',
    help: 'Property file containing configs to be passed to Admin Client.',
  },
  'reset-offsets': {
    help: "Reset offsets of share group. Supports one share group at the time, and instances must be inactive.\nHas 2 execution options: --dry-run to plan which offsets to reset, and --execute to reset the offsets.\nYou must choose one of the following reset specifications: --to-datetime, --to-earliest, --to-latest.\nTo define the scope use --all-topics or --topic.\nFails if neither '--dry-run' nor '--execute' is specified.",
  },
  'delete-offsets': {
    help: 'Delete offsets of share group. Supports one share group at the time, and multiple topics.',
  },
  'dry-run': {
    help: 'Only show results without executing changes on share groups. Supported operations: reset-offsets.',
  },
  execute: { help: 'Execute operation. Supported operations: reset-offsets.' },
  'to-datetime': {
    argument: 'datetime',
    help: "Reset offsets to offset from datetime. Format: 'YYYY-MM-DDThh:mm:ss.sss'",
  },
  'to-earliest': { help: 'Reset offsets to earliest offset.' },
  'to-latest': { help: 'Reset offsets to latest offset.' },
  members: {
    help: "Describe members of the group. This option may be used with the '--describe' option only.",
  },
  offsets: {
    help: "Describe the group and list all topic partitions in the group along with their offset information. This is the default sub-action and may be used with the '--describe' option only.",
  },
  state: {
    argument: '',
    isOptional: true,
    help: "When specified with '--describe', includes the state of the group.\nWhen specified with '--list', it displays the state of all groups. It can also be used to list groups with specific states. Valid values are Empty, Stable and Dead.",
  },
  verbose: {
    help: "Provide additional information, if any, when describing the group. This option may be used with the '--describe' option only.",
  },
  help: { help: 'Print usage information.' },
  version: { help: 'Display Kafka version.' },
};
