/** The options of kafka-reassign-partitions, and checks of their combinations. */
import { bracketed, checkRequired, type Options, type OptionTable } from '../arguments/options.ts';
import { ToolError } from '../tool.ts';

const reassignmentFormat = `{"partitions":
\t[{"topic": "foo",
\t  "partition": 1,
\t  "replicas": [1,2,3],
\t  "log_dirs": ["dir1","dir2","dir3"]
  }],
"version":1
}
`;
const topicsFormat = `{"topics":
\t[{"topic": "foo"},{"topic": "foo1"}],
"version":1
}
`;
const throttleHelp =
  'will be throttled to this value (bytes/sec). This option can be included with --execute when a reassignment is started, and it can be altered by resubmitting the current reassignment along with the --additional flag. The throttle rate should be at least 1 KB/s.';

export const reassignOptions: OptionTable = {
  additional: {
    help: 'Execute this reassignment in addition to any other ongoing ones. This option can also be used to change the throttle of an ongoing reassignment.',
  },
  'bootstrap-controller': {
    argument: 'bootstrap controller to connect to',
    isOptional: true,
    help: 'The controller to use for reassignment. By default, the tool will get the quorum controller. This option supports the actions --cancel and --list.',
  },
  'bootstrap-server': {
    argument: 'Server(s) to use for bootstrapping',
    isOptional: true,
    help: 'the server(s) to use for bootstrapping.',
  },
  'broker-list': {
    argument: 'brokerlist',
    help: 'The list of brokers to which the partitions need to be reassigned in the form "0,1,2". This is required if --topics-to-move-json-file is used to generate reassignment configuration',
  },
  cancel: { help: 'Cancel an active reassignment.' },
  'command-config': {
    argument: 'Admin client property file',
    help: 'Property file containing configs to be passed to Admin Client.',
  },
  'disable-rack-aware': { help: 'Disable rack aware replica assignment' },
  'disallow-replication-factor-change': {
    help: "Denies the ability to change a partition's replication factor as part of this reassignment through adding validation against it.",
  },
  execute: {
    help: 'Kick off the reassignment as specified by the --reassignment-json-file option.',
  },
  generate: {
    help: 'Generate a candidate partition reassignment configuration. Note that this only generates a candidate assignment, it does not execute it.',
  },
  help: { help: 'Print usage information.' },
  list: { help: 'List all active partition reassignments.' },
  'preserve-throttles': { help: 'Do not modify broker or topic throttles.' },
  'reassignment-json-file': {
    argument: 'manual assignment json file path',
    help: `The JSON file with the partition reassignment configurationThe format to use is - \n${reassignmentFormat}Note that "log_dirs" is optional. When it is specified, its length must equal the length of the replicas list. The value in this list can be either "any" or the absolution path of the log directory on the broker. If absolute log directory path is specified, the replica will be moved to the specified log directory on the broker.`,
  },
  'replica-alter-log-dirs-throttle': {
    argument: 'replicaAlterLogDirsThrottle',
    type: 'Long',
    default: '-1',
    help: `The movement of replicas between log directories on the same broker ${throttleHelp}`,
  },
  throttle: {
    argument: 'throttle',
    type: 'Long',
    default: '-1',
    help: `The movement of partitions between brokers ${throttleHelp}`,
  },
  timeout: {
    argument: 'timeout',
    type: 'Long',
    default: '10000',
    help: 'The maximum time in ms to wait for log directory replica assignment to begin.',
  },
  'topics-to-move-json-file': {
    argument: 'topics to reassign json file path',
    help: `Generate a reassignment configuration to move the partitions of the specified topics to the list of brokers specified by the --broker-list option. The format to use is - \n${topicsFormat}`,
  },
  verify: {
    help: 'Verify if the reassignment completed as specified by the --reassignment-json-file option. If there is a throttle engaged for the replicas specified, and the rebalance has completed, the throttle will be removed',
  },
  version: { help: 'Display Kafka version.' },
};

const actions = ['generate', 'execute', 'verify', 'cancel', 'list'] as const;
export type ReassignAction = (typeof actions)[number];

const required: Readonly<Record<ReassignAction, readonly string[]>> = {
  generate: ['topics-to-move-json-file', 'broker-list'],
  execute: ['reassignment-json-file'],
  verify: ['reassignment-json-file'],
  cancel: ['reassignment-json-file'],
  list: [],
};

const permitted: Readonly<Record<ReassignAction, readonly string[]>> = {
  generate: ['disable-rack-aware'],
  execute: [
    'additional',
    'throttle',
    'replica-alter-log-dirs-throttle',
    'timeout',
    'disallow-replication-factor-change',
  ],
  verify: ['preserve-throttles'],
  cancel: ['bootstrap-controller', 'preserve-throttles', 'timeout'],
  list: ['bootstrap-controller'],
};

/** Returns the action that the command line asks for. Throws, with Kafka's message, when options cannot be combined. */
export function checkReassignOptions(options: Options): ReassignAction {
  const chosen = actions.filter((name) => options.has(name));
  const [action] = chosen;
  if (action === undefined || chosen.length > 1) {
    const all = actions.map((name) => `--${name}`).join(', ');
    throw new ToolError(`Command must include exactly one action: ${all}`);
  }
  const [isServer, isController] = [options.has('bootstrap-server'), options.has('bootstrap-controller')];
  if (!isServer && !isController) {
    throw new ToolError('Please specify either --bootstrap-server or --bootstrap-controller');
  }
  if (isServer && isController) {
    throw new ToolError('Please specify only one of --bootstrap-server or --bootstrap-controller');
  }
  checkRequired(options, ...required[action]);
  const fine = [action, 'bootstrap-server', 'command-config', ...required[action], ...permitted[action]];
  const wrong = [...new Set(options.order)].find((name) => !fine.includes(name));
  if (wrong !== undefined) {
    throw new ToolError(`Option "${bracketed([wrong])}" can't be used with action "${bracketed([action])}"`);
  }
  return action;
}
