/** The options of kafka-streams-groups. */
import type { OptionTable } from '../arguments/options.ts';

export const streamsGroupsOptions: OptionTable = {
  'bootstrap-server': { argument: 'server to connect to', help: 'REQUIRED: The server(s) to connect to.' },
  group: { argument: 'streams group', help: 'The streams group we wish to act on.' },
  'input-topic': {
    argument: 'topic',
    help: 'The input topic whose committed offset should be deleted or reset. In `reset-offsets` case, partitions can be specified using this format: `topic1:0,1,2`, where 0,1,2 are the partition to be included in the process. Multiple input topics can be specified. Supported operations: delete-offsets, reset-offsets.',
  },
  'all-input-topics': {
    help: 'Consider all source topics used in the topology of the group. Supported operations: delete-offsets, reset-offsets.',
  },
  list: { help: 'List all streams groups.' },
  describe: { help: 'Describe streams group and list offset lag related to given group.' },
  'all-groups': { help: 'Apply to all streams groups.' },
  delete: {
    help: 'Pass in groups to delete topic partition offsets and ownership information over the entire streams group. For instance --group g1 --group g2',
  },
  'delete-offsets': {
    help: 'Delete offsets of streams group. Supports one streams group at the time, and multiple topics.',
  },
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
  state: {
    argument: '',
    isOptional: true,
    help: "When specified with '--list', it displays the state of all groups. It can also be used to list groups with specific states. Valid values are Empty, NotReady, Stable, Assigning, Reconciling, and Dead.",
  },
  members: {
    help: "Describe members of the group. This option may be used with the '--describe' option only.",
  },
  offsets: {
    help: "Describe the group and list all topic partitions in the group along with their offset information.This is the default sub-action and may be used with the '--describe' option only.",
  },
  'reset-offsets': {
    help: "Reset offsets of streams group. The instances should be inactive.\nHas 2 execution options: --dry-run to plan which offsets to reset, and --execute to update the offsets.\nIf you use --execute, all internal topics linked to the group will also be deleted.\nYou must choose one of the following reset specifications: --to-datetime, --by-duration, --to-earliest, --to-latest, --shift-by, --from-file, --to-current, --to-offset.\nTo define the scope use --all-input-topics or --input-topic. One scope must be specified unless you use '--from-file'.\nFails if neither '--dry-run' nor '--execute' is specified.",
  },
  'to-offset': { argument: 'offset', type: 'Long', help: 'Reset offsets to a specific offset.' },
  'from-file': { argument: 'path to CSV file', help: 'Reset offsets to values defined in CSV file.' },
  'to-datetime': {
    argument: 'datetime',
    help: "Reset offsets to offset from datetime. Format: 'YYYY-MM-DDThh:mm:ss.sss'",
  },
  'by-duration': {
    argument: 'duration',
    help: "Reset offsets to offset by duration from current timestamp. Format: 'PnDTnHnMnS'",
  },
  'to-earliest': { help: 'Reset offsets to earliest offset.' },
  'to-latest': { help: 'Reset offsets to latest offset.' },
  'to-current': { help: 'Reset offsets to current offset.' },
  'shift-by': {
    argument: 'number-of-offsets',
    type: 'Long',
    help: "Reset offsets shifting current offset by 'n', where 'n' can be positive or negative.",
  },
  'delete-internal-topic': {
    argument: '',
    help: 'Delete specified internal topic of the streams group. Supported operations: reset-offsets.This option is applicable only when --execute is used.',
  },
  'delete-all-internal-topics': {
    help: 'Delete all internal topics linked to the streams group. Supported operations: reset-offsets, delete.With reset-offsets, this option is applicable only when --execute is used.',
  },
  verbose: {
    help: 'Use with --describe --state  to show group epoch and target assignment epoch.\nUse with --describe --members to show for each member the member epoch, target assignment epoch, current assignment, target assignment, and whether member is still using the classic rebalance protocol.\nUse with --describe --offsets  and --describe  to show leader epochs for each partition.',
  },
  'dry-run': {
    help: 'Only show results without executing changes on streams group. Supported operations: reset-offsets.',
  },
  execute: { help: 'Execute operation. Supported operations: reset-offsets.' },
  export: { help: 'Export operation execution to a CSV file. Supported operations: reset-offsets.' },
  help: { help: 'Print usage information.' },
  version: { help: 'Display Kafka version.' },
};
