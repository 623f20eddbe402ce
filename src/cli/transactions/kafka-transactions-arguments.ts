/** The subcommands and arguments of kafka-transactions. */
import type { Argument, ToolParser } from '../arguments/argparse.ts';

const topic: Argument = { flags: ['--topic'], isRequired: true, help: 'topic name' };
const partition: Argument = {
  flags: ['--partition'],
  isRequired: true,
  integer: 'Integer',
  help: 'partition number',
};
const newer = 'Brokers on versions 3.0 and above';
const older = 'Brokers on versions older than 3.0';

export const transactionsParser: ToolParser = {
  prog: 'kafka-transactions.sh',
  description:
    'This tool is used to analyze the transactional state of producers in the cluster. It can be used to detect and recover from hanging transactions.',
  commandWord: 'COMMAND',
  arguments: [
    {
      flags: ['-v', '--version'],
      kind: 'flag',
      help: 'show the version of this Kafka distribution and exit',
    },
    {
      flags: ['--command-config'],
      metavar: 'FILE',
      help: 'property file containing configs to be passed to admin client',
    },
    {
      flags: ['--bootstrap-server'],
      metavar: 'host:port',
      isRequired: true,
      help: 'hostname and port for the broker to connect to, in the form `host:port`  (multiple comma-separated entries can be given)',
    },
  ],
  subcommands: {
    list: {
      help: 'list transactions',
      arguments: [
        {
          flags: ['--duration-filter'],
          integer: 'Long',
          help: 'Duration (in millis) to filter by: if < 0, all transactions will be returned; otherwise, only transactions running longer than this duration will be returned',
        },
        {
          flags: ['--transactional-id-pattern'],
          help: 'Transactional id regular expression pattern to filter by',
        },
      ],
    },
    describe: {
      help: 'describe the state of an active transactional-id',
      description: 'Describe the state of an active transactional-id.',
      arguments: [{ flags: ['--transactional-id'], isRequired: true, help: 'transactional id' }],
    },
    'describe-producers': {
      help: 'describe the states of active producers for a topic partition',
      arguments: [
        {
          flags: ['--broker-id'],
          integer: 'Integer',
          help: 'optional broker id to describe the producer state on a specific replica',
        },
        topic,
        partition,
      ],
    },
    abort: {
      help: 'abort a hanging transaction (requires administrative privileges)',
      sectionNotes: {
        [newer]: 'For newer brokers, only the start offset of the transaction to be aborted is required',
        [older]: 'For older brokers, you must provide all of these arguments',
      },
      arguments: [
        topic,
        partition,
        {
          flags: ['--start-offset'],
          integer: 'Long',
          section: newer,
          help: 'start offset of the transaction to abort',
        },
        { flags: ['--producer-id'], integer: 'Long', section: older, help: 'producer id' },
        { flags: ['--producer-epoch'], integer: 'Short', section: older, help: 'producer epoch' },
        { flags: ['--coordinator-epoch'], integer: 'Integer', section: older, help: 'coordinator epoch' },
      ],
    },
    'find-hanging': {
      help: 'find hanging transactions',
      arguments: [
        { flags: ['--broker-id'], integer: 'Integer', help: 'broker id to search for hanging transactions' },
        {
          flags: ['--max-transaction-timeout'],
          integer: 'Integer',
          help: 'maximum transaction timeout in minutes to limit the scope of the search (15 minutes by default)',
        },
        {
          flags: ['--topic'],
          help: 'topic name to limit search to (required if --partition is specified)',
        },
        { flags: ['--partition'], integer: 'Integer', help: 'partition number' },
      ],
    },
    forceTerminateTransaction: {
      help: 'Force abort an ongoing transaction on transactionalId (requires administrative privileges)',
      description: 'Force abort an ongoing transaction on transactionalId',
      arguments: [{ flags: ['--transactionalId'], isRequired: true, help: 'transactional id' }],
    },
  },
};
